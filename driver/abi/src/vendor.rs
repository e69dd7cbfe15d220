// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's device nodes: ioctl numbers and the layouts of their arguments (T31 3, corrected by
//! part 2).
//!
//! Programs are linked for a 32-bit little-endian MIPS, whose ioctl numbers hold the direction in bits
//! 31:29. Everything is 32 bits wide there, time stamps included.

mod ioctls;

pub use ioctls::*;

use core::mem::{offset_of, size_of};

/// Longest path of a parameter file, with its final 0 (T31 3.3).
pub const BIN_PATH_BYTES: usize = 0x40;
/// Longest name of a sensor, with its final 0.
pub const NAME_BYTES: usize = 32;

/// A sensor on a bus (T31 7.1, 2e.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SensorInfo {
    /// By what name it is released.
    pub name: [u8; NAME_BYTES],
    /// [`CBUS_I2C`] or 2 for SPI.
    pub cbus: u32,
    /// The I2C driver's name.
    pub i2c_type: [u8; 20],
    /// The I2C address, in the lower half.
    pub i2c_address: u32,
    /// The I2C bus.
    pub i2c_adapter: u32,
    /// SPI's words, then pins: for the sensors' modules.
    pub rest: [u32; 4],
}

/// [`SensorInfo::cbus`] of a sensor on I2C.
pub const CBUS_I2C: u32 = 1;

/// A sensor that can be chosen. The rest of the 0x50 bytes is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct InputInfo {
    /// Which one; the client sets it.
    pub index: u32,
    /// Its name.
    pub name: [u8; NAME_BYTES],
    /// As [`SensorInfo::cbus`].
    pub cbus: u32,
    /// Not used.
    pub rest: [u32; 10],
}

/// A piece of the carve-out for the ISP itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct IspBuffer {
    /// Physical address.
    pub address: u32,
    /// Bytes.
    pub bytes: u32,
}

/// A register of the sensor, as V4L2's debug calls have it. Its words of 64 bits lie on multiples of 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SensorRegister {
    /// As [`SensorInfo::cbus`]; the driver does not look at it.
    pub cbus: u32,
    /// The sensor's name; the driver does not look at it.
    pub name: [u8; NAME_BYTES],
    /// Bytes of the register; the driver does not look at it.
    pub bytes: u32,
    /// Its number, lower word first.
    pub register: [u32; 2],
    /// Its value, lower word first.
    pub value: [u32; 2],
}

/// The words of sensor pins that [`GPIO_INIT`] and [`SET_GPIO`] hand over; what they mean is the
/// business of sensors' modules.
pub const GPIO_BYTES: usize = 0x2a;

/// Which frames a channel keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct DropRule {
    /// Whether any is left out.
    pub enabled: u32,
    /// In the lower byte, how many frames a cycle has, less one: at most 31.
    pub period: u32,
    /// Bit n keeps frame n of the cycle.
    pub mask: u32,
}

/// A rule for each channel.
pub type FrameDrop = [DropRule; 3];

/// A channel's picture (T31 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FrameFormat {
    /// [`VIDEO_CAPTURE`].
    pub kind: u32,
    /// Pixels in a line of the picture.
    pub width: u32,
    /// Lines of the picture.
    pub height: u32,
    /// Four characters.
    pub fourcc: u32,
    /// 0, which becomes [`FIELD_INTERLACED`], or that.
    pub field: u32,
    /// Set by the driver.
    pub bytes_per_line: u32,
    /// Set by the driver, for formats that it knows.
    pub image_bytes: u32,
    /// [`COLORSPACE_SRGB`].
    pub colorspace: u32,
    /// Further words of the ABI.
    pub pix_rest: [u32; 5],
    /// Whether the scaled picture is cut.
    pub crop_enable: u32,
    /// Where and how large: top, left, width, height.
    pub crop: Part,
    /// Whether the input is scaled.
    pub scaler_enable: u32,
    /// To how many pixels.
    pub scaler_width: u32,
    /// To how many lines.
    pub scaler_height: u32,
    /// Not used by the driver.
    pub rate_bits: u32,
    /// Not used by the driver.
    pub rate_mask: u32,
    /// Whether the sensor's picture is cut, for all channels.
    pub front_crop_enable: u32,
    /// Where and how large.
    pub front_crop: Part,
}

/// A part of a picture, in the order of the vendor's structures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Part {
    /// First line.
    pub top: u32,
    /// First pixel of a line.
    pub left: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// V4L2's number of a capture queue.
pub const VIDEO_CAPTURE: u32 = 1;
/// V4L2's number of memory that the client brings.
pub const MEMORY_USERPTR: u32 = 2;
/// V4L2's number of interlaced fields.
pub const FIELD_INTERLACED: u32 = 4;
/// V4L2's number of the sRGB colour space.
pub const COLORSPACE_SRGB: u32 = 8;

/// V4L2's request for buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct RequestBuffers {
    /// How many; the driver answers how many there are.
    pub count: u32,
    /// [`VIDEO_CAPTURE`].
    pub kind: u32,
    /// [`MEMORY_USERPTR`].
    pub memory: u32,
    /// Zeros.
    pub reserved: [u32; 2],
}

/// V4L2's buffer with 32-bit times. Its pointer is a physical address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Buffer {
    /// Which buffer.
    pub index: u32,
    /// [`VIDEO_CAPTURE`].
    pub kind: u32,
    /// Left as the client queued it.
    pub bytes_used: u32,
    /// [`FLAG_QUEUED`] and its like.
    pub flags: u32,
    /// Left as the client queued it.
    pub field: u32,
    /// When the frame ended: seconds of the raw monotonic clock.
    pub seconds: u32,
    /// Microseconds of it.
    pub microseconds: u32,
    /// Not used.
    pub timecode: [u32; 4],
    /// Always 0.
    pub sequence: u32,
    /// [`MEMORY_USERPTR`].
    pub memory: u32,
    /// Physical address.
    pub address: u32,
    /// Bytes.
    pub length: u32,
    /// Zero.
    pub reserved2: u32,
    /// Lines and a mark, of a frame that is delivered early: never here.
    pub reserved: u32,
}

/// The time stamps' clock, in every buffer's flags.
pub const FLAG_MONOTONIC: u32 = 0x2000;
/// Waits for a frame or is being filled.
pub const FLAG_QUEUED: u32 = 2;
/// Holds a frame.
pub const FLAG_DONE: u32 = 4;
/// Holds a frame that is damaged.
pub const FLAG_ERROR: u32 = 0x44;

/// Any control of `/dev/isp-m0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tuning {
    /// 0 sets, 1 gets.
    pub get: u32,
    /// Which control.
    pub id: u32,
    /// Its value, or where that is.
    pub value: u32,
}

/// A control with a number for a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// Which control.
    pub id: u32,
    /// Its value.
    pub value: u32,
}

/// A register of the encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct EncoderRegister {
    /// Bytes from the encoder's first register.
    pub offset: u32,
    /// What it holds.
    pub value: u32,
}

const _: () = {
    assert!(size_of::<SensorInfo>() == 0x50);
    assert!(offset_of!(SensorInfo, cbus) == 0x20 && offset_of!(SensorInfo, i2c_type) == 0x24);
    assert!(offset_of!(SensorInfo, i2c_address) == 0x38);
    assert!(offset_of!(SensorInfo, i2c_adapter) == 0x3c);
    assert!(size_of::<InputInfo>() == 0x50);
    assert!(offset_of!(InputInfo, name) == 4 && offset_of!(InputInfo, cbus) == 0x24);
    assert!(size_of::<SensorRegister>() == 0x38);
    assert!(offset_of!(SensorRegister, register) == 0x28);
    assert!(offset_of!(SensorRegister, value) == 0x30);
    assert!(size_of::<FrameFormat>() == 0x70);
    assert!(offset_of!(FrameFormat, image_bytes) == 0x18);
    assert!(offset_of!(FrameFormat, colorspace) == 0x1c);
    assert!(offset_of!(FrameFormat, crop_enable) == 0x34);
    assert!(offset_of!(FrameFormat, scaler_enable) == 0x48);
    assert!(offset_of!(FrameFormat, rate_bits) == 0x54);
    assert!(offset_of!(FrameFormat, front_crop_enable) == 0x5c);
    assert!(size_of::<RequestBuffers>() == 0x14 && size_of::<Buffer>() == 0x44);
    assert!(offset_of!(Buffer, seconds) == 0x14 && offset_of!(Buffer, sequence) == 0x2c);
    assert!(offset_of!(Buffer, address) == 0x34 && offset_of!(Buffer, length) == 0x38);
    assert!(offset_of!(Buffer, reserved) == 0x40);
    assert!(size_of::<FrameDrop>() == 0x24 && size_of::<Tuning>() == 0xc);
};
