// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Address FIFOs, done FIFOs, and what a channel does without an address.

use super::*;

#[test]
fn a_frame_goes_from_the_address_fifo_to_the_done_fifo() {
    let mut bench = Bench::streaming();
    bench.queue(0x0630_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.frame();
    assert_eq!(frame.number, 1);
    assert_eq!(frame.jobs.len(), 1);
    assert_eq!(frame.jobs[0].y, PhysAddr(0x0630_0000));
    assert_eq!(frame.jobs[0].uv, PhysAddr(0x0633_9800));
    assert_eq!(
        bench.read(CHANNEL0 + 0x7c) & 1,
        0,
        "the Y done FIFO holds the frame"
    );
    assert_eq!(bench.read(CHANNEL0 + 0x8c), 0x0633_9800);
    assert_eq!(bench.read(CHANNEL0 + 0x90), 1);
    assert_eq!(bench.read(CHANNEL0 + 0x74), 0x0630_0000);
    assert_eq!(
        bench.read(CHANNEL0 + 0x78),
        1,
        "the number belongs to the address just taken"
    );
    assert_eq!(bench.read(CHANNEL0 + 0x7c), 0x0001_1001, "empty again");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn frames_without_a_buffer_are_skipped_and_counted() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    assert!(bench.frame().jobs.is_empty());
    bench.queue(0x10_0000);
    let frame = bench.frame();
    assert_eq!((frame.number, frame.jobs.len()), (2, 1));
    let counters = bench.0.channel_counters(ChannelId::ALL[0]);
    assert_eq!((counters.starved, counters.written), (1, 1));
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn y_and_uv_come_in_either_order_and_a_half_pair_waits() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    bench.write(CHANNEL0 + 0x6c, 0x10_0000);
    assert!(bench.frame().jobs.is_empty());
    bench.write(CHANNEL0 + 0x84, 0x18_0000);
    let job = bench.frame().jobs[0];
    assert_eq!((job.y, job.uv), (PhysAddr(0x10_0000), PhysAddr(0x18_0000)));
    assert_eq!(bench.guest_errors(), [GuestErrorKind::LumaWithoutChroma]);
}

#[test]
fn a_driver_that_reads_only_y_is_served_on() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    for frame in 1..9 {
        bench.queue(0x10_0000 * frame);
        bench.frame();
        assert_eq!(bench.read(CHANNEL0 + 0x7c) & 1, 0);
        assert_eq!(bench.read(CHANNEL0 + 0x74), 0x10_0000 * frame);
    }
    assert_eq!(
        bench.read(CHANNEL0 + 0x94) >> 8 & 0xf,
        5,
        "UV has stopped at five"
    );
}

#[test]
fn a_channel_whose_fifo_is_emptied_goes_on_or_stops() {
    for (choice, jobs, enabled) in [("fifo-clear=go-on", 1, 1), ("fifo-clear=stop", 0, 0)] {
        let mut bench = Bench::streaming();
        let mut behaviours = Behaviours::default();
        behaviours.choose(choice.parse().unwrap());
        bench.0.set_behaviours(behaviours);
        bench.queue(0x10_0000);
        bench.write(MSCA + 4, 0xf_0001);
        bench.write(CHANNEL0 + 0x9c, 1);
        bench.write(CHANNEL0 + 0xa0, 1);
        assert_eq!(bench.read(MSCA + 4), enabled, "{choice}");
        bench.queue(0x20_0000);
        assert_eq!(bench.frame().jobs.len(), jobs, "{choice}");
        bench.write(MSCA + 4, 0xf_0001);
        bench.queue(0x30_0000);
        assert_eq!(bench.frame().jobs.len(), 1, "{choice}");
    }
}

#[test]
fn clear_registers_empty_their_fifos() {
    let mut bench = Bench::streaming();
    for buffer in 0..3 {
        bench.queue(0x10_0000 * (buffer + 1));
    }
    bench.write(MSCA + 4, 0xf_0001);
    bench.frame();
    for (state, clear) in [(0x70, 0x9c), (0x88, 0xa0), (0x7c, 0xa4), (0x94, 0xa8)] {
        assert_eq!(bench.read(CHANNEL0 + state) & 1, 0);
        bench.write(CHANNEL0 + clear, 1);
        assert_eq!(bench.read(CHANNEL0 + state), 1);
    }
}

#[test]
fn a_stale_address_survives_a_restart_unless_it_is_cleared() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    bench.write(MSCA + 4, 0);
    bench.queue(0x20_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let job = bench.frame().jobs[0];
    assert_eq!(job.y, PhysAddr(0x10_0000), "T31 8, row 6");
    assert_eq!(job.session, 2);
}

#[test]
fn a_done_fifo_that_nobody_drains_overflows_loudly() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    for _ in 0..8 {
        bench.queue(0x10_0000);
        bench.frame();
    }
    assert_eq!(bench.guest_errors(), [GuestErrorKind::DoneFifoOverflow]);
}

#[test]
fn open_behaviours_can_be_chosen() {
    let with = |text: &str| {
        let mut bench = Bench::streaming();
        let mut behaviours = Behaviours::default();
        behaviours.choose(text.parse().unwrap());
        bench.0.set_behaviours(behaviours);
        bench.write(MSCA + 4, 0xf_0001);
        bench
    };
    let mut bench = with("empty-fifo=last-address");
    bench.queue(0x10_0000);
    bench.frame();
    assert_eq!(bench.frame().jobs[0].y, PhysAddr(0x10_0000));
    let mut bench = with("sixth-push=oldest");
    (1..7).for_each(|buffer| bench.queue(0x10_0000 * buffer));
    assert_eq!(bench.frame().jobs[0].y, PhysAddr(0x20_0000));
    let mut bench = with("small-crop=stall");
    bench.write(MSCA + 0x64, 320 << 16 | 180);
    bench.write(MSCA + 4, 0xf_0001);
    bench.frame();
    bench.write(MSCA + 0x64, 1920 << 16 | 1080);
    bench.write(MSCA + 4, 0xf_0001);
    bench.queue(0x10_0000);
    assert!(bench.frame().jobs.is_empty(), "stalled until a reset");
}
