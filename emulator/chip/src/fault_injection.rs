// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What injected faults do. They stand at the chip's entrances, reads, writes, first lines and ends of frames, and
//! change what the blocks find there; the blocks do not know them. A healthy chip passes by.

use super::Chip;
use super::fault_state::Stale;
use super::faults::{Effects, FaultKind, Faults};
use super::frame::Frame;
use super::frame_clock::Event;
use std::time::Duration;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Channel, Core, Cpm, CsiHost, I2c, Msca, RegisterId, Vic};

/// The address of a done entry that nobody queued.
const ALIEN: PhysAddr = PhysAddr(0x0bad_c000);

impl Chip {
    /// The faults that are to happen.
    pub const fn faults(&self) -> &Faults {
        &self.injected.faults
    }

    /// The faults that are to happen, to add to or to clear.
    pub const fn faults_mut(&mut self) -> &mut Faults {
        &mut self.injected.faults
    }

    /// A frame's first line, with what faults do to it.
    pub(super) fn begin_frame_with_faults(&mut self) -> Option<Frame> {
        if !self.injected.any() || !self.is_streaming() {
            return self.begin_frame(Effects::default());
        }
        let effects = self.injected.faults.frame();
        if effects.vic_bits != 0 {
            self.vic_status[0] |= effects.vic_bits;
            self.conditions.vic_passes = false;
        }
        self.core_status |= effects.core_bits;
        self.begin_frame(effects)
    }

    /// Ends of a frame, with what faults do at the first of them.
    pub(super) fn end_lines_with_faults(&mut self, at: Duration) -> Option<Event> {
        let open = self.frame_clock.open.as_ref();
        if self.injected.any()
            && let Some(open) = open.filter(|open| !open.ended)
        {
            let frame = open.frame.clone();
            self.frame_end_faults(&frame);
        }
        self.end_lines(at)
    }

    fn frame_end_faults(&mut self, frame: &Frame) {
        let effects = &frame.effects;
        if effects.overflow != 0 {
            self.msca_status |= Msca::IRQ_OVERFLOW.mask();
            self.vic_status[0] |= Vic::VIC_DMA_OVERFLOW.mask();
        }
        for job in &frame.jobs {
            if effects.alien & job.channel.bit() != 0 {
                let channel = &mut self.channels[job.channel.index()];
                channel.report_done(ALIEN, !job.format.is_rgb(), frame.number);
            }
        }
        if let Some((bits, times)) = effects.storm {
            self.core_status |= bits;
            self.injected.storm = Some((bits, times));
        }
    }

    /// What a read gives instead of `value`.
    pub(super) fn read_with_faults(&mut self, id: RegisterId, value: u32) -> u32 {
        match id {
            RegisterId::Cpm(Cpm::SoftReset) if self.injected.reset_dead => {
                value & !Cpm::ISP_RESET_ACKNOWLEDGE.mask()
            }
            RegisterId::Msca(Msca::ChannelState) => {
                for id in ChannelId::ALL {
                    let left = &mut self.injected.stuck[id.index()];
                    if *left > 0 {
                        *left -= 1;
                        if *left == 0 {
                            self.channels[id.index()].set_enabled(false);
                        }
                    }
                }
                value
            }
            _ => value,
        }
    }

    /// What happens before a write takes effect, and the value that is written instead.
    pub(super) fn write_with_faults(&mut self, id: RegisterId, value: u32) -> u32 {
        let addresses_sensor = matches!(id, RegisterId::I2c(0, I2c::Data))
            && self.begins_transfer(0)
            && self.reaches_sensor(0);
        let generation = self.generation;
        let conditions = &mut self.conditions;
        let state = &mut self.injected;
        let faults = &mut state.faults;
        state.generation = generation;
        match id {
            RegisterId::I2c(0, I2c::Data) if addresses_sensor => {
                conditions.sensor_answers = faults.occasion(FaultKind::DeafSensor, None).is_none();
            }
            RegisterId::Cpm(Cpm::SoftReset) if Cpm::ISP_RESET_REQUEST.is_set(value) => {
                let dead = faults.occasion(FaultKind::DeadReset, None).is_some();
                state.reset_dead = dead;
            }
            RegisterId::CsiHost(CsiHost::HostReset) if value & 1 != 0 => {
                conditions.link_works = faults.occasion(FaultKind::DeadSensor, None).is_none();
            }
            RegisterId::Vic(Vic::Control) => {
                conditions.vic_passes |= value != 1;
                if value == 1 && !self.vic_running {
                    let silent = faults.occasion(FaultKind::SilentSensor, None).is_some();
                    conditions.sensor_sends = !silent;
                }
            }
            RegisterId::Msca(Msca::ChannelEnable) => return self.enable_with_faults(value),
            RegisterId::Channel(id, Channel::YAddressClear) if value & 1 != 0 => {
                let output = &self.channels[id.index()];
                let newest = output.newest_pair();
                let fault = newest.and_then(|pair| {
                    let fault = faults.occasion(FaultKind::StaleAddress, Some(id));
                    fault.map(|_| pair)
                });
                state.stale[id.index()] = fault.map(|(y, uv)| Stale {
                    y,
                    uv,
                    complete: false,
                });
            }
            _ => {}
        }
        value
    }

    /// What happens after a write took effect.
    pub(super) fn faults_after_write(&mut self, id: RegisterId) {
        match id {
            RegisterId::Cpm(Cpm::SoftReset) if self.generation != self.injected.generation => {
                self.faults_after_reset();
            }
            RegisterId::Channel(id, Channel::YAddressClear) => {
                if let Some(stale) = self.injected.stale[id.index()] {
                    self.channels[id.index()].put_back(Some(stale.y), None);
                }
            }
            RegisterId::Channel(id, Channel::UvAddressClear) => {
                if let Some(stale) = &mut self.injected.stale[id.index()]
                    && !stale.complete
                {
                    stale.complete = true;
                    let uv = stale.uv;
                    self.channels[id.index()].put_back(None, uv);
                }
            }
            RegisterId::Core(Core::IrqClear) => {
                if let Some((bits, left)) = &mut self.injected.storm {
                    self.core_status |= *bits;
                    *left -= 1;
                    if *left == 0 {
                        self.injected.storm = None;
                    }
                }
            }
            _ => {}
        }
    }

    /// The ISP was reset: stale addresses survive, the rest is over.
    fn faults_after_reset(&mut self) {
        let state = &mut self.injected;
        state.stuck = [0; ChannelId::COUNT];
        state.storm = None;
        for (stale, channel) in state.stale.iter().zip(&mut self.channels) {
            if let Some(stale) = stale {
                channel.put_back(Some(stale.y), stale.uv);
            }
        }
    }

    /// CH_EN with the bits of channels that are stuck.
    fn enable_with_faults(&mut self, value: u32) -> u32 {
        let mut enabled = value;
        for id in ChannelId::ALL {
            let goes_off = value & id.bit() == 0 && self.channels[id.index()].is_enabled();
            if !goes_off {
                continue;
            }
            let left = &mut self.injected.stuck[id.index()];
            if *left == 0 {
                let fault = self
                    .injected
                    .faults
                    .occasion(FaultKind::StuckChannel, Some(id));
                *left = fault.map_or(0, |fault| fault.times);
            }
            if *left > 0 {
                enabled |= id.bit();
            }
        }
        enabled
    }
}
