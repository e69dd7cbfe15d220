// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Revocation of DMA: a buffer goes back to its owner only when the hardware can no longer write it.
//!
//! # How a front ends a stream
//!
//! 1. [`Isp::stop_begin`], then [`Isp::stop_step`] until it returns the stop's end. A front with a
//!    lock drops it between the steps, so that other channels go on; [`Isp::stream_off`] does all of
//!    it where nobody else waits.
//! 2. The same holds when [`Isp::check`] returns an error: every channel has ended then.
//! 3. For each buffer of the channel, [`Isp::may_write`] tells whether the hardware may still write
//!    it. Where it may not, the buffer goes back to its owner. Where it may, every reset has failed:
//!    its memory must never be freed, unpinned or used again, whatever its owner does.
//!
//! # How a stop gets its way
//!
//! | step | fails if |
//! |---|---|
//! | the channel is disabled, reads as idle, and its FIFOs are cleared | it is busy for 3 s, or the bus fails |
//! | soft reset of the ISP; the other channels start anew | it is not acknowledged, or the bus fails |
//! | reset of the device that carries the registers; the other channels start anew | there is none |
//! | quarantine | |

use crate::bring_up::{self, write};
use crate::bus::{Bus, BusError};
use crate::channel::{all_enable_bits, clear_fifos};
use crate::error::Error;
use crate::isp::Isp;
use crate::output::OutputChannel;
use crate::revocation::{Phase, Quarantined};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::Msca;

/// From one step of a stop to the next, in microseconds (T31 2.5).
pub const STOP_POLL_US: u32 = 1000;
/// A poll that the bus does not answer counts for so many: each may take as long on a bus that waits.
const FAILED_POLL: u32 = 100;

/// What was reset to end all DMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    /// The ISP.
    Isp,
    /// The device that carries the registers: its chip is as after power-up.
    Device,
}

impl<B: Bus> Isp<B> {
    /// Whether the hardware may still write to these bytes: they are part of a buffer whose addresses
    /// it was given, and no stop or reset has ended that.
    #[must_use]
    pub fn may_write(&self, address: PhysAddr, bytes: u32) -> bool {
        let is_held = |output: &OutputChannel| output.gave_to_hardware(address, bytes);
        self.channels.iter().any(is_held) || self.is_quarantined(address, bytes)
    }

    pub(crate) fn is_quarantined(&self, address: PhysAddr, bytes: u32) -> bool {
        let mut quarantined = self.quarantine.as_slice().iter();
        quarantined.any(|range| range.touches(address, bytes))
    }

    /// Begins to stop a channel. It takes no further buffers; those it has stay with the driver until
    /// [`Isp::stop_step`] says that the stop is over.
    ///
    /// # Errors
    /// [`Error::NotStreaming`].
    pub fn stop_begin(&mut self, channel: ChannelId) -> Result<(), Error> {
        if !self.is_streaming(channel) {
            return Err(Error::NotStreaming(channel));
        }
        self.channels[channel.index()].phase = Phase::STOPPING;
        self.channel_enable &= !all_enable_bits(channel);
        Ok(())
    }

    /// Looks whether a channel has stopped; to be called every [`STOP_POLL_US`] until it returns the
    /// stop's end. All buffers are the caller's then, as far as [`Isp::may_write`] lets them go. An
    /// error says what was wrong with the hardware; it was reset. The last channel to stop shuts the
    /// ISP down.
    pub fn stop_step(&mut self, channel: ChannelId) -> Option<Result<(), Error>> {
        let stopped = self.stop_poll(channel);
        if stopped.is_some() {
            self.channels[channel.index()].forget();
        }
        stopped
    }

    /// Stops a channel: waits until it is idle, empties its FIFOs, and takes all buffers back, as far
    /// as [`Isp::may_write`] lets them go. The last channel to stop shuts the ISP down.
    ///
    /// # Errors
    /// [`Error::NotStreaming`]; [`Error::ChannelStuck`] or [`Error::Bus`] if the chip did not stop and
    /// had to be reset.
    pub fn stream_off(&mut self, channel: ChannelId) -> Result<(), Error> {
        self.stop_begin(channel)?;
        let stopped = self.wait_for_stop(channel);
        self.channels[channel.index()].forget();
        stopped
    }

    /// Stops a channel whose start has failed halfway; its buffers wait for the next start.
    pub(crate) fn undo_start(&mut self, channel: ChannelId) {
        let output = &mut self.channels[channel.index()];
        if output.has_buffers_in_hardware() {
            output.phase = Phase::STOPPING;
            self.channel_enable &= !all_enable_bits(channel);
            // What was wrong with the start is the error to report.
            let _ = self.wait_for_stop(channel);
        }
    }

    fn wait_for_stop(&mut self, channel: ChannelId) -> Result<(), Error> {
        loop {
            if let Some(stopped) = self.stop_poll(channel) {
                return stopped;
            }
            self.bus.sleep(STOP_POLL_US);
        }
    }

    fn stop_poll(&mut self, channel: ChannelId) -> Option<Result<(), Error>> {
        let Phase::Stopping { disabled, polls } = self.channels[channel.index()].phase else {
            // Whatever reset the ISP meanwhile has stopped it.
            return Some(Ok(()));
        };
        let (cause, cost, disabled) = match self.disable(channel, disabled) {
            Ok(true) => {
                self.channels[channel.index()].take_back_from_hardware();
                return Some(self.stop_if_idle());
            }
            Ok(false) => (Error::ChannelStuck(channel), 1, true),
            Err(BusError::Gone) => (BusError::Gone.into(), polls, false),
            Err(error) => (error.into(), FAILED_POLL, false),
        };
        let polls = polls.saturating_sub(cost);
        self.channels[channel.index()].phase = Phase::Stopping { disabled, polls };
        if polls > 0 {
            return None;
        }
        self.stop_by_reset(channel);
        Some(Err(cause))
    }

    /// Whether a channel is disabled and idle; its FIFOs are empty then.
    fn disable(&mut self, channel: ChannelId, is_disabled: bool) -> Result<bool, BusError> {
        if !is_disabled {
            self.bus
                .post(&[write(Msca::ChannelEnable.address(), self.channel_enable)])?;
        }
        if self.bus.read(Msca::ChannelState.address())? & channel.bit() != 0 {
            return Ok(false);
        }
        self.drain_unread(channel)?;
        self.bus.post(&clear_fifos(channel))?;
        Ok(true)
    }

    /// A channel does not stop: only a reset ends its DMA. The others start anew.
    fn stop_by_reset(&mut self, channel: ChannelId) {
        let revoked = self.revoke();
        self.channels[channel.index()].take_back_from_hardware();
        let Ok(by) = revoked else { return };
        if self.held || self.channels.iter().any(OutputChannel::is_streaming) {
            self.health.restarts += 1;
            if self.configure_and_start().is_err() {
                self.needs_recovery = true;
            }
        } else {
            self.silence_after(by);
        }
    }

    /// A reset has stopped the frames; what a soft reset leaves on keeps quiet, too.
    fn silence_after(&mut self, reset: Reset) {
        if reset == Reset::Isp {
            // It could only fail to be quiet.
            let _ = bring_up::stop(&mut self.bus);
        }
    }

    /// Ends all DMA by a reset: of the ISP, else of the device. What the hardware held waits to be
    /// pushed again; nothing runs.
    ///
    /// # Errors
    /// That of the soft reset if the device cannot be reset either: what the hardware holds is in
    /// quarantine then, and no channel streams.
    fn revoke(&mut self) -> Result<Reset, Error> {
        self.running = false;
        self.initialised = false;
        let Err(error) = bring_up::soft_reset(&mut self.bus) else {
            self.hardware_is_empty();
            return Ok(Reset::Isp);
        };
        if self.reset_device().is_ok() {
            return Ok(Reset::Device);
        }
        self.quarantine_all();
        Err(error)
    }

    /// Resets the device that carries the registers.
    ///
    /// # Errors
    /// If that is not possible; nothing has changed then.
    pub(crate) fn reset_device(&mut self) -> Result<(), BusError> {
        self.bus.reset_device()?;
        self.health.device_resets += 1;
        self.running = false;
        self.initialised = false;
        self.hardware_is_empty();
        Ok(())
    }

    /// Ends every stream, whatever it takes.
    pub(crate) fn end_streams(&mut self) {
        if let Ok(by) = self.revoke() {
            self.silence_after(by);
        }
        for output in &mut self.channels {
            output.forget();
        }
        self.channel_enable = 0;
        self.held = false;
        self.needs_recovery = false;
    }

    /// The front ends: every stream ends, and all buffers are the caller's as far as
    /// [`Isp::may_write`] lets them go. Costs nothing on the bus if nothing runs.
    pub fn shut_down(&mut self) {
        let is_idle = |output: &OutputChannel| output.phase == Phase::Stopped;
        if self.running || self.initialised || !self.channels.iter().all(is_idle) {
            self.end_streams();
        }
    }

    /// A reset has worked: the hardware knows no address any more.
    pub(crate) fn hardware_is_empty(&mut self) {
        for output in &mut self.channels {
            output.take_from_hardware();
        }
        self.quarantine.clear();
        self.channel_enable = 0;
    }

    fn quarantine_all(&mut self) {
        for output in &mut self.channels {
            let bytes = output.layout.sizeimage;
            while let Some(buffer) = output.in_hardware.remove(0) {
                let address = buffer.address;
                let kept = self.quarantine.push(Quarantined { address, bytes });
                debug_assert!(kept, "it holds all that can be in hardware");
                self.health.quarantined += 1;
            }
            output.forget();
        }
        self.channel_enable = 0;
    }
}
