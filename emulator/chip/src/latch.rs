// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The multi-scaler's settings as they are in effect: a strobe of CH_EN takes the registers over with the
//! next frame (T31 2.5, 2b.11).

use super::storage::Storage;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Channel, Msca};

/// Registers of a channel's page.
const WORDS: usize = 0x100 / 4;

/// The settings in effect, and the strobes that wait for the next frame.
#[derive(Clone, Debug)]
pub(super) struct Latch {
    input: [u32; 2],
    channels: [[u32; WORDS]; ChannelId::COUNT],
    /// Bits 19:16 of CH_EN as they were written since the last frame began.
    strobes: u32,
}

const INPUT: [Msca; 2] = [Msca::InputPosition, Msca::InputSize];

impl Latch {
    /// What is in effect after a reset: the registers' reset values.
    pub(super) fn new(storage: &Storage) -> Self {
        let mut latch = Self {
            input: [0; 2],
            channels: [[0; WORDS]; ChannelId::COUNT],
            strobes: Msca::INPUT_STROBE.mask() | Msca::CHANNEL_STROBES.mask(),
        };
        latch.take_over(storage);
        latch
    }

    /// CH_EN was written.
    pub(super) fn strobe(&mut self, channel_enable: u32) {
        self.strobes |= channel_enable & (Msca::INPUT_STROBE.mask() | Msca::CHANNEL_STROBES.mask());
    }

    /// A frame begins: what was strobed takes effect.
    pub(super) fn take_over(&mut self, storage: &Storage) {
        if self.strobes == 0 {
            return;
        }
        if Msca::INPUT_STROBE.is_set(self.strobes) {
            self.input = INPUT.map(|register| storage.get(register.address()));
        }
        for id in ChannelId::ALL {
            if Msca::CHANNEL_STROBES.get(self.strobes) & id.bit() != 0 {
                for register in Channel::LATCHED {
                    self.channels[id.index()][word(register)] = storage.get(register.of(id));
                }
            }
        }
        self.strobes = 0;
    }

    /// Position and size of the input crop.
    pub(super) const fn input(&self) -> [u32; 2] {
        self.input
    }

    /// One of [`Channel::LATCHED`].
    pub(super) const fn get(&self, id: ChannelId, register: Channel) -> u32 {
        self.channels[id.index()][word(register)]
    }

    /// A register of a channel that differs from what will be in effect with the next frame.
    pub(super) fn stale(&self, id: ChannelId, storage: &Storage) -> Option<Channel> {
        if Msca::CHANNEL_STROBES.get(self.strobes) & id.bit() != 0 {
            return None;
        }
        let differs = |register: &Channel| storage.get(register.of(id)) != self.get(id, *register);
        Channel::LATCHED.into_iter().find(differs)
    }
}

const fn word(register: Channel) -> usize {
    register as usize / 4
}
