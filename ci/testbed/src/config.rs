// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which guest, and where its buffers come from.

use std::path::PathBuf;

use guest_image::KernelChoice;
use guest_protocol::message::Memory;
use tx_isp_alloc::{MemoryKind, Strategy};

use crate::memory_layout::MemoryLayout;
use crate::qemu::Carrier;

/// Which guest on which QEMU.
#[derive(Debug, Clone)]
pub struct GuestConfig {
    /// The guest's memory; its top is the carve-out for frames.
    pub memory: MemoryLayout,
    /// The kernel that it boots.
    pub kernel: KernelChoice,
    /// The QEMU to run, instead of the one in PATH.
    pub qemu: Option<PathBuf>,
    /// The virtual device that carries the ISP; the best one that this QEMU has if there is none.
    pub attach: Option<Carrier>,
    /// Whether there are the vendor's device nodes, and the program that tries them.
    pub vendor: bool,
    /// Whether missing host packages are installed without asking.
    pub yes: bool,
}

/// Where a client's buffers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Io {
    /// The driver (V4L2's MMAP).
    Mmap,
    /// The client's ordinary memory (USERPTR); the driver copies each frame into it.
    Userptr,
    /// The client's mapping of the whole carve-out (USERPTR).
    Rmem,
    /// Blocks of the carve-out, shared as dma-bufs (DMABUF).
    Dmabuf,
}

impl Io {
    /// Where the buffers of a strategy's clients come from.
    #[must_use]
    pub const fn of(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Driver | Strategy::Hybrid => Self::Mmap,
            Strategy::Client => Self::Rmem,
        }
    }

    /// What the guest's client is told.
    #[must_use]
    pub const fn memory(self) -> Memory {
        match self {
            Self::Mmap => Memory::Mmap,
            Self::Userptr => Memory::UserPtr,
            Self::Rmem => Memory::Rmem,
            Self::Dmabuf => Memory::DmaBuf,
        }
    }

    /// What V4L2 calls it.
    #[must_use]
    pub const fn kind(self) -> MemoryKind {
        match self {
            Self::Mmap => MemoryKind::Mmap,
            Self::Userptr | Self::Rmem => MemoryKind::UserPtr,
            Self::Dmabuf => MemoryKind::DmaBuf,
        }
    }

    /// The name, as users type it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mmap => "mmap",
            Self::Userptr => "userptr",
            Self::Rmem => "rmem",
            Self::Dmabuf => "dmabuf",
        }
    }
}

/// The value of the driver's control for a strategy.
#[must_use]
pub const fn control(strategy: Strategy) -> i32 {
    match strategy {
        Strategy::Driver => 0,
        Strategy::Client => 1,
        Strategy::Hybrid => 2,
    }
}
