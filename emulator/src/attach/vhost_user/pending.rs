// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Interrupt lines that wait until the driver offers a buffer to put them in.

use crate::lock::lock;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};

/// The most buffers that are looked at for one event: those that cannot hold it are given back, and
/// a ring that never ends must not keep us.
const MAX_BUFFERS: usize = 64;

/// A queue of event buffers.
pub(super) trait EventRing: Clone {
    /// Puts lines into the next buffer.
    fn hand_out(&self, lines: u32) -> Handed;
    /// From now on the driver kicks when it offers a buffer: whether it has offered one meanwhile.
    fn ask_for_kicks(&self) -> bool;
    /// The driver need not kick.
    fn spare_kicks(&self);
    /// Interrupts the driver, if it wants to be.
    fn interrupt(&self);
}

/// What became of lines that were to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// The guest has them.
    Over,
    /// A buffer was given back that could not hold them.
    Unfit,
    /// There is no buffer.
    NoBuffer,
    /// The queue is stopped or broken.
    Nothing,
}

/// Lines that find no buffer are kept, together, until the driver offers one.
pub(super) struct PendingLines<R> {
    delivered: Arc<AtomicU64>,
    /// Locked while buffers are taken, so that the DMA engine's and the mailbox's thread take turns.
    inner: Mutex<Inner<R>>,
}

struct Inner<R> {
    pending: u32,
    ring: Option<R>,
}

impl<R: EventRing> PendingLines<R> {
    /// No lines, and no queue yet; `delivered` counts the buffers handed to the guest.
    pub(super) fn new(delivered: Arc<AtomicU64>) -> Self {
        Self {
            delivered,
            inner: Mutex::new(Inner {
                pending: 0,
                ring: None,
            }),
        }
    }

    /// The driver has set the queue up or has offered buffers.
    pub(super) fn offered(&self, ring: impl FnOnce() -> R) {
        let mut inner = lock(&self.inner);
        inner.ring.get_or_insert_with(ring);
        self.deliver(&mut inner);
    }

    /// The queue is stopped: nothing is written to it any more. Lines are kept: the driver may go on
    /// later.
    pub(super) fn stop(&self) {
        lock(&self.inner).ring = None;
    }

    /// Forgets the lines that wait.
    pub(super) fn clear(&self) {
        lock(&self.inner).pending = 0;
    }

    /// Lines that have risen.
    pub(super) fn raise(&self, lines: u32) {
        let mut inner = lock(&self.inner);
        inner.pending |= lines;
        self.deliver(&mut inner);
    }

    /// Hands the lines that wait to the guest, if it has offered a buffer. If it has not, it is asked
    /// to kick when it does; as long as no line waits it need not.
    fn deliver(&self, inner: &mut Inner<R>) {
        let Some(ring) = inner.ring.clone() else {
            return;
        };
        let mut used_any = false;
        for _ in 0..MAX_BUFFERS {
            if inner.pending == 0 {
                break;
            }
            match ring.hand_out(inner.pending) {
                Handed::Over => {
                    inner.pending = 0;
                    used_any = true;
                    self.delivered.fetch_add(1, Ordering::Relaxed);
                }
                Handed::Unfit => used_any = true,
                Handed::NoBuffer => {
                    // One may have been offered since we looked.
                    if !ring.ask_for_kicks() {
                        break;
                    }
                }
                Handed::Nothing => break,
            }
        }
        if inner.pending == 0 {
            // Without EVENT_IDX this spares the guest a kick for each buffer.
            ring.spare_kicks();
        }
        if used_any {
            ring.interrupt();
        }
    }
}
