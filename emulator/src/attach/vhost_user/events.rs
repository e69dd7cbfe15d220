// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Queue 1: interrupts as used buffers.

use crate::attach::{GuestMemory, InterruptSink};
use crate::device::lock;
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tx_isp_abi::mailbox::EVENT_BYTES;
use vhost_user_backend::{VringMutex, VringT};
use virtio_queue::QueueOwnedT;
use vm_memory::GuestAddressSpace;

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
    vring: Option<VringMutex>,
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
    pub(super) fn offered(&self, vring: &VringMutex) {
        let mut inner = lock(&self.inner);
        inner.vring.get_or_insert_with(|| vring.clone());
        self.deliver(&mut inner);
    }

    /// The queue is stopped. Lines are kept: the driver may go on later.
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

    fn deliver(&self, inner: &mut Inner) {
        let Some(vring) = inner.vring.clone() else {
            return;
        };
        let mut ring = vring.get_mut();
        let mut used_any = false;
        while inner.pending != 0 && ring.is_enabled() {
            let memory = self.memory.memory();
            let next = match ring.get_queue_mut().iter(memory.clone()) {
                Ok(mut chains) => chains.next(),
                Err(error) => {
                    self.complain(format_args!("the event queue cannot be read: {error}"));
                    None
                }
            };
            let Some(chain) = next else { break };
            let head = chain.head_index();
            let length = match chain.writer(&*memory) {
                Ok(mut writer) if writer.available_bytes() >= EVENT_BYTES => writer
                    .write_all(&inner.pending.to_le_bytes())
                    .map_or(0, |()| 4),
                _ => 0,
            };
            if length == 0 {
                self.complain(format_args!(
                    "an event buffer is no {EVENT_BYTES} writable bytes of RAM: given back"
                ));
            } else {
                inner.pending = 0;
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            if let Err(error) = ring.add_used(head, length) {
                self.complain(format_args!(
                    "an event buffer cannot be given back: {error}"
                ));
                break;
            }
            used_any = true;
        }
        if used_any
            && ring.needs_notification().unwrap_or(true)
            && let Err(error) = ring.signal_used_queue()
        {
            log::warn!("the guest cannot be interrupted: {error}");
        }
    }
}

impl InterruptSink for EventQueue {
    fn raise(&self, lines: u32) {
        let mut inner = lock(&self.inner);
        inner.pending |= lines;
        self.deliver(&mut inner);
    }
}
