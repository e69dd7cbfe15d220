// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about memory. tx_isp.h declares each, with its locking.

use core::slice;
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_alloc::carve_out::{CarveOut as CarveOutOf, Reservation};
use tx_isp_alloc::estimate;
use tx_isp_alloc::negotiation::{self, Grant, MAX_COUNT, Margin, Request};
use tx_isp_alloc::pool::{Client, GRANULE, Owner, PoolError};
use tx_isp_alloc::rmem::{self, RmemError};
use tx_isp_alloc::{MemoryKind, Strategy};
use tx_isp_driver::{Errno, Error};

use crate::ffi::{mistaken, run, size_in_bytes};
use crate::guard::{PANICKED, guard};
use crate::print::{Level, log};

/// The carve-out; more blocks and reservations than a camera's client ever has.
pub type CarveOut = CarveOutOf<1024, 64>;

/// Entries of the table that clients leave to the driver's own buffers.
const KEPT_BLOCKS: usize = 128;

/// `struct tx_isp_range`.
#[derive(Debug)]
#[repr(C)]
pub struct Range {
    base: u32,
    bytes: u32,
}

/// `struct tx_isp_block`.
#[derive(Debug)]
#[repr(C)]
pub struct BlockState {
    address: u32,
    bytes: u32,
    owner: [u8; Owner::LENGTH],
    client: u32,
    used: u32,
}

/// `struct tx_isp_owner`.
#[derive(Debug)]
#[repr(C)]
pub struct OwnerName {
    name: [u8; Owner::LENGTH],
    client: u32,
}

/// `struct tx_isp_request`: what REQBUFS asks for, and by which rules it is answered.
#[derive(Debug)]
#[repr(C)]
pub struct BufferRequest {
    strategy: u32,
    margin: u32,
    reserve: u32,
    count: u32,
    bytes: u32,
    alignment: u32,
    owner: [u8; Owner::LENGTH],
}

/// `struct tx_isp_pool_state`.
#[derive(Debug)]
#[repr(C)]
pub struct PoolState {
    total: u32,
    free: u32,
    largest: u32,
    reserved: u32,
}

/// The text of a name padded with zeros.
fn text(name: &[u8; Owner::LENGTH]) -> &str {
    let end = name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(Owner::LENGTH);
    core::str::from_utf8(&name[..end]).unwrap_or("?")
}

fn padded(name: &str) -> [u8; Owner::LENGTH] {
    let mut bytes = [0; Owner::LENGTH];
    let length = name.len().min(Owner::LENGTH);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    bytes
}

impl OwnerName {
    fn owner(&self) -> Owner {
        Owner::new(text(&self.name)).of(Client(self.client))
    }
}

/// What `/dev/rmem` calls no particular alignment.
const fn or_granule(alignment: u32) -> u32 {
    if alignment == 0 { GRANULE } else { alignment }
}

/// Finds the carve-out on a command line: 1, 0 if there is none, or a negative errno.
///
/// # Safety
/// `command_line` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_rmem_parse(
    command_line: *const u8,
    length: u32,
    range: &mut Range,
) -> i32 {
    guard(PANICKED, || {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: by this function's contract.
        let bytes = unsafe { slice::from_raw_parts(command_line, length) };
        let parsed = core::str::from_utf8(bytes)
            .map_err(|_| RmemError::Syntax)
            .and_then(rmem::parse);
        let why = match parsed {
            Ok(None) => return 0,
            Ok(Some(carve_out)) => {
                *range = Range {
                    base: carve_out.base.0,
                    bytes: carve_out.bytes,
                };
                return 1;
            }
            Err(RmemError::Syntax) => "must be SIZE@BASE, for example 29M@0x6300000",
            Err(RmemError::Range) => "is empty or ends beyond 4 GiB",
        };
        log(Level::Error, format_args!("rmem= {why}"));
        Errno::Einval.to_return_value()
    })
}

/// The number of the strategy of that name, or a negative errno.
///
/// # Safety
/// `name` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_strategy_parse(name: *const u8, length: u32) -> i32 {
    guard(PANICKED, || {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: by this function's contract.
        let bytes = unsafe { slice::from_raw_parts(name, length) };
        let name = core::str::from_utf8(bytes).unwrap_or("?");
        match Strategy::from_name(name) {
            Some(strategy) => i32::try_from(strategy as u32).unwrap_or(i32::MAX),
            None => {
                log(
                    Level::Error,
                    format_args!("strategy={name} is unknown: there are driver, client and hybrid"),
                );
                Errno::Einval.to_return_value()
            }
        }
    })
}

/// Whether a strategy serves scattered user memory through a buffer of the pool.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_strategy_bounces(strategy: u32) -> bool {
    guard(false, || {
        Strategy::from_number(strategy).is_some_and(Strategy::bounces)
    })
}

/// Whether REQBUFS accepts a memory type, by its number in the V4L2 header.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_strategy_accepts(strategy: u32, memory: u32) -> bool {
    guard(false, || {
        let kind = match memory {
            1 => MemoryKind::Mmap,
            2 => MemoryKind::UserPtr,
            4 => MemoryKind::DmaBuf,
            _ => return false,
        };
        Strategy::from_number(strategy).is_some_and(|strategy| strategy.accepts(kind))
    })
}

/// Bytes that C allocates for a [`CarveOut`].
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_size() -> u32 {
    size_in_bytes::<CarveOut>()
}

/// Makes a carve-out of a range, in place: it is too large for the kernel's stack.
///
/// # Safety
/// `carve_out` points to [`tx_isp_carve_out_size`] zero bytes, aligned for any type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_carve_out_create(carve_out: *mut CarveOut, range: &Range) {
    guard((), || {
        // SAFETY: by this function's contract. Zero bytes are a valid carve-out: it is made of integers,
        // and of options of such, where a zero tag is one of the two variants.
        let carve_out = unsafe { &mut *carve_out };
        carve_out.reset(PhysAddr(range.base), range.bytes);
    })
}

/// How full the pool is.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_state(carve_out: &CarveOut, state: &mut PoolState) {
    guard((), || {
        let reserved = carve_out
            .reservations()
            .iter()
            .map(|reservation| reservation.bytes);
        *state = PoolState {
            total: carve_out.pool().total(),
            free: carve_out.pool().free_bytes(),
            largest: carve_out.pool().largest_free_run(),
            reserved: reserved.fold(0, u32::saturating_add),
        };
    })
}

impl BufferRequest {
    fn strategy(&self) -> Strategy {
        Strategy::from_number(self.strategy).unwrap_or_else(|| mistaken("strategy", self.strategy))
    }

    const fn margin(&self) -> Margin {
        Margin {
            factor: self.margin,
            reserve: self.reserve,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            count: self.count,
            bytes: self.bytes,
            alignment: self.alignment,
            owner: text(&self.owner),
        }
    }
}

/// Decides how many buffers a queue gets, and says so in the log: their number, or -ENOMEM.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_decide(carve_out: &mut CarveOut, wanted: &BufferRequest) -> i32 {
    guard(PANICKED, || {
        let request = wanted.request();
        let (grant, policy) =
            negotiation::grant(wanted.strategy(), wanted.margin(), carve_out, &request);
        say(&request, &grant, wanted.strategy(), policy);
        if grant.count == 0 {
            return Errno::Enomem.to_return_value();
        }
        i32::try_from(grant.count).unwrap_or(i32::MAX)
    })
}

/// Takes the buffers that were decided on, as far as they still can be had: the number of addresses
/// stored, or -ENOMEM.
///
/// # Safety
/// `addresses` points to room for as many addresses as videobuf2 allows buffers (32).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_carve_out_grant(
    carve_out: &mut CarveOut,
    wanted: &BufferRequest,
    addresses: *mut u32,
) -> i32 {
    guard(PANICKED, || {
        let request = wanted.request();
        let (grant, _) =
            negotiation::grant(wanted.strategy(), wanted.margin(), carve_out, &request);
        if grant.count == 0 {
            return Errno::Enomem.to_return_value();
        }
        let taken = match carve_out.take(&request, &grant) {
            Ok(taken) => taken,
            Err(error) => return crate::ffi::failed("REQBUFS", Error::Pool(error)),
        };
        // SAFETY: by this function's contract.
        let addresses = unsafe { slice::from_raw_parts_mut(addresses, MAX_COUNT as usize) };
        for (slot, address) in addresses.iter_mut().zip(taken.as_slice()) {
            *slot = address.0;
        }
        i32::try_from(taken.len()).unwrap_or(i32::MAX)
    })
}

fn say(request: &Request<'_>, grant: &Grant, strategy: Strategy, policy: &str) {
    log(
        Level::Info,
        format_args!(
            "REQBUFS {}: asked {} x {}, available {}, granted {}: {} ({} by {policy})",
            request.owner,
            request.count,
            request.bytes,
            grant.available,
            grant.count,
            grant.reason,
            strategy.name(),
        ),
    );
}

/// Decides how many buffers a queue gets from system memory, where `available` could be had, and says
/// so in the log.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_grant_coherent(wanted: &BufferRequest, available: u32) -> i32 {
    guard(PANICKED, || {
        let count = negotiation::from_system_memory(
            wanted.strategy(),
            wanted.margin(),
            wanted.count,
            wanted.bytes,
            available,
        );
        log(
            Level::Info,
            format_args!(
                "REQBUFS: asked {} x {} of system memory, available {available}, granted {count}",
                wanted.count, wanted.bytes
            ),
        );
        if count == 0 {
            return Errno::Enomem.to_return_value();
        }
        i32::try_from(count).unwrap_or(i32::MAX)
    })
}

/// Bytes of a buffer for a picture of that format.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_buffer_bytes(fourcc: u32, width: u32, height: u32) -> u32 {
    guard(0, || {
        estimate::buffer_bytes(fourcc, Size::new(width, height))
    })
}

/// Whether a queue of buffers of `bytes` would be granted less than it asks for.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_is_pressure(
    state: &PoolState,
    margin: u32,
    reserve: u32,
    bytes: u32,
) -> bool {
    guard(false, || {
        Margin {
            factor: margin,
            reserve,
        }
        .is_pressure(state.largest, bytes)
    })
}

/// Takes one block for a client, without negotiation. A pool that is too small is no news for the log:
/// whoever asked says so.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_allocate(
    carve_out: &mut CarveOut,
    bytes: u32,
    alignment: u32,
    owner: &OwnerName,
    address: &mut u32,
) -> i32 {
    guard(PANICKED, || {
        let used = carve_out.pool().blocks().len();
        if owner.client != Client::DRIVER.0 && used + KEPT_BLOCKS > carve_out.pool().capacity() {
            log(
                Level::Warning,
                format_args!("rmem: {used} blocks are as many as clients may have; free some"),
            );
            return Error::Pool(PoolError::TooManyBlocks)
                .errno()
                .to_return_value();
        }
        match carve_out.allocate(bytes, or_granule(alignment), owner.owner()) {
            Ok(allocated) => {
                *address = allocated.0;
                0
            }
            Err(error) => Error::Pool(error).errno().to_return_value(),
        }
    })
}

/// Gives a block back.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_free(carve_out: &mut CarveOut, address: u32) -> i32 {
    guard(PANICKED, || {
        run("rmem", || {
            carve_out.free(PhysAddr(address))?;
            Ok(())
        })
    })
}

/// Announces a block, or forgets what was announced.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_reserve(
    carve_out: &mut CarveOut,
    bytes: u32,
    alignment: u32,
    owner: &OwnerName,
) -> i32 {
    guard(PANICKED, || {
        let alignment = or_granule(alignment);
        if !alignment.is_power_of_two() {
            return Error::Pool(PoolError::Alignment(alignment))
                .errno()
                .to_return_value();
        }
        if bytes == 0 {
            carve_out.cancel(Client(owner.client), text(&owner.name));
            return 0;
        }
        let total = carve_out.pool().total();
        if bytes > total || alignment > total {
            log(
                Level::Warning,
                format_args!(
                    "rmem: a reservation of {bytes} bytes exceeds the carve-out's {total}"
                ),
            );
            return Errno::Einval.to_return_value();
        }
        let reservation = Reservation {
            owner: owner.owner(),
            bytes,
            alignment,
        };
        match carve_out.reserve(reservation) {
            Ok(()) => 0,
            Err(_) => Errno::Enobufs.to_return_value(),
        }
    })
}

/// A client is gone: its blocks and reservations go.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_release(carve_out: &mut CarveOut, client: u32) {
    guard((), || {
        carve_out.release(Client(client));
    })
}

/// Stores block number `index`; 1, or 0 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_block(
    carve_out: &CarveOut,
    index: u32,
    block: &mut BlockState,
) -> i32 {
    guard(0, || {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(found) = carve_out.pool().blocks().get(index) else {
            return 0;
        };
        *block = BlockState {
            address: found.address.0,
            bytes: found.bytes,
            owner: found
                .owner
                .map_or([0; Owner::LENGTH], |owner| padded(owner.as_str())),
            client: found.owner.map_or(0, |owner| owner.client().0),
            used: u32::from(found.owner.is_some()),
        };
        1
    })
}

/// Stores reservation number `index`; 1, or 0 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_carve_out_reservation(
    carve_out: &CarveOut,
    index: u32,
    block: &mut BlockState,
) -> i32 {
    guard(0, || {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(found) = carve_out.reservations().get(index) else {
            return 0;
        };
        *block = BlockState {
            address: 0,
            bytes: found.bytes,
            owner: padded(found.owner.as_str()),
            client: found.owner.client().0,
            used: 0,
        };
        1
    })
}
