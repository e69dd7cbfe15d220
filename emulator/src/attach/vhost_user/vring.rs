// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A virtqueue whose event descriptors cannot stop a thread, whatever the front end gives as one.
//!
//! The library reads a kick in the queues' thread and writes a call in whatever thread answers; it takes
//! an error of a read for the end of the queues. Here both descriptors are made non-blocking, and a
//! kick that is not there (its descriptor was replaced while the thread held the event) is none.

use crate::attach::GuestMemory;
use crate::socket::never_wait;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::MutexGuard;
use vhost_user_backend::{VringMutex, VringState, VringStateGuard, VringStateMutGuard, VringT};
use virtio_queue::Error;

/// A virtqueue of the VM.
#[derive(Clone)]
pub struct Vring(VringMutex<GuestMemory>);

/// Nobody waits on it: neither who reads an empty one nor who writes to a full one.
fn without_waiting(file: File) -> File {
    if let Err(error) = never_wait(&file) {
        log::debug!("an event descriptor cannot be made non-blocking: {error}");
    }
    file
}

impl<'a> VringStateGuard<'a, GuestMemory> for Vring {
    type G = MutexGuard<'a, VringState<GuestMemory>>;
}

impl<'a> VringStateMutGuard<'a, GuestMemory> for Vring {
    type G = MutexGuard<'a, VringState<GuestMemory>>;
}

impl VringT<GuestMemory> for Vring {
    fn new(mem: GuestMemory, max_queue_size: u16) -> Result<Self, Error> {
        VringMutex::new(mem, max_queue_size).map(Self)
    }

    fn get_ref(&self) -> MutexGuard<'_, VringState<GuestMemory>> {
        self.0.get_ref()
    }

    fn get_mut(&self) -> MutexGuard<'_, VringState<GuestMemory>> {
        self.0.get_mut()
    }

    fn add_used(&self, desc_index: u16, len: u32) -> Result<(), Error> {
        self.0.add_used(desc_index, len)
    }

    fn signal_used_queue(&self) -> io::Result<()> {
        self.0.signal_used_queue()
    }

    fn enable_notification(&self) -> Result<bool, Error> {
        self.0.enable_notification()
    }

    fn disable_notification(&self) -> Result<(), Error> {
        self.0.disable_notification()
    }

    fn needs_notification(&self) -> Result<bool, Error> {
        self.0.needs_notification()
    }

    fn set_enabled(&self, enabled: bool) {
        self.0.set_enabled(enabled);
    }

    fn set_queue_info(
        &self,
        desc_table: u64,
        avail_ring: u64,
        used_ring: u64,
    ) -> Result<(), Error> {
        self.0.set_queue_info(desc_table, avail_ring, used_ring)
    }

    fn queue_next_avail(&self) -> u16 {
        self.0.queue_next_avail()
    }

    fn set_queue_next_avail(&self, base: u16) {
        self.0.set_queue_next_avail(base);
    }

    fn set_queue_next_used(&self, index: u16) {
        self.0.set_queue_next_used(index);
    }

    fn queue_used_idx(&self) -> Result<u16, Error> {
        self.0.queue_used_idx()
    }

    fn set_queue_size(&self, size: u16) {
        self.0.set_queue_size(size);
    }

    fn set_queue_event_idx(&self, enabled: bool) {
        self.0.set_queue_event_idx(enabled);
    }

    fn set_queue_ready(&self, ready: bool) {
        self.0.set_queue_ready(ready);
    }

    /// The library listens to a new descriptor of a started queue only if it has to start the queue: it
    /// is made to.
    fn set_kick(&self, file: Option<File>) {
        self.0.set_queue_ready(false);
        self.0.set_kick(file.map(without_waiting));
    }

    /// Whether the queue is enabled. Never fails but where the descriptor is no event at all.
    fn read_kick(&self) -> io::Result<bool> {
        match self.0.read_kick() {
            Ok(enabled) => Ok(enabled),
            Err(error) => {
                if error.kind() != ErrorKind::WouldBlock {
                    log::debug!("a kick cannot be read: {error}");
                    // It would be readable for ever.
                    self.0.set_kick(None);
                }
                Ok(self.0.get_ref().is_enabled())
            }
        }
    }

    fn set_call(&self, file: Option<File>) {
        self.0.set_call(file.map(without_waiting));
    }

    fn set_err(&self, file: Option<File>) {
        self.0.set_err(file);
    }
}
