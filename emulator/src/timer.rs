// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame clock on the event loop.

use crate::device::Device;
use crate::ending::Ending;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use vmm_sys_util::errno;
use vmm_sys_util::timerfd::TimerFd;

/// Ticks the device at a fixed period.
pub struct FrameTimer {
    timer: TimerFd,
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
            device,
            ending,
        })
    }
}

impl MutEventSubscriber for FrameTimer {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let events = Events::new(&self.timer, EventSet::IN);
        self.ending.check(ops.add(events));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        match self.timer.wait() {
            Ok(ticks) => self.device.tick(ticks),
            Err(error) => self.ending.fail(error),
        }
    }
}
