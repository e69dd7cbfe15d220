// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's sequences, written down from its own order, played on the chip model: frames come, every read gives what
//! the trace has, and nothing is an error.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use tx_isp_abi::sensor::{GC2053, IMX307};
use tx_isp_chip::{Chip, Severity, Strictness};
use tx_isp_emulator::trace::play::Script;
use tx_isp_emulator::trace::played::Played;

fn play(text: &str) -> Played {
    play_on(&mut Chip::new(GC2053), text)
}

fn play_on(chip: &mut Chip, text: &str) -> Played {
    let script = Script::parse(text).unwrap();
    let played = script.play(chip, Some(&Strictness::default()));
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
    let kinds: Vec<&str> = played.statistics.iter().map(|bank| bank.kind).collect();
    assert_eq!(kinds, ["ae0-zones", "ae0-histogram", "awb", "adr", "defog"]);
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

#[test]
fn the_vendors_recovery_of_the_vic_brings_frames_again() {
    let trace = include_str!("../traces/vendor-vic-error.txt");
    // The bits after which the vendor's handler recovers (T31 2.7).
    for bit in [9, 10, 11, 12, 14, 15] {
        let mut chip = Chip::new(GC2053);
        let fault = format!("vic-error:frame=2,bits={:#x}", 1u32 << bit);
        chip.faults_mut().add(fault.parse().unwrap());
        // Status and acknowledge of the VIC.
        let told = |register: &str| {
            let line = |value: u32| format!("{register} {value:#010x}");
            (line(1 << 9), line(1 << bit))
        };
        let (status, acknowledge) = (told("R 0x133e01e0"), told("W 0x133e01f0"));
        let trace = trace
            .replace(&status.0, &status.1)
            .replace(&acknowledge.0, &acknowledge.1);
        let played = play_on(&mut chip, &trace);
        assert_eq!(
            frames(&played),
            [(0, 0x0630_0000, 1), (0, 0x065f_d000, 4)],
            "bit {bit}"
        );
    }
}

#[test]
fn the_vendors_raw_captures_go_to_their_banks_and_end() {
    let played = play(include_str!("../traces/vendor-raw.txt"));
    assert!(played.accesses > 100);
    assert_eq!(played.guest_errors, []);
    assert_eq!(played.frames, [], "no channel is enabled");
    let banks: Vec<u32> = played.raw_frames.iter().map(|raw| raw.address).collect();
    let pipe = [0x0200_0000, 0x0240_0000, 0x0280_0000, 0x0200_0000];
    assert_eq!(
        banks[..3],
        [0x0100_0000, 0x013f_4800, 0x017e_9000],
        "snapraw"
    );
    assert_eq!(banks[3..7], pipe, "pipe mode");
    assert_eq!(banks[7..], [0x0630_0000], "saveraw");
    let first = played.raw_frames[0];
    assert_eq!(
        (first.width, first.height, first.stride),
        (1920, 1080, 3840)
    );
    assert_eq!((first.bits, first.frame), (10, 1));
}

#[test]
fn the_kernels_driver_of_the_i2c_controller_finds_the_sensor_and_nobody_else() {
    let played = play(include_str!("../traces/sensor-i2c.txt"));
    assert!(played.accesses > 300);
    assert_eq!(played.guest_errors, []);
}

#[test]
fn a_sensor_with_wide_registers_and_pixels_starts_in_the_vendors_order() {
    let trace = include_str!("../traces/vendor-imx307.txt");
    let played = play_on(&mut Chip::new(IMX307), trace);
    assert_eq!(played.guest_errors, []);
    let buffers = [
        (0, 0x0680_0000, 1),
        (0, 0x06b0_0000, 2),
        (0, 0x06e0_0000, 3),
    ];
    assert_eq!(frames(&played), buffers);
    assert!(played.raw_frames.iter().all(|raw| raw.bits == 12));
    assert!(!played.raw_frames.is_empty());
}
