// SPDX-License-Identifier: GPL-2.0-only
//! Opening, closing, starting and stopping, and what the rest of the module asks the front.

use super::answer;
use crate::ffi::{Core, channel_id, size_in_bytes};
use crate::guard::{PANICKED, guard};
use crate::print::{Level, log};
use core::{slice, str};
use tx_isp_abi::vendor::Buffer;
use tx_isp_alloc::Strategy;
use tx_isp_alloc::negotiation::Margin;
use tx_isp_driver::Errno;
use tx_isp_driver::noise_reduction::MemoryOption;
use tx_isp_driver::vendor::answers::Answers;
use tx_isp_driver::vendor::channel::State;
use tx_isp_driver::vendor::front::Front;
use tx_isp_driver::vendor::queue::Time;
use tx_isp_driver::vendor::{Quirks, negotiation};

/// Bytes that C allocates for a [`Front`].
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_front_size() -> u32 {
    size_in_bytes::<Front>()
}

/// Makes a front in place: it is too large for the kernel's stack. 0, or -EINVAL with a line if `answers`
/// makes no sense.
///
/// # Safety
/// `front` points to [`tx_isp_front_size`] zero bytes, aligned for any type; `answers` points to `length`
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_front_create(
    front: *mut Front,
    memopt: u32,
    quirks: bool,
    answers: *const u8,
    length: u32,
) -> i32 {
    guard(PANICKED, || {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: by this function's contract.
        let text = unsafe { slice::from_raw_parts(answers, length) };
        let Some(answers) = str::from_utf8(text).ok().and_then(Answers::parse) else {
            log(
                Level::Error,
                format_args!(
                    "answers= is CALL=ANSWER,… with get-buf, sizeimage, reqbufs or qbuf, and error, N, -N or +N"
                ),
            );
            return Errno::Einval.to_return_value();
        };
        // SAFETY: by this function's contract. Zero bytes are a valid front: it is made of integers, of
        // enums that have a variant of value 0, and of options of such.
        let front = unsafe { &mut *front };
        let memory = match memopt {
            0 => MemoryOption::Full,
            _ => MemoryOption::Saving,
        };
        let quirks = if quirks { Quirks::Vendor } else { Quirks::None };
        front.reset(memory, quirks, answers);
        0
    })
}

/// `struct tx_isp_vendor_room`: how full the carve-out is, and what is to be kept free under the
/// hybrid strategy.
#[derive(Debug)]
#[repr(C)]
pub struct Room {
    strategy: u32,
    available: u32,
    reserved: u32,
    margin: u32,
    reserve: u32,
}

/// Decides how much memory GET_BUF asks for, and says so in the log where that is less than all.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_negotiate(front: &mut Front, core: &Core, room: &Room) {
    guard((), || {
        let strategy = Strategy::from_number(room.strategy).unwrap_or(Strategy::Client);
        let margin = Margin {
            factor: room.margin,
            reserve: room.reserve,
        };
        let now = negotiation::Room {
            available: room.available,
            reserved: room.reserved,
        };
        if front.negotiate(core, strategy, now, margin) == MemoryOption::Saving {
            log(
                Level::Info,
                format_args!(
                    "GET_BUF: available {}, announced {}: less is asked for ({})",
                    now.available,
                    now.reserved,
                    strategy.name()
                ),
            );
        }
    })
}

/// How many bytes the chip writes for a frame of a channel, whatever its client was told.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_written_bytes(front: &Front, core: &Core, channel: u32) -> u32 {
    guard(u32::MAX, || front.written_bytes(core, channel_id(channel)))
}

/// Begins to stop a channel, if it runs: tx_isp_core_stop_step() is to be called then, until it has
/// stopped.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_stop_begin(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
) -> bool {
    guard(false, || front.stop_begin(core, channel_id(channel)))
}

/// Whether QBUF would take that buffer, were its memory the client's: 0 or -EINVAL.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_check(front: &Front, channel: u32, buffer: &Buffer) -> i32 {
    guard(PANICKED, || {
        answer(front.check_buffer(channel_id(channel), buffer))
    })
}

/// Whether driver or chip have buffer `index`.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_holds(front: &Front, channel: u32, index: u32) -> bool {
    guard(false, || {
        front.channel(channel_id(channel)).queue().is_held(index)
    })
}

/// Whether the sensor is chosen, and so the noise reduction may have memory.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_is_selected(front: &Front) -> bool {
    guard(true, || front.is_selected())
}

/// Whether `/dev/tx-isp` is open once.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_is_last(front: &Front) -> bool {
    guard(false, || front.is_last())
}

/// `/dev/tx-isp` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_open(front: &mut Front) {
    guard((), || {
        front.open();
    })
}

/// `/dev/tx-isp` is closed.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_close(front: &mut Front, core: &mut Core) {
    guard((), || {
        answer(front.close(core));
    })
}

/// `/dev/framechanN` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_open(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
) -> i32 {
    guard(PANICKED, || {
        answer(front.channel_open(core, channel_id(channel)))
    })
}

/// `/dev/framechanN` is closed; `last` if nobody has it open any more.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_close(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
    last: bool,
) {
    guard((), || {
        answer(front.channel_close(core, channel_id(channel), last));
    })
}

/// Whether frames are asked for.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_runs(front: &Front, channel: u32) -> bool {
    guard(false, || {
        front.channel(channel_id(channel)).state() == State::Running
    })
}

/// Whether the ISP's channel runs for this front.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_channel_started(front: &Front, channel: u32) -> bool {
    guard(false, || front.channel(channel_id(channel)).is_started())
}

/// `/dev/isp-m0` is opened.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_tuning_open(front: &mut Front) -> i32 {
    guard(PANICKED, || answer(front.tuning_open()))
}

/// `/dev/isp-m0` is closed.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_tuning_close(front: &mut Front) {
    guard((), || {
        front.tuning_close();
    })
}

/// A frame is in a buffer of a channel: how many buffers are done with it, or a negative errno.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_finish(
    front: &mut Front,
    core: &mut Core,
    channel: u32,
    index: u32,
    intact: bool,
    time_ns: u64,
) -> i32 {
    guard(PANICKED, || {
        let time = Time::from_ns(time_ns);
        match front.finish(core, channel_id(channel), index, intact, time) {
            Ok(count) => i32::try_from(count).unwrap_or(i32::MAX),
            Err(failure) => answer(Err(failure)),
        }
    })
}

/// The ISP does not answer any more.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_abandon(front: &mut Front) {
    guard((), || {
        front.abandon();
    })
}
