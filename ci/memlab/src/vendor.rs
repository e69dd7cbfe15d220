// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A camera's client through the vendor's device nodes, as the vendor's library would be: what it takes of
//! the carve-out must lie where it was computed to the byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::setup::Step;
use guest_protocol::camera::sizes::frame_of_library;
use guest_protocol::camera::{
    Allocation, AllocationPolicy, Cycles, Pool, Queue, Refused, Report, Setup,
};
use guest_protocol::message::RunEnd;
use testbed::camera_client::Run;
use testbed::capture::boot;
use testbed::config::GuestConfig;
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::program;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use testbed::verify::{FrameLog, Verifier};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::sensor::GC2053;
use tx_isp_alloc::noise_reduction::{MemoryOption, bytes};
use tx_isp_alloc::pool::Owner;
use tx_isp_emulator::sensor::ClockMode;

use crate::camera::Camera;

/// How long the client may take: it reads every frame.
const LIMIT: Duration = Duration::from_secs(10 * 60);
/// How many numbers of frames are looked at for each that came: where there was no buffer, DMA left some
/// out.
const GAPS: u32 = 40;

/// Runs the client in a guest of its own.
///
/// # Errors
/// If it could not be tried.
pub fn run(
    config: &GuestConfig,
    logs: &Path,
    camera: &Camera,
    (fps, frames, cycles): (ClockMode, u32, Cycles),
) -> Result<Run> {
    let steps = Steps::new();
    let config = GuestConfig {
        vendor: true,
        ..config.clone()
    };
    let mut prepared = Prepared::new(&config, &steps)?;
    prepared.memory = camera.memory(&prepared.image)?;
    let words = parameters(&camera.setup)
        .into_iter()
        .map(|parameter| format!("tx_isp.{parameter}"));
    prepared.image.command_line_extra.extend(words);
    let sensor = SensorConfig {
        fps,
        ..SensorConfig::default()
    };
    let mut guest = boot(&prepared, &sensor, logs, &steps)?;
    let run = steps.step(
        &format!("{} through the vendor's nodes", AllocationPolicy::Client),
        || attempt(&mut guest, &camera.setup, frames, cycles),
        |run| match &run.report.refused {
            None => "streams".to_owned(),
            Some(refused) => format!("{} bytes for {} refused", refused.bytes, refused.owner),
        },
    )?;
    guest.power_off();
    Ok(run)
}

/// What the driver must be told, so that it asks for as much memory for the ISP as a camera's file has.
#[must_use]
pub fn parameters(setup: &Setup) -> Vec<String> {
    let saves = setup.ncubuf == Some(bytes(GC2053.size, MemoryOption::Saving));
    match saves {
        true => vec!["isp_memopt=1".to_owned()],
        false => Vec::new(),
    }
}

/// Loads the driver with the vendor's nodes and the setup's carve-out.
///
/// # Errors
/// If the guest refuses.
pub fn load(guest: &mut Guest, setup: &Setup) -> Result<()> {
    let mut words = vec![
        "vendor=on".to_owned(),
        format!("rmem={}@{:#x}", setup.bytes, setup.base),
    ];
    words.extend(parameters(setup));
    let words = words.join(" ");
    guest
        .reload_module_with(&words)
        .with_context(|| format!("loading the driver with {words}"))
}

/// Runs the client in a guest whose driver has the vendor's nodes and that carve-out.
///
/// # Errors
/// If it does not come to an end.
pub fn attempt(guest: &mut Guest, setup: &Setup, frames: u32, cycles: Cycles) -> Result<Run> {
    let begin = Instant::now();
    let sessions = sessions(guest)?;
    let mut command = vec![
        "vendor-client".to_owned(),
        "camera".to_owned(),
        frames.to_string(),
        format!("rmem:{}:{}", setup.base, setup.bytes),
        format!("cycles:{}:{}", cycles.most, u32::from(cycles.frees_pools)),
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
    let report = report(&said, setup);
    let mut verified: BTreeMap<u32, Verifier> = BTreeMap::new();
    for (cycle, said) in (1..).zip(said.split("cycle ").skip(1)) {
        for channel in ChannelId::ALL {
            let got: Vec<u32> = said
                .lines()
                .filter_map(|line| checksum(line, channel))
                .collect();
            if got.is_empty() {
                continue;
            }
            let number = channel.number();
            let before = sessions.get(&number).copied().unwrap_or(0);
            let log = FrameLog::of(number, before + cycle);
            compare(log, &got, guest, verified.entry(number).or_default())?;
        }
    }
    Ok(Run {
        survived: survived(&said).context("vendor-client does not say what survived")?,
        report,
        verified,
        time: begin.elapsed(),
    })
}

/// How often each channel was started.
fn sessions(guest: &mut Guest) -> Result<BTreeMap<u32, u32>> {
    let status = guest.emulator.monitor.status()?;
    let channels = status.channels.iter();
    Ok(channels
        .map(|channel| (channel.channel, channel.session))
        .collect())
}

/// "survived CYCLES".
fn survived(said: &str) -> Option<u32> {
    let mut lines = said.lines();
    lines.find_map(|line| line.strip_prefix("survived ")?.parse().ok())
}

/// What the program said, as the memory lab's other clients say it.
fn report(said: &str, setup: &Setup) -> Report {
    let held: Vec<Allocation> = said.lines().filter_map(held).collect();
    let granted = |channel: &guest_protocol::camera::Channel| {
        let is_there = held.iter().any(|held| held.owner == channel.pool_name());
        let number = said.lines().find_map(|line| granted(line, channel.id));
        match channel.extension {
            true if is_there => channel.buffers,
            _ => number.unwrap_or(0),
        }
    };
    let queues = setup
        .channels
        .iter()
        .map(|channel| Queue {
            id: channel.id,
            width: channel.width,
            height: channel.height,
            requested: channel.buffers,
            granted: granted(channel),
        })
        .collect();
    Report {
        refused: said.lines().find_map(refused),
        queues,
        pool: pool(held, setup),
    }
}

/// The carve-out around what is held in it.
fn pool(held: Vec<Allocation>, setup: &Setup) -> Pool {
    let end = setup.base.saturating_add(setup.bytes);
    let mut free = 0;
    let mut largest = 0;
    let mut next = setup.base;
    let ends = held
        .iter()
        .map(|held| (held.address, held.address.saturating_add(held.bytes)));
    for (begin, behind) in ends.chain([(end, end)]) {
        let run = begin.saturating_sub(next);
        free += run;
        largest = largest.max(run);
        next = behind;
    }
    Pool {
        base: setup.base,
        total: setup.bytes,
        free,
        largest,
        allocations: held,
    }
}

/// A step as the program takes it. An extension channel has no node: its pool is a block.
fn step(step: &Step<'_>) -> String {
    match step {
        Step::Block {
            owner,
            bytes,
            leaks: false,
        } => format!("block:{bytes}:{owner}"),
        Step::Block { owner, bytes, .. } => format!("leak:{bytes}:{owner}"),
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

/// "granted CHANNEL COUNT".
fn granted(line: &str, channel: u32) -> Option<u32> {
    let (id, count) = line.strip_prefix("granted ")?.split_once(' ')?;
    (id.parse() == Ok(channel)).then(|| count.parse().ok())?
}

/// "refused BYTES OWNER".
fn refused(line: &str) -> Option<Refused> {
    let (bytes, owner) = line.strip_prefix("refused ")?.split_once(' ')?;
    Some(Refused {
        owner: owner.to_owned(),
        bytes: bytes.parse().ok()?,
    })
}

/// "held ADDRESS BYTES OWNER", whose name is cut as the driver cuts it.
fn held(line: &str) -> Option<Allocation> {
    let mut words = line.strip_prefix("held ")?.splitn(3, ' ');
    Some(Allocation {
        address: words.next()?.parse().ok()?,
        bytes: words.next()?.parse().ok()?,
        owner: Owner::new(words.next()?).as_str().to_owned(),
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
fn compare(mut log: FrameLog, got: &[u32], guest: &mut Guest, frames: &mut Verifier) -> Result<()> {
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
            None => frames.mismatched += 1,
        }
    }
    Ok(())
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
        assert_eq!(granted("granted 1 4", 1), Some(4));
        assert_eq!(granted("granted 1 4", 0), None);
        assert_eq!(survived("cycle 7\nrefused 5 x\nsurvived 7\n"), Some(7));
        let line = "frame 1 0x06d44f00 89abcdef";
        assert_eq!(checksum(line, ChannelId::ALL[1]), Some(0x89ab_cdef));
        assert_eq!(checksum(line, ChannelId::ALL[2]), None);
    }

    #[test]
    fn the_programs_words_make_the_report_that_is_computed() {
        let file = crate::catalogue::find("wyze-v3").unwrap();
        let camera = Camera::new("wyze-v3", &file, &Default::default()).unwrap();
        let margin = tx_isp_alloc::negotiation::Margin::default();
        let computed = crate::predict(&camera.setup, AllocationPolicy::Client, margin).unwrap();
        let mut said = String::from("ncubuf 4685424\ngranted 0 4\n");
        for held in &computed.pool.allocations {
            let (address, bytes, owner) = (held.address, held.bytes, &held.owner);
            said.push_str(&format!("held {address} {bytes} {owner}\n"));
        }
        let missing = computed.refused.as_ref().unwrap();
        said.push_str(&format!("refused {} {}\n", missing.bytes, missing.owner));
        assert_eq!(report(&said, &camera.setup), computed);
    }
}
