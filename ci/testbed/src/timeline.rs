// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of each frame in time, as Chrome trace events: Perfetto and chrome://tracing open them.
//!
//! All times are the emulator's. What happens in the guest is on its own clock, which is laid beside
//! the emulator's as [`crate::clock`] says; the file's `otherData` tells how wrong that may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::monitor::protocol::{FrameLogEntry, InterruptEntry};

use crate::clock::{Bound, ClockSample, GuestClock};
use crate::verify::Dequeue;

/// The one process that is shown.
const PROCESS: u32 = 1;
/// Its tracks.
const SENSOR: u32 = 1;
const INTERRUPTS: u32 = 2;
const FIRST_CHANNEL: u32 = 10;
const FIRST_CLIENT: u32 = 20;

/// What happened to each frame, and when.
#[derive(Debug)]
pub struct Timeline {
    frames: Vec<FrameLogEntry>,
    /// In order.
    interrupts: Vec<InterruptEntry>,
    dequeues: Vec<Dequeue>,
    clock: GuestClock,
}

/// Whether frames went their way in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Frames that the client got.
    pub frames: usize,
    /// Those of them that an interrupt told of behind their DMA; the others were found while an
    /// earlier one was handled, or by the driver's watchdog.
    pub told: usize,
    /// Those that did not go from sensor to DMA to interrupt to client in this order, in words.
    pub wrong: Vec<String>,
}

impl Timeline {
    /// Asks the emulator for what it remembers, and lays the guest's times beside it: `first` and
    /// `last` are both clocks from before and behind the stream.
    ///
    /// # Errors
    /// If it does not answer, or the guest's times cannot be.
    pub fn collect(
        monitor: &mut Client,
        [first, last]: [ClockSample; 2],
        dequeues: Vec<Dequeue>,
    ) -> Result<Self> {
        let mut frames = Vec::new();
        for channel in ChannelId::ALL {
            frames.extend(monitor.frame_log(channel.number(), None, 0)?);
        }
        let from = frames.iter().map(|frame| frame.start_ns).min().unwrap_or(0);
        let interrupts = monitor.interrupts(from)?;
        let bounds: Vec<Bound> = dequeues.iter().map(|got| bound(got, &interrupts)).collect();
        Ok(Self {
            clock: GuestClock::new(first, last, &bounds)?,
            frames,
            interrupts,
            dequeues,
        })
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(&self.events())? + "\n";
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// How wrong the guest's times may be, in nanoseconds.
    pub fn error_ns(&self) -> u64 {
        self.clock.error_ns()
    }

    /// Whether every frame that the client got went its way in order.
    pub fn order(&self) -> Order {
        let key = |channel: u32, session: u32, frame: u32| (channel, session, frame);
        let written: BTreeMap<_, &FrameLogEntry> = self
            .frames
            .iter()
            .map(|frame| (key(frame.channel, frame.session, frame.frame), frame))
            .collect();
        let mut order = Order {
            frames: self.dequeues.len(),
            ..Order::default()
        };
        for got in &self.dequeues {
            let told = self.clock.told_ns(&bound(got, &self.interrupts));
            order.told += usize::from(told.is_some());
            let frame = written.get(&key(got.channel, got.session, got.frame));
            let began = frame.map_or(u64::MAX, |frame| frame.start_ns);
            let dequeued = self.clock.emulator_ns(got.dequeued_ns);
            let way = [
                began,
                got.written_ns,
                told.unwrap_or(got.written_ns),
                dequeued,
            ];
            if !way.is_sorted() {
                order.wrong.push(format!(
                    "frame {} of channel {}: sensor, DMA, interrupt and client at {way:?} ns",
                    got.frame, got.channel
                ));
            }
        }
        order
    }

    /// Sensor ticks, DMA, interrupts and the client's dequeuing as one JSON object.
    fn events(&self) -> Value {
        let mut value = events(&self.frames, &self.interrupts);
        let Some(events) = value["traceEvents"].as_array_mut() else {
            return value;
        };
        let channels: BTreeSet<u32> = self.dequeues.iter().map(|got| got.channel).collect();
        for channel in channels {
            let name = format!("client channel {channel}");
            events.push(track(FIRST_CLIENT + channel, &name));
        }
        for got in &self.dequeues {
            let mut event = instant(
                FIRST_CLIENT + got.channel,
                &format!("frame {}", got.frame),
                self.clock.emulator_ns(got.dequeued_ns),
            );
            let stamped = self.clock.emulator_ns(got.stamped_ns);
            event["args"] = json!({
                "sequence": got.sequence,
                "session": got.session,
                "stamped by the driver": microseconds(stamped),
            });
            events.push(event);
        }
        let error = microseconds(self.error_ns());
        let order = self.order();
        value["otherData"] = json!({
            "the guest's clock is known to (us)": error,
            "frames that the client got": order.frames,
            "told of by an interrupt of their own": order.told,
            "out of order": order.wrong,
        });
        value
    }
}

/// When the client got a frame, and what came before that.
fn bound(got: &Dequeue, interrupts: &[InterruptEntry]) -> Bound {
    let next = interrupts.partition_point(|entry| entry.at_ns < got.written_ns);
    let core = |entry: &&InterruptEntry| entry.lines & LINE_CORE != 0;
    Bound {
        got_ns: got.dequeued_ns,
        written_ns: got.written_ns,
        told_ns: interrupts[next..]
            .iter()
            .find(core)
            .map(|entry| entry.at_ns),
    }
}

/// What the emulator knows by itself.
fn events(frames: &[FrameLogEntry], interrupts: &[InterruptEntry]) -> Value {
    let mut events = vec![
        json!({"ph": "M", "name": "process_name", "pid": PROCESS, "args": {"name": "T31 ISP"}}),
        track(SENSOR, "sensor"),
        track(INTERRUPTS, "interrupts"),
    ];
    let channels: BTreeSet<u32> = frames.iter().map(|frame| frame.channel).collect();
    for channel in channels {
        events.push(track(
            FIRST_CHANNEL + channel,
            &format!("DMA channel {channel}"),
        ));
    }
    let mut ticks = BTreeSet::new();
    for frame in frames {
        if ticks.insert((frame.start_ns, frame.frame)) {
            events.push(instant(
                SENSOR,
                &format!("frame {}", frame.frame),
                frame.start_ns,
            ));
        }
        events.push(json!({
            "ph": "X",
            "name": format!("frame {}", frame.frame),
            "pid": PROCESS,
            "tid": FIRST_CHANNEL + frame.channel,
            "ts": microseconds(frame.start_ns),
            "dur": microseconds(frame.done_ns.saturating_sub(frame.start_ns)),
            "args": {
                "sequence": frame.sequence,
                "session": frame.session,
                "address": format!("{:#010x}", frame.y_address),
                "size": format!("{}x{} {}", frame.width, frame.height, frame.format),
                "bytes": frame.bytes,
            },
        }));
    }
    for interrupt in interrupts {
        let core = interrupt.lines & LINE_CORE != 0;
        let vic = interrupt.lines & LINE_VIC != 0;
        let name = match (core, vic) {
            (true, true) => "core and VIC",
            (false, true) => "VIC",
            _ => "core",
        };
        events.push(instant(INTERRUPTS, name, interrupt.at_ns));
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

fn track(thread: u32, name: &str) -> Value {
    json!({"ph": "M", "name": "thread_name", "pid": PROCESS, "tid": thread, "args": {"name": name}})
}

fn instant(thread: u32, name: &str, at_ns: u64) -> Value {
    json!({"ph": "i", "s": "t", "name": name, "pid": PROCESS, "tid": thread, "ts": microseconds(at_ns)})
}

/// The format counts in microseconds, with a fraction.
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits hold a hundred days in nanoseconds"
)]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(channel: u32, number: u32) -> FrameLogEntry {
        FrameLogEntry {
            channel,
            session: 1,
            frame: number,
            sequence: number - 1,
            bytes: 3_110_400,
            crc32: 0,
            y_address: 0x0630_0000,
            width: 1920,
            height: 1080,
            format: "nv12".to_owned(),
            start_ns: u64::from(number) * 40_000_000,
            done_ns: u64::from(number) * 40_000_000 + 5_500_500,
        }
    }

    #[test]
    fn each_frame_has_a_tick_a_transfer_and_an_interrupt() {
        let frames = [frame(0, 1), frame(1, 1), frame(0, 2)];
        let interrupts = [InterruptEntry {
            at_ns: 45_600_000,
            lines: LINE_CORE | LINE_VIC,
            signalled_ns: None,
            seen_ns: None,
        }];
        let value = events(&frames, &interrupts);
        let events = value["traceEvents"].as_array().unwrap();
        let of = |phase: &'static str| events.iter().filter(move |event| event["ph"] == phase);
        assert_eq!(of("X").count(), 3);
        let first = of("X").next().unwrap();
        assert_eq!(first["ts"], 40_000.0);
        assert_eq!(first["dur"], 5_500.5);
        assert_eq!(first["args"]["address"], "0x06300000");
        let ticks = of("i").filter(|event| event["tid"] == SENSOR);
        assert_eq!(ticks.count(), 2, "two channels share a tick");
        let told = of("i").find(|event| event["tid"] == INTERRUPTS).unwrap();
        assert_eq!(
            (&told["name"], &told["ts"]),
            (&"core and VIC".into(), &45_600.0.into())
        );
        let tracks: Vec<&Value> = of("M").map(|event| &event["args"]["name"]).collect();
        assert_eq!(
            tracks,
            [
                "T31 ISP",
                "sensor",
                "interrupts",
                "DMA channel 0",
                "DMA channel 1"
            ]
        );
    }

    /// Ten frames; the guest's clock is an hour ahead of the emulator's.
    fn timeline(told_after_ns: u64, got_after_ns: u64) -> Timeline {
        const AHEAD: u64 = 3_600_000_000_000;
        let frames: Vec<FrameLogEntry> = (1..=10).map(|number| frame(0, number)).collect();
        let interrupt = |frame: &FrameLogEntry| InterruptEntry {
            at_ns: frame.done_ns + told_after_ns,
            lines: LINE_CORE,
            signalled_ns: None,
            seen_ns: None,
        };
        let interrupts: Vec<InterruptEntry> = frames.iter().map(interrupt).collect();
        let got = |frame: &FrameLogEntry| Dequeue {
            channel: 0,
            session: 1,
            frame: frame.frame,
            sequence: frame.sequence,
            written_ns: frame.done_ns,
            stamped_ns: frame.done_ns + 300_000 + AHEAD,
            dequeued_ns: frame.done_ns + got_after_ns + AHEAD,
        };
        let dequeues: Vec<Dequeue> = frames.iter().map(got).collect();
        let sighting = |at_ns: u64| ClockSample::new(at_ns + AHEAD, at_ns - 5_000, at_ns + 5_000);
        let bounds: Vec<Bound> = dequeues.iter().map(|got| bound(got, &interrupts)).collect();
        let clock = GuestClock::new(sighting(1_000_000), sighting(900_000_000), &bounds);
        Timeline {
            frames,
            interrupts,
            dequeues,
            clock: clock.unwrap(),
        }
    }

    #[test]
    fn a_clients_frames_are_on_the_emulators_clock_and_in_order() {
        let timeline = timeline(100_000, 400_000);
        let order = timeline.order();
        assert_eq!((order.frames, order.told), (10, 10));
        assert_eq!(order.wrong, [""; 0]);
        let value = timeline.events();
        let events = value["traceEvents"].as_array().unwrap();
        let mut got = events
            .iter()
            .filter(|event| event["ph"] == "i" && event["tid"] == FIRST_CLIENT);
        // Frame 1: 40 ms, 5.5005 ms of DMA, 0.4 ms until the client has it.
        assert_eq!(got.next().unwrap()["ts"], 45_900.5);
        assert_eq!(got.count(), 9);
        let error = &value["otherData"]["the guest's clock is known to (us)"];
        assert_eq!(error, &json!(5.0));
    }

    #[test]
    fn frames_out_of_order_and_without_an_interrupt_are_told() {
        // One is there before its DMA began; the clocks cannot tell of less than their error.
        let mut early = timeline(100_000, 400_000);
        early.dequeues[0].dequeued_ns -= 6_000_000;
        let early = early.order();
        assert_eq!((early.told, early.wrong.len()), (9, 1));
        assert!(
            early.wrong[0].starts_with("frame 1 of channel 0: "),
            "{early:?}"
        );
        // The only interrupts came long after the client had the frames.
        let lost = timeline(20_000_000, 400_000).order();
        assert_eq!((lost.told, lost.wrong.len()), (0, 0));
    }
}
