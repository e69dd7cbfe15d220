// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame clock on the event loop.
//!
//! A rate that the driver changes at the sensor counts from the next tick on.

use crate::device::Device;
use crate::ending::Ending;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use vmm_sys_util::errno;
use vmm_sys_util::timerfd::TimerFd;

/// Ticks the device.
pub struct FrameTimer {
    timer: TimerFd,
    period: Duration,
    device: Arc<Device>,
    ending: Rc<Ending>,
}

impl FrameTimer {
    /// A timer that ticks from now on.
    ///
    /// # Errors
    /// When the system has no timer for us.
    pub fn new(device: Arc<Device>, period: Duration, ending: Rc<Ending>) -> errno::Result<Self> {
        let mut timer = TimerFd::new()?;
        timer.reset(period, Some(period))?;
        Ok(Self {
            timer,
            period,
            device,
            ending,
        })
    }
}

impl FrameTimer {
    fn follow_the_sensor(&mut self) {
        let Some(period) = self.device.frame_period() else {
            return;
        };
        if period != self.period {
            self.period = period;
            let changed = self.timer.reset(period, Some(period));
            self.ending.check(changed);
        }
    }
}

impl MutEventSubscriber for FrameTimer {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let events = Events::new(&self.timer, EventSet::IN);
        self.ending.check(ops.add(events));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        match self.timer.wait() {
            Ok(ticks) => {
                self.device.tick(ticks);
                self.follow_the_sensor();
            }
            Err(error) => self.ending.fail(error),
        }
    }
}
