// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip's state, and what a frame's first line does to it.

use super::bank_index::BankIndex;
use super::behaviour::{Behaviours, SmallCrop, StartTransient};
use super::carve_out::CarveOut;
use super::channel::{ChannelCounters, OutputChannel};
use super::conditions::Conditions;
use super::fault_state::FaultState;
use super::faults::Effects;
use super::frame::Frame;
use super::frame_clock::FrameClock;
use super::gates::Gates;
use super::guest_errors::{GuestErrorKind, GuestErrors};
use super::i2c_controller::Controller;
use super::latch::Latch;
use super::sensor::SensorModel;
use super::storage::Storage;
use std::time::Duration;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_abi::registers::{Channel, Core, Cpm, Msca, Statistics, TABLES, Tuning, Vic};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::{Soc, T31X};

/// The emulated ISP.
#[derive(Clone, Debug)]
pub struct Chip {
    pub(super) soc: Soc,
    pub(super) sensor: Sensor,
    pub(super) sensor_model: SensorModel,
    pub(super) storage: Storage,
    /// The multi-scaler's settings in effect.
    pub(super) latch: Latch,
    pub(super) i2c: [Controller; 2],
    pub(super) frame_clock: FrameClock,
    pub(super) gates: Gates,
    pub(super) core_status: u32,
    pub(super) core_running: bool,
    /// The core has let go of its input.
    pub(super) core_released: bool,
    /// The next frame is the first since the core started.
    pub(super) core_just_started: bool,
    pub(super) msca_status: u32,
    /// Channels that have finished a frame of which no interrupt told.
    pub(super) unannounced: u32,
    pub(super) vic_status: [u32; 2],
    pub(super) vic_running: bool,
    pub(super) channels: [OutputChannel; ChannelId::COUNT],
    pub(super) frame_number: u32,
    /// The sensor's time from frame 1 to the next.
    pub(super) time: Duration,
    pub(super) bank_index: BankIndex,
    /// How often the ISP was reset.
    pub(super) generation: u32,
    /// No bytes are under way to memory.
    pub(super) bus_idle: bool,
    /// The buffers that the frame between its first and last line goes to.
    pub(super) writing: [Option<PhysAddr>; ChannelId::COUNT],
    pub(super) carve_out: Option<CarveOut>,
    pub(super) behaviours: Behaviours,
    /// An input crop smaller than an output has stopped all channels until a reset.
    pub(super) stalled: bool,
    pub(super) conditions: Conditions,
    pub(super) injected: FaultState,
    pub(super) guest_errors: GuestErrors,
}

impl Chip {
    /// A chip after power-up with `sensor` connected.
    #[must_use]
    pub fn new(sensor: Sensor) -> Self {
        let storage = Storage::new();
        let mut chip = Self {
            soc: T31X,
            sensor,
            sensor_model: SensorModel::new(sensor),
            latch: Latch::new(&storage),
            storage,
            i2c: Default::default(),
            frame_clock: FrameClock::default(),
            gates: Gates {
                clocked: false,
                in_reset: false,
            },
            core_status: 0,
            core_running: false,
            core_released: false,
            core_just_started: false,
            msca_status: 0,
            unannounced: 0,
            vic_status: [0; 2],
            vic_running: false,
            channels: ChannelId::ALL.map(OutputChannel::new),
            frame_number: 0,
            time: Duration::ZERO,
            bank_index: BankIndex::default(),
            generation: 0,
            bus_idle: true,
            writing: [None; ChannelId::COUNT],
            carve_out: None,
            behaviours: Behaviours::default(),
            stalled: false,
            conditions: Conditions::default(),
            injected: FaultState::default(),
            guest_errors: GuestErrors::default(),
        };
        chip.update_gates();
        chip
    }

    /// The time from one frame to the next as the sensor is set (T31 7.3).
    #[must_use]
    pub fn frame_period(&self) -> Duration {
        Duration::from_nanos(self.sensor_model.period_ns())
    }

    /// The connected sensor.
    #[must_use]
    pub const fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// Frames are to be written to this memory alone; elsewhere is a guest error.
    pub const fn set_carve_out(&mut self, carve_out: Option<CarveOut>) {
        self.carve_out = carve_out;
    }

    /// Chooses how the chip behaves where its behaviour is open.
    pub const fn set_behaviours(&mut self, behaviours: Behaviours) {
        self.behaviours = behaviours;
    }

    /// How the chip behaves where its behaviour is open.
    #[must_use]
    pub const fn behaviours(&self) -> Behaviours {
        self.behaviours
    }

    /// Whether the sensor's frames go through: PHY and host are up, the VIC runs and hands them to the
    /// core or to its own DMA.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.vic_running
            && self.csi_is_up()
            && self.gates.are_open()
            && self.vic_matches_sensor()
            && self.sensor_is_alive()
            && self.conditions.link_works
            && !self.is_reset_requested()
            && (self.core_is_active() || self.captures_raw())
    }

    /// Whether a frame would find a buffer in every enabled channel, of which there is at least one; or
    /// nothing but raw pictures are taken and the last one has been acknowledged.
    #[must_use]
    pub fn is_ready_for_frame(&self) -> bool {
        let enabled = || self.channels.iter().filter(|channel| channel.is_enabled());
        if !self.is_streaming() || !self.frames_come_through() {
            return false;
        }
        match enabled().count() {
            0 => self.is_ready_for_raw(),
            _ => {
                let ids = ChannelId::ALL.into_iter().zip(&self.channels);
                let mut enabled = ids.filter(|(_, channel)| channel.is_enabled());
                self.core_is_active()
                    && enabled.all(|(id, channel)| channel.has_buffer(&self.scaler(id)))
            }
        }
    }

    /// Whether what the sensor sends gets to the VIC's end.
    const fn frames_come_through(&self) -> bool {
        self.conditions.vic_passes && self.conditions.sensor_sends
    }

    /// The levels of the interrupt lines: [`LINE_CORE`] and [`LINE_VIC`] (T31 9.2).
    #[must_use]
    pub fn irq_lines(&self) -> u32 {
        let core = self.core_status & self.storage.get(Core::IrqEnable.address());
        let vic = self.vic_status[0] & !self.storage.get(Vic::IrqMask0.address())
            | self.vic_status[1] & !self.storage.get(Vic::IrqMask1.address());
        (if core == 0 { 0 } else { LINE_CORE }) | (if vic == 0 { 0 } else { LINE_VIC })
    }

    /// The sensor's first line arrives: counts the frame, raises the start interrupts and takes the
    /// next buffer of each enabled channel (T31 9.3). `None` while the ISP does not run.
    pub(super) fn begin_frame(&mut self, effects: Effects) -> Option<Frame> {
        if !self.is_streaming() {
            return None;
        }
        self.frame_number = self.frame_number.wrapping_add(1);
        let mut frame = Frame {
            number: self.frame_number,
            jobs: Vec::new(),
            raw: None,
            statistics: Vec::new(),
            noise: Vec::new(),
            time: self.time,
            light: self.sensor_model.next_light(),
            flips: self.sensor_model.flips(),
            effects,
            lost: effects.lost || !self.frames_come_through(),
            generation: self.generation,
        };
        self.time = self.time.saturating_add(self.frame_period());
        if frame.lost {
            return Some(frame);
        }
        self.vic_status[0] |= Vic::VIC_FRAME_DONE.mask();
        self.check_frame_size();
        frame.raw = self.start_raw();
        if self.core_is_active() {
            self.start_core_frame(&mut frame);
        }
        Some(frame)
    }

    /// The core's part of a frame's first line.
    pub(super) fn start_core_frame(&mut self, frame: &mut Frame) {
        self.core_status |= Core::IRQ_FRAME_START.mask();
        self.latch.take_over(&self.storage);
        let first = std::mem::take(&mut self.core_just_started);
        if first && self.behaviours.start_transient == StartTransient::On {
            // The pattern 0x500, seen once at a normal start (T31 2.2).
            self.core_status |= Core::IRQ_OVERFLOW_0.mask() | Core::IRQ_START_TRANSIENT.mask();
        }
        let stalls = self.behaviours.small_crop == SmallCrop::Stall;
        self.stalled |= stalls && self.has_small_crop();
        if !self.stalled {
            frame.jobs = self.start_channels();
        }
        for job in &frame.jobs {
            self.writing[job.channel.index()] = Some(job.y);
            self.check_job(job);
        }
        frame.statistics = self.start_statistics();
        if !frame.jobs.is_empty() {
            frame.noise = self.start_noise_filter();
        }
    }

    /// The protocol errors so far.
    #[must_use]
    pub const fn guest_errors(&self) -> &GuestErrors {
        &self.guest_errors
    }

    /// Records a protocol error that was seen outside of the chip.
    pub fn report(&mut self, kind: GuestErrorKind, detail: String) {
        self.guest_errors.report(kind, || detail);
    }

    /// What a channel has done so far.
    #[must_use]
    pub fn channel_counters(&self, channel: ChannelId) -> ChannelCounters {
        self.channels[channel.index()].counters()
    }

    /// Whether bytes are under way to memory: as long as there are any, the soft reset's request is not
    /// acknowledged.
    pub const fn set_bus_idle(&mut self, idle: bool) {
        self.bus_idle = idle;
    }

    /// How often a reset or a flush has ended all frames that had begun.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the soft reset's handshake is under way: the ISP must not touch memory any more.
    #[must_use]
    pub fn is_reset_requested(&self) -> bool {
        Cpm::ISP_RESET_REQUEST.is_set(self.storage.get(Cpm::SoftReset.address()))
    }

    pub(super) fn channels_busy(&self) -> u32 {
        self.channels
            .iter()
            .zip(ChannelId::ALL)
            .filter(|(channel, _)| channel.is_busy())
            .fold(0, |bits, (_, id)| bits | id.bit())
    }

    /// The soft reset of the ISP: core, multi-scaler and VIC (T31 1.3).
    pub(super) fn reset_isp(&mut self) {
        for block in [
            Core::BLOCK,
            Tuning::BLOCK,
            Msca::BLOCK,
            Channel::BLOCK,
            Statistics::BLOCK,
            TABLES,
            Vic::BLOCK,
        ] {
            self.storage.reset(block);
        }
        self.latch = Latch::new(&self.storage);
        self.frame_clock.drop_frame();
        self.stalled = false;
        self.core_status = 0;
        self.core_running = false;
        self.core_released = false;
        self.core_just_started = false;
        self.msca_status = 0;
        self.unannounced = 0;
        self.vic_status = [0; 2];
        self.vic_running = false;
        self.channels.iter_mut().for_each(OutputChannel::reset);
        self.frame_number = 0;
        self.time = Duration::ZERO;
        self.bank_index = BankIndex::default();
        self.writing = [None; ChannelId::COUNT];
        self.generation = self.generation.wrapping_add(1);
        self.conditions.vic_passes = true;
    }
}
