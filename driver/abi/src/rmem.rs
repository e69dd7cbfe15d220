// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `/dev/rmem`: the carve-out for clients.
//!
//! Mapping the whole carve-out at its own address takes all of it (the vendor's way, T31 3.6). The
//! ioctls below share it: the driver hands out blocks one by one, knows who holds them, and takes
//! them back when the file is closed. A block is mapped at its own physical address.
//!
//! The structures are passed by pointer, in the byte order of the machine.

/// Bytes of an owner's name, padded with zeros.
pub const OWNER_BYTES: usize = 16;

/// What the carve-out holds. Argument of [`QUERY`], written by the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Query {
    /// Physical address of the carve-out.
    pub base: u32,
    /// Its length in bytes.
    pub total: u32,
    /// Bytes that nobody holds.
    pub free: u32,
    /// Bytes of the largest run that nobody holds.
    pub largest: u32,
    /// Bytes that are announced and not yet used.
    pub reserved: u32,
}

/// One block. Argument of [`BLOCK`]: the client sets `index`, the driver the rest; -EINVAL past the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Block {
    /// Number of the block in address order, free ones included.
    pub index: u32,
    /// Physical address.
    pub address: u32,
    /// Length in bytes.
    pub bytes: u32,
    /// 1 if somebody holds it.
    pub used: u32,
    /// Who.
    pub owner: [u8; OWNER_BYTES],
}

/// A block to be allocated. Argument of [`ALLOCATE`]: the driver sets `address`. -ENOMEM if no free
/// run is long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Allocate {
    /// Bytes, rounded up to 256 by the driver.
    pub bytes: u32,
    /// The address will be a multiple of this power of two; 0 means 256.
    pub alignment: u32,
    /// Who will hold it.
    pub owner: [u8; OWNER_BYTES],
    /// Physical address of the block.
    pub address: u32,
}

/// A block that will be needed. Argument of [`RESERVE`]. With `bytes` 0 the reservations of that
/// owner are forgotten, with an empty owner all of this file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Reserve {
    /// Bytes in one piece.
    pub bytes: u32,
    /// As [`Allocate::alignment`].
    pub alignment: u32,
    /// Under which name it will be allocated. The name of a video node (`video1`) announces buffers
    /// that REQBUFS on that node will allocate.
    pub owner: [u8; OWNER_BYTES],
}

/// A block to be exported. Argument of [`EXPORT`]: the driver sets `fd`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Export {
    /// Physical address of a block that this file holds.
    pub address: u32,
    /// A dma-buf of the block.
    pub fd: i32,
}

/// A range of the carve-out's mapping to be flushed. Argument of [`CACHE`], the vendor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Cache {
    /// Virtual address.
    pub address: u32,
    /// Bytes.
    pub bytes: u32,
    /// Direction of the transfer.
    pub direction: u32,
}

const TYPE: u32 = b'r' as u32;

/// An ioctl number as MIPS builds it: direction in bits 31:29 (T31 3.1).
const fn number(direction: u32, number: u32, argument_bytes: usize) -> u32 {
    // The arguments are the structures above, a few dozen bytes long.
    #[allow(clippy::cast_possible_truncation)]
    let size = argument_bytes as u32;
    direction << 29 | size << 16 | TYPE << 8 | number
}

const READ: u32 = 2;
const WRITE: u32 = 4;

/// Flushes the CPU's caches (T31 3.6).
pub const CACHE: u32 = number(READ | WRITE, 0x00, size_of::<Cache>());
/// Asks what the carve-out holds.
pub const QUERY: u32 = number(READ, 0x10, size_of::<Query>());
/// Asks for one block's state.
pub const BLOCK: u32 = number(READ | WRITE, 0x11, size_of::<Block>());
/// Allocates a block.
pub const ALLOCATE: u32 = number(READ | WRITE, 0x12, size_of::<Allocate>());
/// Frees the block at a physical address, to which the argument points. -EBUSY while a queue or a dma-buf
/// uses it.
pub const FREE: u32 = number(WRITE, 0x13, size_of::<u32>());
/// Announces a block that will be needed.
pub const RESERVE: u32 = number(WRITE, 0x14, size_of::<Reserve>());
/// Exports a block as a dma-buf.
pub const EXPORT: u32 = number(READ | WRITE, 0x15, size_of::<Export>());

/// An owner's name as the structures hold it, cut to [`OWNER_BYTES`] bytes.
#[must_use]
pub fn owner(name: &str) -> [u8; OWNER_BYTES] {
    let mut bytes = [0; OWNER_BYTES];
    let length = name.len().min(OWNER_BYTES);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_ioctl_has_its_number() {
        // T31 3.6.
        assert_eq!(CACHE, 0xc00c_7200);
    }

    #[test]
    fn numbers_are_those_of_the_c_header() {
        assert_eq!(QUERY, 0x4014_7210);
        assert_eq!(BLOCK, 0xc020_7211);
        assert_eq!(ALLOCATE, 0xc01c_7212);
        assert_eq!(FREE, 0x8004_7213);
        assert_eq!(RESERVE, 0x8018_7214);
        assert_eq!(EXPORT, 0xc008_7215);
    }
}
