// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of each frame in time, as Chrome trace events: Perfetto and chrome://tracing open them.
//!
//! All times are the emulator's. When the client got a frame is left out: the guest's clock is not
//! the host's, and nothing tells how they lie to each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_emulator::control::Client;
use tx_isp_emulator::control::protocol::{InterruptEntry, LedgerEntry};

/// The one process that is shown.
const PROCESS: u32 = 1;
/// Its tracks.
const SENSOR: u32 = 1;
const INTERRUPTS: u32 = 2;
const FIRST_CHANNEL: u32 = 10;

/// Asks the emulator for what it remembers and writes it to a file.
///
/// # Errors
/// If it does not answer, or the file cannot be written.
pub fn write(path: &Path, control: &mut Client) -> Result<()> {
    let mut frames = Vec::new();
    for channel in ChannelId::ALL {
        frames.extend(control.ledger(channel.number(), None, 0)?);
    }
    let from = frames.iter().map(|frame| frame.start_ns).min().unwrap_or(0);
    let interrupts = control.interrupts(from)?;
    let text = serde_json::to_string(&events(&frames, &interrupts))? + "\n";
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Sensor ticks, DMA and interrupts as one JSON object.
fn events(frames: &[LedgerEntry], interrupts: &[InterruptEntry]) -> Value {
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

    fn frame(channel: u32, number: u32) -> LedgerEntry {
        LedgerEntry {
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
}
