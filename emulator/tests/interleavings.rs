// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The two places where threads of the emulator and of a guest meet without a lock in common, in
//! thousands of orders: the right to write to memory, and lines that wait for an event buffer.
//!
//! The modules are the emulator's own; only their locks and atomic numbers are the scheduler's, which
//! decides at each of them which thread goes on.

#![allow(clippy::unwrap_used, dead_code, reason = "all of it is a test")]

/// In place of the emulator's `sync`.
mod sync {
    pub(crate) use shuttle::sync::{Arc, Condvar, Mutex, atomic};
    pub(crate) use std::sync::PoisonError;
}

/// In place of the emulator's `lock`.
mod lock {
    use shuttle::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

#[path = "../src/attach/vhost_user/pending.rs"]
mod pending;
#[path = "../src/device/permit.rs"]
mod permit;

use pending::{EventRing, Handed, PendingLines};
use permit::{DmaGate, Revoked};
use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use std::time::Duration;

/// Orders that are tried of each.
const ORDERS: usize = 20_000;

#[test]
fn nothing_is_written_once_revocation_says_that_dma_has_stopped() {
    shuttle::check_random(
        || {
            let gate = Arc::new(DmaGate::default());
            let permit = gate.permit();
            let owner_has_it = Arc::new(AtomicBool::new(false));
            let writer = {
                let owner_has_it = owner_has_it.clone();
                thread::spawn(move || {
                    for _ in 0..3 {
                        let wrote = permit.write(|| {
                            assert!(!owner_has_it.load(Ordering::SeqCst), "at the beginning");
                            thread::yield_now();
                            assert!(!owner_has_it.load(Ordering::SeqCst), "at the end");
                        });
                        if wrote == Err(Revoked) {
                            return;
                        }
                    }
                })
            };
            let next = {
                let gate = gate.clone();
                // Somebody else resets the chip at the same time.
                thread::spawn(move || gate.revoke())
            };
            gate.revoke();
            if gate.is_stopped() || gate.wait_stopped(Duration::from_secs(1)) {
                owner_has_it.store(true, Ordering::SeqCst);
            }
            writer.join().unwrap();
            next.join().unwrap();
        },
        ORDERS,
    );
}

#[test]
fn a_new_permit_ends_the_one_before_and_no_other() {
    shuttle::check_random(
        || {
            let gate = Arc::new(DmaGate::default());
            let first = gate.permit();
            let old = thread::spawn(move || {
                let _ = first.write(thread::yield_now);
                first
            });
            gate.revoke();
            let second = gate.permit();
            assert_eq!(second.write(|| 7), Ok(7));
            let first = old.join().unwrap();
            assert_eq!(first.write(|| 8), Err(Revoked));
            assert!(second.is_valid());
        },
        ORDERS,
    );
}

/// A queue in the guest's memory, with a driver that kicks only when it is asked to.
#[derive(Clone, Default)]
struct Queue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    offered: AtomicU32,
    kicks_wanted: AtomicBool,
    /// What the driver finds in the buffers.
    seen: Mutex<u32>,
    interrupts: AtomicU32,
}

impl EventRing for Queue {
    fn hand_out(&self, lines: u32) -> Handed {
        let take = |offered: u32| offered.checked_sub(1);
        let offered = &self.0.offered;
        if offered
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_err()
        {
            return Handed::NoBuffer;
        }
        *self.0.seen.lock().unwrap() |= lines;
        Handed::Over
    }

    fn ask_for_kicks(&self) -> bool {
        self.0.kicks_wanted.store(true, Ordering::SeqCst);
        self.0.offered.load(Ordering::SeqCst) > 0
    }

    fn spare_kicks(&self) {
        self.0.kicks_wanted.store(false, Ordering::SeqCst);
    }

    fn interrupt(&self) {
        self.0.interrupts.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn no_line_is_lost_whenever_it_rises_and_buffers_are_offered() {
    shuttle::check_random(
        || {
            let queue = Queue::default();
            let lines = Arc::new(PendingLines::new(Arc::new(AtomicU64::new(0))));
            lines.offered(|| queue.clone());
            let dma = {
                let lines = lines.clone();
                thread::spawn(move || lines.raise(1))
            };
            let mailbox = {
                let lines = lines.clone();
                thread::spawn(move || lines.raise(2))
            };
            // The driver offers two buffers, and kicks if that is wanted.
            for _ in 0..2 {
                queue.0.offered.fetch_add(1, Ordering::SeqCst);
                if queue.0.kicks_wanted.load(Ordering::SeqCst) {
                    lines.offered(|| queue.clone());
                }
            }
            dma.join().unwrap();
            mailbox.join().unwrap();
            assert_eq!(*queue.0.seen.lock().unwrap(), 3, "both lines arrive");
            assert!(queue.0.interrupts.load(Ordering::SeqCst) > 0);
        },
        ORDERS,
    );
}

#[test]
fn nothing_is_handed_out_behind_the_queues_stop_and_lines_wait_for_the_next() {
    shuttle::check_random(
        || {
            let queue = Queue::default();
            queue.0.offered.store(1, Ordering::SeqCst);
            let lines = Arc::new(PendingLines::new(Arc::new(AtomicU64::new(0))));
            lines.offered(|| queue.clone());
            let dma = {
                let lines = lines.clone();
                thread::spawn(move || lines.raise(1))
            };
            lines.stop();
            let before = *queue.0.seen.lock().unwrap();
            thread::yield_now();
            assert_eq!(*queue.0.seen.lock().unwrap(), before, "behind the stop");
            dma.join().unwrap();
            assert_eq!(*queue.0.seen.lock().unwrap(), before, "behind the stop");
            // The queue is set up anew.
            let again = Queue::default();
            again.0.offered.store(1, Ordering::SeqCst);
            lines.offered(|| again.clone());
            let after = *again.0.seen.lock().unwrap();
            assert_eq!(before | after, 1, "before the stop or behind it");
        },
        ORDERS,
    );
}
