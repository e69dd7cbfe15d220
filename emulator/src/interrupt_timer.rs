// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How long the guest takes from an interrupt to its first look at what it is for, as seen from here: from
//! the signal to QEMU until that access arrives. The same for every attachment, and without the guest's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Core, Intc, RegisterId, Vic};

/// The time since the guest was interrupted and has not looked.
#[derive(Debug)]
pub struct InterruptTimer {
    started: Instant,
    /// When it was interrupted, in nanoseconds since `started`; 0 where it has looked since.
    signalled: AtomicU64,
}

/// An interrupt that the guest has looked at, in nanoseconds since the emulator's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// When QEMU was signalled.
    pub signalled_ns: u64,
    /// When the guest's access arrived.
    pub seen_ns: u64,
}

impl InterruptTimer {
    /// A timer whose times count from `started`.
    #[must_use]
    pub const fn new(started: Instant) -> Self {
        Self {
            started,
            signalled: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// QEMU is about to be signalled. What is signalled before the guest has looked counts from the first.
    pub fn signal(&self) {
        let now = self.now().max(1);
        let _ = self
            .signalled
            .compare_exchange(0, now, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// The signal was taken back, or the guest that was to look is gone.
    pub fn cancel(&self) {
        self.signalled.store(0, Ordering::Release);
    }

    /// The guest's operations have arrived: what they answer, if they look at what is pending and were
    /// signalled to.
    pub fn arrive(&self, operations: &[Operation]) -> Option<Response> {
        if self.signalled.load(Ordering::Acquire) == 0 || !operations.iter().any(looks) {
            return None;
        }
        match self.signalled.swap(0, Ordering::AcqRel) {
            0 => None,
            signalled_ns => Some(Response {
                signalled_ns,
                seen_ns: self.now(),
            }),
        }
    }
}

/// Whether an operation reads what is pending: at the interrupt controller, the core or the VIC.
fn looks(operation: &Operation) -> bool {
    let (Operation::Read(address)
    | Operation::Acknowledge {
        status: address, ..
    }) = *operation
    else {
        return false;
    };
    matches!(
        RegisterId::decode(address),
        Some(
            RegisterId::Intc(_, Intc::Pending)
                | RegisterId::Core(Core::IrqStatus)
                | RegisterId::Vic(Vic::IrqStatus0 | Vic::IrqStatus1)
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PAUSE: Duration = Duration::from_millis(3);

    fn timer() -> InterruptTimer {
        InterruptTimer::new(Instant::now())
    }

    fn look() -> [Operation; 1] {
        [Operation::Read(Core::IrqStatus.address())]
    }

    #[test]
    fn a_look_ends_the_time_that_the_first_signal_began() {
        let timer = timer();
        assert_eq!(timer.arrive(&look()), None);
        timer.signal();
        std::thread::sleep(PAUSE);
        timer.signal();
        let response = timer.arrive(&look()).unwrap();
        let taken = response.seen_ns - response.signalled_ns;
        assert!(u128::from(taken) >= PAUSE.as_nanos(), "{response:?}");
        assert_eq!(timer.arrive(&look()), None, "it has looked");
    }

    #[test]
    fn other_accesses_are_no_look() {
        let timer = timer();
        timer.signal();
        let status = Core::IrqStatus.address();
        let others = [
            Operation::Write(status, 0),
            Operation::Read(Core::IrqEnable.address()),
        ];
        assert_eq!(timer.arrive(&others), None);
        let acknowledge = Operation::Acknowledge {
            status: Vic::IrqStatus0.address(),
            clear: Vic::IrqStatus0.address(),
        };
        assert!(timer.arrive(&[others[0], acknowledge]).is_some());
    }

    #[test]
    fn what_was_taken_back_is_not_timed() {
        let timer = timer();
        timer.signal();
        timer.cancel();
        assert_eq!(timer.arrive(&look()), None);
    }
}
