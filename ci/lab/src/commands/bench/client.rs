// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's camera client as a measuring instrument: the same for every device.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use guest_protocol::message::{Frame, Granted, Memory, Reply, Request, StreamDone, StreamRequest};
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;

use super::host::processor_time;
use testbed::guest::{Guest, unexpected};
use testbed::program::ask;
use testbed::stream::{Event, Stream};
use testbed::verify::{FrameLog, Verifier};

/// How long the client waits for a frame, in milliseconds.
const FRAME_LIMIT_MS: u32 = 5000;
/// How long the lab waits for the client's word.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How many buffers the client asks for.
const BUFFERS: u32 = 4;

/// What the client is to take.
#[derive(Clone, Copy, Debug)]
pub struct Take<'a> {
    /// The device's path in the guest.
    pub device: &'a str,
    /// The picture's size; NV12.
    pub size: Size,
    /// How many frames.
    pub frames: u32,
    /// Whether the client reads every pixel, or none.
    pub checksum: bool,
    /// Whose memory the buffers are.
    pub memory: Memory,
    /// Who is to allocate them, as the driver's control numbers it; `None` where there is no choice.
    pub strategy: Option<i32>,
}

impl<'a> Take<'a> {
    /// Frames in buffers of the driver, untouched.
    pub fn untouched(device: &'a str, size: Size, frames: u32) -> Self {
        Self {
            device,
            size,
            frames,
            checksum: false,
            memory: Memory::Mmap,
            strategy: None,
        }
    }
}

/// What it took.
#[derive(Debug, Default)]
pub struct Taken {
    /// What the device granted, from the stream's start on.
    pub granted: Option<Granted>,
    /// The frames.
    pub frames: Vec<Frame>,
    /// From the stream's start to the last frame, and how long the client was busy with pixels.
    pub done: Option<StreamDone>,
}

impl Taken {
    /// How many there are.
    pub fn count(&self) -> u32 {
        self.frames.len().try_into().unwrap_or(u32::MAX)
    }

    /// From the stream's start to the last frame.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.done.map_or(0, |done| done.elapsed_ns))
    }

    /// Time for checksums.
    pub fn touched(&self) -> Duration {
        Duration::from_nanos(self.done.map_or(0, |done| done.touch_ns))
    }

    /// Frames per second as the client sees them.
    pub fn fps(&self) -> f64 {
        1.0 / super::base::each(self.time(), self.count()).max(f64::MIN_POSITIVE)
    }

    /// Frames that the device made and the client did not get.
    pub fn lost(&self) -> u32 {
        let sequences = || self.frames.iter().map(|frame| frame.sequence);
        let made = match (sequences().min(), sequences().max()) {
            (Some(first), Some(last)) => (last - first).saturating_add(1),
            _ => 0,
        };
        made.saturating_sub(self.count())
    }

    /// Checks that the frames are those that DMA wrote: a fast stream of wrong frames is no figure.
    ///
    /// # Errors
    /// What is wrong with the first one that is wrong.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        let mut verifier = Verifier::default();
        let mut frame_log = FrameLog::default();
        for frame in &self.frames {
            let entry = frame_log.entry(frame.sequence, &mut guest.emulator.monitor)?;
            verifier.take(frame, entry.as_ref());
        }
        ensure!(
            verifier.mismatched == 0 && verifier.errors == 0,
            "the measured stream was not right: {}",
            verifier.problems.join("; ")
        );
        Ok(())
    }
}

/// Streams, and calls `look` with the number of frames so far whenever some have arrived.
///
/// # Errors
/// Whatever keeps the stream from coming to its end, and what `look` says.
pub fn take(
    guest: &mut Guest,
    what: &Take<'_>,
    mut look: impl FnMut(&mut Guest, u32) -> Result<()>,
) -> Result<Taken> {
    let request = StreamRequest {
        device: what.device.to_owned(),
        width: what.size.width,
        height: what.size.height,
        fourcc: PixelFormat::Nv12.fourcc(),
        buffers: BUFFERS,
        frames: what.frames,
        only_intact: false,
        memory: what.memory,
        strategy: what.strategy,
        checksum: what.checksum,
        keep: Vec::new(),
        frame_deadline_ms: FRAME_LIMIT_MS,
    };
    let mut taken = Taken::default();
    // Looking frames up while they arrive would be measured as well.
    let mut stream = Stream::start(guest, request, None)?;
    loop {
        match stream.event()? {
            Event::Started(granted) => taken.granted = Some(granted),
            Event::Frames { frames, .. } => {
                let frames = frames.into_iter().map(|dequeued| dequeued.frame);
                taken.frames.extend(frames);
                look(stream.guest, taken.count())?;
            }
            Event::Done(done) => {
                taken.done = Some(done);
                break;
            }
            other => bail!("a stream that keeps no picture does not say {other:?}"),
        }
    }
    if taken.frames.iter().any(Frame::is_error) {
        bail!("{} marked frames with an error", what.device);
    }
    Ok(taken)
}

/// Nothing to look at while frames arrive.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is passed where looking may fail"
)]
pub fn nothing(_: &mut Guest, _: u32) -> Result<()> {
    Ok(())
}

/// Host processor time.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// By QEMU, which runs the guest.
    pub qemu: Duration,
    /// By the emulated ISP.
    pub emulator: Duration,
}

impl Spent {
    /// Since both were started.
    ///
    /// # Errors
    /// If one of them is gone.
    pub fn so_far(guest: &mut Guest) -> Result<Self> {
        Ok(Self {
            qemu: processor_time(guest.qemu_pid())?,
            emulator: processor_time(guest.emulator.process.child().id())?,
        })
    }

    /// By both.
    pub fn sum(self) -> Duration {
        self.qemu + self.emulator
    }

    /// Since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            qemu: self.qemu.saturating_sub(before.qemu),
            emulator: self.emulator.saturating_sub(before.emulator),
        }
    }
}

/// Streams and gives the host processor time that it took.
///
/// # Errors
/// Those of [`take`].
pub fn take_and_account(guest: &mut Guest, what: &Take<'_>) -> Result<(Taken, Spent)> {
    let before = Spent::so_far(guest)?;
    let taken = take(guest, what, nothing)?;
    Ok((taken, Spent::so_far(guest)?.since(before)))
}

/// Runs a shell command in the guest and gives what it says.
///
/// # Errors
/// If it fails, with its words.
pub fn shell(guest: &mut Guest, script: &str) -> Result<String> {
    ask(guest, &["sh", "-c", script])
}

/// Reads a file of the guest.
///
/// # Errors
/// If it is not there.
pub fn read(guest: &mut Guest, path: &str) -> Result<Vec<u8>> {
    let request = Request::ReadFile {
        path: path.to_owned(),
    };
    match guest.call(&request, ANSWER_LIMIT)? {
        Reply::Content(bytes) => Ok(bytes),
        other => Err(unexpected(&other).into()),
    }
}

/// Asks for something whose only answer is that it was done.
///
/// # Errors
/// Why it was not.
pub fn order(guest: &mut Guest, request: &Request) -> Result<()> {
    match guest.call(request, ANSWER_LIMIT)? {
        Reply::Ok => Ok(()),
        other => Err(unexpected(&other).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sequences: &[u32], elapsed_ns: u64) -> Taken {
        let frames = sequences.iter().map(|sequence| Frame {
            index: 0,
            sequence: *sequence,
            buffer: 0,
            timestamp_ns: 0,
            dequeued_ns: 0,
            bytesused: 0,
            flags: 0,
            crc32: None,
            wait_ns: 0,
        });
        let frames: Vec<Frame> = frames.collect();
        Taken {
            done: Some(StreamDone {
                frames: frames.len().try_into().unwrap(),
                elapsed_ns,
                touch_ns: 0,
                request_ns: 0,
                buffers_ns: 0,
                pool_bytes: None,
            }),
            frames,
            granted: None,
        }
    }

    #[test]
    fn a_rate_counts_what_arrived_and_not_what_was_made() {
        let taken = taken(&[0, 1, 4, 5], 2_000_000_000);
        assert!((taken.fps() - 2.0).abs() < 1e-9);
        assert_eq!(taken.lost(), 2);
        assert_eq!(Taken::default().lost(), 0);
    }

    #[test]
    fn spent_time_is_of_both_programs() {
        let spent = |qemu, emulator| Spent {
            qemu: Duration::from_millis(qemu),
            emulator: Duration::from_millis(emulator),
        };
        let since = spent(130, 50).since(spent(100, 40));
        assert_eq!(since.sum(), Duration::from_millis(40));
    }
}
