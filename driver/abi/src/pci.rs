// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The PCI function as which a VM without a T31 of its own sees the chip's peripherals: one memory
//! window that is to lie at the chip's own addresses. All of it is an assumption; no T31 has PCI.

/// The vendor: that under which QEMU has devices of its own.
pub const VENDOR: u16 = 0x1234;
/// The device.
pub const DEVICE: u16 = 0x7131;
/// Multimedia, of no special kind.
pub const CLASS: u32 = 0x04_80_00;
/// The window's length in bytes; a power of two, so Linux aligns it to as much.
pub const WINDOW_BYTES: u32 = 64 << 20;
/// The physical address of the window's first byte on a T31, where it must lie in the VM, too.
pub const WINDOW_BASE: u32 = 0x1000_0000;
