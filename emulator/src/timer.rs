// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame clock on the event loop.
//!
//! A rate that the driver changes at the sensor counts at once: the next frame comes one new period
//! after the change at the latest, and a chip that is powered anew begins with the sensor's own rate.

use crate::device::Device;
use crate::exit_status::ExitStatus;
use crate::timer_fd::Timer;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

const TICK: u32 = 0;
const CHANGED: u32 = 1;

/// Ticks the device.
pub struct FrameTimer {
    timer: Timer,
    period: Duration,
    /// When the last tick was, or should have been.
    last: Instant,
    /// Written when the frame period changes.
    changed: EventFd,
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
}

impl FrameTimer {
    /// A timer that ticks from now on.
    ///
    /// # Errors
    /// When the system has no timer for us.
    pub fn new(
        device: Arc<Device>,
        period: Duration,
        exit_status: Rc<ExitStatus>,
    ) -> io::Result<Self> {
        let timer = Timer::new()?;
        timer.every(period, period)?;
        let changed = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = changed.try_clone()?;
        device.on_period(move || {
            if let Err(error) = notify.write(1) {
                log::error!("a new frame rate cannot be told: {error}");
            }
        });
        Ok(Self {
            timer,
            period,
            last: Instant::now(),
            changed,
            device,
            exit_status,
        })
    }

    fn follow_the_sensor(&mut self) {
        let Some(period) = self.device.frame_period() else {
            return;
        };
        if period != self.period {
            self.period = period;
            // Of the new period so much has passed as of the old one, but a tick is still to come.
            let left = period.saturating_sub(self.last.elapsed());
            let changed = self.timer.every(left, period);
            self.exit_status.check(changed);
        }
    }
}

impl MutEventSubscriber for FrameTimer {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let tick = Events::with_data(&self.timer, TICK, EventSet::IN);
        let changed = Events::with_data(&self.changed, CHANGED, EventSet::IN);
        for events in [tick, changed] {
            self.exit_status.check(ops.add(events));
        }
    }

    fn process(&mut self, events: Events, _ops: &mut EventOps<'_>) {
        if events.data() == CHANGED {
            // Read so that the event is over; its count tells nothing.
            let _ = self.changed.read();
            self.follow_the_sensor();
            return;
        }
        match self.timer.expired() {
            // The timer was set anew since the event loop saw it.
            Ok(0) => {}
            Ok(ticks) => {
                self.last = Instant::now();
                self.device.tick(ticks);
                self.follow_the_sensor();
            }
            Err(error) => self.exit_status.fail(error),
        }
    }
}
