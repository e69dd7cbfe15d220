// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The result of a stream: for people as a table, for programs as JSON.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use serde::Serialize;
use tx_isp_emulator::control::protocol::{Finding, Status};

use crate::guest::Guest;
use crate::json;
use crate::prepare::Prepared;
use crate::scene::Scene;
use crate::stream::{Kept, Outcome, Wish};
use crate::trouble::Trouble;

/// Everything that is known about a stream. The names are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether every frame arrived and matched and the emulator found nothing wrong.
    pub passed: bool,
    /// What was wrong.
    pub problems: Vec<String>,
    /// What the emulator found wrong in the driver's behaviour.
    pub findings: Vec<Finding>,
    pub frames_requested: u32,
    pub frames_received: u32,
    /// Sequence numbers that the client never saw.
    pub frames_dropped: u32,
    /// Frames that the driver marked as spoilt.
    pub frames_spoilt: u32,
    pub checksum_mismatches: u32,
    pub width: u32,
    pub height: u32,
    pub format: String,
    /// Buffers that were asked for.
    pub buffers: u32,
    pub buffers_granted: Option<u32>,
    /// Who allocated them.
    pub strategy: String,
    /// Where they came from.
    pub io: String,
    pub bytesperline: Option<u32>,
    pub sizeimage: Option<u32>,
    pub source: String,
    /// What drove the frame clock.
    pub clock: String,
    /// Frames per second by the buffers' time stamps.
    pub fps: Option<f64>,
    /// From QEMU's start to the agent's first answer.
    pub boot_seconds: f64,
    /// From QEMU's start to the first frame.
    pub first_frame_seconds: Option<f64>,
    /// From STREAMON to the last frame.
    pub stream_seconds: Option<f64>,
    /// How many boots it took.
    pub boots: u32,
    /// From a frame's arrival in the client to its return to the driver, all frames together.
    pub client_busy_seconds: Option<f64>,
    /// Frames of the sensor that found no buffer.
    pub frames_starved: Option<u64>,
    /// Frames of the sensor that came while the one before was still being written.
    pub late_ticks: Option<u64>,
    pub dma_bytes: Option<u64>,
    /// While DMA wrote, not over the whole stream.
    pub dma_bytes_per_second: Option<f64>,
    pub attach: String,
    pub qemu_version: String,
    pub kernel: String,
    pub kernel_release: String,
    pub memory: String,
    pub pictures: Vec<SavedPicture>,
}

/// A picture on disk.
#[derive(Debug, Serialize)]
pub struct SavedPicture {
    pub path: PathBuf,
    /// The frame's sequence number.
    pub sequence: u32,
    /// The frame number that is drawn into it.
    pub stamp: Option<u32>,
}

impl Report {
    /// What is to be said about an outcome.
    pub fn new(
        prepared: &Prepared,
        scene: &Scene,
        wish: &Wish,
        guest: &Guest,
        outcome: &Outcome,
    ) -> Self {
        let Outcome {
            judge,
            granted,
            status,
            done,
            ..
        } = outcome;
        let findings = status
            .as_ref()
            .map(|status| status.findings.clone())
            .unwrap_or_default();
        let mut problems = problems(wish, outcome, &findings);
        if let Some(Trouble::Guest(_)) = outcome.trouble {
            let said = guest.driver_said();
            problems.extend(said.map(|line| format!("the driver's last word: {line}")));
        }
        Self {
            passed: problems.is_empty(),
            problems,
            findings,
            frames_requested: wish.frames,
            frames_received: judge.received,
            frames_dropped: judge.dropped,
            frames_spoilt: judge.spoilt,
            checksum_mismatches: judge.mismatched,
            width: wish.size.width,
            height: wish.size.height,
            format: wish.format.to_string(),
            buffers: wish.buffers,
            buffers_granted: granted.map(|granted| granted.buffers),
            strategy: wish.strategy.name().to_owned(),
            io: wish.io.name().to_owned(),
            bytesperline: granted.map(|granted| granted.bytesperline),
            sizeimage: granted.map(|granted| granted.sizeimage),
            source: scene.source.to_string(),
            clock: scene.fps.to_string(),
            fps: judge.fps(),
            boot_seconds: guest.boot_time.as_secs_f64(),
            first_frame_seconds: outcome.first_frame.map(|time| time.as_secs_f64()),
            stream_seconds: done.map(|done| Duration::from_nanos(done.elapsed_ns).as_secs_f64()),
            boots: guest.boots,
            client_busy_seconds: done.map(|done| Duration::from_nanos(done.touch_ns).as_secs_f64()),
            frames_starved: status.as_ref().map(starved),
            late_ticks: status.as_ref().map(|status| status.late_ticks),
            dma_bytes: status.as_ref().map(|status| status.dma.bytes),
            dma_bytes_per_second: status.as_ref().map(|status| status.dma.bytes_per_second),
            attach: prepared.carrier.to_string(),
            qemu_version: prepared.qemu.version.clone(),
            kernel: prepared.image.kernel_label.clone(),
            kernel_release: guest.hello.kernel_release.clone(),
            memory: prepared.memory.to_string(),
            pictures: Vec::new(),
        }
    }

    /// Adds what is wrong with a picture; gives the frame number that is drawn into it.
    pub fn check_picture(&mut self, kept: &Kept) -> Option<u32> {
        let stamp = kept.picture.stamp();
        self.problems.extend(picture_problem(kept, stamp));
        self.passed = self.problems.is_empty();
        stamp
    }

    /// Adds a picture that was saved, and what is wrong with it.
    pub fn add_picture(&mut self, kept: &Kept, path: PathBuf) {
        let stamp = self.check_picture(kept);
        self.pictures.push(SavedPicture {
            path,
            sequence: kept.frame.sequence,
            stamp,
        });
    }

    /// Shows it, and what to try next.
    pub fn print(&self, out: &Path) {
        println!("{}", self.table());
        for finding in &self.findings {
            println!(
                "finding: {} ({} times), first: {}",
                finding.id, finding.count, finding.first
            );
            println!("         {}", finding.help);
        }
        for problem in &self.problems {
            println!("problem: {problem}");
        }
        for line in self.next_steps(out) {
            println!("{line}");
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_BORDERS_ONLY);
        for (name, value) in self.rows() {
            table.add_row([name, &value]);
        }
        table
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let seconds = |value: Option<f64>| or_none(value.map(|value| format!("{value:.2} s")));
        let mut rows = vec![
            (
                "result",
                if self.passed {
                    "all frames arrived and matched"
                } else {
                    "FAILED"
                }
                .to_owned(),
            ),
            (
                "frames",
                format!(
                    "{} asked, {} received, {} dropped, {} mismatched",
                    self.frames_requested,
                    self.frames_received,
                    self.frames_dropped,
                    self.checksum_mismatches
                ),
            ),
            (
                "picture",
                format!(
                    "{}x{} {} of {}",
                    self.width, self.height, self.format, self.source
                ),
            ),
            (
                "buffers",
                format!(
                    "{} asked, {} granted, {} bytes each, {} under {}",
                    self.buffers,
                    or_none(self.buffers_granted.map(|count| count.to_string())),
                    or_none(self.sizeimage.map(|bytes| bytes.to_string())),
                    self.io,
                    self.strategy
                ),
            ),
            (
                "frame rate",
                or_none(
                    self.fps
                        .map(|fps| format!("{fps:.2} fps (clock: {})", self.clock)),
                ),
            ),
            ("time to boot", seconds(Some(self.boot_seconds))),
            ("time to first frame", seconds(self.first_frame_seconds)),
            (
                "DMA",
                or_none(
                    self.dma_bytes
                        .zip(self.dma_bytes_per_second)
                        .map(|(bytes, rate)| format!("{bytes} bytes at {:.2} GB/s", rate / 1e9)),
                ),
            ),
            ("kernel", self.kernel.clone()),
            (
                "QEMU",
                format!("{}, ISP attached as {}", self.qemu_version, self.attach),
            ),
        ];
        for picture in &self.pictures {
            let stamp = picture.stamp.map(|number| format!(", stamped {number}"));
            let text = format!(
                "{} (sequence {}{})",
                picture.path.display(),
                picture.sequence,
                stamp.unwrap_or_default()
            );
            rows.push(("saved", text));
        }
        rows
    }

    fn next_steps(&self, out: &Path) -> Vec<String> {
        if !self.passed {
            return vec![format!(
                "logs: {0}/console.log, {0}/emulator.log, {0}/qemu.log",
                out.display()
            )];
        }
        let mut steps = vec!["try next:".to_owned()];
        if self.clock != "max" {
            steps.push(
                "  cargo lab stream --fps max                  as fast as buffers come back"
                    .to_owned(),
            );
        }
        if self.kernel.starts_with("debian") {
            steps.push("  cargo lab stream --kernel fast              a smaller kernel, built once, that boots faster".to_owned());
        }
        steps.push("  cargo lab stream --source image:FILE        your own picture".to_owned());
        steps.push(
            "  cargo lab shell                             the guest's console, with v4l2-ctl"
                .to_owned(),
        );
        steps
    }

    /// Writes it as one JSON object.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        json::write(path, self)
    }
}

fn starved(status: &Status) -> u64 {
    status.channels.iter().map(|channel| channel.starved).sum()
}

/// Everything that keeps a stream from being as it was asked for.
fn problems(wish: &Wish, outcome: &Outcome, findings: &[Finding]) -> Vec<String> {
    let mut problems = outcome.judge.problems.clone();
    if let Some(trouble) = &outcome.trouble {
        problems.push(trouble.to_string());
    } else if outcome.judge.received != wish.frames {
        problems.push(format!(
            "{} frames were asked for, {} came",
            wish.frames, outcome.judge.received
        ));
    }
    if wish.checksum && outcome.trouble.is_none() && outcome.pictures.is_empty() {
        problems.push("no picture came out of the guest".to_owned());
    }
    if !findings.is_empty() {
        let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        problems.push(format!(
            "the emulator found the driver doing: {}",
            ids.join(", ")
        ));
    }
    problems
}

/// What is wrong with a picture: it must be the frame that the client checked, and show the frame's number.
fn picture_problem(kept: &Kept, stamp: Option<u32>) -> Option<String> {
    let sequence = kept.frame.sequence;
    if kept
        .frame
        .crc32
        .is_some_and(|crc32| crc32 != kept.picture.checksum())
    {
        return Some(format!(
            "the picture of sequence {sequence} changed on its way out of the guest"
        ));
    }
    let number = kept.written.as_ref().map(|entry| entry.frame)?;
    match stamp {
        Some(stamp) if stamp != number => Some(format!(
            "the picture of sequence {sequence} shows frame number {stamp} instead of {number}"
        )),
        _ => None,
    }
}
