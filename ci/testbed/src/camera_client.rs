// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a camera's client in a guest and verified its frames.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use guest_protocol::camera::{AllocationPolicy, Channel, Cycles, Queue, Report, Setup};
use guest_protocol::message::CameraRequest;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::nearest_size;
use tx_isp_abi::sensor::GC2053;
use tx_isp_emulator::monitor::protocol::Status;

use crate::guest::Guest;
use crate::memory_layout::MemoryLayout;
use crate::stream::{DequeuedFrame, Event, Stream};
use crate::verify::Verifier;

/// How long the guest's client waits for frames.
const FRAME_LIMIT: Duration = Duration::from_secs(10);
/// The number of a T31X (T31 1.4); nothing here depends on it.
const CPU_ID: i32 = 0x11;

/// What a client did.
#[derive(Debug)]
pub struct Run {
    /// What it was granted.
    pub report: Report,
    /// How many times its channels were enabled.
    pub survived: u32,
    /// Its frames by channel, verified.
    pub verified: BTreeMap<u32, Verifier>,
    /// How long it took.
    pub time: Duration,
}

impl Run {
    /// What is wrong with the frames: each time that all channels were enabled, each of them must have
    /// delivered as many as were asked for, as DMA wrote them.
    pub fn problems(&self, frames: u32) -> Vec<String> {
        let mut problems = Vec::new();
        let wanted = frames.saturating_mul(self.survived);
        for (queue, verifier) in self.channels() {
            let (received, mismatched) = verifier.map_or((0, 0), |j| (j.received, j.mismatched));
            if received < wanted {
                problems.push(format!(
                    "channel {}: {received} of {wanted} frames came",
                    queue.id
                ));
            }
            if mismatched > 0 {
                problems.push(format!(
                    "channel {}: {mismatched} frames are not what DMA wrote",
                    queue.id
                ));
            }
        }
        problems
    }

    /// Every channel with its frames, if the chip delivers them.
    fn channels(&self) -> impl Iterator<Item = (&Queue, Option<&Verifier>)> {
        self.report
            .queues
            .iter()
            .map(|queue| (queue, self.verified.get(&queue.id)))
    }
}

/// Why a camera's client cannot run with this emulator; it can still be predicted.
pub fn only_predicted(setup: &Setup) -> Option<String> {
    for channel in setup.channels.iter().filter(|channel| !channel.extension) {
        let Ok(id) = ChannelId::new(channel.id) else {
            return Some(format!("the chip has no channel {}", channel.id));
        };
        let size = Size::new(channel.width, channel.height);
        let nearest = nearest_size(id, GC2053.size, size);
        if nearest != size {
            return Some(format!(
                "the emulated sensor ({} pixels) has no {size} picture on channel {id}; the nearest is {nearest}",
                GC2053.size
            ));
        }
    }
    None
}

/// A client that streams all of `pictures` at once, and nothing else.
pub fn channels_setup(memory: MemoryLayout, pictures: &[(ChannelId, Size)], buffers: u32) -> Setup {
    let carve_out = memory.carve_out();
    Setup {
        base: carve_out.base.0,
        bytes: carve_out.bytes,
        ncubuf: None,
        blocks: Vec::new(),
        channels: pictures
            .iter()
            .map(|(channel, size)| channel_of(*channel, *size, buffers))
            .collect(),
        late: Vec::new(),
        cpu_id: CPU_ID,
    }
}

fn channel_of(channel: ChannelId, size: Size, buffers: u32) -> Channel {
    Channel {
        id: channel.number(),
        extension: false,
        width: size.width,
        height: size.height,
        buffers,
        blocks: Vec::new(),
    }
}

/// Runs the client to its end.
///
/// # Errors
/// If it does not come to one.
pub fn run(
    guest: &mut Guest,
    setup: &Setup,
    policy: AllocationPolicy,
    frames: u32,
    cycles: u32,
) -> Result<Run> {
    run_cycles(guest, setup, policy, frames, Cycles::kept(cycles))
}

/// Runs the client to its end; its channels are enabled and disabled in turn.
///
/// # Errors
/// If it does not come to one.
pub fn run_cycles(
    guest: &mut Guest,
    setup: &Setup,
    policy: AllocationPolicy,
    frames: u32,
    cycles: Cycles,
) -> Result<Run> {
    follow(guest, setup, policy, frames, cycles).map_err(|error| {
        // A dead emulator has no state any more, and is the reason itself.
        match guest.emulator.monitor.status() {
            Ok(status) => error.context(state(&status)),
            Err(_) => error,
        }
    })
}

/// What the emulator's channels were doing, for whoever looks for a reason.
fn state(status: &Status) -> String {
    let channels = status.channels.iter().map(|channel| {
        format!(
            "channel {} {}, start {}, {} buffers queued, {} frames written, {} starved",
            channel.channel,
            if channel.enabled { "runs" } else { "stands" },
            channel.session,
            channel.queued,
            channel.frames_written,
            channel.starved
        )
    });
    format!(
        "the ISP {} then; {}; {} events sent",
        if status.streaming {
            "streamed"
        } else {
            "did not stream"
        },
        channels.collect::<Vec<_>>().join("; "),
        status.mailbox.events
    )
}

fn follow(
    guest: &mut Guest,
    setup: &Setup,
    policy: AllocationPolicy,
    frames: u32,
    cycles: Cycles,
) -> Result<Run> {
    let begin = Instant::now();
    let request = CameraRequest {
        setup: setup.clone(),
        policy,
        frames,
        cycles,
        frame_deadline_ms: u32::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u32::MAX),
    };
    let mut verified: BTreeMap<u32, Verifier> = BTreeMap::new();
    let mut stream = Stream::start_camera(guest, request)?;
    loop {
        match stream.event()? {
            Event::Frames { channel, frames } => {
                let verifier = verified.entry(channel).or_default();
                for DequeuedFrame { frame, written } in &frames {
                    verifier.take(frame, written.as_ref());
                }
            }
            Event::Ended { survived, report } => {
                return Ok(Run {
                    report,
                    survived,
                    verified,
                    time: begin.elapsed(),
                });
            }
            other => bail!("a camera's client does not say {other:?}"),
        }
    }
}
