// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The faults to come, and what those that last have changed.

use super::faults::Faults;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;

/// A pair of addresses that a clear does not take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stale {
    pub(super) y: PhysAddr,
    pub(super) uv: Option<PhysAddr>,
    /// The UV FIFO was cleared too, in vain.
    pub(super) complete: bool,
}

/// The faults to come, and those that last.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultState {
    pub(super) faults: Faults,
    pub(super) reset_dead: bool,
    /// The chip's generation before the write that is carried out.
    pub(super) generation: u32,
    /// Reads of CH_STAT for which a channel goes on, although disabled.
    pub(super) stuck: [u32; ChannelId::COUNT],
    pub(super) stale: [Option<Stale>; ChannelId::COUNT],
    /// Error bits that rise after each of so many acknowledges.
    pub(super) storm: Option<(u32, u32)>,
}

impl FaultState {
    /// Whether something is or may become wrong.
    pub(super) fn any(&self) -> bool {
        self.faults.ever_armed()
    }
}
