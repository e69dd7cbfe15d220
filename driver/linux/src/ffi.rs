// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the ISP. tx_isp.h declares each, with its locking.

use core::mem::size_of;
use core::slice;
use tx_isp_abi::channel::{ChannelId, HEIGHT_STEP, MIN_SIZE, WIDTH_STEP};
use tx_isp_abi::format::{ChromaStart, FrameLayout, PixelFormat};
use tx_isp_abi::registers::core_error_cause;
use tx_isp_abi::sensor::{GC2053, SENSORS, Sensor};
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_driver::Error;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::interrupt::{InterruptReport, MAX_COMPLETED};
use tx_isp_driver::isp::Isp;

use crate::chip_bus::ChipBus;
use crate::guard::{PANICKED, guard};
use crate::mailbox::{Mailbox, Transport};
use crate::platform::{Platform, Registers};
use crate::print::{Level, log};

/// The state that C allocates and passes around.
pub type Core = Isp<ChipBus>;
/// The sensor that is taken to be on the board where none says its name.
const SENSOR: Sensor = GC2053;

/// `struct tx_isp_layout`.
#[derive(Debug)]
#[repr(C)]
pub struct Layout {
    fourcc: u32,
    width: u32,
    height: u32,
    bytesperline: u32,
    sizeimage: u32,
}

/// `struct tx_isp_limits`.
#[derive(Debug)]
#[repr(C)]
pub struct Limits {
    min_width: u32,
    max_width: u32,
    step_width: u32,
    min_height: u32,
    max_height: u32,
    step_height: u32,
}

/// `struct tx_isp_completed`.
#[derive(Debug)]
#[repr(C)]
pub struct CompletedBuffer {
    channel: u32,
    index: u32,
    sequence: u32,
    intact: u32,
}

impl From<FrameLayout> for Layout {
    fn from(layout: FrameLayout) -> Self {
        Self {
            fourcc: layout.format.fourcc(),
            width: layout.size.width,
            height: layout.size.height,
            bytesperline: layout.y_stride,
            sizeimage: layout.sizeimage,
        }
    }
}

/// Says in the log what failed; the errno for C.
pub(crate) fn failed(what: &str, error: Error) -> i32 {
    log(Level::Error, format_args!("{what}: {error}"));
    error.errno().to_return_value()
}

/// Runs a fallible action; 0, or the negative errno with a line in the log.
pub(crate) fn run(what: &str, action: impl FnOnce() -> Result<(), Error>) -> i32 {
    match action() {
        Ok(()) => 0,
        Err(error) => failed(what, error),
    }
}

/// C's channel numbers come from its table of nodes, which has as many entries as there are channels:
/// another is a mistake of the driver's own.
pub(crate) fn channel_id(channel: u32) -> ChannelId {
    ChannelId::new(channel).unwrap_or_else(|_| mistaken("channel", channel))
}

/// C has passed a number that it cannot have: the device goes out of order rather than do something that
/// nobody has asked for.
pub(crate) fn mistaken(what: &str, number: u32) -> ! {
    panic!("C passed {what} {number}, which there is none of")
}

pub(crate) fn size_in_bytes<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}

/// Bytes that C allocates for a [`Core`].
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_size() -> u32 {
    size_in_bytes::<Core>()
}

/// TX_ISP_MAX_COMPLETED of tx_isp.h: a change here without one there must not build.
const _: () = assert!(MAX_COMPLETED == 15);

/// The length of C's array of [`CompletedBuffer`]s.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_max_completed() -> u32 {
    u32::try_from(MAX_COMPLETED).unwrap_or(u32::MAX)
}

/// Fills `core` for the ISP behind `transport`.
///
/// # Safety
/// `core` has room for [`tx_isp_core_size`] bytes, aligned for any type; `transport` is started and
/// outlives `core`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_probe(core: *mut Core, transport: *mut Transport) -> i32 {
    guard(PANICKED, || {
        run("probe", || {
            // SAFETY: by this function's contract.
            let mut mailbox = unsafe { Mailbox::new(transport) };
            let identity = mailbox.identify()?;
            // SAFETY: by this function's contract.
            let core = unsafe { place(core, ChipBus::Mailbox(mailbox)) };
            core.identify()?;
            find_sensor(core)?;
            let sensor = core.sensor();
            log(
                Level::Info,
                format_args!(
                    "ISP of SoC {:#010x} behind mailbox version {}, sensor {} {}",
                    identity.soc_id, identity.version, sensor.name, sensor.size
                ),
            );
            Ok(())
        })
    })
}

/// Fills `core` for the ISP of a platform device.
///
/// # Safety
/// As [`tx_isp_core_probe`], for `platform`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_probe_platform(
    core: *mut Core,
    platform: *mut Platform,
) -> i32 {
    guard(PANICKED, || {
        run("probe", || {
            // SAFETY: by this function's contract.
            let core = unsafe { place(core, ChipBus::Registers(Registers::new(platform))) };
            core.identify()?;
            find_sensor(core)?;
            let sensor = core.sensor();
            log(
                Level::Info,
                format_args!(
                    "ISP of a T31 at its own addresses, sensor {} {}",
                    sensor.name, sensor.size
                ),
            );
            Ok(())
        })
    })
}

/// Whether the ISP runs, so that an interrupt may be its.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_is_running(core: &Core) -> bool {
    guard(false, || core.is_running())
}

/// How many interrupts of the running ISP found nothing to do.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_empty_interrupts(core: &Core) -> u32 {
    guard(0, || core.empty_interrupts())
}

/// Asks the sensor for its name. One that does not answer, or is none that is known, is no reason to give up:
/// its frames may still fit.
fn find_sensor(core: &mut Core) -> Result<(), Error> {
    match core.find_sensor(SENSORS) {
        Err(error @ (Error::NoSensor | Error::UnknownSensor(_))) => {
            log(
                Level::Warning,
                format_args!("{error}; taken for {}, known are:", SENSOR.name),
            );
            for known in SENSORS {
                let [first, second] = known.control.id;
                log(
                    Level::Warning,
                    format_args!(
                        "  {} {} at I2C {:#x}, id {:02x}{:02x}",
                        known.name, known.size, known.control.target, first.1, second.1
                    ),
                );
            }
            Ok(())
        }
        other => other,
    }
}

/// Makes a core in C's memory. A function of its own: what it needs of the stack, half of the kernel's
/// eight kilobytes, is given back before anybody is asked anything.
///
/// # Safety
/// As [`tx_isp_core_probe`].
#[inline(never)]
unsafe fn place<'a>(core: *mut Core, bus: ChipBus) -> &'a mut Core {
    // SAFETY: by this function's contract.
    unsafe {
        core.write(Isp::new(bus, SENSOR));
        &mut *core
    }
}

/// Ends every stream, whatever it takes.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_shut_down(core: &mut Core) {
    guard((), || {
        core.shut_down();
    })
}

/// Asks the backend for a sign of life.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_ping(core: &mut Core) {
    guard((), || {
        run("the ISP is silent", || core.ping());
    })
}

/// Stores a register that only keeps its value so many times, after a load of it; nobody waits for the
/// stores.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_store_straps(core: &mut Core, times: u32) -> i32 {
    guard(PANICKED, || {
        run("stores of the straps", || core.store_straps(times))
    })
}

/// The fourcc of format number `index`; 0 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_format(index: u32) -> u32 {
    guard(0, || {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        PixelFormat::ALL
            .get(index)
            .map_or(0, |format| format.fourcc())
    })
}

/// Whether a format has red, green and blue, and no chroma.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_is_rgb(fourcc: u32) -> bool {
    guard(false, || {
        PixelFormat::from_fourcc(fourcc).is_some_and(PixelFormat::is_rgb)
    })
}

/// The sizes that a channel can write.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_limits(core: &Core, channel: u32, limits: &mut Limits) {
    guard((), || {
        let largest = Size::new(u32::MAX, u32::MAX);
        let largest = core
            .nearest_layout(channel_id(channel), PixelFormat::Nv12, largest)
            .size;
        *limits = Limits {
            min_width: MIN_SIZE.width,
            max_width: largest.width,
            step_width: WIDTH_STEP,
            min_height: MIN_SIZE.height,
            max_height: largest.height,
            step_height: HEIGHT_STEP,
        };
    })
}

/// The layout of a channel's pictures.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_layout(core: &Core, channel: u32, layout: &mut Layout) {
    guard((), || {
        *layout = core.layout(channel_id(channel)).into();
    })
}

/// Replaces what `layout` asks for by the nearest that the channel can do.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_nearest(core: &Core, channel: u32, layout: &mut Layout) {
    guard((), || {
        let format = PixelFormat::from_fourcc(layout.fourcc).unwrap_or(PixelFormat::Nv12);
        let size = Size::new(layout.width, layout.height);
        *layout = core
            .nearest_layout(channel_id(channel), format, size)
            .into();
    })
}

/// Sets the layout of a channel's pictures.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_layout(core: &mut Core, channel: u32, layout: &Layout) -> i32 {
    guard(PANICKED, || {
        run("set format", || {
            // What C passes has been through the function before this one.
            let format = PixelFormat::from_fourcc(layout.fourcc)
                .unwrap_or_else(|| mistaken("fourcc", layout.fourcc));
            core.set_layout(
                channel_id(channel),
                format,
                Size::new(layout.width, layout.height),
            )
        })
    })
}

/// Sets whether the chroma plane begins behind a multiple of 16 lines, as the vendor's does.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_align_chroma(core: &mut Core, channel: u32, aligned: bool) -> i32 {
    guard(PANICKED, || {
        let start = if aligned {
            ChromaStart::Aligned
        } else {
            ChromaStart::Adjoining
        };
        run("place chroma", || {
            core.set_chroma_start(channel_id(channel), start)
        })
    })
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
