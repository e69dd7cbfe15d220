// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rules of frames and interrupts, without any thread.

use super::*;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_abi::sensor::GC2053;
use vm_memory::GuestMemoryMmap;

/// Keeps what the guest would be told.
#[derive(Default)]
struct Told(Mutex<Vec<u32>>);

impl InterruptSink for Told {
    fn raise(&self, lines: u32) {
        lock(&self.0).push(lines);
    }
}

impl Told {
    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *lock(&self.0))
    }
}

const MODE: u32 = 0x1330_0804;
const NOTHING: [u32; 0] = [];

fn write(device: &Device, writes: &[(u32, u32)]) {
    let operations: Vec<Operation> = writes
        .iter()
        .map(|&(address, value)| Operation::Write(PhysAddr(address), value))
        .collect();
    let (result, lines) = device.execute(&operations, &mut []);
    result.unwrap();
    device.announce(lines);
}

fn acknowledge(device: &Device, bits: u32) {
    write(device, &[(0x1330_00b8, bits)]);
}

/// A device that streams without channels; its core tells frame start and frame done.
fn streaming(clock: ClockMode) -> (Device, Arc<Told>) {
    let device = Device::new(GC2053, clock, "bars".to_owned());
    let told = Arc::new(Told::default());
    device.connect(GuestMemory::new(GuestMemoryMmap::new()), told.clone());
    device.resume();
    write(
        &device,
        &[
            (0x1000_0020, 0),
            (0x1000_0028, 0),
            (0x1330_0010, 0x133),
            (0x1330_00b0, 0x1001),
            (0x1330_0800, 1),
            (0x1002_3008, 1),
            (0x1002_300c, 1),
            (0x1002_3010, 1),
            // Two lanes of MIPI with RAW10 in lines of 1920 pixels (facts 2.7, 2.8).
            (0x1002_3004, 1),
            (0x133e_000c, 2),
            (0x133e_0014, 1),
            (0x133e_0100, 0x258),
            (0x133e_0000, 1),
        ],
    );
    (device, told)
}

/// Enables channel 0 with one buffer.
fn queue_buffer(device: &Device) {
    write(
        device,
        &[
            (0x1330_9900, 0x0080_0080),
            (0x1330_9980, 0x80),
            (0x1330_9998, 0x80),
            (0x1330_9804, 1),
            (0x1330_9984, 0x4000),
            (0x1330_996c, 0),
        ],
    );
}

#[test]
fn a_tick_that_finds_dma_at_work_is_late() {
    let (device, _told) = streaming(ClockMode::Sensor);
    device.tick(1);
    let started = device.next_frame().unwrap();
    device.tick(1);
    device.tick(3);
    device.finish_frame(&started, Outcome::default());
    device.tick(2);
    let status = device.status();
    assert_eq!((status.frames.started, status.late_ticks), (2, 5));
    assert_eq!(device.next_frame().unwrap().frame.number, 2);
}

#[test]
fn nothing_is_late_before_the_guest_streams() {
    let device = Device::new(GC2053, ClockMode::Sensor, "bars".to_owned());
    device.tick(100);
    let status = device.status();
    assert_eq!((status.frames.started, status.late_ticks), (0, 0));
    assert!(!status.streaming);
}

#[test]
fn a_line_is_told_when_it_rises() {
    let (device, told) = streaming(ClockMode::Sensor);
    device.tick(1);
    assert_eq!(told.take(), [LINE_CORE]);
    let started = device.next_frame().unwrap();
    device.finish_frame(&started, Outcome::default());
    write(&device, &[(MODE, 1)]);
    assert_eq!(told.take(), NOTHING, "it is still high");
    acknowledge(&device, 0x3001);
    // Unmasking the VIC's pending status raises its line.
    write(&device, &[(0x133e_01e8, 0)]);
    assert_eq!(told.take(), [LINE_VIC]);
}

#[test]
fn a_line_is_told_again_when_an_acknowledge_leaves_it_high() {
    let (device, told) = streaming(ClockMode::Sensor);
    device.tick(1);
    let started = device.next_frame().unwrap();
    device.finish_frame(&started, Outcome::default());
    told.take();
    acknowledge(&device, 0x1);
    assert_eq!(told.take(), [LINE_CORE]);
    acknowledge(&device, 0x1000);
    assert_eq!(told.take(), NOTHING);
}

#[test]
fn the_max_clock_waits_for_buffers_and_tells_once_a_frame() {
    let (device, told) = streaming(ClockMode::Max);
    device.tick(1);
    assert_eq!(device.status().frames.started, 0, "ticks mean nothing");
    queue_buffer(&device);
    let started = device.next_frame().unwrap();
    assert_eq!(started.frame.jobs.len(), 1);
    assert_eq!(told.take(), NOTHING);
    device.finish_frame(&started, Outcome::default());
    assert_eq!(told.take(), [LINE_CORE]);
    device.end();
    assert!(device.next_frame().is_none());
}

#[test]
fn a_step_is_over_with_its_last_frame() {
    let (device, _told) = streaming(ClockMode::Stepped);
    device.step(2).unwrap();
    assert_eq!(device.step(1), Err(StepError::Busy));
    for number in 1..=2 {
        assert_eq!(device.take_step_outcome(), None);
        let started = device.next_frame().unwrap();
        assert_eq!(started.frame.number, number);
        device.finish_frame(&started, Outcome::default());
    }
    let stepped = Stepped {
        frames: 2,
        last_frame: 2,
    };
    assert_eq!(device.take_step_outcome(), Some(Ok(stepped)));
    assert_eq!(device.take_step_outcome(), None);
}

#[test]
fn a_step_that_takes_too_long_is_given_up() {
    let (device, _told) = streaming(ClockMode::Stepped);
    device.step(2).unwrap();
    let started = device.next_frame().unwrap();
    device.finish_frame(&started, Outcome::default());
    assert_eq!(
        device.abandon_step(),
        StepError::Deadline { done: 1, asked: 2 }
    );
    device.step(1).unwrap();
}

#[test]
fn a_reset_gives_a_new_chip_and_keeps_the_findings() {
    let (device, _told) = streaming(ClockMode::Stepped);
    write(&device, &[(0x1330_0bac, 0)]);
    device.step(1).unwrap();
    device.reset();
    assert_eq!(
        device.take_step_outcome(),
        Some(Err(StepError::Stopped { done: 0, asked: 1 }))
    );
    write(&device, &[(0x1330_0bac, 0), (0x1300_002c, 0)]);
    let status = device.status();
    assert!(!status.streaming);
    let findings: Vec<(&str, u64)> = status
        .findings
        .iter()
        .map(|f| (f.id.as_str(), f.count))
        .collect();
    assert_eq!(
        findings,
        [("undefined-register", 2), ("write-to-read-only", 1)]
    );
}
