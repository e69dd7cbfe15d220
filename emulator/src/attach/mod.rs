// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a VM reaches the chip. An attachment carries register operations in and interrupts out; what
//! they mean is not its business.

pub mod vfio_user;
pub mod vhost_user;

use vm_memory::{GuestMemoryAtomic, GuestMemoryMmap};

/// The VM's memory, by physical address; its map may be replaced while the VM runs.
pub type GuestMemory = GuestMemoryAtomic<GuestMemoryMmap>;

/// Takes interrupts to the guest.
pub trait InterruptSink: Send + Sync {
    /// Tells the guest of interrupt lines (`LINE_CORE`, `LINE_VIC`). Lines that cannot be told at
    /// once are kept until they can.
    fn raise(&self, lines: u32);
}
