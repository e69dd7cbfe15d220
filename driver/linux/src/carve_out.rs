// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the carve-out: where it is, its blocks and reservations.

use core::slice;
use tx_isp_abi::PhysAddr;
use tx_isp_alloc::carve_out::{CarveOut as CarveOutOf, Reservation};
use tx_isp_alloc::pool::{Client, GRANULE, Owner, PoolError};
use tx_isp_alloc::rmem::{self, RmemError};
use tx_isp_driver::{Errno, Error};

use crate::ffi::{run, size_in_bytes};
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

/// `struct tx_isp_pool_state`.
#[derive(Debug)]
#[repr(C)]
pub struct PoolState {
    total: u32,
    free: u32,
    pub(crate) largest: u32,
    reserved: u32,
}

/// The text of a name padded with zeros.
pub(crate) fn text(name: &[u8; Owner::LENGTH]) -> &str {
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
