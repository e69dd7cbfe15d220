// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A buffer goes back to its owner only when the hardware can no longer write it, whatever fails.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use proptest::prelude::*;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_driver::Error;
use tx_isp_driver::bus::BusError;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::isp::Isp;
use tx_isp_tests::Board;

const MAIN: ChannelId = ChannelId::ALL[0];
const SECOND: ChannelId = ChannelId::ALL[1];
const SIZE: Size = Size::new(640, 360);
const SLOT: u32 = 0x10_0000;
const SECOND_NS: u64 = 1_000_000_000;
const TIMEOUT: Error = Error::Bus(BusError::Timeout);

fn address(channel: ChannelId, index: u32) -> PhysAddr {
    PhysAddr(0x0630_0000 + (8 * channel.number() + index) * SLOT)
}

fn queue(isp: &mut Isp<Board>, channel: ChannelId, index: u32) {
    let address = address(channel, index);
    isp.queue(channel, Buffer { index, address }).unwrap();
}

/// A board on which a channel streams with six buffers: four in hardware, two that wait.
fn streaming(channels: &[ChannelId]) -> (Board, Isp<Board>) {
    let board = Board::new();
    let mut isp = board.probe();
    for channel in channels {
        isp.set_layout(*channel, PixelFormat::Nv12, SIZE).unwrap();
        (0..6).for_each(|index| queue(&mut isp, *channel, index));
        isp.stream_on(*channel).unwrap();
    }
    (board, isp)
}

/// The buffers of a channel that the hardware may write.
fn writable(isp: &Isp<Board>, channel: ChannelId) -> Vec<u32> {
    let bytes = isp.layout(channel).sizeimage;
    (0..6)
        .filter(|index| isp.may_write(address(channel, *index), bytes))
        .collect()
}

/// The indices of the buffers of a channel that one frame fills.
fn frame(board: &Board, isp: &mut Isp<Board>, channel: ChannelId) -> Vec<(u32, u32)> {
    board.frame().unwrap();
    let report = isp.handle_interrupt().unwrap();
    let done = report.completed.as_slice().iter();
    done.filter(|done| done.channel == channel && done.intact)
        .map(|done| (done.index, done.sequence))
        .collect()
}

#[test]
fn the_hardware_may_write_what_it_was_given_until_the_channel_has_stopped() {
    let (board, mut isp) = streaming(&[MAIN]);
    assert_eq!(writable(&isp, MAIN), [0, 1, 2, 3]);
    assert!(isp.may_write(PhysAddr(address(MAIN, 0).0 + 1), 1));
    assert!(!isp.may_write(PhysAddr(address(MAIN, 0).0 - 1), 1));
    assert!(board.frame_begins());
    isp.stop_begin(MAIN).unwrap();
    assert_eq!(isp.stop_step(MAIN), None, "a frame is being written");
    assert_eq!(writable(&isp, MAIN), [0, 1, 2, 3]);
    assert_eq!(isp.stream_on(MAIN), Err(Error::Busy(MAIN)));
    tx_isp_driver::bus::Bus::sleep(isp.bus_mut(), 1000);
    assert_eq!(isp.stop_step(MAIN), Some(Ok(())));
    assert_eq!(writable(&isp, MAIN), [0; 0]);
}

#[test]
fn other_channels_go_on_between_the_steps_of_a_stop() {
    let (board, mut isp) = streaming(&[MAIN, SECOND]);
    assert!(board.frame_begins());
    isp.stop_begin(MAIN).unwrap();
    assert_eq!(isp.stop_step(MAIN), None);
    tx_isp_driver::bus::Bus::sleep(isp.bus_mut(), 1000);
    let report = isp.handle_interrupt().unwrap();
    let done: Vec<_> = report.completed.as_slice().iter().collect();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].channel, done[0].index), (SECOND, 0));
    assert_eq!(isp.stop_step(MAIN), Some(Ok(())));
    assert_eq!(frame(&board, &mut isp, SECOND), [(1, 1)]);
}

#[test]
fn an_interrupt_that_fails_forgets_no_buffer_and_the_stream_goes_on() {
    let (board, mut isp) = streaming(&[MAIN]);
    assert_eq!(frame(&board, &mut isp, MAIN), [(0, 0)]);
    isp.check(0).unwrap();
    board.set_fault(Some(BusError::Timeout));
    board.frame().unwrap();
    assert_eq!(isp.handle_interrupt(), Err(TIMEOUT));
    assert_eq!(writable(&isp, MAIN), [1, 2, 3, 4]);
    isp.check(SECOND_NS).unwrap();
    assert_eq!(writable(&isp, MAIN), [1, 2, 3, 4]);
    board.set_fault(None);
    isp.check(2 * SECOND_NS).unwrap();
    assert_eq!(isp.health().recoveries, 1);
    let (index, sequence) = frame(&board, &mut isp, MAIN)[0];
    assert_eq!((index, sequence), (1, 2), "behind a gap");
    isp.stream_off(MAIN).unwrap();
    assert_eq!(writable(&isp, MAIN), [0; 0]);
}

/// A machine that stood still for a second goes on with whatever comes first, here the watchdog.
#[test]
fn a_frame_that_is_late_with_its_interrupt_is_no_lost_interrupt() {
    let (board, mut isp) = streaming(&[MAIN]);
    assert_eq!(frame(&board, &mut isp, MAIN), [(0, 0)]);
    isp.check(0).unwrap();
    isp.check(1).unwrap();
    board.frame().unwrap();
    let late = isp.check(1 + SECOND_NS).unwrap();
    assert!(late.completed.is_empty());
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 1);
    isp.check(2 * SECOND_NS).unwrap();
    assert_eq!(isp.health().lost_interrupts, 0);
    // One that does not come behind that either is lost, and its frame is not.
    board.frame().unwrap();
    isp.check(3 * SECOND_NS + 1).unwrap();
    let found = isp.check(4 * SECOND_NS + 1).unwrap();
    assert_eq!(found.completed.len(), 1);
    assert_eq!(isp.health().lost_interrupts, 1);
}

#[test]
fn frames_that_came_before_the_bus_failed_are_reported() {
    let (board, mut isp) = streaming(&[MAIN, SECOND]);
    let _ = frame(&board, &mut isp, MAIN);
    board.frame().unwrap();
    // The batch is answered; the refill behind it is not sent.
    board.set_fault_after(1, Some(BusError::Busy));
    assert_eq!(isp.handle_interrupt().unwrap().completed.len(), 2);
    board.set_fault(None);
    isp.check(0).unwrap();
    assert_eq!(frame(&board, &mut isp, MAIN).len(), 1);
}

#[test]
fn a_bus_that_stays_silent_costs_the_stream_and_no_buffer() {
    let (board, mut isp) = streaming(&[MAIN, SECOND]);
    board.set_fault(Some(BusError::Timeout));
    assert_eq!(isp.ping(), Err(TIMEOUT));
    let ended = (0..5).find_map(|second| isp.check(second * SECOND_NS).err());
    assert_eq!(ended, Some(TIMEOUT));
    assert!(isp.health().device_resets > 0);
    assert_eq!(writable(&isp, MAIN), [0; 0]);
    assert_eq!(isp.stream_off(MAIN), Err(Error::NotStreaming(MAIN)));
    board.set_fault(None);
    queue(&mut isp, MAIN, 5);
    isp.stream_on(MAIN).unwrap();
    assert_eq!(frame(&board, &mut isp, MAIN), [(5, 0)]);
}

#[test]
fn what_no_reset_reaches_is_kept_for_ever() {
    let (board, mut isp) = streaming(&[MAIN, SECOND]);
    board.set_fault(Some(BusError::Timeout));
    board.set_resettable(false);
    assert_eq!(isp.stream_off(MAIN), Err(TIMEOUT));
    assert_eq!(writable(&isp, MAIN), [0, 1, 2, 3]);
    assert_eq!(writable(&isp, SECOND), [0, 1, 2, 3]);
    assert_eq!(isp.health().quarantined, 8);
    assert!(!isp.is_streaming(SECOND), "nobody can say what it does");
    let kept = address(SECOND, 1);
    let buffer = Buffer {
        index: 0,
        address: kept,
    };
    assert_eq!(isp.prepare(MAIN, buffer), Err(Error::Quarantined(kept)));
    // Only a reset that works makes another stream possible.
    queue(&mut isp, MAIN, 5);
    assert_eq!(isp.stream_on(MAIN), Err(TIMEOUT));
    board.set_fault(None);
    isp.stream_on(MAIN).unwrap();
    assert_eq!(frame(&board, &mut isp, MAIN), [(5, 0)]);
    assert_eq!(writable(&isp, SECOND), [0; 0]);
}

#[test]
fn a_start_that_fails_halfway_takes_its_buffers_back_from_the_chip() {
    // However many batches pass before the failure.
    for batches in 0..40 {
        let (board, mut isp) = streaming(&[SECOND]);
        isp.set_layout(MAIN, PixelFormat::Nv12, SIZE).unwrap();
        (0..3).for_each(|index| queue(&mut isp, MAIN, index));
        board.set_fault_after(batches, Some(BusError::Timeout));
        if isp.stream_on(MAIN).is_ok() {
            return;
        }
        assert_eq!(writable(&isp, MAIN), [0; 0], "behind {batches} batches");
        board.set_fault(None);
        isp.check(0).unwrap();
        isp.take_back(MAIN);
        for _ in 0..6 {
            let jobs = board.frame().map(|frame| frame.jobs).unwrap_or_default();
            assert!(jobs.iter().all(|job| job.channel == SECOND), "{jobs:?}");
            isp.handle_interrupt().unwrap();
        }
    }
    panic!("a start takes fewer batches");
}

#[test]
fn an_rgb_stream_is_restarted_like_any_other() {
    let board = Board::new();
    let mut isp = board.probe();
    isp.set_layout(MAIN, PixelFormat::Rgb565, SIZE).unwrap();
    (0..3).for_each(|index| queue(&mut isp, MAIN, index));
    isp.stream_on(MAIN).unwrap();
    board.set_fault(Some(BusError::Timeout));
    assert_eq!(isp.ping(), Err(TIMEOUT));
    board.set_fault(None);
    isp.check(0).unwrap();
    assert_eq!(frame(&board, &mut isp, MAIN).len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Frame,
    Interrupt,
    Queue(u32),
    Start,
    Stop,
    Check,
    Fail(u32),
    Heal,
    Resettable(bool),
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let step = prop_oneof![
        8 => Just(Step::Frame),
        6 => Just(Step::Interrupt),
        8 => (0u32..6).prop_map(Step::Queue),
        3 => Just(Step::Start),
        2 => Just(Step::Stop),
        3 => Just(Step::Check),
        1 => (0u32..30).prop_map(Step::Fail),
        2 => Just(Step::Heal),
        1 => any::<bool>().prop_map(Step::Resettable),
    ];
    prop::collection::vec((any::<bool>(), step), 1..120)
}

proptest! {
    /// Whatever fails, and when: no frame goes to a buffer that its owner has back.
    #[test]
    fn no_frame_goes_to_a_buffer_that_was_given_back(steps in steps()) {
        let board = Board::new();
        let mut isp = board.probe();
        for channel in [MAIN, SECOND] {
            isp.set_layout(channel, PixelFormat::Nv12, SIZE).unwrap();
        }
        let mut lent = [[false; 6]; 2];
        let mut now_ns = 0;
        for (second, step) in steps {
            let channel = if second { SECOND } else { MAIN };
            let held = usize::from(second);
            match step {
                Step::Frame => {
                    for job in board.frame().map(|frame| frame.jobs).unwrap_or_default() {
                        let owner = usize::from(job.channel == SECOND);
                        let index = (0..6).find(|index| address(job.channel, *index) == job.y);
                        let index = usize::try_from(index.unwrap()).unwrap();
                        prop_assert!(lent[owner][index], "channel {owner}, buffer {index}");
                    }
                }
                Step::Interrupt => {
                    for done in isp.handle_interrupt().unwrap_or_default().completed.as_slice() {
                        let owner = usize::from(done.channel == SECOND);
                        lent[owner][usize::try_from(done.index).unwrap()] = false;
                    }
                }
                Step::Queue(index) => {
                    let buffer = Buffer { index, address: address(channel, index) };
                    if isp.prepare(channel, buffer).is_ok() && isp.queue(channel, buffer).is_ok() {
                        lent[held][usize::try_from(index).unwrap()] = true;
                    }
                }
                Step::Start => {
                    if !isp.is_streaming(channel) && isp.stream_on(channel).is_err() {
                        isp.take_back(channel);
                        give_back(&isp, channel, &mut lent[held]);
                    }
                }
                Step::Stop => {
                    let _ = isp.stream_off(channel);
                    if !isp.is_streaming(channel) {
                        isp.take_back(channel);
                        give_back(&isp, channel, &mut lent[held]);
                    }
                }
                Step::Check => {
                    now_ns += SECOND_NS;
                    if isp.check(now_ns).is_err() {
                        for (held, channel) in [MAIN, SECOND].into_iter().enumerate() {
                            give_back(&isp, channel, &mut lent[held]);
                        }
                    }
                }
                Step::Fail(batches) => board.set_fault_after(batches, Some(BusError::Timeout)),
                Step::Heal => board.set_fault(None),
                Step::Resettable(yes) => board.set_resettable(yes),
            }
        }
    }
}

/// The front's part: every buffer goes back, but for those that the hardware may write.
fn give_back(isp: &Isp<Board>, channel: ChannelId, lent: &mut [bool; 6]) {
    let bytes = isp.layout(channel).sizeimage;
    for (index, lent) in (0..).zip(lent) {
        *lent &= isp.may_write(address(channel, index), bytes);
    }
}
