// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The error numbers that user space sees.

/// Linux error numbers that the driver returns, with the values that MIPS gives them where it is
/// built for MIPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Errno {
    /// Operation not permitted.
    Eperm = 1,
    /// Input/output error.
    Eio = 5,
    /// Nothing is there yet.
    Eagain = 11,
    /// Out of memory.
    Enomem = 12,
    /// Bad address.
    Efault = 14,
    /// Device or resource busy.
    Ebusy = 16,
    /// No such device.
    Enodev = 19,
    /// Invalid argument.
    Einval = 22,
    /// Inappropriate ioctl for device.
    Enotty = 25,
    /// No buffer space available.
    Enobufs = if cfg!(target_arch = "mips") { 132 } else { 105 },
    /// No answer in time.
    Etimedout = if cfg!(target_arch = "mips") { 145 } else { 110 },
}

impl Errno {
    /// The negative value that kernel functions return.
    #[must_use]
    pub const fn to_return_value(self) -> i32 {
        -(self as i32)
    }
}
