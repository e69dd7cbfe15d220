// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! How far a channel's stop is, and what no stop has reached: [`crate::quiesce`] works with both.

use crate::List;
use crate::buffer::{IN_HARDWARE, overlap};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;

/// A stopped channel is polled 3001 times, 1 ms apart (T31 2.5).
const STOP_POLLS: u32 = 3001;
/// How far a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The hardware has none of its buffers.
    Stopped,
    /// Frames are written.
    Streaming,
    /// It was disabled, or is to be; frames may still be written.
    Stopping {
        /// CH_EN was written.
        disabled: bool,
        /// Polls left.
        polls: u32,
    },
}

impl Phase {
    /// The beginning of a stop.
    pub(crate) const STOPPING: Self = Self::Stopping {
        disabled: false,
        polls: STOP_POLLS,
    };
}

/// Memory that the hardware may write for ever, since no reset worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quarantined {
    pub(crate) address: PhysAddr,
    pub(crate) bytes: u32,
}

impl Quarantined {
    pub(crate) fn touches(&self, address: PhysAddr, bytes: u32) -> bool {
        overlap((self.address, self.bytes), (address, bytes))
    }
}

/// All that can be in quarantine: what was in hardware when the last reset failed. Nothing gets there
/// again before a reset has worked.
pub(crate) type Quarantine = List<Quarantined, { ChannelId::COUNT * IN_HARDWARE }>;

/// An empty quarantine.
pub(crate) const fn no_quarantine() -> Quarantine {
    List::new(Quarantined {
        address: PhysAddr(0),
        bytes: 0,
    })
}
