// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The backend as QEMU calls it.

use super::*;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use tx_isp_abi::registers::{Core, Cpm, Vic};
use tx_isp_abi::sensor::GC2053;

fn backend() -> Backend {
    let clock = "stepped".parse().unwrap();
    Backend::new(Arc::new(Device::new(GC2053, clock, "bars".to_owned())))
}

fn offset(address: PhysAddr) -> u64 {
    u64::from(address.0 - WINDOW_BASE)
}

fn read(backend: &mut Backend, address: PhysAddr) -> u32 {
    let mut data = [0; 4];
    backend
        .region_read(VFIO_PCI_BAR0_REGION_INDEX, offset(address), &mut data)
        .unwrap();
    u32::from_le_bytes(data)
}

fn write(backend: &mut Backend, address: PhysAddr, value: u32) {
    let region = VFIO_PCI_BAR0_REGION_INDEX;
    let data = value.to_le_bytes();
    backend
        .region_write(region, offset(address), &data)
        .unwrap();
}

/// Opens the ISP's clock gates.
fn power(backend: &mut Backend) {
    write(backend, Cpm::ClockGate0.address(), 0);
    write(backend, Cpm::ClockGate1.address(), 0);
}

#[test]
fn the_core_tells_its_id_at_its_own_address() {
    let mut backend = backend();
    power(&mut backend);
    assert_eq!(read(&mut backend, PhysAddr(0x1330_0000)), 0x5456_0031);
    write(&mut backend, Vic::FrameSize.address(), 0x0780_0438);
    assert_eq!(read(&mut backend, PhysAddr(0x133e_0004)), 0x0780_0438);
    let mut byte = [0];
    backend.region_read(0, 0x0330_0003, &mut byte).unwrap();
    assert_eq!(byte, [0x54]);
}

#[test]
fn an_access_across_the_windows_end_is_refused() {
    let mut backend = backend();
    let last = u64::from(WINDOW_BYTES) - 2;
    assert!(backend.region_read(0, last, &mut [0; 2]).is_ok());
    assert!(backend.region_read(0, last, &mut [0; 4]).is_err());
    assert!(backend.region_write(0, u64::MAX, &[0; 4]).is_err());
    assert!(backend.region_read(0, 0, &mut [0; MAX_ACCESS + 1]).is_err());
}

fn file_of(bytes: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(bytes).unwrap();
    file
}

#[test]
fn memory_comes_and_goes() {
    let mut backend = backend();
    let rw = DmaMapFlags::READ_WRITE;
    let has = |backend: &Backend, address: u64| {
        let memory = backend.memory.memory();
        memory.find_region(GuestAddress(address)).is_some()
    };
    backend
        .dma_map(rw, 0, 0, 1 << 20, Some(file_of(1 << 20)))
        .unwrap();
    backend
        .dma_map(rw, 0, 0x8000_0000, 1 << 20, Some(file_of(1 << 20)))
        .unwrap();
    // A ROM's and that of a device: nothing for DMA.
    backend
        .dma_map(DmaMapFlags::READ, 0, 0x1e00_0000, 4096, None)
        .unwrap();
    assert!(has(&backend, 0) && has(&backend, 0x8000_0000) && !has(&backend, 0x1e00_0000));
    let overlap = backend.dma_map(rw, 0, 0x1000, 1 << 20, Some(file_of(1 << 20)));
    assert!(overlap.is_err());
    let short = backend.dma_map(rw, 0, 0x4000_0000, 1 << 20, Some(file_of(4096)));
    assert!(
        short.is_err(),
        "a file that is too short would be a fault in the DMA's thread"
    );
    backend
        .dma_unmap(DmaUnmapFlags::empty(), 0, 1 << 20)
        .unwrap();
    backend
        .dma_unmap(DmaUnmapFlags::empty(), 0x1e00_0000, 4096)
        .unwrap();
    assert!(!has(&backend, 0) && has(&backend, 0x8000_0000));
    backend.dma_unmap(DmaUnmapFlags::UNMAP_ALL, 0, 0).unwrap();
    assert!(!has(&backend, 0x8000_0000));
}

#[test]
fn a_reset_is_a_new_chip_and_masks_every_source() {
    let mut backend = backend();
    power(&mut backend);
    write(&mut backend, Vic::FrameSize.address(), 0x0780_0438);
    write(&mut backend, PhysAddr(0x1000_100c), u32::MAX);
    assert_eq!(read(&mut backend, PhysAddr(0x1000_1004)), 0);
    backend.reset().unwrap();
    assert_eq!(read(&mut backend, PhysAddr(0x1000_1004)), u32::MAX);
    power(&mut backend);
    assert_eq!(
        read(&mut backend, Vic::FrameSize.address()),
        Vic::FrameSize.describe().reset
    );
}

#[test]
fn qemu_gives_and_takes_the_trigger() {
    let mut backend = backend();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let file = File::from(OwnedFd::from(ours));
    backend
        .set_irqs(
            VFIO_PCI_INTX_IRQ_INDEX,
            VFIO_IRQ_SET_ACTION_TRIGGER,
            0,
            1,
            vec![file],
        )
        .unwrap();
    backend.interrupts.intx.set_level(true, false);
    assert!(theirs.read_exact(&mut [0; 8]).is_ok());
    backend.interrupts.intx.set_level(false, false);
    backend
        .set_irqs(
            VFIO_PCI_INTX_IRQ_INDEX,
            VFIO_IRQ_SET_ACTION_UNMASK,
            0,
            1,
            Vec::new(),
        )
        .unwrap();
    backend.interrupts.intx.set_level(true, false);
    assert!(theirs.read_exact(&mut [0; 8]).is_ok());
    assert_eq!(read(&mut backend, Core::IrqStatus.address()), 0);
}
