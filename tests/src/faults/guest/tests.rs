// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;
use guest_protocol::message::Frame;
use tx_isp_emulator::monitor::protocol::FrameLogEntry;

fn frame(sequence: u32, flags: u32, crc32: u32) -> Frame {
    Frame {
        index: sequence,
        sequence,
        buffer: 0,
        timestamp_ns: 0,
        dequeued_ns: 0,
        bytesused: 0,
        flags,
        crc32: Some(crc32),
        wait_ns: 0,
    }
}

fn entry(sequence: u32) -> FrameLogEntry {
    FrameLogEntry {
        channel: 0,
        session: 1,
        frame: sequence + 1,
        sequence,
        bytes: 0,
        crc32: 7,
        y_address: 0,
        width: 160,
        height: 128,
        format: "nv12".to_owned(),
        start_ns: 0,
        done_ns: 0,
    }
}

#[test]
fn frames_are_good_damaged_wrong_or_missing_until_enough_are_good() {
    let frames = [
        (frame(0, 0, 7), Some(entry(0))),
        (frame(2, Frame::FLAG_ERROR, 8), Some(entry(2))),
        (frame(3, 0, 8), Some(entry(3))),
        (frame(3, 0, 7), Some(entry(3))),
        (frame(9, 0, 8), None),
    ];
    let streamed = Streamed {
        frames: frames
            .map(|(frame, written)| DequeuedFrame { frame, written })
            .to_vec(),
        ..Streamed::default()
    };
    let mut outcome = Outcome::default();
    count(&mut outcome, &streamed, 2);
    assert_eq!((outcome.good, outcome.damaged, outcome.wrong), (2, 1, 1));
    assert_eq!((outcome.missing, outcome.disordered), (1, 1));
    let mut all = Outcome::default();
    count(&mut all, &streamed, 3);
    assert_eq!((all.good, all.wrong, all.missing), (2, 2, 6));
}

#[test]
fn a_reason_is_found_in_the_log_and_its_errno_at_the_client() {
    let log = "[ 1.0] tx-isp virtio1: x\n[ 9.1] tx-isp: stream on: the sensor's link did not come up within 100 ms\n";
    let failure = |errno| Failure {
        step: "VIDIOC_STREAMON".to_owned(),
        errno: Some(errno),
        message: "No such device".to_owned(),
    };
    let enodev = 19;
    assert_eq!(
        reason(log, "stream on", &failure(enodev)).unwrap(),
        Error::LinkDown
    );
    let error = reason(log, "stream on", &failure(5)).unwrap_err();
    assert!(error.to_string().contains("not 19"), "{error}");
    let error = reason(log, "stream off", &failure(enodev)).unwrap_err();
    assert!(
        error.to_string().contains("nothing of stream off"),
        "{error}"
    );
}

#[test]
fn the_drivers_counts_are_read_and_subtracted() {
    let text = "unmatched 1\ncore-errors 4\nstorms 2\n";
    let now = parse_health(text).unwrap();
    assert_eq!((now.unmatched, now.core_errors, now.storms), (1, 4, 2));
    let before = parse_health("core-errors 3\n").unwrap();
    assert_eq!(since(now, before).core_errors, 1);
    assert!(parse_health("storms many\n").is_err());
    assert!(parse_health("meteors 1\n").is_err());
}
