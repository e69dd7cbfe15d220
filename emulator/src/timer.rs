// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame clock on the event loop: it wakes the device when the chip's next event is due.

use crate::device::Device;
use crate::exit_status::ExitStatus;
use crate::timer_fd::Timer;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

const DUE: u32 = 0;
const CHANGED: u32 = 1;

/// Wakes the device when something is due.
pub struct FrameTimer {
    timer: Timer,
    /// Written when the next event comes at another time.
    changed: EventFd,
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
}

impl FrameTimer {
    /// A timer for a device.
    ///
    /// # Errors
    /// When the system has no timer for us.
    pub fn new(device: Arc<Device>, exit_status: Rc<ExitStatus>) -> io::Result<Self> {
        let timer = Timer::new()?;
        let changed = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = changed.try_clone()?;
        device.on_schedule(move || {
            if let Err(error) = notify.write(1) {
                log::error!("a new deadline cannot be told: {error}");
            }
        });
        Ok(Self {
            timer,
            changed,
            device,
            exit_status,
        })
    }

    /// Sets the timer to the device's deadline.
    fn wait_for_deadline(&self) {
        let set = match self.device.deadline() {
            Some(deadline) => {
                let left = deadline.saturating_sub(self.device.now());
                self.timer.once(left)
            }
            None => self.timer.clear(),
        };
        self.exit_status.check(set);
    }
}

impl MutEventSubscriber for FrameTimer {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let due = Events::with_data(&self.timer, DUE, EventSet::IN);
        let changed = Events::with_data(&self.changed, CHANGED, EventSet::IN);
        for events in [due, changed] {
            self.exit_status.check(ops.add(events));
        }
        self.wait_for_deadline();
    }

    fn process(&mut self, events: Events, _ops: &mut EventOps<'_>) {
        if events.data() == CHANGED {
            // Read so that the event is over; its count tells nothing.
            let _ = self.changed.read();
            self.wait_for_deadline();
            return;
        }
        match self.timer.expired() {
            // The timer was set anew since the event loop saw it.
            Ok(0) => {}
            Ok(_) => {
                self.device.advance();
                self.wait_for_deadline();
            }
            Err(error) => self.exit_status.fail(error),
        }
    }
}
