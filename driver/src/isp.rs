// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The ISP as a whole: who it is, and when it is up.

use crate::bring_up;
use crate::bus::{Bus, BusError};
use crate::error::Error;
use crate::health::{Health, Silenced, VicErrors, Watchdog};
use crate::noise_reduction::{self, MemoryOption};
use crate::output::OutputChannel;
use crate::revocation::{Quarantine, no_quarantine};
use core::mem::MaybeUninit;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Core, Cpm, Harb};
use tx_isp_abi::sensor::{Flips, Sensor};
use tx_isp_abi::vendor::IspBuffer;

/// The T31's SoC id word (T31 1.4).
const T31_SOC_ID: u32 = 0x1003_1000;
/// The T31's ISP core id (T31 2.1).
const T31_CORE_ID: u32 = 0x5456_0031;

/// The channels as long as no sensor is known.
const CHANNELS: [OutputChannel; ChannelId::COUNT] = {
    let [first, second, third] = ChannelId::ALL;
    [
        OutputChannel::without_sensor(first),
        OutputChannel::without_sensor(second),
        OutputChannel::without_sensor(third),
    ]
};

/// The driver's state of one ISP.
#[derive(Debug)]
pub struct Isp<B> {
    pub(crate) bus: B,
    pub(crate) sensor: Sensor,
    /// Lines of a frame as the sensor was told last.
    pub(crate) frame_length: u32,
    pub(crate) channels: [OutputChannel; ChannelId::COUNT],
    /// Which ways what the channels write is turned about.
    pub(crate) output_flips: Flips,
    /// Clocks, core and CSI are set up.
    pub(crate) initialised: bool,
    /// They and the VIC run.
    pub(crate) running: bool,
    /// The ISP is to run although no channel streams.
    pub(crate) held: bool,
    /// The noise reduction's memory: its registers are written after each reset.
    pub(crate) noise_reduction: Option<(IspBuffer, MemoryOption)>,
    /// The memory of the exposure's statistics.
    pub(crate) statistics: Option<PhysAddr>,
    /// The first interrupt since bring-up has been seen.
    pub(crate) first_frame_seen: bool,
    /// The last value written to CH_EN.
    pub(crate) channel_enable: u32,
    pub(crate) health: Health,
    pub(crate) vic_errors: VicErrors,
    pub(crate) watchdog: Watchdog,
    pub(crate) silenced: Silenced,
    /// Interrupts in a row that told of errors and brought no frame.
    pub(crate) interrupts_in_vain: u32,
    /// Interrupts of the running ISP that found nothing to do; wraps.
    pub(crate) empty_interrupts: u32,
    /// The bus has failed while channels streamed: [`Isp::check`] is to reset the chip.
    pub(crate) needs_recovery: bool,
    /// What the hardware may write for ever.
    pub(crate) quarantine: Quarantine,
}

impl<B: Bus> Isp<B> {
    /// Makes sure that `bus` leads to a T31. The ISP's clocks run afterwards, the ISP itself does not.
    ///
    /// # Errors
    /// [`Error::UnknownChip`], or [`Error::Bus`] where nobody answers.
    pub fn probe(bus: B, sensor: Sensor) -> Result<Self, Error> {
        let mut isp = Self::new(bus, sensor);
        isp.identify()?;
        Ok(isp)
    }

    /// The state before anything is known of what `bus` leads to: [`Isp::identify`] finds out.
    fn new(bus: B, sensor: Sensor) -> Self {
        let mut isp = Self::without_sensor(bus, sensor);
        isp.use_sensor(sensor);
        isp
    }

    /// The same in memory of the caller's, who must not hold a copy on the stack; gives what is there now.
    pub fn place(memory: &mut MaybeUninit<Self>, bus: B, sensor: Sensor) -> &mut Self {
        let isp = memory.write(Self::without_sensor(bus, sensor));
        isp.use_sensor(sensor);
        isp
    }

    /// Channels are constants here: what writes this to memory needs no place for them on the stack.
    #[inline]
    fn without_sensor(bus: B, sensor: Sensor) -> Self {
        Self {
            bus,
            sensor,
            frame_length: sensor.frame_length,
            channels: CHANNELS,
            output_flips: Flips::default(),
            initialised: false,
            running: false,
            held: false,
            noise_reduction: None,
            statistics: None,
            first_frame_seen: false,
            channel_enable: 0,
            health: Health::default(),
            vic_errors: VicErrors::default(),
            watchdog: Watchdog::default(),
            silenced: Silenced::default(),
            interrupts_in_vain: 0,
            empty_interrupts: 0,
            needs_recovery: false,
            quarantine: no_quarantine(),
        }
    }

    /// From now on pictures are those of `sensor`. Not inlined: callers have a kernel's stack.
    #[inline(never)]
    pub(crate) fn use_sensor(&mut self, sensor: Sensor) {
        self.sensor = sensor;
        self.frame_length = sensor.frame_length;
        for channel in &mut self.channels {
            channel.reset(sensor.size);
        }
    }

    /// What [`Isp::probe`] does, in place.
    ///
    /// # Errors
    /// As [`Isp::probe`].
    pub fn identify(&mut self) -> Result<(), Error> {
        let soc_id = self.bus.read(Harb::SocId.address())?;
        let core_id = if soc_id == T31_SOC_ID {
            // The core answers with its clocks running only; other chips' clocks are left alone.
            bring_up::open_clock_gates(&mut self.bus)?;
            self.bus.read(Core::Id.address())?
        } else {
            0
        };
        if soc_id != T31_SOC_ID || core_id != T31_CORE_ID {
            return Err(Error::UnknownChip(soc_id, core_id));
        }
        Ok(())
    }

    /// The sensor that feeds the ISP.
    #[must_use]
    pub const fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// Brings the ISP up, unless it is. A device that does not answer is reset once.
    pub(crate) fn ensure_running(&mut self) -> Result<(), Error> {
        if self.running {
            return Ok(());
        }
        let mut started = match self.initialised {
            true => self.let_frames_in(),
            false => self.start_all(),
        };
        let is_silent = matches!(started, Err(Error::Bus(BusError::Timeout | BusError::Busy)));
        if is_silent && self.reset_device().is_ok() {
            started = self.start_all();
        }
        if started.is_err() {
            // A part of it may run; the first error is the one to report.
            let _ = bring_up::stop(&mut self.bus);
            self.initialised = false;
        }
        started
    }

    /// Resets the ISP, brings it up, and starts the channels that stream with the buffers they hold.
    pub(crate) fn start_all(&mut self) -> Result<(), Error> {
        self.set_up()?;
        self.let_frames_in()
    }

    /// Resets the ISP and sets it up, unless it is; frames come once it runs.
    ///
    /// # Errors
    /// Whatever the reset or the sensor's link meet.
    pub fn initialise(&mut self) -> Result<(), Error> {
        if self.running || self.initialised {
            return Ok(());
        }
        let done = self.set_up();
        if done.is_err() {
            // The first error is the one to report.
            let _ = bring_up::stop(&mut self.bus);
            self.initialised = false;
        }
        done
    }

    /// Lets the ISP run, or (`false`) run only while a channel streams.
    ///
    /// # Errors
    /// Whatever bring-up or shutting down meet.
    pub fn hold(&mut self, held: bool) -> Result<(), Error> {
        self.held = held;
        if !held {
            return self.stop_if_idle();
        }
        let started = self.ensure_running();
        self.held = started.is_ok();
        started
    }

    /// Undoes [`Isp::initialise`] where nothing runs.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn deinitialise(&mut self) -> Result<(), Error> {
        self.noise_reduction = None;
        if self.running || !self.initialised {
            return Ok(());
        }
        self.initialised = false;
        Ok(bring_up::stop(&mut self.bus)?)
    }

    /// Gives the noise reduction its memory, or takes it.
    ///
    /// # Errors
    /// [`Error::NoiseReduction`] if the memory is too small, [`Error::Bus`].
    pub fn set_noise_reduction(
        &mut self,
        memory: Option<(IspBuffer, MemoryOption)>,
    ) -> Result<(), Error> {
        if let Some((buffer, option)) = memory {
            noise_reduction::registers(buffer, self.sensor.size, option)
                .map_err(|_| Error::NoiseReduction(buffer.bytes))?;
        }
        self.noise_reduction = memory;
        self.write_noise_reduction()
    }

    /// Tells the chip of memory that is too small, as far as the vendor's driver does.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn write_noise_reduction_in_part(
        &mut self,
        buffer: IspBuffer,
        option: MemoryOption,
    ) -> Result<(), Error> {
        let writes = noise_reduction::written_before_refusal(buffer, self.sensor.size, option);
        Ok(self.bus.post(writes.as_slice())?)
    }

    fn write_noise_reduction(&mut self) -> Result<(), Error> {
        let Some((buffer, option)) = self.noise_reduction else {
            return Ok(());
        };
        if let Ok(writes) = noise_reduction::registers(buffer, self.sensor.size, option) {
            self.bus.post(writes.as_slice())?;
        }
        Ok(())
    }

    /// Resets the ISP and sets it up.
    fn set_up(&mut self) -> Result<(), Error> {
        self.running = false;
        self.initialised = false;
        bring_up::soft_reset(&mut self.bus)?;
        self.hardware_is_empty();
        self.configure()
    }

    /// What [`Isp::start_all`] does behind the reset.
    pub(crate) fn configure_and_start(&mut self) -> Result<(), Error> {
        self.configure()?;
        self.let_frames_in()
    }

    fn let_frames_in(&mut self) -> Result<(), Error> {
        bring_up::start_vic(&mut self.bus, &self.sensor)?;
        for channel in ChannelId::ALL {
            if self.is_streaming(channel) {
                self.start_channel(channel)?;
            }
        }
        self.running = true;
        self.needs_recovery = false;
        Ok(())
    }

    fn configure(&mut self) -> Result<(), Error> {
        self.first_frame_seen = false;
        self.channel_enable = 0;
        self.silenced = Silenced::default();
        self.interrupts_in_vain = 0;
        bring_up::initialise(&mut self.bus, &self.sensor)?;
        self.initialised = true;
        self.write_noise_reduction()?;
        match self.statistics {
            Some(_) => self.write_statistics(),
            None => Ok(()),
        }
    }

    /// Shuts the ISP down once no channel is active.
    pub(crate) fn stop_if_idle(&mut self) -> Result<(), Error> {
        let needed = self.held || self.channels.iter().any(OutputChannel::is_active);
        if !self.running || needed {
            return Ok(());
        }
        self.running = false;
        self.initialised = false;
        self.needs_recovery = false;
        Ok(bring_up::stop(&mut self.bus)?)
    }

    /// Asks for a sign of life while channels stream.
    ///
    /// # Errors
    /// [`Error::Bus`]: the next [`Isp::check`] deals with it.
    pub fn ping(&mut self) -> Result<(), Error> {
        let answered = self.bus.read(Harb::SocId.address());
        self.needs_recovery |= answered.is_err();
        answered.map(drop).map_err(Error::from)
    }

    /// Stores the board's straps, a register that only keeps its value, so many times over with what it
    /// holds: what a store costs where nobody waits for it.
    ///
    /// # Errors
    /// [`Error::Bus`] if they could not be sent.
    pub fn store_straps(&mut self, times: u32) -> Result<(), Error> {
        let straps = Cpm::Strap.address();
        let value = self.bus.read(straps)?;
        for _ in 0..times {
            self.bus.post(&[Operation::Write(straps, value)])?;
        }
        Ok(())
    }

    /// Whether frames may come, and interrupts with them.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running
    }

    /// How many interrupts of the running ISP found neither a status nor a frame.
    #[must_use]
    pub const fn empty_interrupts(&self) -> u32 {
        self.empty_interrupts
    }

    /// The bus, for what is none of the driver core's business.
    pub const fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }
}
