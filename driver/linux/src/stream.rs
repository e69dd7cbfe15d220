// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about buffers and streams: buffers go to a channel and come back, channels
//! start and stop, interrupts are handled.

use core::slice;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::core_error_cause;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::interrupt::{InterruptReport, MAX_COMPLETED};

use crate::ffi::{Core, channel_id, failed, run};
use crate::guard::{PANICKED, guard};
use crate::print::{Level, log};

/// `struct tx_isp_completed`.
#[derive(Debug)]
#[repr(C)]
pub struct CompletedBuffer {
    channel: u32,
    index: u32,
    sequence: u32,
    intact: u32,
}

/// TX_ISP_MAX_COMPLETED of tx_isp_rust.h: a change here without one there must not build.
const _: () = assert!(MAX_COMPLETED == 15);

/// The length of C's array of [`CompletedBuffer`]s.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_max_completed() -> u32 {
    u32::try_from(MAX_COMPLETED).unwrap_or(u32::MAX)
}

/// Notes that a buffer is about to be queued on a channel: it must not overlap another that is.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_prepare(
    core: &mut Core,
    channel: u32,
    index: u32,
    address: u32,
) -> i32 {
    guard(PANICKED, || {
        run("queue", || {
            core.prepare(
                channel_id(channel),
                Buffer {
                    index,
                    address: PhysAddr(address),
                },
            )
        })
    })
}

/// Forgets a buffer that is the client's again.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_release(core: &mut Core, channel: u32, index: u32) {
    guard((), || {
        core.release(channel_id(channel), index);
    })
}

/// Hands buffer `index` at physical `address` to a channel.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_queue(
    core: &mut Core,
    channel: u32,
    index: u32,
    address: u32,
) -> i32 {
    guard(PANICKED, || {
        run("queue", || {
            core.queue(
                channel_id(channel),
                Buffer {
                    index,
                    address: PhysAddr(address),
                },
            )
        })
    })
}

/// Starts a channel.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_stream_on(core: &mut Core, channel: u32) -> i32 {
    guard(PANICKED, || {
        run("stream on", || core.stream_on(channel_id(channel)))
    })
}

/// Begins to stop a channel. One that the loss of the backend has stopped already is no error.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_stop_begin(core: &mut Core, channel: u32) {
    guard((), || {
        // What is not streaming needs no stop.
        let _ = core.stop_begin(channel_id(channel));
    })
}

/// Goes on with a channel's stop: whether it is to be called again. What the hardware did wrong is said
/// in the log.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_stop_step(core: &mut Core, channel: u32) -> bool {
    guard(false, || {
        let Some(stopped) = core.stop_step(channel_id(channel)) else {
            return true;
        };
        run("stream off", || stopped);
        false
    })
}

/// Whether the hardware may still write to part of a buffer.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_may_write(core: &Core, address: u32, bytes: u32) -> bool {
    guard(true, || core.may_write(PhysAddr(address), bytes))
}

/// Takes back the buffers of a channel that did not start.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_take_back(core: &mut Core, channel: u32) {
    guard((), || {
        core.take_back(channel_id(channel));
    })
}

/// Handles an interrupt: stores the finished buffers in `done` and returns their number.
///
/// # Safety
/// `done` points to room for [`tx_isp_max_completed`] entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_interrupt(core: &mut Core, done: *mut CompletedBuffer) -> i32 {
    guard(0, || {
        let report = match core.handle_interrupt() {
            Ok(report) => report,
            // The watchdog deals with it.
            Err(error) => {
                failed("interrupt", error);
                return 0;
            }
        };
        // SAFETY: by this function's contract.
        unsafe { hand_over(&report, done) }
    })
}

/// Finds frames whose interrupt was lost and starts a stalled ISP anew; `now` is in nanoseconds and
/// only rises. Stores and returns what [`tx_isp_core_interrupt`] does, or a negative errno: every
/// stream has ended.
///
/// # Safety
/// `done` points to room for [`tx_isp_max_completed`] entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_check(
    core: &mut Core,
    now: u64,
    done: *mut CompletedBuffer,
) -> i32 {
    guard(PANICKED, || {
        let before = core.health();
        let report = match core.check(now) {
            Ok(report) => report,
            Err(error) => return failed("watchdog", error),
        };
        let after = core.health();
        if after.recoveries != before.recoveries {
            log(
                Level::Warning,
                format_args!("the ISP was out of reach: it was reset, and streams go on"),
            );
        } else if after.restarts != before.restarts {
            log(
                Level::Warning,
                format_args!("no frame came for seconds: the ISP was started anew"),
            );
        }
        // SAFETY: by this function's contract.
        unsafe { hand_over(&report, done) }
    })
}

/// Says what went wrong and stores the finished buffers.
///
/// # Safety
/// `done` points to room for [`tx_isp_max_completed`] entries.
unsafe fn hand_over(report: &InterruptReport, done: *mut CompletedBuffer) -> i32 {
    warn_of_errors(report);
    // SAFETY: by this function's contract.
    let done = unsafe { slice::from_raw_parts_mut(done, MAX_COMPLETED) };
    for (entry, completed) in done.iter_mut().zip(report.completed.as_slice()) {
        *entry = CompletedBuffer {
            channel: completed.channel.number(),
            index: completed.index,
            sequence: completed.sequence,
            intact: u32::from(completed.intact),
        };
    }
    i32::try_from(report.completed.len()).unwrap_or(i32::MAX)
}

fn warn_of_errors(report: &InterruptReport) {
    if report.core_errors != 0 || report.vic_errors != [0; 2] {
        log(
            Level::Warning,
            format_args!(
                "errors: core {:#010x}, VIC {:#010x} {:#010x}",
                report.core_errors, report.vic_errors[0], report.vic_errors[1]
            ),
        );
        if let Some(cause) = core_error_cause(report.core_errors) {
            log(
                Level::Warning,
                format_args!(
                    "core: status {:#x}, detail {:#x} (84c, its coding is open): {cause}",
                    report.core_errors, report.core_detail
                ),
            );
        }
    }
    if report.silenced {
        log(
            Level::Warning,
            format_args!("these errors do not end; they are masked until the next start"),
        );
    }
    if report.unmatched != 0 {
        log(
            Level::Warning,
            format_args!(
                "{} frames went to addresses that were not queued",
                report.unmatched
            ),
        );
    }
}
