// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Why the pool could not do what it was asked.

use core::fmt;
use tx_isp_abi::{Errno, PhysAddr};

/// Why the pool could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// No free run is long enough.
    NoSpace {
        /// Bytes asked for.
        requested: u32,
        /// Bytes of the largest free run.
        largest: u32,
    },
    /// The table of blocks is full.
    TooManyBlocks,
    /// A request for no bytes.
    Empty,
    /// The alignment is not a power of two.
    Alignment(u32),
    /// No block that is held starts there.
    NotAllocated(PhysAddr),
}

impl PoolError {
    /// The error number that user space sees for it.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::NoSpace { .. } | Self::TooManyBlocks => Errno::Enomem,
            Self::Empty | Self::Alignment(_) | Self::NotAllocated(_) => Errno::Einval,
        }
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSpace { requested, largest } => {
                write!(
                    f,
                    "{requested} bytes asked for, the largest free run has {largest}"
                )
            }
            Self::TooManyBlocks => f.write_str("the pool's table of blocks is full"),
            Self::Empty => f.write_str("a block of 0 bytes was asked for"),
            Self::Alignment(alignment) => write!(f, "alignment {alignment} is not a power of two"),
            Self::NotAllocated(address) => write!(f, "no allocated block starts at {address}"),
        }
    }
}
