// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Buffers are queued in any order, and never twice.

use proptest::prelude::*;

use crate::board::*;

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
