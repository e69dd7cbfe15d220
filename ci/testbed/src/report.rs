// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The result of a stream.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_emulator::monitor::protocol::{GuestError, Status};

use crate::capture::{Capture, CapturedFrame, StreamConfig};
use crate::guest::Guest;
use crate::guest_failure::GuestFailure;
use crate::prepare::Prepared;
use crate::sensor::SensorConfig;

/// Everything that is known about a stream. The names are those of the JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether every frame arrived and matched and the emulator found nothing wrong.
    pub passed: bool,
    /// What was to come of it: `intact`, `degraded` or `failed`.
    pub expected: &'static str,
    /// What was wrong.
    pub problems: Vec<String>,
    /// What the emulator found wrong in the driver's behaviour.
    #[serde(rename = "findings")]
    pub guest_errors: Vec<GuestError>,
    /// How many were asked for.
    pub frames_requested: u32,
    /// How many the client dequeued.
    pub frames_received: u32,
    /// Sequence numbers that the client never saw.
    pub frames_dropped: u32,
    /// Sequence numbers that a first stream at the usual rate left out, on a machine that was too busy for
    /// it; this is the one by a clock that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_dropped_before: Option<u32>,
    /// Frames that the driver marked with an error.
    #[serde(rename = "frames_spoilt")]
    pub frames_with_error: u32,
    /// Frames whose checksum is not that of what DMA wrote.
    pub checksum_mismatches: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The pixel format.
    pub format: String,
    /// Buffers that were asked for.
    pub buffers: u32,
    /// Buffers that the driver granted.
    pub buffers_granted: Option<u32>,
    /// Who allocated them.
    pub strategy: String,
    /// Where they came from.
    pub io: String,
    /// Bytes from one line to the next.
    pub bytesperline: Option<u32>,
    /// Bytes of a buffer.
    pub sizeimage: Option<u32>,
    /// What the sensor saw.
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
    /// Bytes that DMA wrote.
    pub dma_bytes: Option<u64>,
    /// While DMA wrote, not over the whole stream.
    pub dma_bytes_per_second: Option<f64>,
    /// The virtual device that carried the ISP.
    pub attach: String,
    /// QEMU's version.
    pub qemu_version: String,
    /// The guest's kernel, as the lab calls it.
    pub kernel: String,
    /// As `uname -r` says it.
    pub kernel_release: String,
    /// The guest's memory.
    pub memory: String,
    /// The pictures that were saved.
    pub pictures: Vec<SavedPicture>,
}

/// A picture on disk.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SavedPicture {
    /// Its file.
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
        scene: &SensorConfig,
        config: &StreamConfig,
        guest: &Guest,
        outcome: &Capture,
    ) -> Self {
        let Capture {
            verifier,
            granted,
            status,
            done,
            ..
        } = outcome;
        let guest_errors = status
            .as_ref()
            .map(|status| status.guest_errors.clone())
            .unwrap_or_default();
        let mut problems = problems(config, outcome, &guest_errors);
        if let Some(GuestFailure::Guest(_)) = outcome.failure {
            let said = guest.driver_said();
            problems.extend(said.map(|line| format!("the driver's last word: {line}")));
        }
        Self {
            passed: problems.is_empty(),
            expected: "intact",
            problems,
            guest_errors,
            frames_requested: config.frames,
            frames_received: verifier.received,
            frames_dropped: verifier.dropped,
            frames_dropped_before: None,
            frames_with_error: verifier.errors,
            checksum_mismatches: verifier.mismatched,
            width: config.size.width,
            height: config.size.height,
            format: config.format.to_string(),
            buffers: config.buffers,
            buffers_granted: granted.map(|granted| granted.buffers),
            strategy: config.strategy.name().to_owned(),
            io: config.io.name().to_owned(),
            bytesperline: granted.map(|granted| granted.bytesperline),
            sizeimage: granted.map(|granted| granted.sizeimage),
            source: scene.source.to_string(),
            clock: scene.fps.to_string(),
            fps: verifier.fps(),
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
    pub fn check_picture(&mut self, kept: &CapturedFrame) -> Option<u32> {
        let stamp = kept.picture.stamp();
        self.problems.extend(picture_problem(kept, stamp));
        self.passed = self.problems.is_empty();
        stamp
    }

    /// Adds a picture that was saved, and what is wrong with it.
    pub fn add_picture(&mut self, kept: &CapturedFrame, path: PathBuf) {
        let stamp = self.check_picture(kept);
        self.pictures.push(SavedPicture {
            path,
            sequence: kept.frame.sequence,
            stamp,
        });
    }
}

fn starved(status: &Status) -> u64 {
    status.channels.iter().map(|channel| channel.starved).sum()
}

/// Everything that keeps a stream from being as it was asked for.
fn problems(config: &StreamConfig, outcome: &Capture, guest_errors: &[GuestError]) -> Vec<String> {
    let mut problems = outcome.verifier.problems.clone();
    if let Some(failure) = &outcome.failure {
        problems.push(failure.to_string());
    } else if outcome.verifier.received != config.frames {
        problems.push(format!(
            "{} frames were asked for, {} came",
            config.frames, outcome.verifier.received
        ));
    }
    if !guest_errors.is_empty() {
        let ids: Vec<&str> = guest_errors.iter().map(|error| error.id.as_str()).collect();
        problems.push(format!(
            "the emulator found the driver doing: {}",
            ids.join(", ")
        ));
    }
    problems
}

/// What is wrong with a picture: it must be the frame that the client checked, and show the frame's number.
fn picture_problem(kept: &CapturedFrame, stamp: Option<u32>) -> Option<String> {
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
