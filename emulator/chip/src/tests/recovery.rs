// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The recovery sequence of T31 2.1.

use super::*;

#[test]
fn the_recovery_sequence_drops_the_frame_and_streams_again() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.queue(0x20_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let lost = bench.0.frame_start().unwrap();
    assert_eq!(bench.read(CORE + 0x28), 1, "as samples show it (T31 2a.5)");
    bench.write(CORE + 0x24, 1);
    assert_eq!(bench.read(CORE + 0x28), 1);
    bench.write(VIC, 4);
    assert!(bench.0.frame_start().is_none());
    bench.write(CORE + 0x20, 4);
    bench.write(CORE + 0x20, 0);
    bench.0.frame_end(&lost, &[]);
    assert_eq!(
        bench.read(CHANNEL0 + 0x7c),
        1,
        "the frame in the pipeline is gone"
    );
    bench.write(CORE + 0x800, 1);
    assert_eq!(bench.read(CORE + 0x24), 0, "the request is over");
    bench.write(VIC, 1);
    let frame = bench.frame();
    assert_eq!(frame.jobs[0].y, PhysAddr(0x20_0000));
    assert_eq!(bench.read(CHANNEL0 + 0x8c), 0x23_9800);
    assert_eq!(bench.read(CHANNEL0 + 0x74), 0x20_0000);
    bench.write(MSCA + 4, 0);
    assert_eq!(bench.read(MSCA + 8), 0, "nothing hangs");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_released_core_takes_no_frames_until_it_is_started() {
    let mut bench = Bench::streaming();
    assert!(bench.0.is_streaming());
    bench.write(CORE + 0x24, 1);
    assert!(!bench.0.is_streaming());
    bench.write(CORE + 0x800, 1);
    assert!(bench.0.is_streaming());
    bench.write(CORE + 0x10, 0);
    assert_eq!(bench.read(CORE + 0x28), 1, "idle");
}

#[test]
fn only_the_end_of_the_pulse_flushes() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.0.frame_start().unwrap();
    bench.write(CORE + 0x20, 4);
    bench.write(CORE + 0x20, 4 | 1);
    bench.0.frame_end(&frame, &[]);
    assert_eq!(bench.read(CHANNEL0 + 0x7c) & 1, 0, "the frame came through");
}
