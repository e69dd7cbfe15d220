// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Streams frames from the emulated ISP through the guest, and verifies each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guest_image::Progress;
use guest_protocol::message::{Frame, Granted, StreamDone, StreamRequest};
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_driver::alloc::Strategy;
use tx_isp_emulator::control::protocol::{LedgerEntry, Status};

use crate::config::{Io, control};
use crate::guest::Guest;
use crate::guest_error::GuestError;
use crate::picture::Picture;
use crate::prepare::Prepared;
use crate::progress::{Steps, seconds};
use crate::sensor::SensorConfig;
use crate::stream::{DequeuedFrame, Event, Stream};
use crate::verify::Verifier;

/// How long the guest's client waits for a frame: longer than the driver takes to start the ISP anew
/// three times and give up.
const FRAME_LIMIT: Duration = Duration::from_secs(20);

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
    let result = run.follow(request);
    let mut outcome = run.outcome;
    outcome.pictures = run
        .kept
        .into_values()
        .filter_map(|(dequeued, bytes)| {
            Some(CapturedFrame {
                picture: Picture::new(config.size, config.format, bytes)?,
                frame: dequeued.frame,
                written: dequeued.written,
            })
        })
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
    kept: PartialFrames,
    outcome: Capture,
}

/// Kept frames on their way, each with what has come of its picture.
type PartialFrames = BTreeMap<u32, (DequeuedFrame, Vec<u8>)>;

impl Run<'_> {
    /// Takes the stream's events to its end.
    fn follow(&mut self, request: StreamRequest) -> Result<()> {
        let keep = request.keep.clone();
        let verified = self.config.checksum.then_some(self.config.channel);
        let mut stream = Stream::start(self.guest, request, verified)?;
        loop {
            match stream.event()? {
                Event::Started(granted) => self.outcome.granted = Some(granted),
                Event::Frames { frames, .. } => {
                    let now = stream.guest.spawned.elapsed();
                    self.outcome.first_frame.get_or_insert(now);
                    for dequeued in frames {
                        let DequeuedFrame { frame, written } = &dequeued;
                        self.outcome.judge.take(frame, written.as_ref());
                        if keep.contains(&frame.index) {
                            self.kept.insert(frame.index, (dequeued, Vec::new()));
                        }
                    }
                    let received = self.outcome.judge.received.into();
                    let total = Some(self.config.frames.into());
                    self.steps.advance(received, total, "frames");
                }
                Event::Picture { index, total, part } => {
                    add_part(&mut self.kept, index, total, &part)?;
                }
                Event::Done(done) => {
                    self.outcome.done = Some(done);
                    return Ok(());
                }
                Event::Ended { .. } => bail!("a stream ends as a camera's client does"),
            }
        }
    }
}

/// Adds a part of a kept frame's picture.
fn add_part(kept: &mut PartialFrames, index: u32, total: u32, part: &[u8]) -> Result<()> {
    let Some((_, bytes)) = kept.get_mut(&index) else {
        bail!("the guest sends a picture of frame {index}, which was not asked for");
    };
    bytes.extend_from_slice(part);
    if bytes.len() > usize::try_from(total).unwrap_or(usize::MAX) {
        bail!("the guest sends more of frame {index} than there is");
    }
    Ok(())
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
