// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip's own time.

use super::*;
use crate::{Event, Pace};
use proptest::prelude::*;

const MICROSECOND: Duration = Duration::from_micros(1);
/// 1080 lines of 2200 clocks at 78 MHz.
const READOUT: Duration = Duration::from_nanos(30_461_538);
const PERIOD: Duration = Duration::from_nanos(39_994_871);

/// Channel 0 streams by the sensor's own timing and has `buffers`.
fn timed(buffers: u32) -> Bench {
    let mut bench = Bench::streaming();
    bench.0.set_pace(Pace::Sensor(Duration::ZERO));
    (1..=buffers).for_each(|buffer| bench.queue(0x10_0000 * buffer));
    bench.write(MSCA + 4, 0xf_0001);
    bench
}

/// Lets time pass; what is drawn is written at once.
fn pass(bench: &mut Bench, to: Duration) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = bench.0.advance(to) {
        if let Event::FirstLine(frame) = &event {
            bench.0.frame_written(frame, &[], &[]);
        }
        events.push(event);
    }
    events
}

fn first_line(events: &[Event]) -> Frame {
    match events {
        [.., Event::FirstLine(frame)] => frame.clone(),
        _ => panic!("{events:?}"),
    }
}

#[test]
fn a_frame_that_was_drawn_at_once_is_done_at_its_last_line() {
    let mut bench = timed(1);
    assert_eq!(bench.0.next_event(), Some(PERIOD), "as long after power-up");
    assert!(pass(&mut bench, PERIOD - MICROSECOND).is_empty());
    let frame = first_line(&pass(&mut bench, PERIOD));
    assert_eq!((frame.number, frame.jobs.len()), (1, 1));
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x1000);
    let end = PERIOD + READOUT;
    assert!(pass(&mut bench, end - MICROSECOND).is_empty());
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x1000);
    assert_eq!(bench.read(CHANNEL0 + 0x7c) & 1, 1, "not done");
    assert_eq!(bench.read(MSCA + 8), 1, "busy");
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 1079);
    let events = pass(&mut bench, end + MICROSECOND);
    assert!(
        matches!(
            events[..],
            [Event::LastLine {
                number: 1,
                channels: 1,
                over: true,
                ..
            }]
        ),
        "{events:?}"
    );
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x3001);
    assert_eq!(bench.read(CHANNEL0 + 0x74), 0x10_0000);
    assert_eq!(bench.0.next_event(), Some(PERIOD * 2));
}

#[test]
fn a_channel_of_the_upper_half_is_done_before_the_pipe_is() {
    let mut bench = timed(1);
    // 640x360 with the upper 180 lines of it.
    bench.write(CHANNEL0 + 0x2c, 640 << 16 | 180);
    bench.write(MSCA + 4, 0xf_0001);
    pass(&mut bench, PERIOD);
    pass(&mut bench, PERIOD + READOUT / 2 + MICROSECOND);
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x1001);
    bench.write(MSCA + 4, 0);
    assert_eq!(bench.read(MSCA + 8), 0, "its frame is over");
    pass(&mut bench, PERIOD + READOUT + MICROSECOND);
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x3001);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_late_host_loses_frames_that_the_number_counts() {
    let mut bench = timed(2);
    let Some(Event::FirstLine(frame)) = bench.0.advance(PERIOD) else {
        panic!("a frame is due");
    };
    assert_eq!(bench.0.advance(PERIOD * 3 + MICROSECOND), None);
    assert_eq!(bench.read(CHANNEL0 + 0x7c) & 1, 1, "nothing was drawn");
    assert_eq!(bench.0.late_frames(), 2);
    bench.0.frame_written(&frame, &[], &[]);
    let event = bench.0.advance(PERIOD * 3 + MICROSECOND);
    assert!(matches!(event, Some(Event::LastLine { number: 1, .. })));
    let next = first_line(&pass(&mut bench, PERIOD * 4 + MICROSECOND));
    assert_eq!((next.number, next.jobs[0].y), (4, PhysAddr(0x20_0000)));
    assert_eq!(next.time, PERIOD * 3);
}

#[test]
fn a_host_that_is_late_by_less_than_the_blanking_loses_nothing() {
    let mut bench = timed(2);
    let Some(Event::FirstLine(frame)) = bench.0.advance(PERIOD) else {
        panic!("a frame is due");
    };
    let late = PERIOD + READOUT + MICROSECOND;
    assert_eq!(bench.0.advance(late), None);
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x1000);
    bench.0.frame_written(&frame, &[], &[]);
    pass(&mut bench, late);
    assert_eq!(bench.read(CORE + 0xb4) & 0x3007, 0x3001);
    let next = first_line(&pass(&mut bench, PERIOD * 2));
    assert_eq!((next.number, bench.0.late_frames()), (2, 0));
}

#[test]
fn frames_of_a_rate_are_read_out_in_its_time() {
    let mut bench = timed(1);
    let period = Duration::from_millis(10);
    bench.0.set_pace(Pace::Every(period));
    pass(&mut bench, period);
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 0);
    pass(&mut bench, period + READOUT / 8);
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 539, "a quarter of 40 ms");
    pass(&mut bench, period + READOUT / 4 + MICROSECOND * 10);
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 1080);
    let number = bench.read(MSCA + 0xcc);
    pass(&mut bench, period * 9 + MICROSECOND);
    assert_eq!((number, bench.read(MSCA + 0xcc)), (1, 9));
}

#[test]
fn a_sensor_that_nobody_listens_to_goes_on() {
    let mut bench = timed(1);
    bench.write(VIC, 2);
    assert_eq!(bench.0.next_event(), None);
    assert!(pass(&mut bench, PERIOD * 10 + MICROSECOND).is_empty());
    bench.write(VIC, 1);
    assert_eq!(bench.0.next_event(), Some(PERIOD * 11));
}

/// What a guest does at a time, in microseconds after what it did before.
#[derive(Clone, Debug)]
enum Act {
    Queue(u32),
    Enable(u32),
    Acknowledge,
    Read(u32),
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let registers = [
        CORE + 0xb4,
        MSCA + 8,
        MSCA + 0x88,
        MSCA + 0x8c,
        MSCA + 0xcc,
        CHANNEL0 + 0x70,
        CHANNEL0 + 0x74,
        CHANNEL0 + 0x78,
        CHANNEL0 + 0x7c,
        CHANNEL0 + 0x8c,
        VIC + 0x1e0,
        CSI + 0x14,
        CSI + 0x40,
        CORE + 0xa8,
        VIC + 0x8c,
        VIC + 0xa0,
        MSCA + 0x7c,
        MSCA + 0xb0,
    ];
    let act = prop_oneof![
        (1u32..64).prop_map(|buffer| Act::Queue(0x10_0000 * buffer)),
        prop::sample::select(vec![0, 1, 0xf_0001]).prop_map(Act::Enable),
        Just(Act::Acknowledge),
        prop::sample::select(registers.to_vec()).prop_map(Act::Read),
    ];
    prop::collection::vec((0u64..30_000, act), 0..120)
}

/// Registers that tell where in a frame the input is.
const POSITIONS: [u32; 7] = [
    MSCA + 0x88,
    MSCA + 0x8c,
    CORE + 0xa8,
    VIC + 0x8c,
    VIC + 0xa0,
    MSCA + 0x7c,
    MSCA + 0xb0,
];

/// What the guest reads. The host draws a frame at once, or as late as it may; time passes in one go, or also in
/// between.
fn play(acts: &[(u64, Act)], draws_late: bool, in_pieces: bool) -> (Vec<u32>, u64) {
    let mut bench = timed(1);
    let mut now = Duration::ZERO;
    let mut read = Vec::new();
    let mut to_draw: Option<Frame> = None;
    let mut drawn_by = Duration::ZERO;
    for (pause, act) in acts {
        let to = now + Duration::from_micros(*pause);
        let mut stops = vec![to];
        if in_pieces {
            stops.insert(0, now + Duration::from_micros(pause / 2));
        }
        for stop in stops {
            loop {
                // The last moment is that before the last line.
                let before = stop.min(drawn_by);
                let until = if to_draw.is_some() { before } else { stop };
                match bench.0.advance(until) {
                    Some(Event::FirstLine(frame)) if draws_late => {
                        drawn_by = bench.0.now() + bench.0.readout_time() - MICROSECOND;
                        to_draw = Some(frame);
                    }
                    Some(Event::FirstLine(frame)) => bench.0.frame_written(&frame, &[], &[]),
                    Some(Event::LastLine { .. }) => {}
                    None if until == drawn_by && to_draw.is_some() => {
                        let frame = to_draw.take().unwrap();
                        bench.0.frame_written(&frame, &[], &[]);
                    }
                    None => break,
                }
            }
        }
        now = to;
        act_one(&mut bench, act, &mut read);
    }
    (read, bench.0.late_frames())
}

fn act_one(bench: &mut Bench, act: &Act, read: &mut Vec<u32>) {
    match act {
        Act::Queue(address) => bench.queue(*address),
        Act::Enable(value) => bench.write(MSCA + 4, *value),
        Act::Acknowledge => {
            let status = bench.read(CORE + 0xb4);
            bench.write(CORE + 0xb8, status);
        }
        Act::Read(address) => read.push(bench.read(*address)),
    }
}

/// What a clock does with a frame.
fn begin(bench: &mut Bench, pace: Pace) -> Frame {
    if pace == Pace::OnDemand {
        return bench.0.frame_start().unwrap();
    }
    loop {
        let next = bench.0.next_event().unwrap();
        if let Some(Event::FirstLine(frame)) = bench.0.advance(next) {
            return frame;
        }
    }
}

fn end(bench: &mut Bench, pace: Pace, frame: &Frame) {
    bench.0.frame_written(frame, &[], &[]);
    loop {
        let event = if pace == Pace::OnDemand {
            bench.0.finish()
        } else {
            let next = bench.0.next_event().unwrap();
            bench.0.advance(next)
        };
        if let Some(Event::LastLine { over: true, .. }) = event {
            return;
        }
    }
}

/// What a guest reads that acts within frames and between them, by a clock of that kind.
fn play_frames(frames: &[[Vec<Act>; 2]], pace: Pace) -> Vec<u32> {
    let mut bench = timed(2);
    bench.0.set_pace(pace);
    let mut read = Vec::new();
    for [within, behind] in frames {
        let frame = begin(&mut bench, pace);
        read.push(frame.number);
        act_all(&mut bench, within, &mut read);
        end(&mut bench, pace, &frame);
        act_all(&mut bench, behind, &mut read);
    }
    read
}

fn act_all(bench: &mut Bench, acts: &[Act], read: &mut Vec<u32>) {
    for act in acts {
        act_one(bench, act, read);
    }
}

proptest! {
    /// The sensor's own clock, a rate, `max` and steps: what happens at first and last lines is the same.
    #[test]
    fn every_clock_runs_over_the_same_events(acts in acts(), places in prop::collection::vec(0usize..12, 120)) {
        let mut frames: Vec<[Vec<Act>; 2]> = vec![Default::default(); 6];
        for ((_, act), place) in acts.into_iter().zip(places) {
            // Where the input is in its frame is not the same: the clocks differ in nothing else.
            if !matches!(act, Act::Read(register) if POSITIONS.contains(&register)) {
                frames[place / 2][place % 2].push(act);
            }
        }
        let expected = play_frames(&frames, Pace::Sensor(Duration::ZERO));
        for pace in [Pace::Every(Duration::from_millis(5)), Pace::Sensor(PERIOD * 2), Pace::OnDemand] {
            prop_assert_eq!(&play_frames(&frames, pace), &expected);
        }
    }

    #[test]
    fn what_is_read_depends_on_the_time_and_not_on_the_host(acts in acts()) {
        let expected = play(&acts, false, false);
        prop_assert_eq!(expected.1, 0);
        prop_assert_eq!(&play(&acts, true, false), &expected);
        prop_assert_eq!(&play(&acts, false, true), &expected);
    }
}
