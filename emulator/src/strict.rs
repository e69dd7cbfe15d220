// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `--strict`: the first mistake that is bad enough ends the run.

use crate::device::Device;
use crate::exit_status::ExitStatus;
use crate::monitor::protocol::GuestError;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use tx_isp_chip::Strictness;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

/// A run that ended because of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub Vec<GuestError>);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            write!(f, "guest error {}: {}", error.id, error.first)?;
            write!(f, "\n  right would be: {}", error.help)?;
            f.write_str("\n  the register accesses before it:")?;
            for access in &error.before {
                write!(f, "\n    {access}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

/// Ends the event loop at the first error.
pub struct Strict {
    device: Arc<Device>,
    strictness: Strictness,
    found: EventFd,
    exit_status: Rc<ExitStatus>,
}

impl Strict {
    /// Watches `device` from now on.
    ///
    /// # Errors
    /// When no event can be made.
    pub fn new(
        device: Arc<Device>,
        strictness: Strictness,
        exit_status: Rc<ExitStatus>,
    ) -> io::Result<Self> {
        let found = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = found.try_clone()?;
        device.on_guest_error(strictness.clone(), move || {
            if let Err(error) = notify.write(1) {
                log::error!("a guest error cannot be told: {error}");
            }
        });
        Ok(Self {
            device,
            strictness,
            found,
            exit_status,
        })
    }
}

impl MutEventSubscriber for Strict {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        self.exit_status
            .check(ops.add(Events::new(&self.found, EventSet::IN)));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        // Read so that the event is over; its count tells nothing.
        let _ = self.found.read();
        let mut guest_errors = self.device.status().guest_errors;
        guest_errors.retain(|error| {
            let kind = error.id.parse();
            kind.is_ok_and(|kind| self.strictness.stops_at(kind))
        });
        self.exit_status.fail(Violation(guest_errors));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::ClockMode;
    use event_manager::{EventManager, SubscriberOps};
    use tx_isp_abi::PhysAddr;
    use tx_isp_abi::operation::Operation;
    use tx_isp_abi::sensor::GC2053;

    #[test]
    fn the_first_guest_error_ends_the_event_loop_and_says_what_led_to_it() {
        let device = Arc::new(Device::new(GC2053, ClockMode::Stepped, "bars".to_owned()));
        let exit_status = Rc::new(ExitStatus::default());
        let mut events = EventManager::<Box<dyn MutEventSubscriber>>::new().unwrap();
        let strict =
            Strict::new(device.clone(), Strictness::default(), exit_status.clone()).unwrap();
        events.add_subscriber(Box::new(strict));
        let read = |address| Operation::Read(PhysAddr(address));
        let batch = [read(0x1330_0f00), read(0x1300_002c), read(0x1330_9974)];
        device.execute(&batch, &mut [0; 3]).0.unwrap();
        events.run().unwrap();
        let message = exit_status.take().unwrap().unwrap_err().to_string();
        assert_eq!(
            message,
            "guest error done-fifo-underflow: channel 0: the Y done FIFO is empty\n  \
             right would be: read a done FIFO only while bit 0 of its state register is 0 (T31 2.3)\n  \
             the register accesses before it:\n    \
             R 0x13300f00 0x00000000 ?\n    \
             R 0x1300002c 0x10031000 HARB0.SOC_ID"
        );
    }
}
