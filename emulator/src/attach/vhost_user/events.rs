// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Queue 1: interrupts as used buffers.

use super::pending::{EventRing, Handed, PendingLines};
use super::vring::Vring;
use crate::attach::{GuestMemory, InterruptSink};
use crate::interrupt_timer::InterruptTimer;
use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tx_isp_abi::mailbox::EVENT_BYTES;
use vhost_user_backend::VringT;
use virtio_queue::{QueueOwnedT, QueueT};
use vm_memory::GuestAddressSpace;

/// The queue of events.
pub(super) struct EventQueue {
    memory: GuestMemory,
    /// Something was wrong with the queue before.
    complained: Arc<AtomicBool>,
    timer: Arc<InterruptTimer>,
    lines: PendingLines<Buffers>,
}

impl EventQueue {
    /// A queue that is not yet there; `delivered` counts the buffers handed to the guest, `timer` hears when
    /// it is interrupted.
    pub(super) fn new(
        memory: GuestMemory,
        delivered: Arc<AtomicU64>,
        timer: Arc<InterruptTimer>,
    ) -> Self {
        Self {
            memory,
            complained: Arc::default(),
            timer,
            lines: PendingLines::new(delivered),
        }
    }

    /// The driver has set the queue up or has offered buffers.
    pub(super) fn offered(&self, vring: &Vring) {
        self.lines.offered(|| Buffers {
            vring: vring.clone(),
            memory: self.memory.clone(),
            complained: self.complained.clone(),
            timer: self.timer.clone(),
        });
    }

    /// The queue is stopped: nothing is written to it any more. Lines are kept: the driver may go on
    /// later.
    pub(super) fn stop(&self) {
        self.lines.stop();
    }

    /// Forgets the lines that wait.
    pub(super) fn clear(&self) {
        self.lines.clear();
    }
}

impl InterruptSink for EventQueue {
    fn raise(&self, lines: u32) {
        self.lines.raise(lines);
    }
}

/// The buffers that the driver offers.
#[derive(Clone)]
struct Buffers {
    vring: Vring,
    memory: GuestMemory,
    complained: Arc<AtomicBool>,
    timer: Arc<InterruptTimer>,
}

impl Buffers {
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
}

impl EventRing for Buffers {
    fn hand_out(&self, lines: u32) -> Handed {
        let mut ring = self.vring.get_mut();
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

    fn ask_for_kicks(&self) -> bool {
        self.vring.enable_notification().unwrap_or(false)
    }

    fn spare_kicks(&self) {
        // A ring that cannot be written is seen when the next line rises.
        let _ = self.vring.disable_notification();
    }

    fn interrupt(&self) {
        let mut ring = self.vring.get_mut();
        if !ring.needs_notification().unwrap_or(true) {
            return;
        }
        self.timer.signal();
        if let Err(error) = ring.signal_used_queue()
            && error.kind() != ErrorKind::WouldBlock
        {
            self.complain(format_args!("the guest cannot be interrupted: {error}"));
        }
    }
}
