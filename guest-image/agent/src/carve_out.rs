// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The carve-out as the camera client uses it: all of it under a manager of its own, or block by
//! block from the driver. Every block is written to, so that memory that is granted is there.

use std::ptr;

use guest_protocol::camera::allocator::{CLIENT_BLOCKS, room, state_of};
use guest_protocol::camera::sizes::PAGE;
use guest_protocol::camera::{Allocation, Pool};
use guest_protocol::message::Failure;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::rmem::Block;
use tx_isp_alloc::pool::{GRANULE, Owner, Pool as Allocator};

use crate::device::Mapping;
use crate::failure::failure;
use crate::rmem::Rmem;

/// What blocks are filled with; no pixel of the lab's pictures is likely to be this one.
const FILL: u8 = 0xa5;

/// The carve-out, all of it: the client is its own manager (T31 4.5).
pub struct Whole {
    mapping: Mapping,
    base: u32,
    allocator: Box<Allocator<CLIENT_BLOCKS>>,
    /// Dropped after the mapping; then the carve-out is free again.
    _rmem: Rmem,
}

/// The carve-out, shared: the driver hands out the blocks.
pub struct Shared {
    rmem: Rmem,
}

/// Writes to every one of `bytes` bytes from `offset` on.
fn fill(mapping: &Mapping, offset: u32, bytes: u32) -> Result<(), Failure> {
    let start = mapping.find(offset, bytes)?;
    let length = length(bytes)?;
    // SAFETY: the range lies inside a writable mapping of memory that belongs to this client alone;
    // no reference to it exists.
    unsafe { ptr::with_exposed_provenance_mut::<u8>(start).write_bytes(FILL, length) };
    Ok(())
}

fn length(bytes: u32) -> Result<usize, Failure> {
    usize::try_from(bytes).map_err(|_| failure("memory", "more than this machine can address"))
}

impl Whole {
    /// Takes all of the carve-out and writes to every page of it, as the vendor's manager does.
    pub fn take() -> Result<Self, Failure> {
        let rmem = Rmem::open()?;
        let state = rmem.query()?;
        let mapping = rmem.map(state.base, state.total)?;
        fill(&mapping, 0, state.total)?;
        Ok(Self {
            mapping,
            base: state.base,
            allocator: Box::new(Allocator::new(PhysAddr(state.base), state.total)),
            _rmem: rmem,
        })
    }

    /// Takes a block and fills it; its physical address, or `None` if there is no room.
    pub fn allocate(&mut self, owner: &str, bytes: u32) -> Result<Option<u32>, Failure> {
        let taken = self.allocator.allocate(bytes, GRANULE, Owner::new(owner));
        let address = room(taken).map_err(|error| failure("allocating", error.to_string()))?;
        if let Some(address) = address {
            fill(&self.mapping, address - self.base, bytes)?;
        }
        Ok(address)
    }

    /// Gives a block back.
    pub fn free(&mut self, address: u32) -> Result<(), Failure> {
        let freed = self.allocator.free(PhysAddr(address));
        freed
            .map(drop)
            .map_err(|error| failure("freeing", error.to_string()))
    }

    /// Where `bytes` bytes at a physical address are in this process.
    pub fn find(&self, address: u32, bytes: u32) -> Result<usize, Failure> {
        let offset = address.checked_sub(self.base);
        let offset =
            offset.ok_or_else(|| failure("looking for a frame", "it lies before the carve-out"))?;
        self.mapping.find(offset, bytes)
    }

    /// What is held and by whom.
    pub fn state(&self) -> Pool {
        state_of(self.base, &self.allocator)
    }
}

impl Shared {
    /// Opens the carve-out; everything that is taken through it goes back when it is dropped.
    pub fn open() -> Result<Self, Failure> {
        Ok(Self {
            rmem: Rmem::open()?,
        })
    }

    /// Takes a block and fills it; its physical address, or `None` if there is no room.
    pub fn allocate(&self, owner: &str, bytes: u32) -> Result<Option<u32>, Failure> {
        if bytes == 0 {
            return Ok(None);
        }
        let address = match self.rmem.allocate(bytes, 0, owner) {
            Ok(address) => address,
            Err(refused) if refused.errno == Some(libc::ENOMEM) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.fill(address, bytes)?;
        Ok(Some(address))
    }

    /// Gives a block back.
    pub fn free(&self, address: u32) -> Result<(), Failure> {
        self.rmem.free(address)
    }

    /// Writes to a block. Only whole pages can be mapped: the page in which a block begins may be
    /// shared with the block before it, and is mapped as that one's last.
    fn fill(&self, address: u32, bytes: u32) -> Result<(), Failure> {
        let first_page = address / PAGE * PAGE;
        let full_from = address.next_multiple_of(PAGE);
        let end = address + bytes;
        if first_page < full_from {
            let page = self.rmem.map(first_page, PAGE)?;
            fill(&page, address - first_page, full_from.min(end) - address)?;
        }
        if full_from < end {
            let rest = end - full_from;
            let pages = self.rmem.map(full_from, rest.next_multiple_of(PAGE))?;
            fill(&pages, 0, rest)?;
        }
        Ok(())
    }

    /// Reserves a block that will be needed.
    pub fn reserve(&self, owner: &str, bytes: u32, alignment: u32) -> Result<(), Failure> {
        self.rmem.reserve(bytes, alignment, owner)
    }

    /// What is held and by whom.
    pub fn state(&self) -> Result<Pool, Failure> {
        let state = self.rmem.query()?;
        let mut allocations = Vec::new();
        for index in 0.. {
            let Some(block) = self.rmem.block(index)? else {
                break;
            };
            allocations.extend(allocation_of(&block));
        }
        Ok(Pool {
            base: state.base,
            total: state.total,
            free: state.free,
            largest: state.largest,
            allocations,
        })
    }
}

fn allocation_of(block: &Block) -> Option<Allocation> {
    let end = block.owner.iter().position(|byte| *byte == 0);
    let name = &block.owner[..end.unwrap_or(block.owner.len())];
    (block.used != 0).then(|| Allocation {
        owner: String::from_utf8_lossy(name).into_owned(),
        address: block.address,
        bytes: block.bytes,
    })
}
