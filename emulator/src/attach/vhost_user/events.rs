// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Queue 1: interrupts as used buffers.

use super::vring::Vring;
use crate::attach::{GuestMemory, InterruptSink};
use crate::lock::lock;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tx_isp_abi::mailbox::EVENT_BYTES;
use vhost_user_backend::VringT;
use virtio_queue::{QueueOwnedT, QueueT};
use vm_memory::GuestAddressSpace;

/// The most buffers that are looked at for one event: those that cannot hold it are given back, and
/// a ring that never ends must not keep us.
const MAX_BUFFERS: usize = 64;

/// The queue of events. Lines that find no buffer are kept, together, until the driver offers one.
pub(super) struct EventQueue {
    memory: GuestMemory,
    delivered: Arc<AtomicU64>,
    /// Something was wrong with the queue before.
    complained: AtomicBool,
    /// Locked while buffers are taken, so that the DMA engine's and the mailbox's thread take turns.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    pending: u32,
    vring: Option<Vring>,
}

impl EventQueue {
    /// A queue that is not yet there; `delivered` counts the buffers handed to the guest.
    pub(super) fn new(memory: GuestMemory, delivered: Arc<AtomicU64>) -> Self {
        Self {
            memory,
            delivered,
            complained: AtomicBool::new(false),
            inner: Mutex::default(),
        }
    }

    /// The driver has set the queue up or has offered buffers.
    pub(super) fn offered(&self, vring: &Vring) {
        let mut inner = lock(&self.inner);
        inner.vring.get_or_insert_with(|| vring.clone());
        self.deliver(&mut inner);
    }

    /// The queue is stopped: nothing is written to it any more. Lines are kept: the driver may go on
    /// later.
    pub(super) fn stop(&self) {
        lock(&self.inner).vring = None;
    }

    /// Forgets the lines that wait.
    pub(super) fn clear(&self) {
        lock(&self.inner).pending = 0;
    }

    /// Logs what is wrong with the queue, loudly the first time only: the guest must not fill the
    /// host's disk.
    fn complain(&self, what: fmt::Arguments<'_>) {
        let again = self.complained.swap(true, Ordering::Relaxed);
        let level = if again {
            log::Level::Debug
        } else {
            log::Level::Warn
        };
        log::log!(level, "{what}");
    }

    /// Hands the lines that wait to the guest, if it has offered a buffer. If it has not, it is asked
    /// to kick when it does; as long as no line waits it need not.
    fn deliver(&self, inner: &mut Inner) {
        let Some(vring) = inner.vring.clone() else {
            return;
        };
        let mut used_any = false;
        for _ in 0..MAX_BUFFERS {
            if inner.pending == 0 {
                break;
            }
            match self.hand_out(inner.pending, &vring) {
                Handed::Over => {
                    inner.pending = 0;
                    used_any = true;
                    self.delivered.fetch_add(1, Ordering::Relaxed);
                }
                Handed::Unfit => used_any = true,
                Handed::NoBuffer => {
                    // One may have been offered since we looked.
                    if !vring.enable_notification().unwrap_or(false) {
                        break;
                    }
                }
                Handed::Nothing => break,
            }
        }
        if inner.pending == 0 {
            // Without EVENT_IDX this spares the guest a kick for each buffer.
            let _ = vring.disable_notification();
        }
        if used_any {
            self.interrupt(&vring);
        }
    }

    fn hand_out(&self, lines: u32, vring: &Vring) -> Handed {
        let mut ring = vring.get_mut();
        if !ring.is_enabled() || !ring.get_queue().ready() {
            return Handed::Nothing;
        }
        let memory = self.memory.memory();
        let next = match ring.get_queue_mut().iter(memory.clone()) {
            Ok(mut chains) => chains.next(),
            Err(error) => {
                self.complain(format_args!("the event queue cannot be read: {error}"));
                return Handed::Nothing;
            }
        };
        let Some(chain) = next else {
            return Handed::NoBuffer;
        };
        let head = chain.head_index();
        let length = match chain.writer(&*memory) {
            Ok(mut writer) if writer.available_bytes() >= EVENT_BYTES => writer
                .write_all(&lines.to_le_bytes())
                .map_or(0, |()| EVENT_BYTES),
            _ => 0,
        };
        if length == 0 {
            self.complain(format_args!(
                "an event buffer is no {EVENT_BYTES} writable bytes of RAM: given back"
            ));
        }
        if let Err(error) = ring.add_used(head, u32::try_from(length).unwrap_or(0)) {
            self.complain(format_args!(
                "an event buffer cannot be given back: {error}"
            ));
            return Handed::Nothing;
        }
        if length == 0 {
            Handed::Unfit
        } else {
            Handed::Over
        }
    }

    fn interrupt(&self, vring: &Vring) {
        let mut ring = vring.get_mut();
        if ring.needs_notification().unwrap_or(true)
            && let Err(error) = ring.signal_used_queue()
            && error.kind() != ErrorKind::WouldBlock
        {
            self.complain(format_args!("the guest cannot be interrupted: {error}"));
        }
    }
}

/// What became of lines that were to be handed out.
enum Handed {
    /// The guest has them.
    Over,
    /// A buffer was given back that could not hold them.
    Unfit,
    /// There is no buffer.
    NoBuffer,
    /// The queue is stopped or broken.
    Nothing,
}

impl InterruptSink for EventQueue {
    fn raise(&self, lines: u32) {
        let mut inner = lock(&self.inner);
        inner.pending |= lines;
        self.deliver(&mut inner);
    }
}
