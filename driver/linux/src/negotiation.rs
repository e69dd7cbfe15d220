// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the number of buffers that a queue gets, and by which strategy.

use core::slice;
use tx_isp_abi::Size;
use tx_isp_alloc::estimate;
use tx_isp_alloc::negotiation::{self, Grant, MAX_COUNT, Margin, Request};
use tx_isp_alloc::pool::Owner;
use tx_isp_alloc::{MemoryKind, Strategy};
use tx_isp_driver::{Errno, Error};

use crate::carve_out::{CarveOut, PoolState, text};
use crate::ffi::{failed, mistaken};
use crate::guard::{PANICKED, guard};
use crate::print::{Level, log};

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
            Err(error) => return failed("REQBUFS", Error::Pool(error)),
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
