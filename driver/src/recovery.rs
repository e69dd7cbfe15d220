// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What the driver does when the hardware misbehaves: restarts, the watchdog, and the limit of
//! interrupt storms.
//!
//! The vendor's exception recovery (T31 2.1) is for wide dynamic range only and harms a linear
//! stream (T31 8, row 13); this driver streams linear, so an error of the core marks frames as
//! damaged and changes nothing else.

use crate::health::Silenced;
pub use crate::health::{Health, VicErrors};

use crate::bring_up::{self, write};
use crate::bus::{Bus, BusError};
use crate::error::Error;
use crate::interrupt::InterruptReport;
use crate::isp::Isp;
use crate::output::OutputChannel;
use tx_isp_abi::registers::{Core, Vic};

/// So many interrupts in a row with errors and without a frame are a storm (assumption: no frame of
/// three channels raises more than a handful).
const STORM_LIMIT: u32 = 32;
/// Without a frame for so long, in nanoseconds, the chip is asked whether it is there, and at the next
/// check its done FIFOs are looked at: five frames of the slowest sensor (T31 7.3; assumption).
const SILENT_NS: u64 = 1_000_000_000;
/// Without a frame for so long, in nanoseconds, the ISP is started anew: as long as a channel's stop may take (T31
/// 2.5; assumption).
const STALLED_NS: u64 = 3_000_000_000;
/// So many starts without a frame are tried; then the clients hear of it (assumption).
const RESTARTS: u32 = 3;
/// A bus that fails is tried for so long, in nanoseconds, before the device below it is reset (our
/// choice).
const PATIENCE_NS: u64 = 2_000_000_000;

impl<B: Bus> Isp<B> {
    /// What went wrong so far, and was dealt with.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// The VIC's errors by their kind.
    #[must_use]
    pub const fn vic_errors(&self) -> VicErrors {
        self.vic_errors
    }

    /// To be called from time to time while a channel streams, with a time in nanoseconds that only
    /// rises. Finds frames whose interrupt was lost, and starts an ISP anew that has stalled, brings
    /// nothing but damaged frames, or was out of reach. Costs nothing on the bus while frames come.
    ///
    /// # Errors
    /// [`Error::Stalled`] if restarts do not help, [`Error::Bus`] if nobody answers. Every stream has
    /// ended then, and all buffers are the caller's as far as [`Isp::may_write`] lets them go.
    pub fn check(&mut self, now_ns: u64) -> Result<InterruptReport, Error> {
        if self.needs_recovery {
            return self.recover(now_ns).map(|()| InterruptReport::default());
        }
        self.watchdog.failing_since_ns = None;
        let waits = self.channels.iter().any(OutputChannel::waits_for_frame);
        let watchdog = &mut self.watchdog;
        let comes = watchdog.frames != watchdog.frames_at_check;
        let intact = watchdog.intact != watchdog.intact_at_check;
        watchdog.frames_at_check = watchdog.frames;
        watchdog.intact_at_check = watchdog.intact;
        if intact {
            watchdog.restarts = 0;
        }
        if intact || !waits {
            watchdog.quiet_since_ns = Some(now_ns);
            watchdog.has_asked = false;
            return Ok(InterruptReport::default());
        }
        let quiet_ns = now_ns.saturating_sub(*watchdog.quiet_since_ns.get_or_insert(now_ns));
        if comes {
            watchdog.has_asked = false;
            // The client hears that they are damaged; an error would tell it no more.
            if quiet_ns >= STALLED_NS && watchdog.restarts < RESTARTS {
                self.restart_stalled(now_ns)?;
            }
            return Ok(InterruptReport::default());
        }
        if quiet_ns < SILENT_NS {
            return Ok(InterruptReport::default());
        }
        if !core::mem::replace(&mut watchdog.has_asked, true) {
            // A chip that stood still with the rest of the machine goes on at the latest with this read, and its
            // interrupt comes by itself.
            let answer = self.bus.read(Core::Id.address());
            self.needs_recovery |= answer.is_err();
            return Ok(InterruptReport::default());
        }
        let report = self.handle_interrupt().unwrap_or_default();
        if !report.completed.is_empty() {
            self.health.lost_interrupts += 1;
        } else if quiet_ns >= STALLED_NS && !self.needs_recovery {
            self.restart_stalled(now_ns)?;
        }
        Ok(report)
    }

    fn restart_stalled(&mut self, now_ns: u64) -> Result<(), Error> {
        self.watchdog.quiet_since_ns = Some(now_ns);
        self.watchdog.restarts += 1;
        let restarted = if self.watchdog.restarts > RESTARTS {
            Err(Error::Stalled)
        } else {
            self.restart()
        };
        match restarted {
            Err(Error::Bus(_)) => {
                self.needs_recovery = true;
                Ok(())
            }
            Err(error) => {
                self.end_streams();
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// The bus has failed: tries to reset the chip and to go on with the streams, first over the bus,
    /// and behind [`PATIENCE_NS`] with a reset of the device.
    fn recover(&mut self, now_ns: u64) -> Result<(), Error> {
        if !self.held && !self.channels.iter().any(OutputChannel::is_streaming) {
            self.needs_recovery = false;
            return Ok(());
        }
        let since_ns = *self.watchdog.failing_since_ns.get_or_insert(now_ns);
        let mut restarted = self.restart();
        if let Err(Error::Bus(error)) = restarted {
            if error != BusError::Gone && now_ns.saturating_sub(since_ns) < PATIENCE_NS {
                return Ok(());
            }
            if self.reset_device().is_ok() {
                restarted = self.start_all();
            }
        }
        self.watchdog.failing_since_ns = None;
        self.watchdog.quiet_since_ns = Some(now_ns);
        if restarted.is_ok() {
            self.health.recoveries += 1;
        } else {
            self.end_streams();
        }
        restarted
    }

    /// Resets the ISP and starts the streaming channels anew, with the buffers that they hold. Their
    /// sequence numbers go on with a gap.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        self.health.restarts += 1;
        self.start_all()
    }

    /// What an interrupt's errors ask for.
    pub(crate) fn deal_with_errors(&mut self, report: &mut InterruptReport) -> Result<(), Error> {
        let [vic, vic_1] = report.vic_errors;
        if report.core_errors == 0 && vic == 0 && vic_1 == 0 {
            self.interrupts_in_vain = 0;
            return Ok(());
        }
        self.health.core_errors += u32::from(report.core_errors != 0);
        self.health.vic_errors += u32::from(vic | vic_1 != 0);
        self.vic_errors.count(report.vic_errors);
        if vic & bring_up::VIC_RECOVERABLE != 0 {
            self.health.vic_recoveries += 1;
            report.vic_recovered = true;
            bring_up::recover_vic(&mut self.bus, &self.sensor)?;
        }
        if report.completed.is_empty() {
            self.interrupts_in_vain += 1;
        } else {
            self.interrupts_in_vain = 0;
        }
        if self.interrupts_in_vain >= STORM_LIMIT {
            self.interrupts_in_vain = 0;
            report.silenced = true;
            self.silence(report.core_errors, vic, vic_1)?;
        }
        Ok(())
    }

    /// Masks error interrupts that do not end, until the next start. Frames are marked as damaged as
    /// long as the error stands in the status.
    fn silence(&mut self, core: u32, vic: u32, vic_1: u32) -> Result<(), Error> {
        self.health.storms += 1;
        self.silenced.core |= core;
        self.silenced.vic[0] |= vic;
        self.silenced.vic[1] |= vic_1;
        let Silenced { core, vic } = self.silenced;
        self.bus.post(&[
            write(Core::IrqEnable.address(), bring_up::CORE_INTERRUPTS & !core),
            write(Vic::IrqMask0.address(), bring_up::VIC_MASK_0 | vic[0]),
            write(Vic::IrqMask1.address(), vic[1]),
        ])?;
        Ok(())
    }
}
