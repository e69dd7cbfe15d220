// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip: its state, and what a register's access does.

use super::bank_index::BankIndex;
use super::behaviour::{Behaviours, FifoClear, SmallCrop, StartTransient};
use super::carve_out::CarveOut;
use super::channel::{ChannelCounters, OutputChannel};
use super::fault_state::FaultState;
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
use tx_isp_abi::operation::RegisterFile;
use tx_isp_abi::registers::{
    Access, Channel, Core, Cpm, CsiHost, Fidelity, Msca, RegisterId, Statistics, TABLES, Tuning,
    Vic,
};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::{Soc, T31X};

/// START_MASK's bits that can be set (T31 2b.4).
const START_MASK_BITS: u32 = 0x8fff_ffff;

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
            && !self.injected.sensor_dead
            && !self.is_reset_requested()
            && (self.core_is_active() || self.captures_raw())
    }

    /// Whether a frame would find a buffer in every enabled channel, of which there is at least one; or
    /// nothing but raw pictures are taken and the last one has been acknowledged.
    #[must_use]
    pub fn is_ready_for_frame(&self) -> bool {
        let enabled = || self.channels.iter().filter(|channel| channel.is_enabled());
        if !self.is_streaming() || self.injected.vic_halted || self.injected.sensor_silent {
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
    pub(super) fn begin_frame(&mut self) -> Option<Frame> {
        if !self.is_streaming() {
            return None;
        }
        self.frame_number = self.frame_number.wrapping_add(1);
        let effects = self.injected.faults.frame();
        let mut frame = Frame {
            number: self.frame_number,
            jobs: Vec::new(),
            raw: None,
            statistics: Vec::new(),
            noise: Vec::new(),
            time: self.time,
            light: self.sensor_model.next_light(),
            effects,
            lost: self.frame_start_faults(&effects),
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
        self.reset_injected_faults();
    }

    pub(super) fn read_register(&mut self, id: RegisterId) -> u32 {
        match id {
            RegisterId::Cpm(Cpm::SoftReset) => self.read_soft_reset(),
            RegisterId::Core(Core::IrqStatus) => self.core_status,
            RegisterId::Core(Core::ReleaseAcknowledge) => self.release_acknowledge(),
            RegisterId::Core(register @ (Core::Status60 | Core::Status64)) => {
                self.core_live(register).unwrap_or_default()
            }
            RegisterId::I2c(number, register) => self.read_i2c(number, register),
            RegisterId::Intc(bank, register) => self.read_intc(bank, register),
            RegisterId::Gpio(port, register) => self.read_gpio(port, register),
            RegisterId::Msca(Msca::ChannelState) => self.channels_busy(),
            RegisterId::Msca(Msca::IrqStatus) => self.msca_status,
            RegisterId::Msca(register) => self
                .msca_live(register)
                .unwrap_or_else(|| self.storage.get(id.address())),
            RegisterId::Vic(Vic::State120) => self.vic_live(),
            RegisterId::Vic(Vic::IrqStatus0) => self.vic_status[0],
            RegisterId::Vic(Vic::IrqStatus1) => self.vic_status[1],
            RegisterId::CsiHost(CsiHost::PhyState) => self.phy_state(),
            RegisterId::CsiHost(CsiHost::Live) => self.csi_live(),
            RegisterId::Channel(channel, register) => {
                let output = &mut self.channels[channel.index()];
                output
                    .read(register, &mut self.guest_errors)
                    .unwrap_or_else(|| self.storage.get(id.address()))
            }
            _ => self.storage.get(id.address()),
        }
    }

    pub(super) fn write_register(&mut self, id: RegisterId, value: u32) {
        match id {
            RegisterId::Cpm(Cpm::SoftReset) => self.write_soft_reset(value),
            RegisterId::Cpm(Cpm::ClockGate0 | Cpm::ClockGate1) => {
                self.storage.set(id.address(), value);
                self.update_gates();
            }
            RegisterId::Core(Core::Start) => self.write_core_start(value),
            RegisterId::Core(Core::MainEnable) => {
                self.core_running &= value != 0;
                self.storage.set(id.address(), value);
            }
            RegisterId::Core(Core::IrqClear) => {
                acknowledge(&mut self.core_status, value, id, &mut self.guest_errors);
            }
            RegisterId::Core(Core::ReleaseRequest) => self.write_release_request(value),
            RegisterId::Core(Core::PipelineControl) => self.write_pipeline_control(value),
            RegisterId::Core(Core::StartMask) => {
                self.storage.set(id.address(), value & START_MASK_BITS);
            }
            RegisterId::I2c(number, register) => self.write_i2c(number, register, value),
            RegisterId::Intc(bank, register) => self.write_intc(bank, register, value),
            RegisterId::Gpio(port, register) => self.write_gpio(port, register, value),
            RegisterId::Msca(Msca::ChannelEnable) => self.write_channel_enable(value),
            RegisterId::Msca(Msca::IrqClear) => {
                acknowledge(&mut self.msca_status, value, id, &mut self.guest_errors);
            }
            RegisterId::Vic(Vic::Control) => self.write_vic_control(value),
            RegisterId::Vic(Vic::IrqClear0) => {
                acknowledge(&mut self.vic_status[0], value, id, &mut self.guest_errors);
            }
            RegisterId::Vic(Vic::IrqClear1) => {
                acknowledge(&mut self.vic_status[1], value, id, &mut self.guest_errors);
            }
            RegisterId::Channel(channel, register) => {
                self.check_channel_write(channel, register, value);
                let output = &mut self.channels[channel.index()];
                let sixth = self.behaviours.sixth_push;
                if !output.write(register, value, sixth, &mut self.guest_errors) {
                    self.storage.set(id.address(), value);
                } else if register == Channel::YAddressClear
                    && self.behaviours.fifo_clear == FifoClear::Stop
                {
                    self.stop_channel(channel);
                }
            }
            _ => self.storage.set(id.address(), value),
        }
    }

    /// CH_EN: enables take effect at once, what the strobes take over with the next frame; strobes read 0
    /// (T31 2.5).
    pub(super) fn write_channel_enable(&mut self, value: u32) {
        self.latch.strobe(value);
        for id in ChannelId::ALL {
            if value & id.bit() != 0 && !self.channels[id.index()].is_enabled() {
                self.check_start(id);
            }
        }
        for (channel, id) in self.channels.iter_mut().zip(ChannelId::ALL) {
            channel.set_enabled(value & id.bit() != 0);
        }
        let strobes = Msca::INPUT_STROBE.mask() | Msca::CHANNEL_STROBES.mask();
        let address = Msca::ChannelEnable.address();
        self.storage.set(address, value & !strobes);
    }

    /// As if CH_EN were written without the channel's bit.
    pub(super) fn stop_channel(&mut self, channel: ChannelId) {
        let address = Msca::ChannelEnable.address();
        let enabled = self.storage.get(address) & !channel.bit();
        self.storage.set(address, enabled);
        self.channels[channel.index()].set_enabled(false);
    }

    pub(super) fn carry_out(&mut self, address: PhysAddr, value: u32) {
        let Some(id) = RegisterId::decode(address) else {
            self.guest_errors
                .report(GuestErrorKind::UndefinedRegister, || {
                    format!("write of {value:#010x} to {address}")
                });
            return;
        };
        if self.is_refused(id, "write") {
            return;
        }
        let register = id.describe();
        let read_only = matches!(register.access, Access::ReadOnly | Access::FifoPop);
        if read_only {
            // What is unknown may be written for a reason that is not known either.
            if register.fidelity != Fidelity::Unknown {
                self.guest_errors
                    .report(GuestErrorKind::WriteToReadOnly, || {
                        format!("write of {value:#010x} to {} at {address}", register.name)
                    });
            }
            return;
        }
        if self.injected.any() {
            let value = self.write_with_faults(id, value);
            self.write_register(id, value);
            self.faults_after_write(id);
        } else {
            self.write_register(id, value);
        }
    }
}

impl RegisterFile for Chip {
    fn read(&mut self, address: PhysAddr) -> u32 {
        let value = match RegisterId::decode(address) {
            Some(id) if self.is_refused(id, "read") => 0,
            Some(id) => {
                let value = self.read_register(id);
                if self.injected.any() {
                    self.read_with_faults(id, value)
                } else {
                    value
                }
            }
            None => {
                self.guest_errors
                    .report(GuestErrorKind::UndefinedRegister, || {
                        format!("read of {address}")
                    });
                0
            }
        };
        self.guest_errors.note_read(address, value);
        value
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        self.carry_out(address, value);
        self.guest_errors.note_write(address, value);
    }
}

fn acknowledge(status: &mut u32, value: u32, id: RegisterId, guest_errors: &mut GuestErrors) {
    let not_raised = value & !*status;
    if not_raised != 0 {
        guest_errors.report(GuestErrorKind::AcknowledgeNotRaised, || {
            format!(
                "{} written with {value:#010x} while the status was {status:#010x}",
                id.describe().name
            )
        });
    }
    *status &= !value;
}
