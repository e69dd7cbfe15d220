// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A camera's client through the vendor's device nodes, as the vendor's library would be: what it takes of
//! the carve-out must lie where it was computed to the byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::setup::Step;
use guest_protocol::camera::sizes::frame_of_library;
use guest_protocol::camera::{Allocation, AllocationPolicy, Refused, Report, Setup};
use guest_protocol::message::RunEnd;
use testbed::capture::boot;
use testbed::config::GuestConfig;
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::program;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use testbed::verify::FrameLog;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::sensor::GC2053;
use tx_isp_driver::noise_reduction::{MemoryOption, bytes};
use tx_isp_emulator::sensor::ClockMode;

use crate::camera::Camera;

/// How long the client may take: it reads every frame.
const LIMIT: Duration = Duration::from_secs(10 * 60);
/// How many numbers of frames are looked at for each that came: where there was no buffer, DMA left some
/// out.
const GAPS: u32 = 40;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorRun {
    /// The request that was refused.
    pub refused: Option<Refused>,
    /// What was held then, in address order.
    pub allocations: Vec<Allocation>,
    /// Frames by channel.
    pub frames: BTreeMap<u32, Frames>,
}

/// A channel's frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frames {
    /// How many came.
    pub received: u32,
    /// How many of them DMA had not written as they came.
    pub wrong: u32,
}

impl VendorRun {
    /// What is not as it was computed, or wrong with the frames.
    #[must_use]
    pub fn problems(&self, predicted: &Report, frames: u32) -> Vec<String> {
        let mut problems = Vec::new();
        if self.refused != predicted.refused {
            problems.push(format!(
                "refused is {:?}, computed was {:?}",
                self.refused, predicted.refused
            ));
        }
        if self.allocations != predicted.pool.allocations {
            problems.push(format!(
                "allocations are {:?}, computed was {:?}",
                self.allocations, predicted.pool.allocations
            ));
        }
        for (channel, got) in &self.frames {
            if got.received != frames || got.wrong > 0 {
                problems.push(format!(
                    "channel {channel}: {} of {frames} frames came, {} of them wrong",
                    got.received, got.wrong
                ));
            }
        }
        problems
    }
}

/// Runs the client in a guest.
///
/// # Errors
/// If it could not be tried.
pub fn run(
    config: &GuestConfig,
    logs: &Path,
    camera: &Camera,
    fps: ClockMode,
    frames: u32,
) -> Result<VendorRun> {
    let steps = Steps::new();
    let config = GuestConfig {
        vendor: true,
        ..config.clone()
    };
    let mut prepared = Prepared::new(&config, &steps)?;
    prepared.memory = camera.memory(&prepared.image)?;
    if camera.setup.ncubuf == Some(bytes(GC2053.size, MemoryOption::Saving)) {
        let words = &mut prepared.image.command_line_extra;
        words.push("tx_isp.isp_memopt=1".to_owned());
    }
    let sensor = SensorConfig {
        fps,
        ..SensorConfig::default()
    };
    let mut guest = boot(&prepared, &sensor, logs, &steps)?;
    let run = steps.step(
        &format!("{} through the vendor's nodes", AllocationPolicy::Client),
        || run_in(&mut guest, &camera.setup, frames),
        |run| match &run.refused {
            None => "streams".to_owned(),
            Some(refused) => format!("{} bytes for {} refused", refused.bytes, refused.owner),
        },
    )?;
    guest.power_off();
    Ok(run)
}

fn run_in(guest: &mut Guest, setup: &Setup, frames: u32) -> Result<VendorRun> {
    let mut command = vec![
        "vendor-client".to_owned(),
        "camera".to_owned(),
        frames.to_string(),
    ];
    command.extend(setup.steps().iter().map(step));
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let ran = program::run(guest, &words, LIMIT)?;
    ensure!(
        ran.end == RunEnd::Exit(0),
        "vendor-client ended with {:?}:\n{}",
        ran.end,
        ran.said().trim()
    );
    let said = ran.said();
    let mut run = VendorRun {
        refused: said.lines().find_map(refused),
        allocations: said.lines().filter_map(held).collect(),
        frames: BTreeMap::new(),
    };
    for channel in ChannelId::ALL {
        let got: Vec<u32> = said
            .lines()
            .filter_map(|line| checksum(line, channel))
            .collect();
        if !got.is_empty() {
            let compared = compare(channel, &got, guest)?;
            run.frames.insert(channel.number(), compared);
        }
    }
    Ok(run)
}

/// A step as the program takes it. An extension channel has no node: its pool is a block.
fn step(step: &Step<'_>) -> String {
    match step {
        Step::Block { owner, bytes, .. } => format!("block:{bytes}:{owner}"),
        Step::Frames(channel) if channel.extension => {
            let bytes = frame_of_library(channel.size()) * u64::from(channel.buffers);
            format!("block:{bytes}:{}", channel.pool_name())
        }
        Step::Frames(channel) => format!(
            "frames:{}:{}:{}:{}",
            channel.id, channel.width, channel.height, channel.buffers
        ),
    }
}

fn refused(line: &str) -> Option<Refused> {
    let (bytes, owner) = line.strip_prefix("refused ")?.split_once(' ')?;
    Some(Refused {
        owner: owner.to_owned(),
        bytes: bytes.parse().ok()?,
    })
}

fn held(line: &str) -> Option<Allocation> {
    let mut words = line.strip_prefix("held ")?.splitn(3, ' ');
    Some(Allocation {
        address: words.next()?.parse().ok()?,
        bytes: words.next()?.parse().ok()?,
        owner: words.next()?.to_owned(),
    })
}

/// The checksum in a line about a frame of that channel.
fn checksum(line: &str, channel: ChannelId) -> Option<u32> {
    let mut words = line.strip_prefix("frame ")?.split(' ');
    let of_channel = words.next()?.parse() == Ok(channel.number());
    let _address = words.next()?;
    let checksum = u32::from_str_radix(words.next()?, 16).ok()?;
    of_channel.then_some(checksum)
}

/// Looks for each frame among those that DMA wrote, in order.
fn compare(channel: ChannelId, got: &[u32], guest: &mut Guest) -> Result<Frames> {
    let mut log = FrameLog::newest(channel);
    let mut frames = Frames::default();
    let mut next = 0;
    for checksum in got {
        frames.received += 1;
        let mut candidates = next..next + GAPS;
        let found = loop {
            let Some(number) = candidates.next() else {
                break None;
            };
            let entry = log
                .entry(number, &mut guest.emulator.monitor)
                .context("asking for what DMA wrote")?;
            if entry.is_some_and(|entry| entry.crc32 == *checksum) {
                break Some(number);
            }
        };
        match found {
            Some(number) => next = number + 1,
            None => frames.wrong += 1,
        }
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_lines_are_read() {
        assert_eq!(
            held("held 103809024 4685568 ncubuf"),
            Some(Allocation {
                owner: "ncubuf".to_owned(),
                address: 0x630_0000,
                bytes: 4_685_568,
            })
        );
        assert_eq!(
            refused("refused 199808 encoder 1 stream"),
            Some(Refused {
                owner: "encoder 1 stream".to_owned(),
                bytes: 199_808,
            })
        );
        assert_eq!(refused("pool 1 0x6777f00"), None);
        let line = "frame 1 0x06d44f00 89abcdef";
        assert_eq!(checksum(line, ChannelId::ALL[1]), Some(0x89ab_cdef));
        assert_eq!(checksum(line, ChannelId::ALL[2]), None);
    }
}
