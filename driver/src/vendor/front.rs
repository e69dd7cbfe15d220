// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The state of `/dev/tx-isp`: sensors, links, and what runs (T31 3.4, 2b.3).

mod channels;
mod sensor;

use super::answers::Answers;
use super::channel::FrameChannel;
use super::negotiation::{self, Room};
use super::tuning::Tuning;
use super::{Failure, Quirks};
use crate::alloc::Strategy;
use crate::alloc::negotiation::Margin;
use crate::bus::Bus;
use crate::error::Errno;
use crate::isp::Isp;
use crate::noise_reduction::{self, MemoryOption};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::vendor::{BIN_PATH_BYTES, DropRule, FrameDrop, GPIO_BYTES, IspBuffer, NAME_BYTES};

/// The set of links that joins the core to all frame channels.
const CHANNEL_LINKS: u32 = 0;
/// The largest period of a frame drop rule.
const MAX_PERIOD: u32 = 31;

/// The vendor's front. What is made of zeros is valid, and [`Front::reset`] makes it usable.
#[derive(Clone, Debug)]
pub struct Front {
    /// Opens of `/dev/tx-isp`.
    opens: u32,
    /// `/dev/isp-m0` is open.
    tuning_is_open: bool,
    /// Under what name a sensor was registered.
    sensor: Option<[u8; NAME_BYTES]>,
    /// It is chosen.
    selected: bool,
    /// It streams.
    streaming: bool,
    links: Option<u32>,
    bin_path: [u8; BIN_PATH_BYTES],
    /// What GPIO_INIT and SET_GPIO_STATE have handed over.
    pins: [u8; GPIO_BYTES],
    /// Wide dynamic range is asked for.
    wide_range: bool,
    /// As configured, and as negotiated at the last GET_BUF.
    configured_memory: MemoryOption,
    memory: MemoryOption,
    quirks: Quirks,
    answers: Answers,
    tuning: Tuning,
    channels: [FrameChannel; ChannelId::COUNT],
}

impl Front {
    /// A front that nobody has opened.
    #[must_use]
    pub fn new(memory: MemoryOption, quirks: Quirks) -> Self {
        let mut front = Self {
            opens: 0,
            tuning_is_open: false,
            sensor: None,
            selected: false,
            streaming: false,
            links: None,
            bin_path: [0; BIN_PATH_BYTES],
            pins: [0; GPIO_BYTES],
            wide_range: false,
            configured_memory: memory,
            memory,
            quirks,
            answers: Answers::default(),
            tuning: Tuning::default(),
            channels: ChannelId::ALL.map(FrameChannel::new),
        };
        front.reset(memory, quirks, Answers::default());
        front
    }

    /// Makes this a front that nobody has opened, in place of zeros: it is larger than the kernel's
    /// stack.
    pub fn reset(&mut self, memory: MemoryOption, quirks: Quirks, answers: Answers) {
        self.configured_memory = memory;
        self.memory = memory;
        self.quirks = quirks;
        self.answers = answers;
        self.sensor = None;
        self.links = None;
        self.tuning = Tuning::default();
        for (id, channel) in ChannelId::ALL.into_iter().zip(&mut self.channels) {
            channel.reset(id);
        }
    }

    /// Which faults of the vendor's driver are reproduced.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// A frame channel.
    #[must_use]
    pub const fn channel(&self, id: ChannelId) -> &FrameChannel {
        &self.channels[id.index()]
    }

    /// The values of controls.
    #[must_use]
    pub const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// The values of controls, to be changed.
    pub fn tuning_mut(&mut self) -> &mut Tuning {
        &mut self.tuning
    }

    /// Whether a sensor streams for this front.
    #[must_use]
    pub const fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// Whether a sensor is chosen.
    #[must_use]
    pub const fn is_selected(&self) -> bool {
        self.selected
    }

    // /dev/tx-isp

    /// `/dev/tx-isp` is opened: the first time, everything becomes usable.
    pub fn open(&mut self) {
        self.opens += 1;
        for channel in &mut self.channels {
            channel.activate(true);
        }
    }

    /// Whether it is open once: the next close stops everything.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.opens == 1
    }

    /// `/dev/tx-isp` is closed: the last time, everything is stopped. The vendor's driver keeps the
    /// sensor registered then, so that a client that was killed cannot come back.
    pub fn close<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.opens = self.opens.saturating_sub(1);
        if self.opens > 0 {
            return Ok(());
        }
        let stopped = self.stop_sensor(isp);
        let deselected = self.deselect(isp);
        self.links = None;
        if self.quirks == Quirks::None {
            self.sensor = None;
        }
        for channel in &mut self.channels {
            channel.activate(false);
        }
        stopped.and(deselected)
    }

    /// CREATE_LINKS.
    pub fn create_links<B: Bus>(&mut self, isp: &mut Isp<B>, set: u32) -> Result<(), Failure> {
        if set > 1 {
            return Err(Errno::Einval.into());
        }
        if self.links == Some(set) {
            return Ok(());
        }
        if self.channels.iter().any(FrameChannel::is_started) {
            let why = "CREATE_LINKS: a channel streams over the other set of links";
            return Err(Failure::Refused(Errno::Eperm, why));
        }
        self.links = Some(set);
        self.update(isp)
    }

    /// DESTROY_LINKS: channels that run are stopped.
    pub fn destroy_links<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.links = None;
        self.update(isp)
    }

    /// Decides how much GET_BUF asks for, by the carve-out as it is now. Returns the decision.
    pub fn negotiate<B: Bus>(
        &mut self,
        isp: &Isp<B>,
        strategy: Strategy,
        room: Room,
        margin: Margin,
    ) -> MemoryOption {
        let sensor = isp.sensor().size;
        self.memory =
            negotiation::memory_option(strategy, self.configured_memory, sensor, room, margin);
        self.memory
    }

    /// GET_BUF: how many bytes the noise reduction wants.
    pub fn buffer_bytes<B: Bus>(&self, isp: &Isp<B>) -> Result<u32, Failure> {
        let bytes = match self.selected {
            true => noise_reduction::bytes(isp.sensor().size, self.memory),
            false => 0,
        };
        match self.answers.buffer_bytes {
            None => Ok(bytes),
            Some(answer) => Ok(answer.of(bytes).ok_or(Errno::Efault)?),
        }
    }

    /// SET_BUF. Whose memory it is was looked at. The vendor's driver has written some registers where it
    /// refuses a buffer that is too small.
    pub fn set_buffer<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        buffer: IspBuffer,
    ) -> Result<(), Failure> {
        if !self.selected {
            return Err(Errno::Eperm.into());
        }
        let taken = isp.set_noise_reduction(Some((buffer, self.memory)));
        if taken.is_err() && self.quirks == Quirks::Vendor {
            isp.write_noise_reduction_in_part(buffer, self.memory)?;
        }
        Ok(taken?)
    }

    /// WDR_ENABLE and WDR_DISABLE: the wish is kept. The sensor is linear, and its pictures stay so.
    pub fn set_wide_range(&mut self, wanted: bool) {
        self.wide_range = wanted;
    }

    /// Whether wide dynamic range is asked for.
    #[must_use]
    pub const fn wide_range(&self) -> bool {
        self.wide_range
    }

    /// GPIO_INIT and SET_GPIO_STATE: kept, and nothing else; pins are the business of sensors' modules.
    pub fn set_pins(&mut self, pins: &[u8; GPIO_BYTES]) {
        self.pins = *pins;
    }

    /// What was kept.
    #[must_use]
    pub const fn pins(&self) -> &[u8; GPIO_BYTES] {
        &self.pins
    }

    /// The path of a parameter file; nobody reads the file here.
    pub fn bin_path_mut(&mut self) -> &mut [u8; BIN_PATH_BYTES] {
        &mut self.bin_path
    }

    /// SET_FRAME_DROP.
    pub fn set_frame_drop<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        rules: &FrameDrop,
    ) -> Result<(), Failure> {
        let too_long = |rule: &DropRule| rule.enabled != 0 && rule.period & 0xff > MAX_PERIOD;
        if rules.iter().any(too_long) {
            let why = "SET_FRAME_DROP: a period is at most 31";
            return Err(Failure::Refused(Errno::Einval, why));
        }
        for (channel, rule) in self.channels.iter_mut().zip(rules) {
            channel.set_drop_rule(isp, *rule)?;
        }
        Ok(())
    }

    /// GET_FRAME_DROP.
    #[must_use]
    pub fn frame_drop(&self) -> FrameDrop {
        self.channels.each_ref().map(FrameChannel::drop_rule)
    }

    // /dev/isp-m0

    /// `/dev/isp-m0` is opened, by one client at a time.
    pub fn tuning_open(&mut self) -> Result<(), Failure> {
        if self.opens == 0 || self.tuning_is_open {
            return Err(Errno::Eperm.into());
        }
        self.tuning_is_open = true;
        Ok(())
    }

    /// `/dev/isp-m0` is closed.
    pub fn tuning_close(&mut self) {
        self.tuning_is_open = false;
    }
}
