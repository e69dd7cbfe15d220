// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's sequences, written down from its own order, played on the chip model: frames come, every read gives what
//! the trace has, and nothing is an error.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use tx_isp_abi::sensor::GC2053;
use tx_isp_chip::{Chip, Severity, Strictness};
use tx_isp_emulator::trace::play::{Played, Script};

fn play(text: &str) -> Played {
    let script = Script::parse(text).unwrap();
    let played = script.play(&mut Chip::new(GC2053), Some(&Strictness::default()));
    assert_eq!(played.mismatched_reads, []);
    // The vendor's stop clears the done FIFOs whether or not they were drained: that is a note.
    let worse = played.guest_errors.iter();
    let worse: Vec<_> = worse
        .filter(|error| error.severity > Severity::Note)
        .collect();
    assert!(worse.is_empty(), "{worse:?}");
    assert!(played.is_clean());
    played
}

fn frames(played: &Played) -> Vec<(u32, u32, u32)> {
    let frames = played.frames.iter();
    frames
        .map(|frame| (frame.channel, frame.y, frame.frame))
        .collect()
}

#[test]
fn the_vendors_start_brings_frames() {
    let played = play(include_str!("../traces/vendor-start.txt"));
    assert!(played.accesses > 100);
    assert_eq!(played.frames, [], "no channel is enabled");
}

#[test]
fn the_vendors_channel_delivers_its_buffers_in_order() {
    let played = play(include_str!("../traces/vendor-channel.txt"));
    assert_eq!(
        frames(&played),
        [
            (0, 0x0630_0000, 1),
            (0, 0x065f_d000, 2),
            (0, 0x068f_a000, 3)
        ]
    );
    let first = played.frames[0];
    assert_eq!((first.width, first.height), (1920, 1080));
    assert_eq!(first.uv, first.y + 1920 * 1088);
}

#[test]
fn the_vendors_two_channels_stop_one_after_the_other() {
    let played = play(include_str!("../traces/vendor-two-channels.txt"));
    assert_eq!(
        frames(&played),
        [
            (0, 0x0630_0000, 1),
            (1, 0x0700_0000, 1),
            (0, 0x065f_d000, 2),
            (1, 0x0705_6400, 2),
            (0, 0x068f_a000, 3),
        ]
    );
}
