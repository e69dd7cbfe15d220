// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `/dev/rmem`, opened by a client (`tx_isp_abi::rmem`).

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use guest_protocol::message::Failure;
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use tx_isp_abi::rmem;

use crate::device::Mapping;
use crate::failure::{At, failure};

/// Where the driver gives it.
const PATH: &str = "/dev/rmem";

/// The ioctls of `tx_isp_abi::rmem`; the structures' sizes are part of the numbers.
mod calls {
    use tx_isp_abi::rmem;

    nix::ioctl_read!(query, b'r', 0x10, rmem::Query);
    nix::ioctl_readwrite!(block, b'r', 0x11, rmem::Block);
    nix::ioctl_readwrite!(allocate, b'r', 0x12, rmem::Allocate);
    nix::ioctl_write_ptr!(free, b'r', 0x13, u32);
    nix::ioctl_write_ptr!(reserve, b'r', 0x14, rmem::Reserve);
    nix::ioctl_readwrite!(export, b'r', 0x15, rmem::Export);
}

/// The carve-out, shared with others. What was taken through it goes back when it is dropped.
pub struct Rmem {
    file: File,
}

impl Rmem {
    /// Opens it.
    pub fn open() -> Result<Self, Failure> {
        let file = File::options().read(true).write(true).open(PATH);
        Ok(Self {
            file: file.at(&format!("open {PATH}"))?,
        })
    }

    fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// What it holds.
    pub fn query(&self) -> Result<rmem::Query, Failure> {
        let mut state = rmem::Query::default();
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { calls::query(self.fd(), &mut state) }.at("asking /dev/rmem for its state")?;
        Ok(state)
    }

    /// The block of that number, free ones included; `None` past the last.
    pub fn block(&self, index: u32) -> Result<Option<rmem::Block>, Failure> {
        let mut block = rmem::Block {
            index,
            ..Default::default()
        };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        match unsafe { calls::block(self.fd(), &mut block) } {
            Ok(_) => Ok(Some(block)),
            Err(Errno::EINVAL) => Ok(None),
            Err(error) => Err(error).at("asking /dev/rmem for its blocks"),
        }
    }

    /// Takes a block and gives its physical address; 0 is no particular alignment.
    pub fn allocate(&self, bytes: u32, alignment: u32, owner: &str) -> Result<u32, Failure> {
        let mut request = rmem::Allocate {
            bytes,
            alignment,
            owner: rmem::owner(owner),
            address: 0,
        };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { calls::allocate(self.fd(), &mut request) }
            .at(&format!("allocating {bytes} bytes for {owner}"))?;
        Ok(request.address)
    }

    /// Gives a block back.
    pub fn free(&self, address: u32) -> Result<(), Failure> {
        // SAFETY: the number outlives the call.
        unsafe { calls::free(self.fd(), &address) }
            .map(drop)
            .at(&format!("freeing the block at {address:#x}"))
    }

    /// Reserves a block that will be needed.
    pub fn reserve(&self, bytes: u32, alignment: u32, owner: &str) -> Result<(), Failure> {
        let request = rmem::Reserve {
            bytes,
            alignment,
            owner: rmem::owner(owner),
        };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { calls::reserve(self.fd(), &request) }
            .map(drop)
            .at(&format!("announcing {bytes} bytes for {owner}"))
    }

    /// A dma-buf of a block that was taken here.
    pub fn export(&self, address: u32) -> Result<OwnedFd, Failure> {
        let mut request = rmem::Export { address, fd: -1 };
        // SAFETY: the structure has the layout that the call expects and outlives it.
        unsafe { calls::export(self.fd(), &mut request) }.at("exporting a block of /dev/rmem")?;
        // SAFETY: the driver has just made the descriptor for this caller.
        Ok(unsafe { OwnedFd::from_raw_fd(request.fd) })
    }

    /// Maps what lies at a physical address for reading and writing: a block that was taken here, or
    /// everything, which takes everything.
    pub fn map(&self, address: u32, bytes: u32) -> Result<Mapping, Failure> {
        let step = format!("mmap of {bytes} bytes of {PATH} at {address:#x}");
        let length = usize::try_from(bytes).ok().and_then(NonZeroUsize::new);
        // By way of usize: off_t has another width on another machine.
        let offset = usize::try_from(address)
            .ok()
            .and_then(|offset| libc::off_t::try_from(offset).ok());
        let (Some(length), Some(offset)) = (length, offset) else {
            return Err(failure(&step, "that is no range to map"));
        };
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_SHARED;
        // SAFETY: a new mapping at an address of the kernel's choice replaces no other one.
        let start =
            unsafe { mmap(None, length, protection, flags, &self.file, offset) }.at(&step)?;
        // SAFETY: it was mapped just now, and nobody else knows of it.
        Ok(unsafe { Mapping::new(start, length.get()) })
    }
}
