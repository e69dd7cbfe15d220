// SPDX-License-Identifier: GPL-2.0-only
//! The ISP as a whole: who it is, and when it is up.

use crate::bring_up;
use crate::bus::Bus;
use crate::channel::OutputChannel;
use crate::error::Error;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, Harb};
use tx_isp_abi::sensor::Sensor;

/// The T31's SoC id word (facts 1.4).
const T31_SOC_ID: u32 = 0x1003_1000;
/// The T31's ISP core id (facts 2.1).
const T31_CORE_ID: u32 = 0x5456_0031;

/// The driver's state of one ISP.
#[derive(Debug)]
pub struct Isp<B> {
    pub(crate) bus: B,
    pub(crate) sensor: Sensor,
    pub(crate) channels: [OutputChannel; ChannelId::COUNT],
    /// Clocks, core, CSI and VIC run.
    pub(crate) running: bool,
    /// The first interrupt since bring-up has been seen.
    pub(crate) first_frame_seen: bool,
    /// The last value written to CH_EN.
    pub(crate) channel_enable: u32,
}

impl<B: Bus> Isp<B> {
    /// Makes sure that `bus` leads to a T31. The ISP's clocks run afterwards, the ISP itself does not.
    ///
    /// # Errors
    /// [`Error::UnknownChip`], or [`Error::Bus`] where nobody answers.
    pub fn probe(mut bus: B, sensor: Sensor) -> Result<Self, Error> {
        let soc_id = bus.read(Harb::SocId.address())?;
        let core_id = if soc_id == T31_SOC_ID {
            // The core answers with its clocks running only; other chips' clocks are left alone.
            bring_up::open_clock_gates(&mut bus)?;
            bus.read(Core::Id.address())?
        } else {
            0
        };
        if soc_id != T31_SOC_ID || core_id != T31_CORE_ID {
            return Err(Error::UnknownChip(soc_id, core_id));
        }
        Ok(Self {
            bus,
            sensor,
            channels: ChannelId::ALL.map(|id| OutputChannel::new(id, sensor.size)),
            running: false,
            first_frame_seen: false,
            channel_enable: 0,
        })
    }

    /// The sensor that feeds the ISP.
    #[must_use]
    pub const fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// Brings the ISP up, unless it is.
    pub(crate) fn ensure_running(&mut self) -> Result<(), Error> {
        if self.running {
            return Ok(());
        }
        bring_up::start(&mut self.bus, &self.sensor)?;
        self.running = true;
        self.first_frame_seen = false;
        self.channel_enable = 0;
        Ok(())
    }

    /// Shuts the ISP down once no channel streams.
    pub(crate) fn stop_if_idle(&mut self) -> Result<(), Error> {
        if !self.running || self.channels.iter().any(OutputChannel::is_streaming) {
            return Ok(());
        }
        self.running = false;
        Ok(bring_up::stop(&mut self.bus)?)
    }

    /// The bus is gone: nothing runs any more, and all buffers are the caller's again.
    pub fn abandon(&mut self) {
        self.running = false;
        for channel in &mut self.channels {
            channel.forget();
        }
    }

    /// The bus, for what is none of the driver core's business.
    pub const fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }
}
