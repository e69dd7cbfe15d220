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
mod pending;
mod server;
mod vring;

pub use server::{Server, ServerError};
pub use vring::Vring;

use super::GuestMemory;
use crate::device::Device;
use crate::lock::lock;
use crate::memory_guard;
use events::EventQueue;
use mailbox::Mailbox;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tx_isp_abi::mailbox::{EVENT_QUEUE, QUEUES, REQUEST_QUEUE};
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{ShutdownHandle, VhostUserBackend, VringT};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_EVENT_IDX;
use virtio_queue::{QueueOwnedT, QueueT};
use vm_memory::{
    GuestAddressSpace, GuestMemoryBackend, GuestMemoryRegion, GuestRegionMmap, MemoryRegionAddress,
};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

/// Entries of the largest queue that QEMU may set up.
const MAX_QUEUE_SIZE: usize = 1024;
/// Device feature bit 0, VIRTIO_GPIO_F_IRQ to QEMU's GPIO device: there is a second queue.
const FEATURE_SECOND_QUEUE: u64 = 1 << 0;
/// How long the queues' thread stays with the requests of one wake.
const WAKE_TIME: Duration = Duration::from_millis(2);
/// How often it looks for more in one wake.
const WAKE_REQUESTS: usize = 64;
/// The event that ends the queues' thread, and the one that brings it back to the requests. Lower
/// numbers are those of queues, and one more is the library's.
const END: u16 = EVENT_QUEUE + 2;
const MORE: u16 = EVENT_QUEUE + 3;
/// The event that says that the VM's memory is cut off.
const LOST: u16 = EVENT_QUEUE + 4;
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
    /// The VM is gone.
    closed: AtomicBool,
    /// Hangs up.
    shutdown: OnceLock<ShutdownHandle>,
    /// Ends the queues' thread.
    end: EventFd,
    /// There are more requests than one wake may answer.
    more: EventFd,
    /// Part of the VM's memory is lost.
    lost: EventFd,
}

impl Backend {
    /// A backend that attaches `device` to the VM whose memory is `memory`.
    ///
    /// # Errors
    /// When the process may have no further descriptors.
    pub fn new(device: Arc<Device>, memory: GuestMemory) -> io::Result<Self> {
        let event = || EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC);
        let (end, more, lost) = (event()?, event()?, event()?);
        let events = Arc::new(EventQueue::new(
            memory.clone(),
            device.event_counter(),
            device.interrupt_timer(),
        ));
        device.connect(memory.clone(), events.clone());
        Ok(Self {
            device,
            memory,
            mailbox: Mutex::new(Mailbox::new()),
            events,
            live: AtomicBool::new(false),
            spoken: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            shutdown: OnceLock::new(),
            end,
            more,
            lost,
        })
    }

    /// Whether the peer has spoken vhost-user.
    pub fn has_spoken(&self) -> bool {
        self.spoken.load(Ordering::Relaxed)
    }

    /// Answers requests that are offered, as many as one wake may; the rest has its turn after other
    /// events.
    fn requests_offered(&self, vring: &Vring) {
        let mut mailbox = lock(&self.mailbox);
        if !is_started(vring) || self.is_closed() {
            return;
        }
        if !self.live.swap(true, Ordering::AcqRel) {
            if vring.queue_next_avail() == 0 {
                log::debug!("a driver begins");
                self.power_cycle();
                self.device.note_driver(true);
            }
            self.device.resume();
        }
        let until = Instant::now() + WAKE_TIME;
        for _ in 0..WAKE_REQUESTS {
            self.notifications(vring, false);
            while self.answer_next(&mut mailbox, vring) {
                if Instant::now() >= until {
                    self.go_on_later();
                    return;
                }
            }
            // A driver that offers further requests while notifications are off expects us to look
            // once more after they are on again, whether or not we have answered any.
            if !self.notifications(vring, true) {
                return;
            }
        }
        self.go_on_later();
    }

    /// Answers one request if there is one and the queue is still started: whether there was.
    fn answer_next(&self, mailbox: &mut Mailbox, vring: &Vring) -> bool {
        if self.is_closed() {
            return false;
        }
        let memory = self.memory.memory();
        let mut ring = vring.get_mut();
        if !ring.get_queue().ready() || !ring.is_enabled() {
            return false;
        }
        let next = match ring.get_queue_mut().iter(memory.clone()) {
            Ok(mut chains) => chains.next(),
            Err(error) => {
                self.device
                    .refuse(&format!("the queue cannot be read: {error}"));
                None
            }
        };
        drop(ring);
        let Some(chain) = next else { return false };
        let head = chain.head_index();
        let answer = mailbox.answer(chain, &memory, &self.device);
        self.give_back(vring, head, answer.length);
        self.device.announce(answer.lines);
        true
    }

    /// The queues' thread comes back to the requests after its other events.
    fn go_on_later(&self) {
        if let Err(error) = self.more.write(1) {
            log::debug!("the rest of the requests waits for the next kick: {error}");
        }
    }

    /// The VM is gone: nothing of it reaches the device any more, nor is its memory written.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        memory_guard::release();
        self.events.stop();
        // Whatever is being answered is over when the lock is free.
        drop(lock(&self.mailbox));
        if self.live.swap(false, Ordering::AcqRel) {
            self.device.note_driver(false);
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends the queues' thread.
    fn end_thread(&self) {
        if let Err(error) = self.end.write(1) {
            log::error!("the queues' thread cannot be ended: {error}");
        }
    }

    /// Gives a chain back to the driver and interrupts it if it wants that.
    fn give_back(&self, vring: &Vring, head: u16, length: u32) {
        let mut ring = vring.get_mut();
        if let Err(error) = ring.add_used(head, length) {
            self.device
                .refuse(&format!("it cannot be given back: {error}"));
            return;
        }
        if ring.needs_notification().unwrap_or(true)
            && let Err(error) = ring.signal_used_queue()
            // The counter is full: the guest has interrupts to take as it is.
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.device
                .refuse(&format!("the guest cannot be interrupted: {error}"));
        }
    }

    /// Asks the driver for kicks or not: whether there are requests already.
    fn notifications(&self, vring: &Vring, on: bool) -> bool {
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
    type Vring = Vring;

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
        // The request that is being answered is the last.
        let _idle = lock(&self.mailbox);
        self.live.store(false, Ordering::Release);
        self.power_cycle();
    }

    fn set_event_idx(&self, _enabled: bool) {
        // The vrings keep it themselves.
    }

    fn get_config(&self, _offset: u32, size: u32) -> Vec<u8> {
        vec![0; usize::try_from(size.min(MAX_CONFIG_BYTES)).unwrap_or(0)]
    }

    fn update_memory(&self, memory: GuestMemory) -> io::Result<()> {
        // It is the one that we were made with, with another map in it.
        let checked = check_files(&memory);
        if checked.is_err() {
            memory
                .lock()
                .map_err(|_| io::Error::other("the memory map is lost"))?
                .replace(vm_memory::GuestMemoryMmap::new());
        }
        let guarded = memory.memory();
        let regions: Vec<(usize, usize)> = guarded.iter().filter_map(place_of).collect();
        memory_guard::guard(&regions, &self.lost)?;
        self.device.memory_changed();
        // An answer that was begun with the map before is over when the lock is free.
        drop(lock(&self.mailbox));
        checked
    }

    fn stop_vring(&self, queue: u32) -> io::Result<()> {
        if queue == u32::from(REQUEST_QUEUE) {
            // The queue is no longer ready: the request that is being answered is the last.
            drop(lock(&self.mailbox));
            self.device.pause();
            if self.live.swap(false, Ordering::AcqRel) {
                self.device.note_driver(false);
            }
        } else {
            self.events.stop();
        }
        Ok(())
    }

    /// Fails only to end the queues' thread.
    fn handle_event(
        &self,
        event: u16,
        _events: EventSet,
        vrings: &[Vring],
        _thread: usize,
    ) -> io::Result<()> {
        match (event, vrings) {
            (REQUEST_QUEUE, [requests, ..]) => self.requests_offered(requests),
            (EVENT_QUEUE, [_, events, ..]) if !self.is_closed() => self.events.offered(events),
            (MORE, [requests, ..]) => {
                // Read so that the event is over; its count tells nothing.
                let _ = self.more.read();
                self.requests_offered(requests);
            }
            (LOST, _) => {
                let _ = self.lost.read();
                if memory_guard::take_lost() && !self.is_closed() {
                    log::error!("the VM has cut off the file of its memory: hung up");
                    self.closed.store(true, Ordering::Release);
                    self.device.disconnect();
                    if let Some(shutdown) = self.shutdown.get() {
                        shutdown.shutdown();
                    }
                }
            }
            (END, _) => return Err(io::Error::other("the connection has ended")),
            (EVENT_QUEUE, _) => {}
            _ => log::warn!("an event of no known queue: {event}"),
        }
        Ok(())
    }
}

/// Whether the driver has set a queue up and the VM has not stopped it.
fn is_started(vring: &Vring) -> bool {
    let ring = vring.get_ref();
    ring.get_queue().ready() && ring.is_enabled()
}

/// Whether the files behind the VM's memory are as long as the memory: what lies beyond a file's end
/// would end this process when it is touched.
fn check_files(memory: &GuestMemory) -> io::Result<()> {
    for region in memory.memory().iter() {
        let Some(file) = region.file_offset() else {
            continue;
        };
        let metadata = file.file().metadata()?;
        let end = file.start().checked_add(region.len());
        if metadata.is_file() && end.is_none_or(|end| end > metadata.len()) {
            let start = region.start_addr().0;
            return Err(io::Error::other(format!(
                "the file of the memory at {start:#x} has {:#x} bytes, {:#x} are needed from {:#x} on",
                metadata.len(),
                region.len(),
                file.start(),
            )));
        }
    }
    Ok(())
}

/// Where a region lies in this process, and its bytes.
fn place_of(region: &GuestRegionMmap) -> Option<(usize, usize)> {
    let start = region.get_host_address(MemoryRegionAddress(0)).ok()?;
    Some((start as usize, usize::try_from(region.len()).ok()?))
}
