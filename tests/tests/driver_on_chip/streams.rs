// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames come in order, on one channel and on three.

use crate::board::*;

#[test]
fn hundreds_of_frames_come_in_order_one_round_trip_each() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 4);
    // The first interrupt finishes the start; from then on each costs one round trip.
    let mut next = 0;
    for frame in 0..500u32 {
        let _ = board.take_traffic();
        board.frame().unwrap();
        let report = isp.handle_interrupt().unwrap();
        if frame > 0 {
            assert_eq!(board.take_traffic().round_trips, 1);
        }
        let done = report.completed.as_slice();
        assert_eq!(done.len(), 1);
        assert_eq!(
            (done[0].sequence, done[0].index, done[0].intact),
            (frame, next, true)
        );
        assert_eq!(
            (report.unmatched, report.core_errors, report.vic_errors),
            (0, 0, [0; 2])
        );
        isp.queue(MAIN, buffer(next)).unwrap();
        next = (next + 1) % 4;
    }
    isp.stream_off(MAIN).unwrap();
    assert_eq!(guest_errors(&board), [""; 0]);
}

#[test]
fn start_and_stop_can_be_repeated_a_hundred_times() {
    let board = Board::new();
    let mut isp = board.probe();
    for _ in 0..100 {
        start(&mut isp, MAIN, 3);
        for sequence in 0..2 {
            board.frame().unwrap();
            let report = isp.handle_interrupt().unwrap();
            assert_eq!(report.completed.as_slice()[0].sequence, sequence);
        }
        isp.stream_off(MAIN).unwrap();
        assert!(board.frame().is_none(), "the ISP is shut down");
        assert_eq!(board.chip(|chip| chip.irq_lines()), 0);
    }
    assert_eq!(guest_errors(&board), [""; 0]);
}

#[test]
fn stream_on_writes_in_the_documented_order() {
    let board = Board::new();
    let mut isp = board.probe();
    isp.set_chroma_start(MAIN, ChromaStart::Aligned).unwrap();
    isp.queue(MAIN, buffer(0)).unwrap();
    let _ = board.take_traffic();
    isp.stream_on(MAIN).unwrap();
    let writes = board.take_traffic().writes;
    let position = |address: u32, value: u32| {
        writes
            .iter()
            .position(|write| *write == (PhysAddr(address), value))
            .unwrap_or_else(|| panic!("{value:#x} was never written to {address:#x}"))
    };
    // Facts 1.3, 2b.4, 2b.5 in turn; addresses and values are repeated on purpose.
    let order = [
        position(0x1000_00c4, 1 << 21),
        position(0x1000_00c4, 1 << 22),
        position(0x1000_00c4, 0),
        position(0x1330_0004, 0x0780_0438),
        position(0x1330_001c, 0x3f00),
        position(0x1330_0030, 0xffff_ffff),
        position(0x1330_0010, 0x133),
        position(0x1330_0804, 0x1c),
        position(0x1330_001c, 8),
        position(0x1330_0800, 1),
        position(0x1002_300c, 0),
        position(0x1002_3010, 0),
        position(0x1002_300c, 1),
        position(0x1002_2160, 0x18),
        position(0x1002_2128, 0x3f),
        position(0x1002_3010, 1),
        position(0x133e_0100, 0x258),
        position(0x133e_000c, 2),
        position(0x133e_0004, 0x0780_0438),
        position(0x133e_0000, 2),
        position(0x133e_0000, 4),
        position(0x133e_01a0, 0),
        position(0x133e_0000, 1),
        position(0x1330_9864, 0x0780_0438),
        position(0x1330_9900, 0x0780_0438),
        position(0x1330_9904, 0x0200_0200),
        position(0x1330_9980, 1920),
        position(0x1330_9968, 0),
        position(0x1330_9818, 0xe),
        position(0x1330_996c, 0x0630_0000),
        position(0x1330_9984, 0x064f_e000),
        position(0x1330_9804, 0xf_0001),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_frame_without_a_buffer_shows_as_a_gap() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 1);
    let mut sequences = Vec::new();
    for frame in 0..4 {
        board.frame().unwrap();
        let report = isp.handle_interrupt().unwrap();
        sequences.extend(report.completed.as_slice().iter().map(|done| done.sequence));
        // The client keeps frame 1 until frame 2 has passed.
        if frame != 1 {
            isp.queue(MAIN, buffer(0)).unwrap();
        }
    }
    assert_eq!(sequences, [0, 1, 3]);
}

#[test]
fn two_frames_in_one_interrupt_are_both_reported() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 4);
    board.frame().unwrap();
    board.frame().unwrap();
    let report = isp.handle_interrupt().unwrap();
    let done: Vec<_> = report
        .completed
        .as_slice()
        .iter()
        .map(|done| (done.index, done.sequence))
        .collect();
    assert_eq!(done, [(0, 0), (1, 1)]);
    assert!(isp.handle_interrupt().unwrap().completed.is_empty());
}

#[test]
fn stop_waits_for_the_frame_that_is_being_written() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 2);
    assert!(board.frame_begins());
    isp.stream_off(MAIN).unwrap();
    start(&mut isp, MAIN, 1);
    board.frame().unwrap();
    let report = isp.handle_interrupt().unwrap();
    let done: Vec<_> = report
        .completed
        .as_slice()
        .iter()
        .map(|done| done.index)
        .collect();
    assert_eq!(
        (done.as_slice(), report.unmatched),
        ([0].as_slice(), 0),
        "nothing stale is left"
    );
}

#[test]
fn three_channels_stream_side_by_side() {
    let board = Board::new();
    let mut isp = board.probe();
    let sizes = [
        Size::new(1920, 1080),
        Size::new(640, 360),
        Size::new(320, 240),
    ];
    for (channel, size) in ChannelId::ALL.into_iter().zip(sizes) {
        isp.set_layout(channel, PixelFormat::Nv12, size).unwrap();
        for index in 0..2 {
            let address = buffer(2 * channel.number() + index).address;
            isp.queue(channel, Buffer { index, address }).unwrap();
        }
        isp.stream_on(channel).unwrap();
    }
    let frame = board.frame().unwrap();
    assert_eq!(
        frame.jobs.iter().map(|job| job.size).collect::<Vec<_>>(),
        sizes
    );
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 3);
    isp.stream_off(MAIN).unwrap();
    assert_eq!(board.frame().unwrap().jobs.len(), 2, "the others go on");
    for channel in &ChannelId::ALL[1..] {
        isp.stream_off(*channel).unwrap();
    }
    assert!(board.frame().is_none());
    assert_eq!(guest_errors(&board), [""; 0]);
}
