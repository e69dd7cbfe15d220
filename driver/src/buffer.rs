// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A buffer, as the driver knows it.

use tx_isp_abi::PhysAddr;

/// The most buffers that a channel holds: as many as videobuf2 allows a queue.
pub const MAX_BUFFERS: usize = 32;

/// The most buffers that are in the address FIFO at once. It has five places (T31 2a.1); further
/// buffers wait in the driver, so that a push never finds the FIFO full.
pub const IN_HARDWARE: usize = 4;

/// A buffer that was handed to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The caller's number for it.
    pub index: u32,
    /// Where its Y plane starts.
    pub address: PhysAddr,
}

pub(crate) const NO_BUFFER: Buffer = Buffer {
    index: 0,
    address: PhysAddr(0),
};

/// Whether two ranges of memory share a byte.
pub(crate) fn overlap(first: (PhysAddr, u32), second: (PhysAddr, u32)) -> bool {
    let end = |(address, bytes): (PhysAddr, u32)| u64::from(address.0) + u64::from(bytes);
    u64::from(first.0.0) < end(second) && u64::from(second.0.0) < end(first)
}
