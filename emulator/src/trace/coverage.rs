// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which registers, fields and sequences a trace exercises.

use super::Access;
use std::collections::{BTreeMap, BTreeSet};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{BLOCKS, Block, Channel, Core, Cpm, Msca, Register, RegisterId, Vic};

/// The sequences that are looked for, with what makes each.
pub const SEQUENCES: [(&str, &str); 6] = [
    (
        "bring-up",
        "SRBC request, reset, core START, VIC CTRL=1 (T31 1.3, 2.6, 2.7)",
    ),
    (
        "set-up",
        "RSZ_OSIZE, OUT_FMT, Y_STRI of a channel, then its CH_EN bit (T31 2.5)",
    ),
    ("feed", "an address pushed to an input FIFO (T31 2.4)"),
    (
        "drain",
        "a done FIFO that is not empty, then its address and number (T31 2.3)",
    ),
    (
        "stop",
        "CH_EN bit cleared, CH_STAT bit read as 0, Y_ADDR_CLR (T31 2.5)",
    ),
    (
        "recovery",
        "VIC CTRL=4, then 1, with no reset between and the core running (T31 2.7)",
    ),
];

/// A block's registers and what was done to them.
#[derive(Clone, Debug)]
pub struct BlockCoverage {
    /// The block.
    pub block: &'static Block,
    /// Registers read at least once, by name.
    pub read: BTreeSet<&'static str>,
    /// Registers written at least once, by name.
    pub written: BTreeSet<&'static str>,
    /// Fields that were seen with a value other than 0, as `REGISTER.FIELD`.
    pub fields: BTreeSet<(&'static str, &'static str)>,
}

impl BlockCoverage {
    /// Registers that were neither read nor written.
    pub fn untouched(&self) -> impl Iterator<Item = &'static Register> {
        let touched = |register: &&Register| {
            !self.read.contains(register.name) && !self.written.contains(register.name)
        };
        self.block.registers.iter().filter(touched)
    }

    /// How many fields the block's registers have.
    #[must_use]
    pub fn all_fields(&self) -> usize {
        self.block
            .registers
            .iter()
            .map(|register| register.fields.len())
            .sum()
    }
}

/// What a trace exercises.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Every block, in address order.
    pub blocks: Vec<BlockCoverage>,
    /// How often each of [`SEQUENCES`] was seen.
    pub sequences: [u32; SEQUENCES.len()],
    /// Accesses to addresses where no register is defined.
    pub undefined: BTreeMap<u32, u32>,
}

impl Coverage {
    /// Of a trace.
    #[must_use]
    pub fn of(trace: &[Access]) -> Self {
        let mut coverage = Self {
            blocks: BLOCKS
                .iter()
                .map(|block| BlockCoverage {
                    block,
                    read: BTreeSet::new(),
                    written: BTreeSet::new(),
                    fields: BTreeSet::new(),
                })
                .collect(),
            sequences: [0; SEQUENCES.len()],
            undefined: BTreeMap::new(),
        };
        let mut watch = Watch::default();
        for access in trace {
            match RegisterId::decode(access.address) {
                Some(id) => {
                    coverage.note(id, access);
                    watch.step(id, access);
                }
                None => *coverage.undefined.entry(access.address.0).or_default() += 1,
            }
        }
        coverage.sequences = watch.seen;
        coverage
    }

    fn note(&mut self, id: RegisterId, access: &Access) {
        let register = id.describe();
        let in_block = |covered: &&mut BlockCoverage| {
            covered.block.offset_of(access.address).is_some()
                && covered
                    .block
                    .registers
                    .iter()
                    .any(|known| known.name == register.name)
        };
        let Some(covered) = self.blocks.iter_mut().find(in_block) else {
            return;
        };
        let names = if access.write {
            &mut covered.written
        } else {
            &mut covered.read
        };
        names.insert(register.name);
        let set = register
            .fields
            .iter()
            .filter(|field| field.is_set(access.value));
        covered
            .fields
            .extend(set.map(|field| (register.name, field.name)));
    }
}

/// What of a channel's set-up was written since it was enabled last.
#[derive(Clone, Copy, Debug, Default)]
struct SetUp {
    size: bool,
    format: bool,
    stride: bool,
}

/// How far each sequence has come.
#[derive(Debug, Default)]
struct Watch {
    seen: [u32; SEQUENCES.len()],
    /// Steps of the bring-up that are done.
    bring_up: u32,
    set_up: [SetUp; ChannelId::COUNT],
    enabled: u32,
    /// Channels that were disabled, and those of them that were seen idle.
    stopping: u32,
    idle: u32,
    /// Done FIFOs that were seen with an entry; those whose address was taken.
    ready: u32,
    taken: u32,
    core_runs: bool,
    vic_reset: bool,
}

impl Watch {
    fn step(&mut self, id: RegisterId, access: &Access) {
        let Access { write, value, .. } = *access;
        match (id, write) {
            (RegisterId::Cpm(Cpm::SoftReset), true) if Cpm::ISP_RESET_REQUEST.is_set(value) => {
                self.bring_up = 1;
                self.core_runs = false;
                self.vic_reset = false;
            }
            (RegisterId::Cpm(Cpm::SoftReset), true) if Cpm::ISP_RESET.is_set(value) => {
                self.advance_bring_up(1);
            }
            (RegisterId::Core(Core::Start), true) => {
                self.core_runs = value & 1 != 0;
                self.advance_bring_up(2);
            }
            (RegisterId::Vic(Vic::Control), true) => self.vic_control(value),
            (RegisterId::Msca(Msca::ChannelEnable), true) => self.channel_enable(value),
            (RegisterId::Msca(Msca::ChannelState), false) => self.idle |= self.stopping & !value,
            (RegisterId::Channel(channel, register), _) => {
                self.channel(channel, register, write, value);
            }
            _ => {}
        }
    }

    fn advance_bring_up(&mut self, from: u32) {
        if self.bring_up == from {
            self.bring_up += 1;
        }
    }

    fn vic_control(&mut self, value: u32) {
        match value {
            1 => {
                if self.bring_up == 3 {
                    self.seen[0] += 1;
                    self.bring_up = 0;
                } else if self.vic_reset && self.core_runs {
                    self.seen[5] += 1;
                }
                self.vic_reset = false;
            }
            4 => self.vic_reset = true,
            _ => {}
        }
    }

    fn channel_enable(&mut self, value: u32) {
        for channel in ChannelId::ALL {
            let (was, is) = (self.enabled & channel.bit(), value & channel.bit());
            if is != 0 && was == 0 {
                let set_up = std::mem::take(&mut self.set_up[channel.index()]);
                self.seen[1] += u32::from(set_up.size && set_up.format && set_up.stride);
                self.stopping &= !channel.bit();
            }
            if is == 0 && was != 0 {
                self.stopping |= channel.bit();
                self.idle &= !channel.bit();
            }
        }
        self.enabled = value & Msca::ENABLED_CHANNELS.mask();
    }

    fn channel(&mut self, channel: ChannelId, register: Channel, write: bool, value: u32) {
        let bit = channel.bit();
        let set_up = &mut self.set_up[channel.index()];
        match (register, write) {
            (Channel::OutputSize, true) => set_up.size = true,
            (Channel::OutputFormat, true) => set_up.format = true,
            (Channel::YStride, true) => set_up.stride = true,
            (Channel::YAddress, true) => self.seen[2] += 1,
            (Channel::YLastState, false) if !Channel::FIFO_EMPTY.is_set(value) => self.ready |= bit,
            (Channel::YLastAddress, false) if self.ready & bit != 0 => self.taken |= bit,
            (Channel::YLastSequence, false) if self.taken & bit != 0 => {
                self.seen[3] += 1;
                self.ready &= !bit;
                self.taken &= !bit;
            }
            (Channel::YAddressClear, true) if self.stopping & self.idle & bit != 0 => {
                self.seen[4] += 1;
                self.stopping &= !bit;
            }
            _ => {}
        }
    }
}
