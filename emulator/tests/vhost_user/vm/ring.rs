// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver's side of a split virtqueue, built by hand.

use super::until;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

const NEXT: u16 = 1;
const WRITE: u16 = 2;

/// A piece of a chain.
#[derive(Clone, Copy, Debug)]
pub struct Buffer {
    pub address: u64,
    pub length: u32,
    pub writable: bool,
}

impl Buffer {
    pub fn readable(address: u64, length: u32) -> Self {
        Self {
            address,
            length,
            writable: false,
        }
    }

    pub fn writable(address: u64, length: u32) -> Self {
        Self {
            address,
            length,
            writable: true,
        }
    }
}

/// Descriptor table, available ring and used ring in the page pair at `base`.
pub struct Ring {
    memory: GuestMemoryMmap,
    base: u64,
    /// Where the used ring is.
    pub used_at: u64,
    next_descriptor: u16,
    pub available: u16,
    used: u16,
    pub kick: EventFd,
    pub call: EventFd,
}

impl Ring {
    pub const SIZE: u16 = 16;

    pub fn new(memory: GuestMemoryMmap, base: u64) -> Self {
        Self {
            memory,
            base,
            used_at: base + 0x1000,
            next_descriptor: 0,
            available: 0,
            used: 0,
            kick: EventFd::new(EFD_NONBLOCK).unwrap(),
            call: EventFd::new(EFD_NONBLOCK).unwrap(),
        }
    }

    /// Descriptor table, available ring, used ring.
    pub fn addresses(&self) -> [u64; 3] {
        [self.base, self.base + 0x800, self.used_at]
    }

    /// Begins anew, as a driver that was just loaded.
    pub fn clear(&mut self) {
        self.memory
            .write_slice(&[0; 0x2000], GuestAddress(self.base))
            .unwrap();
        (self.next_descriptor, self.available, self.used) = (0, 0, 0);
    }

    fn put<T: vm_memory::ByteValued>(&self, address: u64, value: T) {
        self.memory.write_obj(value, GuestAddress(address)).unwrap();
    }

    /// Writes a descriptor.
    pub fn describe(&self, index: u16, buffer: Buffer, next: Option<u16>) {
        let at = self.base + 16 * u64::from(index);
        let flags = if buffer.writable { WRITE } else { 0 } | if next.is_some() { NEXT } else { 0 };
        self.put(at, buffer.address);
        self.put(at + 8, buffer.length);
        self.put(at + 12, flags);
        self.put(at + 14, next.unwrap_or(0));
    }

    /// Makes a chain available whose first descriptor is `head`.
    pub fn offer_head(&mut self, head: u16) {
        let available = self.addresses()[1];
        self.put(
            available + 4 + 2 * u64::from(self.available % Self::SIZE),
            head,
        );
        self.available = self.available.wrapping_add(1);
        self.put(available + 2, self.available);
    }

    /// Makes a chain of buffers available.
    pub fn offer(&mut self, buffers: &[Buffer]) {
        let count = u16::try_from(buffers.len()).unwrap();
        if self.next_descriptor + count > Self::SIZE {
            self.next_descriptor = 0;
        }
        let head = self.next_descriptor;
        for (index, buffer) in (head..).zip(buffers) {
            let next = (index + 1 < head + count).then_some(index + 1);
            self.describe(index, *buffer, next);
        }
        self.next_descriptor += count;
        self.offer_head(head);
    }

    pub fn kick(&self) {
        self.kick.write(1).unwrap();
    }

    /// With EVENT_IDX: kicks if the device wants a kick for the chain that was offered last.
    pub fn kick_if_wanted(&self) -> bool {
        let wanted = self.kick_wanted_for() == self.available.wrapping_sub(1);
        if wanted {
            self.kick();
        }
        wanted
    }

    /// With EVENT_IDX: the index whose chain the device wants a kick for.
    pub fn kick_wanted_for(&self) -> u16 {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        let at = self.addresses()[2] + 4 + 8 * u64::from(Self::SIZE);
        self.memory.read_obj(GuestAddress(at)).unwrap()
    }

    /// Without EVENT_IDX: whether the device wants kicks.
    pub fn wants_kicks(&self) -> bool {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        let flags: u16 = self.memory.read_obj(GuestAddress(self.used_at)).unwrap();
        flags & 1 == 0
    }

    /// How many chains came back that were not yet waited for.
    pub fn returned(&self) -> u16 {
        let used: u16 = self
            .memory
            .read_obj(GuestAddress(self.addresses()[2] + 2))
            .unwrap();
        used.wrapping_sub(self.used)
    }

    /// Waits for the next chain to come back: its used length.
    pub fn wait_used(&mut self) -> u32 {
        until("a chain comes back", || self.returned() != 0);
        let at = self.addresses()[2] + 4 + 8 * u64::from(self.used % Self::SIZE);
        self.used = self.used.wrapping_add(1);
        self.memory.read_obj(GuestAddress(at + 4)).unwrap()
    }

    /// Offers a chain, kicks and waits for it: its used length.
    pub fn exchange(&mut self, buffers: &[Buffer]) -> u32 {
        self.offer(buffers);
        self.kick();
        self.wait_used()
    }
}
