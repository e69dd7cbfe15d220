// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver core streams from the chip model, without a guest.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use proptest::prelude::*;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{ChromaStart, PixelFormat};
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_driver::bus::BusError;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::isp::Isp;
use tx_isp_driver::{Errno, Error};
use tx_isp_tests::Board;

const MAIN: ChannelId = ChannelId::ALL[0];
const FRAME_BYTES: u32 = 0x2f_d000;

fn buffer(index: u32) -> Buffer {
    Buffer {
        index,
        address: PhysAddr(0x0630_0000 + index * FRAME_BYTES),
    }
}

/// Queues buffers 0 to `count` and starts.
fn start(isp: &mut Isp<Board>, channel: ChannelId, count: u32) {
    for index in 0..count {
        isp.queue(channel, buffer(index)).unwrap();
    }
    isp.stream_on(channel).unwrap();
}

fn guest_errors(board: &Board) -> Vec<String> {
    board.chip(|chip| {
        chip.guest_errors()
            .entries()
            .map(|error| error.first.clone())
            .collect()
    })
}

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
fn the_chroma_plane_begins_where_the_client_wants_it() {
    let board = Board::new();
    let mut isp = board.probe();
    let luma = 0x0630_0000;
    for (start_at, chroma) in [
        (ChromaStart::Adjoining, luma + 1920 * 1080),
        (ChromaStart::Aligned, luma + 1920 * 1088),
    ] {
        isp.set_chroma_start(MAIN, start_at).unwrap();
        isp.queue(MAIN, buffer(0)).unwrap();
        let _ = board.take_traffic();
        isp.stream_on(MAIN).unwrap();
        let pushed = (PhysAddr(0x1330_9984), chroma);
        assert!(board.take_traffic().writes.contains(&pushed));
        assert_eq!(
            isp.set_chroma_start(MAIN, start_at),
            Err(Error::Busy(MAIN)),
            "the chip holds addresses"
        );
        board.frame().unwrap();
        let report = isp.handle_interrupt().unwrap();
        assert_eq!(
            (report.completed.as_slice().len(), report.unmatched),
            (1, 0)
        );
        isp.stream_off(MAIN).unwrap();
    }
    assert_eq!(guest_errors(&board), [""; 0]);
}

#[test]
fn a_second_channel_in_rgb_is_refused() {
    let board = Board::new();
    let mut isp = board.probe();
    let [_, second, third] = ChannelId::ALL;
    let size = Size::new(640, 360);
    for (number, channel) in (0..).zip([second, third]) {
        isp.set_layout(channel, PixelFormat::Rgb565, size).unwrap();
        isp.queue(channel, buffer(number)).unwrap();
    }
    isp.stream_on(second).unwrap();
    assert_eq!(
        isp.stream_on(third),
        Err(Error::RgbTaken(second)),
        "T31 2.4"
    );
    isp.stream_off(second).unwrap();
    isp.stream_on(third).unwrap();
    isp.stream_off(third).unwrap();
    assert_eq!(guest_errors(&board), [""; 0]);
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
fn more_buffers_than_the_fifo_holds_all_get_their_turn() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 32);
    // Four are in hardware; thirty-two may wait.
    for index in 32..36 {
        isp.queue(MAIN, buffer(index)).unwrap();
    }
    assert_eq!(isp.queue(MAIN, buffer(36)), Err(Error::QueueFull(MAIN)));
    assert_eq!(isp.queue(MAIN, buffer(3)), Err(Error::AlreadyQueued(MAIN)));
    for index in 0..36 {
        board.frame().unwrap();
        let report = isp.handle_interrupt().unwrap();
        assert_eq!(report.completed.as_slice()[0].index, index);
    }
    assert_eq!(guest_errors(&board), [""; 0]);
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

#[test]
fn each_format_streams_with_its_own_addresses() {
    for format in PixelFormat::ALL {
        let board = Board::new();
        let mut isp = board.probe();
        let size = Size::new(640, 360);
        isp.set_layout(MAIN, format, size).unwrap();
        isp.set_layout(ChannelId::ALL[1], PixelFormat::Nv12, size)
            .unwrap();
        start(&mut isp, MAIN, 3);
        for index in 4..7 {
            isp.queue(ChannelId::ALL[1], buffer(index)).unwrap();
        }
        isp.stream_on(ChannelId::ALL[1]).unwrap();
        for sequence in 0..2 {
            let frame = board.frame().unwrap();
            let job = frame.jobs[0];
            assert_eq!((job.format, job.size), (format, size));
            assert_eq!(job.y_stride, isp.layout(MAIN).y_stride);
            let report = isp.handle_interrupt().unwrap();
            assert_eq!(report.unmatched, 0);
            let done: Vec<_> = report
                .completed
                .as_slice()
                .iter()
                .map(|done| (done.channel, done.sequence, done.intact))
                .collect();
            assert_eq!(
                done,
                [(MAIN, sequence, true), (ChannelId::ALL[1], sequence, true)]
            );
        }
        isp.stream_off(MAIN).unwrap();
        isp.stream_off(ChannelId::ALL[1]).unwrap();
        assert_eq!(guest_errors(&board), [""; 0]);
    }
}

#[test]
fn a_chip_that_does_not_stop_is_reported() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 2);
    // A frame that never ends: the board ends only frames that it began itself.
    let _stuck = board.chip(|chip| chip.frame_start()).unwrap();
    assert_eq!(isp.stream_off(MAIN), Err(Error::ChannelStuck(MAIN)));
    assert!(!isp.is_streaming(MAIN));
    // The next start resets the chip and works.
    start(&mut isp, MAIN, 2);
    board.frame().unwrap();
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 1);
}

#[test]
fn a_dead_bus_is_an_error_everywhere_and_hangs_nowhere() {
    let board = Board::new();
    let mut isp = board.probe();
    start(&mut isp, MAIN, 2);
    board.set_fault(Some(BusError::Timeout));
    let timeout = Error::Bus(BusError::Timeout);
    assert_eq!(isp.handle_interrupt(), Err(timeout));
    assert_eq!(isp.queue(MAIN, buffer(7)), Ok(()), "it waits");
    assert_eq!(isp.stream_off(MAIN), Err(timeout));
    assert_eq!(isp.stream_on(MAIN), Err(timeout));
    assert_eq!(timeout.errno(), Errno::Etimedout);
    board.set_fault(None);
    start(&mut isp, MAIN, 1);
    board.frame().unwrap();
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 1);
}

#[test]
fn each_way_to_fail_has_its_errno() {
    for (error, errno) in [
        (BusError::Timeout, Errno::Etimedout),
        (BusError::Busy, Errno::Ebusy),
        (BusError::NoMemory, Errno::Enomem),
        (BusError::Gone, Errno::Enodev),
        (BusError::Protocol, Errno::Eio),
    ] {
        assert_eq!(Error::Bus(error).errno(), errno);
    }
    assert_eq!(Errno::Eio.to_return_value(), -5);
    assert_eq!(Errno::Etimedout.to_return_value(), -110);
}

#[test]
fn settings_that_the_channel_cannot_do_are_refused() {
    let board = Board::new();
    let mut isp = board.probe();
    for size in [
        Size::new(640, 361),
        Size::new(650, 360),
        Size::new(2048, 1080),
        Size::new(64, 64),
    ] {
        assert_eq!(
            isp.set_layout(MAIN, PixelFormat::Nv12, size),
            Err(Error::UnsupportedSize(size))
        );
    }
    start(&mut isp, MAIN, 2);
    assert_eq!(isp.stream_on(MAIN), Err(Error::Busy(MAIN)));
    let set = isp.set_layout(MAIN, PixelFormat::Nv12, Size::new(640, 360));
    assert_eq!(set, Err(Error::Busy(MAIN)));
    isp.stream_off(MAIN).unwrap();
    assert_eq!(isp.stream_off(MAIN), Err(Error::NotStreaming(MAIN)));
}

#[derive(Clone, Debug)]
enum Step {
    Frame,
    Interrupt,
    Queue(u32),
    Start,
    Stop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Frame),
        4 => Just(Step::Interrupt),
        6 => (0u32..8).prop_map(Step::Queue),
        2 => Just(Step::Start),
        1 => Just(Step::Stop),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    /// Whatever the order of calls: no guest error, no buffer that was not queued, none twice, and
    /// sequence numbers that rise.
    #[test]
    fn the_driver_never_breaks_the_protocol(steps in steps()) {
        let board = Board::new();
        let mut isp = board.probe();
        let mut held = [false; 8];
        let mut last = None;
        let mut unreported = 0;
        for step in steps {
            match step {
                // A driver that is as late as the done FIFO is deep loses frames, rightly.
                Step::Frame if unreported < 7 => unreported += usize::from(board.frame().is_some()),
                Step::Frame => {}
                Step::Interrupt => {
                    unreported = 0;
                    let report = isp.handle_interrupt().unwrap();
                    prop_assert_eq!(report.unmatched, 0);
                    for done in report.completed.as_slice() {
                        let held = &mut held[usize::try_from(done.index).unwrap()];
                        prop_assert!(std::mem::take(held), "buffer {} was not queued", done.index);
                        prop_assert!(last.is_none_or(|last| last < done.sequence));
                        last = Some(done.sequence);
                    }
                }
                Step::Queue(index) => {
                    let slot = &mut held[usize::try_from(index).unwrap()];
                    let queued = isp.queue(MAIN, buffer(index));
                    prop_assert_eq!(queued, if *slot { Err(Error::AlreadyQueued(MAIN)) } else { Ok(()) });
                    *slot = true;
                }
                Step::Start => {
                    let was_streaming = isp.is_streaming(MAIN);
                    prop_assert_eq!(isp.stream_on(MAIN).is_err(), was_streaming);
                    if !was_streaming {
                        last = None;
                        unreported = 0;
                    }
                }
                Step::Stop => {
                    if isp.stream_off(MAIN).is_ok() {
                        held = [false; 8];
                    }
                }
            }
        }
        prop_assert_eq!(guest_errors(&board), [""; 0]);
    }
}

#[test]
fn buffers_that_overlap_cannot_be_queued_together() {
    let board = Board::new();
    let mut isp = board.probe();
    let bytes = isp.layout(MAIN).sizeimage;
    let at = |index, address| Buffer {
        index,
        address: PhysAddr(address),
    };
    isp.prepare(MAIN, at(0, 0x0630_0000)).unwrap();
    for address in [
        0x0630_0000,
        0x0630_0000 + bytes - 1,
        0x0630_0000 - bytes + 1,
    ] {
        let overlap = Err(Error::Overlap(PhysAddr(address)));
        assert_eq!(isp.prepare(MAIN, at(1, address)), overlap);
        assert_eq!(isp.prepare(ChannelId::ALL[1], at(0, address)), overlap);
    }
    isp.prepare(MAIN, at(1, 0x0630_0000 + bytes)).unwrap();
    isp.prepare(MAIN, at(0, 0x0630_0000)).unwrap();
    isp.release(MAIN, 0);
    isp.prepare(ChannelId::ALL[1], at(0, 0x0630_0000)).unwrap();
    let end = Err(Error::OutOfRange(PhysAddr(u32::MAX)));
    assert_eq!(isp.prepare(MAIN, at(2, u32::MAX)), end);
}
