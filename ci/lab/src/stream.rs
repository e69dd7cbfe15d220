// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The main job: streams frames from the emulated ISP through the guest, and judges each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guest_image::Progress;
use guest_protocol::message::{
    Frame, Granted, Reply, Request, StreamDone, StreamEvent, StreamRequest,
};
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{FrameLayout, PixelFormat};
use tx_isp_emulator::control::protocol::{LedgerEntry, Status};

use crate::channels;
use crate::guest::{Guest, unexpected};
use crate::judge::{Judge, Ledger};
use crate::options::{Io, Strategy, StreamOptions};
use crate::picture::Picture;
use crate::prepare::Prepared;
use crate::progress::{Steps, seconds};
use crate::report::Report;
use crate::scene::Scene;
use crate::trouble::Trouble;

/// How long the guest's client waits for a frame: longer than the driver takes to start the ISP anew
/// three times and give up.
const FRAME_LIMIT: Duration = Duration::from_secs(20);
/// How much longer the lab waits for the client's word than the client for a frame.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The pictures of the first and the last frame.
const PICTURES: [&str; 2] = ["first.png", "last.png"];

/// What is to be streamed.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
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
pub struct Outcome {
    /// Every frame, judged.
    pub judge: Judge,
    /// What the driver granted, if it came so far.
    pub granted: Option<Granted>,
    /// The client's account, if it came to its end.
    pub done: Option<StreamDone>,
    /// From QEMU's start to the first frame's arrival in the lab.
    pub first_frame: Option<Duration>,
    /// The emulator's state at the end, if it still answered.
    pub status: Option<Status>,
    /// The first and the last frame, where they arrived.
    pub pictures: Vec<Kept>,
    /// Why it did not come to its end.
    pub trouble: Option<Trouble>,
}

/// A frame with its picture.
#[derive(Debug)]
pub struct Kept {
    /// What the client says about it.
    pub frame: Frame,
    /// What DMA says about it.
    pub written: Option<LedgerEntry>,
    /// Its picture.
    pub picture: Picture,
}

/// `cargo lab stream`: true if every frame arrived and matched.
///
/// # Errors
/// If it could not begin.
pub fn command(options: &StreamOptions) -> Result<bool> {
    let pictures = options.pictures().map_err(anyhow::Error::msg)?;
    check_outputs(options)?;
    options.check_io().map_err(anyhow::Error::msg)?;
    match pictures.as_slice() {
        [] => bail!("--channels names no channel"),
        [(_, size)] => {
            let frame = FrameLayout::new(options.format, *size);
            options
                .guest
                .memory
                .check_buffers(options.buffers, &frame)?;
        }
        _ => channels::check(options)?,
    }
    let scene = Scene {
        source: options.source.clone(),
        fps: options.fps,
    };
    let steps = Steps::new();
    if let Some(warning) = scene.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let mut prepared = Prepared::new(&options.guest, &steps)?;
    prepared.emulator_options = options
        .sight
        .emulator_options(prepared.memory, options.io());
    let guest = boot(&prepared, &scene, &options.out, &steps)?;
    let set = Set {
        options,
        prepared,
        scene,
        steps,
    };
    match pictures.as_slice() {
        [(channel, size)] => stream_one(&set, guest, *channel, *size),
        several => channels::stream(&set, guest, several),
    }
}

/// What a stream has around it, beside its guest.
pub struct Set<'a> {
    /// What the user asked for.
    pub options: &'a StreamOptions,
    /// What the guest was booted with.
    pub prepared: Prepared,
    /// What its camera sees.
    pub scene: Scene,
    /// Where progress is shown.
    pub steps: Steps,
}

/// Streams one channel, and shows it.
fn stream_one(set: &Set, mut guest: Guest, channel: ChannelId, size: Size) -> Result<bool> {
    let options = set.options;
    let wish = Wish {
        channel,
        size,
        format: options.format,
        buffers: options.buffers,
        frames: options.frames,
        checksum: true,
        strategy: options.strategy,
        io: options.io(),
    };
    let clocks = options.sight.begin(&mut guest)?;
    let outcome = run(&mut guest, &wish, &set.steps)?;
    let mut report = Report::new(&set.prepared, &set.scene, &wish, &guest, &outcome);
    if outcome.trouble.is_none() {
        options.sight.finish(&mut guest, clocks, [&outcome.judge])?;
        guest.power_off();
    }
    for (kept, name) in outcome.pictures.iter().zip(PICTURES) {
        let path = options.out.join(name);
        kept.picture.save(&path)?;
        report.add_picture(kept, path);
    }
    if let Some(path) = &options.json {
        report.write_json(path)?;
    }
    report.print(&options.out);
    Ok(report.passed)
}

/// Makes sure that the results can be written, and that older ones are not taken for new ones.
fn check_outputs(options: &StreamOptions) -> Result<()> {
    fs::create_dir_all(&options.out)
        .with_context(|| format!("creating {}", options.out.display()))?;
    let pictures = PICTURES.map(|name| options.out.join(name));
    let sight = options.sight.outputs();
    for path in pictures.iter().chain(&options.json).chain(sight) {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            let told = || format!("{} cannot be written", path.display());
            fs::metadata(folder).with_context(told)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("replacing {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Boots a guest as a step.
///
/// # Errors
/// If it does not boot.
pub fn boot(prepared: &Prepared, scene: &Scene, logs: &Path, steps: &Steps) -> Result<Guest> {
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
pub fn run(guest: &mut Guest, wish: &Wish, steps: &Steps) -> Result<Outcome> {
    let request = StreamRequest {
        device: guest.camera(wish.channel)?,
        width: wish.size.width,
        height: wish.size.height,
        fourcc: wish.format.fourcc(),
        buffers: wish.buffers,
        frames: wish.frames,
        only_intact: false,
        memory: wish.io.memory(),
        strategy: Some(wish.strategy.control()),
        checksum: wish.checksum,
        keep: if wish.checksum {
            first_and_last(wish.frames)
        } else {
            Vec::new()
        },
        frame_deadline_ms: u32::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u32::MAX),
    };
    steps.start("stream");
    let mut run = Run {
        wish,
        guest,
        steps,
        ledger: Ledger::newest(wish.channel),
        kept: BTreeMap::new(),
        outcome: Outcome {
            judge: Judge::default(),
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
        .filter_map(|kept| kept.finish(wish))
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
                wish.size,
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
    wish: &'a Wish,
    guest: &'a mut Guest,
    steps: &'a Steps,
    ledger: Ledger,
    kept: BTreeMap<u32, Parts>,
    outcome: Outcome,
}

/// A kept frame on its way.
struct Parts {
    frame: Frame,
    written: Option<LedgerEntry>,
    bytes: Vec<u8>,
}

impl Parts {
    fn finish(self, wish: &Wish) -> Option<Kept> {
        Some(Kept {
            picture: Picture::new(wish.size, wish.format, self.bytes)?,
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
                    let total = Some(self.wish.frames.into());
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
        if self.wish.checksum {
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
