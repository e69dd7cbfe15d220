// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What ends the right to write to memory: at once, and for good or until the frame goes on.

use super::*;

const SOFT_RESET: u32 = 0x1000_00c4;
const RESET_REQUEST: u32 = 1 << 21;
const RESET_ACKNOWLEDGE: u32 = 1 << 20;

/// A writer in the middle of a chunk, until it is told to go on.
struct HeldUp {
    go_on: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<bool>,
}

impl HeldUp {
    /// Returns when the chunk has begun.
    fn begin(started: &StartedFrame) -> Self {
        let permit = started.permit.clone();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let first = permit.write(|| {
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
            });
            first.unwrap();
            permit.write(|| ()).is_ok()
        });
        has_begun.recv().unwrap();
        Self { go_on, thread }
    }

    /// Ends the chunk: whether a second one could be written.
    fn end(self) -> bool {
        self.go_on.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

#[test]
fn the_reset_is_acknowledged_when_the_bytes_under_way_have_landed_and_others_are_answered() {
    let (device, _told) = streaming(ClockMode::Sensor);
    queue_buffer(&device);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    let writer = HeldUp::begin(&started);
    write(&device, &[(SOFT_RESET, RESET_REQUEST)]);
    assert_eq!(read(&device, SOFT_RESET), RESET_REQUEST);
    assert_eq!(device.dma_state(), DmaState::Draining);
    assert_eq!(
        read(&device, 0x1300_002c),
        0x1003_1000,
        "others are answered"
    );
    pass(&device, 1);
    assert!(!writer.end(), "nothing is written after the request");
    let acknowledged = RESET_REQUEST | RESET_ACKNOWLEDGE;
    assert_eq!(read(&device, SOFT_RESET), acknowledged);
    assert_eq!(device.dma_state(), DmaState::Stopped);
    device.finish_frame(
        &started,
        Outcome {
            revoked: true,
            ..Outcome::default()
        },
    );
    // As long as the request stands no frame begins, nor goes on.
    pass(&device, 1);
    assert_eq!(device.status().frames.started, 1);
    write(&device, &[(SOFT_RESET, 1 << 22)]);
    assert!(!device.has_frame(), "the reset has ended it");
    write(&device, &[(SOFT_RESET, 0)]);
    assert_eq!(device.status().frames.finished, 1);
}

#[test]
fn a_frame_that_only_waits_keeps_no_reset_up() {
    let (device, _told) = streaming(ClockMode::Sensor);
    device.inject("late-frame:ms=2000".parse().unwrap());
    queue_buffer(&device);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    let begin = Instant::now();
    let permit = started.permit.clone();
    let sleeper = std::thread::spawn(move || permit.sleep(Duration::from_secs(600)));
    write(&device, &[(SOFT_RESET, RESET_REQUEST)]);
    assert_ne!(read(&device, SOFT_RESET) & RESET_ACKNOWLEDGE, 0);
    assert_eq!(sleeper.join().unwrap(), Err(Revoked));
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_reset_request_that_is_withdrawn_lets_the_frame_go_on() {
    let (device, _told) = streaming(ClockMode::Sensor);
    queue_buffer(&device);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    write(&device, &[(SOFT_RESET, RESET_REQUEST)]);
    let revoked = Outcome {
        revoked: true,
        ..Outcome::default()
    };
    device.finish_frame(&started, revoked);
    write(&device, &[(SOFT_RESET, 0)]);
    let again = device.next_frame().unwrap();
    assert_eq!(again.frame, started.frame);
    assert!(again.permit.is_valid() && !started.permit.is_valid());
}

#[test]
fn whatever_ends_the_right_to_write_waits_for_the_chunk_under_way() {
    type End = fn(&Device);
    let ends: [(&str, End); 7] = [
        ("flush", |device| {
            write(device, &[(0x1330_0020, 4), (0x1330_0020, 0)]);
        }),
        ("reset without a handshake", |device| {
            write(device, &[(SOFT_RESET, 1 << 22)]);
        }),
        ("stopped queue", Device::pause),
        ("memory map", Device::memory_changed),
        ("new chip", Device::reset),
        ("the VM's end", Device::disconnect),
        ("the emulator's end", |device| {
            device.end();
            device.pause();
        }),
    ];
    for (what, end) in ends {
        let (device, _told) = streaming(ClockMode::Sensor);
        queue_buffer(&device);
        pass(&device, 1);
        let started = device.next_frame().unwrap();
        let writer = HeldUp::begin(&started);
        let device = Arc::new(device);
        let ender = std::thread::spawn({
            let device = device.clone();
            move || end(&device)
        });
        while device.dma_state() == DmaState::Running {
            std::thread::yield_now();
        }
        assert_eq!(device.dma_state(), DmaState::Draining, "{what}");
        assert!(!writer.end(), "{what}: a chunk followed");
        ender.join().unwrap();
        assert!(started.permit.write(|| ()).is_err(), "{what}");
    }
}

#[test]
fn a_frame_that_was_interrupted_is_handed_out_again() {
    let (device, _told) = streaming(ClockMode::Sensor);
    queue_buffer(&device);
    pass(&device, 1);
    let started = device.next_frame().unwrap();
    device.pause();
    let revoked = Outcome {
        revoked: true,
        ..Outcome::default()
    };
    device.finish_frame(&started, revoked);
    assert!(device.has_frame());
    pass(&device, 1);
    device.resume();
    let again = device.next_frame().unwrap();
    assert_eq!((again.frame.number, again.frame.jobs.len()), (1, 1));
    device.finish_frame(&again, Outcome::default());
    pass_to_end(&device);
    let status = device.status();
    assert_eq!(status.channels[0].frames_written, 1);
    assert_eq!(status.late_ticks, 0);
}
