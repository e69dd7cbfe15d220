// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vhost-user attachment: a virtio device with two queues whose backend is this process.
//!
//! Two QEMU devices can carry it, the generic `vhost-user-test-device-pci` and `vhost-user-gpio-pci`.
//! Both see the same: requests, events, and a configuration space of zeros, in which a GPIO driver
//! that binds to the device by mistake finds no GPIO lines.
//!
//! | what the VM does | what the chip sees |
//! |---|---|
//! | starts the request queue at index 0: a driver begins, after boot or reload | power off and on |
//! | starts it at another index: the VM was paused | nothing, frames go on |
//! | stops it: reboot, driver unloaded, VM paused | frames stop, DMA is waited for |
//! | RESET_DEVICE | power off and on |

mod events;
mod mailbox;
mod server;

pub use server::{Server, ServerError};

use super::GuestMemory;
use crate::device::{Device, lock};
use events::EventQueue;
use mailbox::Mailbox;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tx_isp_abi::mailbox::{EVENT_QUEUE, QUEUES, REQUEST_QUEUE};
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{VhostUserBackend, VringMutex, VringT};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_EVENT_IDX;
use virtio_queue::QueueOwnedT;
use vm_memory::GuestAddressSpace;
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::event::{
    EventConsumer, EventFlag, EventNotifier, new_event_consumer_and_notifier,
};

/// Entries of the largest queue that QEMU may set up.
const MAX_QUEUE_SIZE: usize = 1024;
/// Device feature bit 0, VIRTIO_GPIO_F_IRQ to QEMU's GPIO device: there is a second queue.
const FEATURE_SECOND_QUEUE: u64 = 1 << 0;
/// The largest configuration space that vhost-user can carry, in bytes.
const MAX_CONFIG_BYTES: u32 = 256;

/// One connection of a VM.
pub struct Backend {
    device: Arc<Device>,
    memory: GuestMemory,
    mailbox: Mutex<Mailbox>,
    events: Arc<EventQueue>,
    /// The request queue is started.
    live: AtomicBool,
    /// The peer has spoken vhost-user: it is a VM and no probe of the socket.
    spoken: AtomicBool,
}

impl Backend {
    /// A backend that attaches `device` to the VM whose memory is `memory`.
    #[must_use]
    pub fn new(device: Arc<Device>, memory: GuestMemory) -> Self {
        let events = Arc::new(EventQueue::new(memory.clone(), device.event_counter()));
        device.connect(memory.clone(), events.clone());
        Self {
            device,
            memory,
            mailbox: Mutex::new(Mailbox::new()),
            events,
            live: AtomicBool::new(false),
            spoken: AtomicBool::new(false),
        }
    }

    /// Whether the peer has spoken vhost-user.
    pub fn has_spoken(&self) -> bool {
        self.spoken.load(Ordering::Relaxed)
    }

    fn requests_offered(&self, vring: &VringMutex) {
        if !self.live.swap(true, Ordering::AcqRel) {
            if vring.queue_next_avail() == 0 {
                log::info!("a driver begins");
                self.power_cycle();
            }
            self.device.resume();
        }
        // A driver that offers further requests while notifications are off expects us to look
        // once more after they are on again.
        loop {
            self.notifications(vring, false);
            let answered = self.answer_all(vring);
            if !self.notifications(vring, true) || answered == 0 {
                break;
            }
        }
    }

    /// Answers every request that is offered: how many.
    fn answer_all(&self, vring: &VringMutex) -> usize {
        let mut mailbox = lock(&self.mailbox);
        let mut answered = 0;
        loop {
            let memory = self.memory.memory();
            let next = match vring.get_mut().get_queue_mut().iter(memory.clone()) {
                Ok(mut chains) => chains.next(),
                Err(error) => {
                    self.device
                        .refuse(&format!("the queue cannot be read: {error}"));
                    None
                }
            };
            let Some(chain) = next else { return answered };
            let head = chain.head_index();
            let answer = mailbox.answer(chain, &memory, &self.device);
            self.give_back(vring, head, answer.length);
            self.device.announce(answer.lines);
            answered += 1;
        }
    }

    /// Gives a chain back to the driver and interrupts it if it wants that.
    fn give_back(&self, vring: &VringMutex, head: u16, length: u32) {
        let mut ring = vring.get_mut();
        if let Err(error) = ring.add_used(head, length) {
            self.device
                .refuse(&format!("it cannot be given back: {error}"));
            return;
        }
        if ring.needs_notification().unwrap_or(true)
            && let Err(error) = ring.signal_used_queue()
        {
            log::warn!("the guest cannot be interrupted: {error}");
        }
    }

    /// Asks the driver for kicks or not: whether there are requests already.
    fn notifications(&self, vring: &VringMutex, on: bool) -> bool {
        let more = if on {
            vring.enable_notification()
        } else {
            vring.disable_notification().map(|()| false)
        };
        more.unwrap_or_else(|error| {
            self.device
                .refuse(&format!("its queue is not in RAM: {error}"));
            false
        })
    }

    fn power_cycle(&self) {
        self.events.clear();
        self.device.reset();
    }
}

impl VhostUserBackend for Backend {
    type Bitmap = ();
    type Vring = VringMutex;

    fn num_queues(&self) -> usize {
        QUEUES
    }

    fn max_queue_size(&self) -> usize {
        MAX_QUEUE_SIZE
    }

    fn features(&self) -> u64 {
        self.spoken.store(true, Ordering::Relaxed);
        1 << VIRTIO_F_VERSION_1
            | 1 << VIRTIO_RING_F_EVENT_IDX
            | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
            | FEATURE_SECOND_QUEUE
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        use VhostUserProtocolFeatures as Feature;
        Feature::CONFIG | Feature::MQ | Feature::REPLY_ACK | Feature::RESET_DEVICE
    }

    fn reset_device(&self) {
        self.live.store(false, Ordering::Release);
        self.power_cycle();
    }

    fn set_event_idx(&self, _enabled: bool) {
        // The vrings keep it themselves.
    }

    fn get_config(&self, _offset: u32, size: u32) -> Vec<u8> {
        vec![0; usize::try_from(size.min(MAX_CONFIG_BYTES)).unwrap_or(0)]
    }

    fn update_memory(&self, _memory: GuestMemory) -> io::Result<()> {
        Ok(()) // It is the one that we were made with.
    }

    fn exit_event(&self, _thread_index: usize) -> Option<(EventConsumer, EventNotifier)> {
        let flags = EventFlag::NONBLOCK | EventFlag::CLOEXEC;
        new_event_consumer_and_notifier(flags)
            .inspect_err(|error| log::error!("no event for the end of the queues' thread: {error}"))
            .ok()
    }

    fn stop_vring(&self, queue: u32) -> io::Result<()> {
        if queue == u32::from(REQUEST_QUEUE) {
            self.device.pause();
            self.live.store(false, Ordering::Release);
        } else {
            self.events.stop();
        }
        Ok(())
    }

    /// Never fails: an error would end the queues' thread.
    fn handle_event(
        &self,
        event: u16,
        _events: EventSet,
        vrings: &[VringMutex],
        _thread: usize,
    ) -> io::Result<()> {
        match (event, vrings) {
            (REQUEST_QUEUE, [requests, ..]) => self.requests_offered(requests),
            (EVENT_QUEUE, [_, events, ..]) => self.events.offered(events),
            _ => log::warn!("an event of no known queue: {event}"),
        }
        Ok(())
    }
}
