// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about the sensor and the part of its picture that a channel shows.
//! tx_isp_rust.h declares each, with its locking.

use core::slice;
use tx_isp_abi::{Rectangle, Size, gain};

use crate::ffi::{Core, channel_id, run};
use crate::guard::{PANICKED, guard};

/// `struct tx_isp_sensor_limits`.
#[derive(Debug)]
#[repr(C)]
pub struct SensorLimits {
    max_exposure: u32,
    default_exposure: u32,
    max_gain: u32,
    min_fps: u32,
    max_fps: u32,
}

/// `struct tx_isp_rectangle`.
#[derive(Debug)]
#[repr(C)]
pub struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl From<Rectangle> for Part {
    fn from(part: Rectangle) -> Self {
        Self {
            left: part.left,
            top: part.top,
            width: part.size.width,
            height: part.size.height,
        }
    }
}

/// Stores the sensor's name with a final 0 in the `room` bytes at `name`.
///
/// # Safety
/// `name` points to `room` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_core_sensor_name(core: &Core, name: *mut u8, room: u32) {
    guard((), || {
        let room = usize::try_from(room).unwrap_or(0);
        // SAFETY: by this function's contract.
        let bytes = unsafe { slice::from_raw_parts_mut(name, room) };
        let length = core.sensor().name.len().min(room.saturating_sub(1));
        bytes.fill(0);
        bytes[..length].copy_from_slice(&core.sensor().name.as_bytes()[..length]);
    })
}

/// Seconds from one frame to the next, as a fraction.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_frame_interval(
    core: &Core,
    numerator: &mut u32,
    denominator: &mut u32,
) {
    guard((), || {
        (*numerator, *denominator) = core.frame_interval();
    })
}

/// Asks the sensor for that interval and stores the one that is reached.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_frame_interval(
    core: &mut Core,
    numerator: &mut u32,
    denominator: &mut u32,
) -> i32 {
    guard(PANICKED, || {
        run("set frame interval", || {
            core.set_frame_interval(*numerator, *denominator)?;
            (*numerator, *denominator) = core.frame_interval();
            Ok(())
        })
    })
}

/// What the sensor can do; gain in `unity` parts of one.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_sensor_limits(core: &Core, unity: u32, limits: &mut SensorLimits) {
    guard((), || {
        let sensor = core.sensor();
        let largest = gain::analogue(sensor.control.max_analogue_gain);
        *limits = SensorLimits {
            max_exposure: sensor.max_exposure(sensor.frame_length),
            default_exposure: sensor.control.default_exposure,
            max_gain: (largest >> 16).saturating_mul(unity),
            min_fps: sensor.min_fps,
            max_fps: sensor.max_fps,
        };
    })
}

/// The most lines that can be exposed at the frame length that is set.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_max_exposure(core: &Core) -> u32 {
    guard(0, || core.max_exposure())
}

/// Exposes for so many lines.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_exposure(core: &mut Core, lines: u32) -> i32 {
    guard(PANICKED, || {
        run("set exposure", || core.set_exposure(lines).map(drop))
    })
}

/// Amplifies by `gain` of `unity` parts.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_gain(core: &mut Core, gain: u32, unity: u32) -> i32 {
    guard(PANICKED, || {
        let factor = (u64::from(gain) << 16) / u64::from(unity.max(1));
        let factor = u32::try_from(factor).unwrap_or(u32::MAX);
        run("set gain", || core.set_gain(factor).map(drop))
    })
}

/// The order of the sensor's colour filters, as the value of the core's Bayer register.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_bayer_order(core: &Core) -> u32 {
    guard(0, || core.sensor().bayer as u32)
}

/// The sensor's whole picture.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_sensor_size(core: &Core, size: &mut Part) {
    guard((), || {
        *size = Rectangle::whole(core.sensor().size).into();
    })
}

/// The part of the sensor's picture that a channel shows.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_source(core: &Core, channel: u32, source: &mut Part) {
    guard((), || {
        *source = core.source(channel_id(channel)).into();
    })
}

/// Replaces `source` by the nearest part that a channel can show.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_nearest_source(core: &Core, channel: u32, source: &mut Part) {
    guard((), || {
        let wanted = Rectangle {
            left: source.left,
            top: source.top,
            size: Size::new(source.width, source.height),
        };
        *source = core.nearest_source(channel_id(channel), wanted).into();
    })
}

/// Shows the part nearest to what is asked for, and stores which that is.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_source(core: &mut Core, channel: u32, source: &mut Part) -> i32 {
    guard(PANICKED, || {
        run("set selection", || {
            let wanted = Rectangle {
                left: source.left,
                top: source.top,
                size: Size::new(source.width, source.height),
            };
            *source = core.set_source(channel_id(channel), wanted)?.into();
            Ok(())
        })
    })
}
