// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vfio-user attachment: a PCI function with one memory window of 64 MiB, which is the T31's own map
//! from 0x10000000 on, and one interrupt, which is the output of its interrupt controller.
//!
//! A guest in which the window lies at 0x10000000 runs drivers as a T31 does: a load is a load, and it is
//! answered from the chip at the moment it comes; stores are carried out in their order, before a load
//! behind them. DMA goes to the guest's memory, which the VM shares, as with any attachment.
//!
//! | what the VM does | what the chip sees |
//! |---|---|
//! | connects | power on |
//! | resets the function: at its start and at each reboot | power off and on |
//! | takes away memory | DMA is waited for; the memory is left alone from then on |
//! | hangs up | frames stop, DMA is waited for |

mod access;
mod config_space;
mod intx;
mod server;

pub use server::{Server, ServerError};

use super::{GuestMemory, InterruptSink};
use crate::device::Device;
use crate::lock::lock;
use access::{Words, load, store};
use config_space::ConfigSpace;
use intx::{Counts, Intx};
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::pci::{WINDOW_BASE, WINDOW_BYTES};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK,
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, ServerBackend};
use vm_memory::{
    FileOffset, GuestAddress, GuestAddressSpace, GuestMemoryBackend, GuestMemoryMmap,
    GuestRegionMmap, MmapRegion,
};

/// The longest access that is carried out, in bytes: a CPU's longest is 8.
const MAX_ACCESS: usize = 64;

/// One connection of a VM.
pub struct Backend {
    device: Arc<Device>,
    memory: GuestMemory,
    config: ConfigSpace,
    interrupts: Arc<Interrupts>,
    /// The peer has spoken vfio-user: it is a VM and no probe of the socket.
    spoken: Arc<AtomicBool>,
}

/// The way of an interrupt: from the chip's interrupt controller to the pin.
struct Interrupts {
    device: Weak<Device>,
    /// Held from a look at the chip to what follows, so that an older look does not follow a newer one.
    order: Mutex<()>,
    intx: Intx,
}

impl Interrupts {
    /// Looks at the controller's output. `accessed` says that the guest has just accessed the window.
    fn update(&self, accessed: bool) {
        let Some(device) = self.device.upgrade() else {
            return;
        };
        let _order = lock(&self.order);
        self.intx.set_level(device.intc_output(), accessed);
    }
}

impl InterruptSink for Interrupts {
    /// What has risen may have fallen since: the levels count.
    fn raise(&self, _lines: u32) {
        self.update(false);
    }
}

/// The window's registers.
struct Window<'a>(&'a Device);

impl Words for Window<'_> {
    fn read(&mut self, address: PhysAddr) -> u32 {
        let mut result = [u32::MAX];
        let (outcome, lines) = self.0.execute(&[Operation::Read(address)], &mut result);
        if let Err(error) = outcome {
            self.0.refuse(&format!("load from {address}: {error:?}"));
        }
        self.0.announce(lines);
        let [value] = result;
        value
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        let (outcome, lines) = self.0.execute(&[Operation::Write(address, value)], &mut []);
        if let Err(error) = outcome {
            self.0.refuse(&format!("store to {address}: {error:?}"));
        }
        self.0.announce(lines);
    }
}

impl Backend {
    /// A backend that attaches `device` to the VM that will speak.
    pub fn new(device: Arc<Device>) -> Self {
        let interrupts = Interrupts {
            device: Arc::downgrade(&device),
            order: Mutex::default(),
            intx: Intx::counting(device.event_counter(), device.interrupt_timer()),
        };
        Self {
            device,
            memory: GuestMemory::new(GuestMemoryMmap::new()),
            config: ConfigSpace::new(),
            interrupts: Arc::new(interrupts),
            spoken: Arc::default(),
        }
    }

    /// Whether the peer has spoken vfio-user.
    pub fn has_spoken(&self) -> bool {
        self.spoken.load(Ordering::Relaxed)
    }

    /// The chip gets power when the VM says its first word.
    fn speak(&self) {
        if !self.spoken.swap(true, Ordering::AcqRel) {
            self.device
                .connect(self.memory.clone(), self.interrupts.clone());
            self.device.resume();
        }
    }

    /// The window's address of an access, if the access lies in it.
    fn address(offset: u64, length: usize) -> io::Result<PhysAddr> {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let end = u32::try_from(length)
            .ok()
            .filter(|_| length <= MAX_ACCESS)
            .and_then(|length| offset.checked_add(length));
        match end {
            Some(end) if end <= WINDOW_BYTES => Ok(PhysAddr(WINDOW_BASE + offset)),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{length} bytes at {offset:#x} are no access of the window"),
            )),
        }
    }

    /// Puts another memory map in place. When it returns, nothing is written by the old one any more.
    fn replace_memory(
        &self,
        change: impl FnOnce(&GuestMemoryMmap) -> io::Result<GuestMemoryMmap>,
    ) -> io::Result<()> {
        let memory = change(&self.memory.memory())?;
        let exclusive = self.memory.lock();
        exclusive
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .replace(memory);
        self.device.memory_changed();
        Ok(())
    }
}

impl ServerBackend for Backend {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        self.speak();
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.config.read(offset, data, self.interrupts.intx.level());
        } else if region == VFIO_PCI_BAR0_REGION_INDEX {
            let address = Self::address(offset, data.len())?;
            load(&mut Window(&self.device), address, data);
            self.interrupts.update(true);
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        self.speak();
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.config.write(offset, data);
            let disabled = self.config.forbids_interrupts();
            self.interrupts.intx.set_disabled(disabled);
        } else if region == VFIO_PCI_BAR0_REGION_INDEX {
            let address = Self::address(offset, data.len())?;
            store(&mut Window(&self.device), address, data);
            self.interrupts.update(true);
        }
        Ok(())
    }

    fn dma_map(
        &mut self,
        flags: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        fd: Option<File>,
    ) -> io::Result<()> {
        self.speak();
        // What has no file cannot be reached, and a ROM is nothing to write to.
        let Some(file) = fd.filter(|_| flags.contains(DmaMapFlags::READ_WRITE)) else {
            return Ok(());
        };
        let invalid = |error: String| {
            let text = format!("{size:#x} bytes at {address:#x}: {error}");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        let length = usize::try_from(size).map_err(|error| invalid(error.to_string()))?;
        // Behind a file's end there is no memory, only a fault.
        let end = offset.checked_add(size);
        if end.is_none_or(|end| file.metadata().is_ok_and(|found| found.len() < end)) {
            return Err(invalid("the file ends before".to_owned()));
        }
        let mapping = MmapRegion::from_file(FileOffset::new(file, offset), length)
            .map_err(|error| invalid(error.to_string()))?;
        let region = GuestRegionMmap::new(mapping, GuestAddress(address))
            .ok_or_else(|| invalid("they go beyond the last address".to_owned()))?;
        self.replace_memory(|memory| {
            memory
                .insert_region(Arc::new(region))
                .map_err(|error| invalid(error.to_string()))
        })
    }

    fn dma_unmap(&mut self, flags: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        self.speak();
        if flags.contains(DmaUnmapFlags::UNMAP_ALL) {
            return self.replace_memory(|_| Ok(GuestMemoryMmap::new()));
        }
        let known = self
            .memory
            .memory()
            .find_region(GuestAddress(address))
            .is_some();
        if !known {
            // It was none that can be reached.
            return Ok(());
        }
        self.replace_memory(|memory| {
            let removed = memory.remove_region(GuestAddress(address), size);
            removed
                .map(|(memory, _)| memory)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))
        })
    }

    fn reset(&mut self) -> io::Result<()> {
        self.speak();
        self.device.reset();
        self.interrupts.update(false);
        self.device.resume();
        Ok(())
    }

    fn set_irqs(
        &mut self,
        index: u32,
        flags: u32,
        _start: u32,
        _count: u32,
        fds: Vec<File>,
    ) -> io::Result<()> {
        self.speak();
        if index != VFIO_PCI_INTX_IRQ_INDEX {
            return Ok(());
        }
        let intx = &self.interrupts.intx;
        if flags & VFIO_IRQ_SET_ACTION_TRIGGER != 0 {
            intx.set_trigger(fds.into_iter().next());
        } else if flags & VFIO_IRQ_SET_ACTION_UNMASK != 0 {
            intx.unmask();
        } else if flags & VFIO_IRQ_SET_ACTION_MASK != 0 {
            intx.mask();
        }
        Ok(())
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let Counts {
            triggers,
            repeats,
            retracted,
        } = self.interrupts.intx.counts();
        log::info!(
            "interrupts: {triggers}, of which {repeats} told again; {retracted} taken back in time"
        );
        self.interrupts.intx.end();
    }
}

#[cfg(test)]
mod tests;
