// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Tests of a frame channel's buffers.

use super::*;
use std::boxed::Box;

const BYTES: u32 = 353_280;
const TIME: Time = Time {
    seconds: 3,
    microseconds: 400,
};

fn request(count: u32) -> RequestBuffers {
    RequestBuffers {
        count,
        kind: VIDEO_CAPTURE,
        memory: MEMORY_USERPTR,
        reserved: [0; 2],
    }
}

fn with(count: u32) -> Box<FrameQueue> {
    let mut queue = Box::new(FrameQueue::default());
    queue.request(&mut request(count)).unwrap();
    queue
}

fn buffer(index: u32) -> Buffer {
    Buffer {
        index,
        kind: VIDEO_CAPTURE,
        memory: MEMORY_USERPTR,
        address: 0x630_0000 + index * BYTES,
        length: BYTES,
        ..Buffer::default()
    }
}

fn streaming(count: u32) -> Box<FrameQueue> {
    let mut queue = with(count);
    for index in 0..count {
        queue.queue(&mut buffer(index), BYTES).unwrap();
        queue.set_active(index, true);
    }
    queue.start();
    queue
}

#[test]
fn more_than_64_buffers_become_64_and_none_frees_all() {
    for (asked, granted) in [(1, 1), (64, 64), (65, 64), (u32::MAX, 64), (0, 0)] {
        let mut asked = request(asked);
        let mut queue = with(3);
        assert_eq!(queue.request(&mut asked), Ok(()));
        assert_eq!(asked.count, granted);
        assert_eq!(queue.entries().len(), granted as usize);
    }
}

#[test]
fn other_memory_frees_what_there_was_and_is_refused() {
    let mut queue = with(3);
    let mut mmap = RequestBuffers {
        memory: 1,
        ..request(2)
    };
    assert_eq!(queue.request(&mut mmap), Err(Errno::Einval));
    assert_eq!(queue.entries().len(), 0);
}

#[test]
fn buffers_are_not_requested_while_streaming() {
    let mut queue = streaming(2);
    for count in [0, 2] {
        assert_eq!(queue.request(&mut request(count)), Err(Errno::Ebusy));
    }
    queue.stop();
    assert_eq!(queue.request(&mut request(0)), Ok(()));
}

#[test]
fn qbuf_refuses_what_does_not_fit() {
    let mut queue = with(2);
    let wrong = [
        Buffer {
            kind: 9,
            ..buffer(0)
        },
        buffer(2),
        Buffer {
            memory: 1,
            ..buffer(0)
        },
        Buffer {
            length: BYTES - 1,
            ..buffer(0)
        },
        Buffer {
            length: BYTES + 1,
            ..buffer(0)
        },
    ];
    for mut wrong in wrong {
        assert_eq!(queue.queue(&mut wrong, BYTES), Err(Errno::Einval));
    }
    assert_eq!(queue.queue(&mut buffer(0), BYTES), Ok(()));
    assert_eq!(queue.queue(&mut buffer(0), BYTES), Err(Errno::Einval));
}

#[test]
fn flags_tell_the_state() {
    let mut queue = with(3);
    let flags = |queue: &FrameQueue, index| {
        let mut asked = buffer(index);
        queue.query(&mut asked).unwrap();
        asked.flags
    };
    assert_eq!(flags(&queue, 0), 0x2000);
    let mut first = buffer(0);
    queue.queue(&mut first, BYTES).unwrap();
    assert_eq!(first.flags, 0x2002);
    queue.queue(&mut buffer(1), BYTES).unwrap();
    queue.set_active(0, true);
    queue.start();
    assert_eq!(flags(&queue, 0), 0x2002);
    assert_eq!(queue.finish(0, true, TIME, true), 1);
    assert_eq!(flags(&queue, 0), 0x2004);
    queue.set_active(1, true);
    assert_eq!(queue.finish(1, false, TIME, true), 1);
    assert_eq!(flags(&queue, 1), 0x2044);
}

#[test]
fn dqbuf_leaves_address_and_length_alone() {
    let mut queue = streaming(2);
    assert_eq!(queue.finish(0, true, TIME, true), 1);
    let mut asked = Buffer {
        index: 77,
        kind: VIDEO_CAPTURE,
        memory: 0,
        address: 0xdead,
        length: 0xbeef,
        sequence: 5,
        ..Buffer::default()
    };
    assert_eq!(queue.dequeue(&mut asked), Ok(()));
    assert_eq!((asked.address, asked.length), (0xdead, 0xbeef));
    assert_eq!((asked.index, asked.sequence, asked.flags), (0, 0, 0x2004));
    assert_eq!((asked.seconds, asked.microseconds), (3, 400));
    assert_eq!(asked.memory, MEMORY_USERPTR);
    assert_eq!(queue.dequeue(&mut asked), Err(Errno::Eagain));
}

#[test]
fn dqbuf_wants_a_stream_and_the_right_kind() {
    let mut queue = with(1);
    assert_eq!(queue.dequeue(&mut buffer(0)), Err(Errno::Einval));
    queue.start();
    let mut other = Buffer {
        kind: 2,
        ..buffer(0)
    };
    assert_eq!(queue.dequeue(&mut other), Err(Errno::Einval));
    assert_eq!(queue.dequeue(&mut buffer(0)), Err(Errno::Eagain));
}

#[test]
fn a_frame_deeper_in_the_queue_completes_those_before_it() {
    let mut queue = streaming(4);
    assert_eq!(queue.finish(2, true, TIME, true), 3);
    let mut order = [0; 3];
    let mut flags = [0; 3];
    for (index, flag) in order.iter_mut().zip(&mut flags) {
        let mut asked = buffer(0);
        queue.dequeue(&mut asked).unwrap();
        (*index, *flag) = (asked.index, asked.flags);
    }
    assert_eq!(order, [0, 1, 2]);
    assert_eq!(flags, [0x2044, 0x2044, 0x2004]);
    assert_eq!(
        queue.finish(2, true, TIME, true),
        0,
        "it is not queued any more"
    );
    assert_eq!(queue.frames, 3);
}

#[test]
fn listening_tells_of_each_frame_once() {
    let mut queue = streaming(3);
    assert_eq!(queue.listen(), None);
    queue.finish(0, true, TIME, true);
    queue.finish(1, true, TIME, true);
    assert_eq!(queue.listen(), Some(2));
    assert_eq!(queue.listen(), Some(1));
    assert_eq!(queue.listen(), None);
    queue.finish(2, true, TIME, true);
    queue.stop();
    assert_eq!(queue.listen(), Some(1), "stopping forgets no frame");
    queue.reset_counters();
    assert_eq!(queue.listen(), None);
}

#[test]
fn a_frame_for_a_buffer_that_the_chip_has_not_is_counted() {
    let mut queue = with(1);
    queue.queue(&mut buffer(0), BYTES).unwrap();
    queue.start();
    assert_eq!(queue.finish(0, true, TIME, true), 1);
    assert_eq!(queue.lost, 1);
}

#[test]
fn stopping_gives_all_buffers_back() {
    let mut queue = streaming(3);
    queue.finish(0, true, TIME, true);
    queue.stop();
    assert!(!queue.holds_any());
    assert_eq!(queue.next_for_chip(), None);
    for index in 0..3 {
        assert_eq!(queue.queue(&mut buffer(index), BYTES), Ok(()));
    }
    assert_eq!(queue.next_for_chip(), Some((0, buffer(0).address)));
}

#[test]
fn times_are_seconds_and_microseconds() {
    let time = Time::from_ns(3_000_400_999);
    assert_eq!(time, TIME);
}

#[test]
fn the_vendors_driver_marks_nothing_as_damaged() {
    let mut queue = streaming(2);
    assert_eq!(queue.finish(1, false, TIME, false), 2);
    for index in 0..2 {
        let mut asked = buffer(index);
        queue.dequeue(&mut asked).unwrap();
        assert_eq!((asked.index, asked.flags), (index, 0x2004));
    }
}
