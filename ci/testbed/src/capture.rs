// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Streams frames from the emulated ISP through the guest, and verifies each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guest_image::Progress;
use guest_protocol::message::{
    Frame, Granted, Reply, Request, StreamDone, StreamEvent, StreamRequest,
};
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_driver::alloc::Strategy;
use tx_isp_emulator::control::protocol::{LedgerEntry, Status};

use crate::config::{Io, control};
use crate::guest::{Guest, unexpected};
use crate::guest_error::GuestError;
use crate::picture::Picture;
use crate::prepare::Prepared;
use crate::progress::{Steps, seconds};
use crate::sensor::SensorConfig;
use crate::verify::{FrameLog, Verifier};

/// How long the guest's client waits for a frame: longer than the driver takes to start the ISP anew
/// three times and give up.
const FRAME_LIMIT: Duration = Duration::from_secs(20);
/// How much longer the lab waits for the client's word than the client for a frame.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What is to be streamed.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// Which of the chip's channels.
    pub channel: ChannelId,
    /// The picture's size.
    pub size: Size,
    /// Its format.
    pub format: PixelFormat,
    /// How many buffers to ask for.
    pub buffers: u32,
    /// How many frames to take.
    pub frames: u32,
    /// Whether the client looks at each frame.
    pub checksum: bool,
    /// Who allocates the buffers.
    pub strategy: Strategy,
    /// Where they come from.
    pub io: Io,
}

/// What came of it.
#[derive(Debug)]
pub struct Capture {
    /// Every frame, judged.
    pub judge: Verifier,
    /// What the driver granted, if it came so far.
    pub granted: Option<Granted>,
    /// The client's account, if it came to its end.
    pub done: Option<StreamDone>,
    /// From QEMU's start to the first frame's arrival in the lab.
    pub first_frame: Option<Duration>,
    /// The emulator's state at the end, if it still answered.
    pub status: Option<Status>,
    /// The first and the last frame, where they arrived.
    pub pictures: Vec<CapturedFrame>,
    /// Why it did not come to its end.
    pub trouble: Option<GuestError>,
}

/// A frame with its picture.
#[derive(Debug)]
pub struct CapturedFrame {
    /// What the client says about it.
    pub frame: Frame,
    /// What DMA says about it.
    pub written: Option<LedgerEntry>,
    /// Its picture.
    pub picture: Picture,
}

/// Boots a guest as a step.
///
/// # Errors
/// If it does not boot.
pub fn boot(
    prepared: &Prepared,
    scene: &SensorConfig,
    logs: &Path,
    steps: &Steps,
) -> Result<Guest> {
    steps.step(
        "guest: boot",
        || Guest::boot(prepared, scene, logs, &|text| steps.line(text)),
        |guest| {
            format!(
                "{}, {} attachment",
                prepared.image.kernel_label, prepared.carrier
            ) + if guest.boots > 1 {
                ", at the second try"
            } else {
                ""
            }
        },
    )
}

/// Streams as a step. Whatever happens while it runs is part of the outcome.
///
/// # Errors
/// If there is nothing to stream from.
pub fn run(guest: &mut Guest, config: &StreamConfig, steps: &Steps) -> Result<Capture> {
    let request = StreamRequest {
        device: guest.camera(config.channel)?,
        width: config.size.width,
        height: config.size.height,
        fourcc: config.format.fourcc(),
        buffers: config.buffers,
        frames: config.frames,
        only_intact: false,
        memory: config.io.memory(),
        strategy: Some(control(config.strategy)),
        checksum: config.checksum,
        keep: if config.checksum {
            first_and_last(config.frames)
        } else {
            Vec::new()
        },
        frame_deadline_ms: u32::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u32::MAX),
    };
    steps.start("stream");
    let mut run = Run {
        config,
        guest,
        steps,
        ledger: FrameLog::newest(config.channel),
        kept: BTreeMap::new(),
        outcome: Capture {
            judge: Verifier::default(),
            granted: None,
            done: None,
            first_frame: None,
            status: None,
            pictures: Vec::new(),
            trouble: None,
        },
    };
    let result = run.follow(&request);
    let mut outcome = run.outcome;
    outcome.pictures = run
        .kept
        .into_values()
        .filter_map(|kept| kept.finish(config))
        .collect();
    match result {
        Ok(()) => {
            outcome.status = Some(
                guest
                    .emulator
                    .control
                    .status()
                    .context("asking the emulator")?,
            );
            let time = outcome
                .done
                .map(|done| Duration::from_nanos(done.elapsed_ns));
            steps.finish(&format!(
                "{} frames of {} in {}",
                outcome.judge.received,
                config.size,
                seconds(time.unwrap_or_default())
            ));
        }
        Err(error) => {
            steps.fail();
            // A dead emulator has no state any more.
            outcome.status = guest.emulator.control.status().ok();
            match error.downcast() {
                Ok(trouble) => outcome.trouble = Some(trouble),
                Err(other) => return Err(other),
            }
        }
    }
    Ok(outcome)
}

/// The frames to keep; one if there is only one.
fn first_and_last(frames: u32) -> Vec<u32> {
    let mut keep = vec![0, frames.saturating_sub(1)];
    keep.dedup();
    keep
}

struct Run<'a> {
    config: &'a StreamConfig,
    guest: &'a mut Guest,
    steps: &'a Steps,
    ledger: FrameLog,
    kept: BTreeMap<u32, Parts>,
    outcome: Capture,
}

/// A kept frame on its way.
struct Parts {
    frame: Frame,
    written: Option<LedgerEntry>,
    bytes: Vec<u8>,
}

impl Parts {
    fn finish(self, config: &StreamConfig) -> Option<CapturedFrame> {
        Some(CapturedFrame {
            picture: Picture::new(config.size, config.format, self.bytes)?,
            frame: self.frame,
            written: self.written,
        })
    }
}

impl Run<'_> {
    /// Takes the stream's events to its end.
    fn follow(&mut self, request: &StreamRequest) -> Result<()> {
        self.guest.send(&Request::Stream(request.clone()))?;
        loop {
            let event = match self
                .guest
                .next("the next frame", FRAME_LIMIT + ANSWER_LIMIT)?
            {
                Reply::Stream(event) => event,
                other => return Err(unexpected(&other).into()),
            };
            match event {
                StreamEvent::Started(granted) => self.outcome.granted = Some(granted),
                StreamEvent::Frames(frames) => {
                    let now = self.guest.spawned.elapsed();
                    self.outcome.first_frame.get_or_insert(now);
                    for frame in frames {
                        self.take(&frame, request)?;
                    }
                    let received = self.outcome.judge.received.into();
                    let total = Some(self.config.frames.into());
                    self.steps.advance(received, total, "frames");
                }
                StreamEvent::Picture { index, total, part } => {
                    self.add_part(index, total, &part)?
                }
                StreamEvent::Done(done) => {
                    self.outcome.done = Some(done);
                    return Ok(());
                }
            }
        }
    }

    fn take(&mut self, frame: &Frame, request: &StreamRequest) -> Result<()> {
        let mut written = None;
        if self.config.checksum {
            written = match self
                .ledger
                .entry(frame.sequence, &mut self.guest.emulator.control)
            {
                Ok(entry) => entry,
                Err(error) => {
                    // If the emulator is gone, that is what the user is to hear.
                    return Err(match self.guest.gone_emulator() {
                        Some(trouble) => trouble.into(),
                        None => error.into(),
                    });
                }
            };
        }
        self.outcome.judge.take(frame, written.as_ref());
        if request.keep.contains(&frame.index) {
            let parts = Parts {
                frame: *frame,
                written,
                bytes: Vec::new(),
            };
            self.kept.insert(frame.index, parts);
        }
        Ok(())
    }

    fn add_part(&mut self, index: u32, total: u32, part: &[u8]) -> Result<()> {
        let Some(parts) = self.kept.get_mut(&index) else {
            bail!("the guest sends a picture of frame {index}, which was not asked for");
        };
        parts.bytes.extend_from_slice(part);
        if parts.bytes.len() > usize::try_from(total).unwrap_or(usize::MAX) {
            bail!("the guest sends more of frame {index} than there is");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_one_frame_keeps_one_picture() {
        assert_eq!(first_and_last(1), [0]);
        assert_eq!(first_and_last(100), [0, 99]);
    }
}
