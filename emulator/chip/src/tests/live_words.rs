// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words that move while frames come in (T31 2a.5).

use super::*;
use crate::behaviour::LiveWords;
use crate::{Event, Pace};

const PHY: u32 = 0x1002_2000;
const PERIOD: Duration = Duration::from_nanos(39_994_871);
/// 1080 lines of 2200 clocks at 78 MHz.
const READOUT: Duration = Duration::from_nanos(30_461_538);

/// Words that walk through the values that were sampled: at rest, and while frames come.
const STATES: [(u32, u32, &[u32]); 5] = [
    (
        CORE + 0xa8,
        0x5805_0000,
        &[
            0x5805_0000,
            0x5809_0000,
            0x5881_0000,
            0x5901_0000,
            0x9804_0100,
        ],
    ),
    (
        CORE + 0xac,
        0x5805_0000,
        &[
            0x5805_0000,
            0x5809_0000,
            0x5881_0000,
            0x5901_0000,
            0x9804_0100,
        ],
    ),
    (VIC + 0x8c, 0, &[1, 8, 0x10]),
    (PHY + 0x1d0, 0, &[1, 0x2b]),
    (PHY + 0x250, 0, &[0, 0x60]),
];

/// Channel 0 streams by the sensor's own timing and always has a buffer.
fn timed(live_words: LiveWords) -> Bench {
    let mut bench = Bench::streaming();
    bench.0.set_behaviours(Behaviours {
        live_words,
        ..Behaviours::default()
    });
    bench.0.set_pace(Pace::Sensor(Duration::ZERO));
    (1..=5).for_each(|buffer| bench.queue(0x10_0000 * buffer));
    bench.write(MSCA + 4, 0xf_0001);
    bench
}

fn pass(bench: &mut Bench, to: Duration) {
    while let Some(event) = bench.0.advance(to) {
        if let Event::FirstLine(frame) = &event {
            bench.0.frame_written(frame, &[], &[]);
        }
    }
}

/// What a register gives in each of `count` moments of two frames.
fn sampled(bench: &mut Bench, address: u32, count: u32) -> Vec<u32> {
    let step = PERIOD * 2 / count;
    (0..count)
        .map(|place| {
            pass(bench, PERIOD + step * place);
            bench.read(address)
        })
        .collect()
}

#[test]
fn state_words_take_the_values_that_hardware_showed_and_no_others() {
    for (address, rest, seen) in STATES {
        assert_eq!(Bench(Chip::new(GC2053)).read(address), rest, "{address:#x}");
        let mut values = sampled(&mut timed(LiveWords::Move), address, 64);
        values.sort_unstable();
        values.dedup();
        let mut expected = seen.to_vec();
        expected.sort_unstable();
        assert_eq!(values, expected, "{address:#x}");
    }
}

#[test]
fn counters_of_the_input_only_grow() {
    for (address, after) in [
        (VIC + 0x90, 2 * 1080),
        (VIC + 0xa0, 2 * 1080 * 1920),
        (VIC + 0xb0, 2),
    ] {
        let mut bench = timed(LiveWords::Move);
        assert_eq!(bench.read(address), 0, "{address:#x}");
        let values = sampled(&mut bench, address, 64);
        assert!(values.is_sorted(), "{address:#x}: {values:?}");
        pass(&mut bench, PERIOD * 2 + READOUT + Duration::from_micros(1));
        assert_eq!(bench.read(address), after, "{address:#x}");
    }
}

#[test]
fn line_counters_follow_the_input() {
    let mut bench = timed(LiveWords::Move);
    pass(&mut bench, PERIOD + READOUT / 2 + Duration::from_micros(1));
    let line = bench.read(MSCA + 0x88) >> 16;
    assert_eq!(line, 540);
    for offset in [0x100, 0x104, 0x108, 0x10c] {
        assert_eq!(bench.read(CORE + offset), line);
    }
}

#[test]
fn the_scalers_word_says_which_channel_writes_and_how_far_the_input_is() {
    let mut bench = timed(LiveWords::Move);
    assert_eq!(bench.read(MSCA + 0x7c), 0xc000_0000);
    pass(&mut bench, PERIOD + READOUT / 2 + Duration::from_micros(1));
    let word = bench.read(MSCA + 0x7c);
    assert_eq!(word >> 28, 0xd, "channel 0 writes");
    let lines = (word & 0x0fff_ffff) / 1920;
    assert_eq!(lines, 540);
    pass(&mut bench, PERIOD + READOUT + Duration::from_micros(1));
    assert_eq!(bench.read(MSCA + 0x7c), 0xc000_0000, "between frames");
}

#[test]
fn a_channels_counters_follow_its_picture() {
    let mut bench = timed(LiveWords::Move);
    pass(&mut bench, PERIOD + READOUT / 2 + Duration::from_micros(1));
    assert_eq!(bench.read(MSCA + 0xe4), 180, "of 360 lines");
    assert_eq!(bench.read(MSCA + 0xb0) / 640, 180);
    for other in [0xb4, 0xb8, 0xe8, 0xec] {
        assert_eq!(bench.read(MSCA + other), 0, "{other:#x}: not enabled");
    }
    pass(&mut bench, PERIOD + READOUT + Duration::from_micros(1));
    assert_eq!(bench.read(MSCA + 0xb0), 640 * 360);
}

#[test]
fn they_rest_where_that_is_chosen() {
    let addresses = STATES.iter().map(|(address, rest, _)| (*address, *rest));
    let counters = [
        VIC + 0x90,
        VIC + 0xa0,
        VIC + 0xb0,
        CORE + 0x100,
        MSCA + 0xb0,
        MSCA + 0xe4,
    ];
    let all = addresses.chain(counters.map(|address| (address, 0)));
    for (address, rest) in all.chain([(MSCA + 0x7c, 0xc000_0000)]) {
        let mut bench = timed(LiveWords::Rest);
        let values = sampled(&mut bench, address, 16);
        assert!(values.iter().all(|value| *value == rest), "{address:#x}");
    }
}

#[test]
fn a_reset_lets_them_rest() {
    let mut bench = timed(LiveWords::Move);
    pass(&mut bench, PERIOD * 2);
    bench.hold_in_reset();
    bench.write(SRBC, 0);
    for (address, rest) in [
        (CORE + 0xa8, 0x5805_0000),
        (VIC + 0x8c, 0),
        (VIC + 0xa0, 0),
        (PHY + 0x1d0, 0),
    ] {
        assert_eq!(bench.read(address), rest, "{address:#x}");
    }
}
