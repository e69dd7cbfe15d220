// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rules of frames and interrupts, without any thread.

mod revocation;

use super::*;
use crate::attach::{GuestMemory, InterruptSink};
use crate::monitor::protocol::Stepped;
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

/// The sensor's next first line comes, `frames` times.
fn pass(device: &Device, frames: u32) {
    let period = device.frame_period();
    device.set_time(device.now() + period * frames + Duration::from_micros(1));
    device.advance();
}

/// The last line of the frame that has begun comes.
fn pass_to_end(device: &Device) {
    let end = device.deadline().unwrap();
    device.set_time(end);
    device.advance();
}

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

fn read(device: &Device, address: u32) -> u32 {
    let mut result = [0];
    let (done, lines) = device.execute(&[Operation::Read(PhysAddr(address))], &mut result);
    done.unwrap();
    device.announce(lines);
    result[0]
}

/// A device that streams without channels; its core tells frame start and frame done.
fn streaming(clock: ClockMode) -> (Device, Arc<Told>) {
    let device = Device::with_told_time(GC2053, clock, "bars".to_owned());
    let told = Arc::new(Told::default());
    device.connect(GuestMemory::new(GuestMemoryMmap::new()), told.clone());
    device.resume();
    write(
        &device,
        &[
            (0x1000_0020, 0),
            (0x1000_0028, 0),
            (0x1330_0010, 0x133),
            (0x1330_00b0, 0x3000),
            (0x1330_0800, 1),
            (0x1002_300c, 1),
            (0x1002_3010, 1),
            // Two lanes of MIPI with RAW10 in lines of 1920 pixels (T31 2.7, 2.8).
            (0x1002_3004, 1),
            (0x133e_000c, 2),
            (0x133e_0014, 1),
            (0x133e_0100, 0x258),
            (0x133e_01e8, u32::MAX),
            (0x133e_01ec, u32::MAX),
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
            (0x1330_992c, 0x0080_0080),
            (0x1330_9980, 0x80),
            (0x1330_9998, 0x80),
            (0x1330_9804, 0xf_0001),
            (0x1330_9984, 0x4000),
            (0x1330_996c, 0),
        ],
    );
}

#[test]
fn frames_that_begin_while_dma_is_at_work_are_lost() {
    let (device, _told) = streaming(ClockMode::Sensor);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    pass(&device, 1);
    pass(&device, 3);
    device.finish_frame(&started, Outcome::default());
    pass(&device, 2);
    let status = device.status();
    assert_eq!((status.frames.started, status.late_ticks), (2, 5));
    let next = device.next_frame().unwrap().frame;
    assert_eq!(next.number, 6, "five were late, one of them just now");
}

#[test]
fn a_picture_that_was_drawn_at_once_is_done_at_its_last_line() {
    let (device, told) = streaming(ClockMode::Sensor);
    queue_buffer(&device);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    told.take();
    device.finish_frame(&started, Outcome::default());
    assert_eq!(told.take(), NOTHING);
    assert_eq!(read(&device, 0x1330_00b4) & 0x2001, 0);
    assert_eq!(read(&device, 0x1330_997c) & 1, 1, "no done entry");
    acknowledge(&device, 0x1000);
    pass_to_end(&device);
    assert_eq!(told.take(), [LINE_CORE]);
    assert_eq!(read(&device, 0x1330_00b4) & 0x2001, 0x2001);
    assert_eq!(read(&device, 0x1330_998c), 0x4000);
}

#[test]
fn a_batch_finds_the_chip_at_the_time_of_its_arrival() {
    let (device, _told) = streaming(ClockMode::Sensor);
    device.set_time(device.frame_period() + Duration::from_millis(1));
    // 1 ms of lines of 2200 / 78 MHz, although nobody called `advance`.
    assert_eq!(read(&device, 0x1330_9888) >> 16, 35);
    assert!(device.has_frame());
}

#[test]
fn the_chips_time_stands_still_with_the_vms() {
    let (device, _told) = streaming(ClockMode::Sensor);
    let deadline = device.deadline().unwrap();
    device.pause();
    assert_eq!(device.deadline(), None);
    device.set_time(Duration::from_secs(100));
    device.advance();
    device.resume();
    assert_eq!(device.deadline(), Some(Duration::from_secs(100) + deadline));
    assert_eq!(device.status().frames.started, 0);
}

#[test]
fn nothing_is_late_before_the_guest_streams() {
    let device = Device::with_told_time(GC2053, ClockMode::Sensor, "bars".to_owned());
    device.resume();
    pass(&device, 100);
    let status = device.status();
    assert_eq!((status.frames.started, status.late_ticks), (0, 0));
    assert!(!status.streaming);
}

#[test]
fn a_line_is_told_when_it_rises() {
    let (device, told) = streaming(ClockMode::Sensor);
    pass(&device, 1);
    assert_eq!(told.take(), [LINE_CORE]);
    let started = device.next_frame().unwrap();
    device.finish_frame(&started, Outcome::default());
    pass_to_end(&device);
    write(&device, &[(MODE, 1)]);
    assert_eq!(told.take(), NOTHING, "it is still high");
    acknowledge(&device, 0x3000);
    // Unmasking the VIC's pending status raises its line.
    write(&device, &[(0x133e_01e8, 0)]);
    assert_eq!(told.take(), [LINE_VIC]);
}

#[test]
fn a_line_is_told_again_when_an_acknowledge_leaves_it_high() {
    let (device, told) = streaming(ClockMode::Sensor);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    device.finish_frame(&started, Outcome::default());
    pass_to_end(&device);
    told.take();
    acknowledge(&device, 0x2000);
    assert_eq!(told.take(), [LINE_CORE]);
    acknowledge(&device, 0x1000);
    assert_eq!(told.take(), NOTHING);
}

#[test]
fn the_max_clock_waits_for_buffers_and_tells_once_a_frame() {
    let (device, told) = streaming(ClockMode::Max);
    pass(&device, 1);
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
fn a_reset_gives_a_new_chip_and_keeps_the_guest_errors() {
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
    let guest_errors: Vec<(&str, u64)> = status
        .guest_errors
        .iter()
        .map(|f| (f.id.as_str(), f.count))
        .collect();
    assert_eq!(
        guest_errors,
        [("undefined-register", 2), ("write-to-read-only", 1)]
    );
}

#[test]
fn a_frame_that_writes_nothing_is_not_followed_at_once() {
    let (device, _told) = streaming(ClockMode::Max);
    // Channel 0 has a buffer, and frame-rate control keeps no frame.
    write(&device, &[(0x1330_9930, 0), (0x1330_9934, 0)]);
    queue_buffer(&device);
    let device = Arc::new(device);
    let engine = std::thread::spawn({
        let device = device.clone();
        move || {
            while let Some(started) = device.next_frame() {
                assert!(!started.frame.writes());
                device.finish_frame(&started, Outcome::default());
            }
        }
    });
    std::thread::sleep(Duration::from_millis(400));
    device.end();
    engine.join().unwrap();
    let frames = device.status().frames.started;
    assert!((2..=20).contains(&frames), "{frames} frames in 0.4 s");
}

#[test]
fn a_new_frame_length_is_told_at_once_and_ends_with_the_chip() {
    let (device, _told) = streaming(ClockMode::Sensor);
    let changes = Arc::new(AtomicU32::new(0));
    let counted = changes.clone();
    device.on_schedule(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let normal = device.frame_period();
    for (register, value) in [(0x41, 0xff), (0x42, 0xff)] {
        for (offset, word) in [
            (0x6c, 1),
            (4, 0x37),
            (0x10, register),
            (0x10, value | 0x200),
        ] {
            write(&device, &[(0x1005_0000 + offset, word)]);
        }
    }
    assert!(changes.load(Ordering::Relaxed) >= 1);
    assert!(device.frame_period() > normal);
    let before = changes.load(Ordering::Relaxed);
    device.reset();
    assert_eq!(device.frame_period(), normal);
    assert!(changes.load(Ordering::Relaxed) > before);
    assert_eq!(device.deadline(), None);
}
