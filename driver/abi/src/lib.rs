// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every number that the T31 ISP's driver and its emulator must agree on.
//!
//! | module | what it defines |
//! |---|---|
//! | [`registers`] | each register once: address, access kind, reset value, fields, meaning, source |
//! | [`operation`] | register operations as values, and the one function that runs a batch of them |
//! | [`mailbox`] | how a batch of operations travels over a virtqueue |
//! | [`format`] | pixel formats, strides, plane offsets and buffer sizes |
//! | [`channel`] | the MSCA's output channels and their limits |
//! | [`rmem`] | the carve-out's ioctls |
//! | [`Errno`] | the error numbers that user space sees |
//! | [`sensor`] | image sensors as data: size, line and frame length, pixel clock, registers |
//! | [`gain`] | codes and factors of a sensor's gains |
//! | [`statistics`] | what the core writes to memory for the control loops |
//! | [`soc`] | the words that tell a SoC, and its id |
//! | [`vendor`] | the ioctls of the vendor's device nodes |
//!
//! The crate has no dependencies and no `std`. Sources written as `T31 2.4` name sections of the
//! project's T31 reference; "assumption" marks what no source tells.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod channel;
mod errno;
pub mod format;
pub mod gain;
pub mod mailbox;
pub mod operation;
pub mod pci;
pub mod registers;
pub mod rmem;
pub mod sensor;
pub mod soc;
pub mod statistics;
pub mod units;
pub mod vendor;

pub use errno::Errno;

use core::fmt;

/// A physical address as the SoC's bus masters see it: 32 bits, no IOMMU (T31 1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PhysAddr(pub u32);

impl PhysAddr {
    /// The address `bytes` further on, or `None` past the end of the 32-bit space.
    #[must_use]
    pub const fn checked_add(self, bytes: u32) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
}

impl fmt::Display for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A picture size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl Size {
    /// A size of `width` by `height` pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The packed form of the size registers: width in bits 31:16, height in bits 15:0 (T31 2.1).
    #[must_use]
    pub const fn to_register(self) -> u32 {
        (self.width & 0xffff) << 16 | self.height & 0xffff
    }

    /// The size that a size register holds.
    #[must_use]
    pub const fn from_register(value: u32) -> Self {
        Self::new(value >> 16, value & 0xffff)
    }
}

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rectangle {
    /// First pixel of a line.
    pub left: u32,
    /// First line.
    pub top: u32,
    /// How large it is.
    pub size: Size,
}

impl Rectangle {
    /// All of a picture of that size.
    #[must_use]
    pub const fn whole(size: Size) -> Self {
        Self {
            left: 0,
            top: 0,
            size,
        }
    }

    /// The packed form of the position registers: left in bits 31:16, top in bits 15:0 (T31 2.4).
    #[must_use]
    pub const fn position_to_register(self) -> u32 {
        Size::new(self.left, self.top).to_register()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
