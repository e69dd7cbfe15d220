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
use tx_isp_alloc::Strategy;
use tx_isp_emulator::monitor::protocol::{FrameLogEntry, Status};

use crate::config::{Io, control};
use crate::guest::Guest;
use crate::guest_failure::GuestFailure;
use crate::picture::Picture;
use crate::prepare::Prepared;
use crate::progress::{Steps, seconds};
use crate::sensor::SensorConfig;
use crate::stream::{DequeuedFrame, Event, Stream};
use crate::verify::Verifier;

/// How long the guest's client waits for a frame: longer than the driver takes to start the ISP anew
/// three times and give up.
const FRAME_LIMIT: Duration = Duration::from_secs(20);

/// Which frames' pictures come out of the guest, beside what is known of each frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None.
    None,
    /// The first and the last.
    Ends,
    /// Those, and the one of this number, counted from 0.
    EndsAnd(u32),
    /// All of them.
    All,
}

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
    /// Which pictures come out of the guest.
    pub keep: Keep,
    /// Who allocates the buffers.
    pub strategy: Strategy,
    /// Where they come from.
    pub io: Io,
}

/// What came of it.
#[derive(Debug)]
pub struct Capture {
    /// Every frame, verified.
    pub verifier: Verifier,
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
    pub failure: Option<GuestFailure>,
}

/// A frame with its picture.
#[derive(Debug)]
pub struct CapturedFrame {
    /// What the client says about it.
    pub frame: Frame,
    /// What DMA says about it.
    pub written: Option<FrameLogEntry>,
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
    let mut pictures = Vec::new();
    let mut capture = run_with(guest, config, steps, &mut |frame| {
        pictures.push(frame);
        Ok(())
    })?;
    capture.pictures = pictures;
    Ok(capture)
}

/// The same; each kept frame is handed over when its picture is complete, and is not in the outcome.
///
/// # Errors
/// If there is nothing to stream from, and those of `on_picture`.
pub fn run_with(
    guest: &mut Guest,
    config: &StreamConfig,
    steps: &Steps,
    on_picture: &mut dyn FnMut(CapturedFrame) -> Result<()>,
) -> Result<Capture> {
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
        keep: config.keep.frames(config.frames),
        frame_deadline_ms: u32::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u32::MAX),
    };
    steps.start("stream");
    let mut run = Run {
        config,
        guest,
        steps,
        kept: BTreeMap::new(),
        on_picture,
        outcome: Capture {
            verifier: Verifier::default(),
            granted: None,
            done: None,
            first_frame: None,
            status: None,
            pictures: Vec::new(),
            failure: None,
        },
    };
    let result = run.follow(request);
    let mut outcome = run.outcome;
    match result {
        Ok(()) => {
            outcome.status = Some(
                guest
                    .emulator
                    .monitor
                    .status()
                    .context("asking the emulator")?,
            );
            let time = outcome
                .done
                .map(|done| Duration::from_nanos(done.elapsed_ns));
            steps.finish(&format!(
                "{} frames of {} in {}",
                outcome.verifier.received,
                config.size,
                seconds(time.unwrap_or_default())
            ));
        }
        Err(error) => {
            steps.fail();
            // A dead emulator has no state any more.
            outcome.status = guest.emulator.monitor.status().ok();
            match error.downcast() {
                Ok(failure) => outcome.failure = Some(failure),
                Err(other) => return Err(other),
            }
        }
    }
    Ok(outcome)
}

impl Keep {
    /// The numbers of these frames, of so many.
    fn frames(self, count: u32) -> Vec<u32> {
        let last = count.saturating_sub(1);
        let mut frames = match self {
            Self::None => Vec::new(),
            Self::Ends => vec![0, last],
            Self::EndsAnd(one) => vec![0, one, last],
            Self::All => (0..count).collect(),
        };
        frames.sort_unstable();
        frames.dedup();
        frames
    }
}

struct Run<'a> {
    config: &'a StreamConfig,
    guest: &'a mut Guest,
    steps: &'a Steps,
    kept: PartialFrames,
    on_picture: &'a mut dyn FnMut(CapturedFrame) -> Result<()>,
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
                        self.outcome.verifier.take(frame, written.as_ref());
                        if keep.contains(&frame.index) {
                            self.kept.insert(frame.index, (dequeued, Vec::new()));
                        }
                    }
                    let received = self.outcome.verifier.received.into();
                    let total = Some(self.config.frames.into());
                    self.steps.advance(received, total, "frames");
                }
                Event::Picture { index, total, part } => {
                    if add_part(&mut self.kept, index, total, &part)?
                        && let Some((dequeued, bytes)) = self.kept.remove(&index)
                    {
                        let Self { config, .. } = self;
                        let picture = Picture::new(config.size, config.format, bytes);
                        (self.on_picture)(CapturedFrame {
                            picture: picture.context("a picture of the guest is too short")?,
                            frame: dequeued.frame,
                            written: dequeued.written,
                        })?;
                    }
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

/// Adds a part of a kept frame's picture; true if that was the last one.
fn add_part(kept: &mut PartialFrames, index: u32, total: u32, part: &[u8]) -> Result<bool> {
    let Some((_, bytes)) = kept.get_mut(&index) else {
        bail!("the guest sends a picture of frame {index}, which was not asked for");
    };
    bytes.extend_from_slice(part);
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    if bytes.len() > total {
        bail!("the guest sends more of frame {index} than there is");
    }
    Ok(bytes.len() == total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_one_frame_keeps_one_picture() {
        assert_eq!(Keep::Ends.frames(1), [0]);
        assert_eq!(Keep::Ends.frames(100), [0, 99]);
        assert_eq!(Keep::EndsAnd(50).frames(100), [0, 50, 99]);
        assert_eq!(Keep::EndsAnd(0).frames(100), [0, 99]);
        assert_eq!(Keep::All.frames(3), [0, 1, 2]);
    }
}
