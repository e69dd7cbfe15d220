// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab oom`: a camera's memory failure on the desk, and what each strategy makes of it.

use crate::output::{self, note, say};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use guest_protocol::camera::{Allocation, Report};
use memlab::basis::Basis;
use memlab::camera::Camera;
use memlab::oom::{Front, Outcome, predict_all, predict_vendor, run_all};
use memlab::text;
use memlab::verdict::{survivors, verdict};
use schemars::JsonSchema;
use serde::Serialize;
use testbed::camera_client::only_predicted;
use tx_isp_emulator::sensor::ClockMode;

use super::memory_options::{ChangeOptions, WhichPolicy, WhichStrategy, policies};
use crate::options::{GuestOptions, parse_rate};

/// The most frames that are taken of each channel.
const MAX_FRAMES: i64 = 100_000;

/// `cargo lab oom`
#[derive(Debug, Clone, Args)]
pub struct OomOptions {
    /// A camera of the catalogue (ci/cameras), or a camera's file
    #[arg(value_name = "CAMERA")]
    pub camera: String,
    /// Who allocates
    #[arg(long, value_enum, default_value_t = WhichStrategy::All)]
    pub strategy: WhichStrategy,
    /// How the hybrid decides: by keeping a distance, or by what the client reserves
    #[arg(long, value_enum, default_value_t = WhichPolicy::Reserve)]
    pub policy: WhichPolicy,
    /// Which of the driver's fronts the client talks to: V4L2's nodes, or the vendor's, where it allocates
    /// as the vendor's library does whatever --strategy says, or one after the other
    #[arg(long, value_enum, default_value_t = WhichFront::V4l2)]
    pub front: WhichFront,
    /// How many frames each channel must deliver
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=MAX_FRAMES))]
    pub frames: u32,
    /// How many times the channels are enabled, if nothing fails before; between, what the camera's file
    /// says leaks: the client's pools of frames, or a block of an encoder
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub cycles: u32,
    /// The sensor's frames per second, instead of its own rate; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max|sensor", value_parser = parse_rate)]
    pub fps: Option<ClockMode>,
    /// Only compute what would happen
    #[arg(long)]
    pub predict: bool,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What is to be changed.
    #[command(flatten)]
    pub changes: ChangeOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Fronts of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichFront {
    /// /dev/videoN
    V4l2,
    /// /dev/tx-isp and /dev/framechanN
    Vendor,
    /// Each of them, in a guest of its own
    Both,
}

/// The JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    camera: &'a str,
    rmem_bytes: u32,
    rmem_base: u32,
    /// Whether it ran in a guest, or was only computed.
    guest: bool,
    /// How the camera's numbers are known.
    basis: &'a Basis,
    notes: &'a [String],
    results: Vec<Entry<'a>>,
}

/// One strategy's result.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry<'a> {
    /// Which of the driver's fronts the client talked to.
    front: &'static str,
    strategy: &'static str,
    policy: Option<&'static str>,
    outcome: &'static str,
    pool_total: u32,
    pool_used: u32,
    pool_free: u32,
    largest_free_run: u32,
    failed_request_bytes: Option<u64>,
    failed_request_owner: Option<&'a str>,
    channels: Vec<ChannelEntry>,
    blocks: &'a [Allocation],
    /// How many times the channels were enabled, of as many as were asked for.
    cycles_survived: u32,
    cycles_computed: u32,
    cycles: u32,
    /// Whether the guest did to the byte what was computed; absent without a guest.
    as_predicted: Option<bool>,
    seconds: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChannelEntry {
    id: u32,
    width: u32,
    height: u32,
    buffers_requested: u32,
    buffers_granted: u32,
    frames_received: u32,
    checksum_mismatches: u32,
}

/// True if the guest did what was computed and every frame was what DMA wrote.
///
/// # Errors
/// If it could not be tried.
pub fn command(options: &OomOptions) -> Result<bool> {
    let camera = options.changes.camera(&options.camera)?;
    let (v4l2, vendor) = match options.front {
        WhichFront::V4l2 => (true, false),
        WhichFront::Vendor => (false, true),
        WhichFront::Both => (true, true),
    };
    let cycles = camera.cycles(options.cycles);
    let policies = match v4l2 {
        true => policies(options.strategy, options.policy),
        false => Vec::new(),
    };
    let mut outcomes = predict_all(&camera, &policies, cycles)?;
    if vendor {
        outcomes.push(predict_vendor(&camera, cycles)?);
    }
    note!("basis: {}", camera.basis);
    for note in &camera.notes {
        note!("note: {note}");
    }
    if !options.predict {
        match only_predicted(&camera.setup) {
            Some(reason) => note!("note: only computed, not run: {reason}"),
            None => try_all(options, &camera, &mut outcomes)?,
        }
    }
    let problems = show(options, &camera, &outcomes);
    if let Some(path) = &options.json {
        write_json(path, options, &camera, &outcomes)?;
    }
    Ok(problems.is_empty())
}

/// Runs everything in guests: one for V4L2's clients, one for the vendor's.
fn try_all(options: &OomOptions, camera: &Camera, outcomes: &mut [Outcome]) -> Result<()> {
    let fps = options.fps.unwrap_or(ClockMode::Sensor);
    let guest = options.guest.config();
    let cycles = camera.cycles(options.cycles);
    let first_vendor = outcomes.partition_point(|outcome| outcome.front == Front::V4l2);
    let (v4l2, vendor) = outcomes.split_at_mut(first_vendor);
    if !v4l2.is_empty() {
        let stream = (fps, options.frames, cycles);
        run_all(&guest, &options.out, camera, stream, v4l2)?;
    }
    for outcome in vendor {
        let stream = (fps, options.frames, cycles);
        let run = memlab::vendor::run(&guest, &options.out, camera, stream)?;
        outcome.run = Some(run);
    }
    Ok(())
}

/// Shows everything and gives what is wrong.
fn show(options: &OomOptions, camera: &Camera, outcomes: &[Outcome]) -> Vec<String> {
    let failing = outcomes.iter().find(|outcome| !outcome.report().streams());
    if let Some(outcome) = failing {
        say!("{}:\n{}", outcome.policy, outcome.report());
    }
    let cycles = options.cycles > 1;
    let table = table(options, outcomes);
    say!(
        "{}: rmem {} at {:#x}\n{table}",
        camera.name,
        camera.setup.bytes,
        camera.setup.base
    );
    for outcome in outcomes {
        if let Some(refused) = &outcome.report().refused {
            say!(
                "refused: {} bytes for {}, {}",
                refused.bytes,
                refused.owner,
                who(outcome)
            );
        }
    }
    let problems = problems(options, outcomes);
    for problem in &problems {
        say!("problem: {problem}");
    }
    say!(
        "{}",
        match cycles {
            true => survivors(options.cycles, outcomes),
            false => verdict(outcomes),
        }
    );
    problems
}

/// One row a client; narrow enough for 80 columns.
fn table(options: &OomOptions, outcomes: &[Outcome]) -> String {
    let cycles = options.cycles > 1;
    let came = if cycles { "cycles" } else { "outcome" };
    let heading = ["strategy", came, "buffers", "free", "largest", "frames"];
    let mut table = text::table(&heading);
    for outcome in outcomes {
        let report = outcome.report();
        table.add_row([
            who(outcome),
            match (cycles, &outcome.run) {
                (false, _) => summary(report).to_owned(),
                (true, Some(run)) => format!("{} of {}", run.survived, options.cycles),
                (true, None) => outcome.predicted.0.to_string(),
            },
            text::granted(&report.queues),
            report.pool.free.to_string(),
            report.pool.largest.to_string(),
            frames(outcome),
        ]);
    }
    table.to_string()
}

/// Who allocates, and through which front where it is not V4L2's.
fn who(outcome: &Outcome) -> String {
    match outcome.front {
        Front::V4l2 => text::strategy(outcome.policy),
        Front::Vendor => format!("{} (vendor)", text::strategy(outcome.policy)),
    }
}

fn summary(report: &Report) -> &'static str {
    if report.streams() {
        "streaming"
    } else {
        "failed"
    }
}

fn frames(outcome: &Outcome) -> String {
    let Some(run) = &outcome.run else {
        return "computed".to_owned();
    };
    let received: u32 = run
        .verified
        .values()
        .map(|verifier| verifier.received)
        .sum();
    let wrong: u32 = run
        .verified
        .values()
        .map(|verifier| verifier.mismatched)
        .sum();
    match wrong {
        0 => received.to_string(),
        _ => format!("{received}, {wrong} wrong"),
    }
}

fn problems(options: &OomOptions, outcomes: &[Outcome]) -> Vec<String> {
    let mut problems = Vec::new();
    for outcome in outcomes {
        let Some(run) = &outcome.run else { continue };
        if outcome.as_predicted() == Some(false) {
            problems.push(format!(
                "{}: the guest did otherwise than computed:\n{}computed:\n{}",
                outcome.policy, run.report, outcome.predicted.1
            ));
        }
        let of_frames = run.problems(options.frames);
        problems.extend(
            of_frames
                .into_iter()
                .map(|problem| format!("{}: {problem}", outcome.policy)),
        );
    }
    problems
}

fn write_json(
    path: &Path,
    options: &OomOptions,
    camera: &Camera,
    outcomes: &[Outcome],
) -> Result<()> {
    let document = Document {
        camera: &camera.id,
        rmem_bytes: camera.setup.bytes,
        rmem_base: camera.setup.base,
        guest: outcomes.iter().all(|outcome| outcome.run.is_some()),
        basis: &camera.basis,
        notes: &camera.notes,
        results: outcomes
            .iter()
            .map(|outcome| entry(options, outcome))
            .collect(),
    };
    output::write_json(path, &document)
}

fn entry<'a>(options: &OomOptions, outcome: &'a Outcome) -> Entry<'a> {
    let report = outcome.report();
    let channels = report.queues.iter().map(|queue| {
        let verifier = outcome
            .run
            .as_ref()
            .and_then(|run| run.verified.get(&queue.id));
        ChannelEntry {
            id: queue.id,
            width: queue.width,
            height: queue.height,
            buffers_requested: queue.requested,
            buffers_granted: queue.granted,
            frames_received: verifier.map_or(0, |verifier| verifier.received),
            checksum_mismatches: verifier.map_or(0, |verifier| verifier.mismatched),
        }
    });
    Entry {
        front: outcome.front.name(),
        strategy: outcome.policy.strategy().name(),
        policy: outcome.policy.hybrid_policy(),
        outcome: summary(report),
        pool_total: report.pool.total,
        pool_used: report.pool.used(),
        pool_free: report.pool.free,
        largest_free_run: report.pool.largest,
        failed_request_bytes: report.refused.as_ref().map(|refused| refused.bytes),
        failed_request_owner: report
            .refused
            .as_ref()
            .map(|refused| refused.owner.as_str()),
        channels: channels.collect(),
        blocks: &report.pool.allocations,
        cycles_survived: outcome.survived(),
        cycles_computed: outcome.predicted.0,
        cycles: options.cycles,
        as_predicted: outcome.as_predicted(),
        seconds: outcome.run.as_ref().map(|run| run.time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: OomOptions,
    }

    fn shown(words: &[&str]) -> String {
        let words = [&["oom"], words].concat();
        let options = Command::try_parse_from(words).unwrap().options;
        let camera = options.changes.camera(&options.camera).unwrap();
        let cycles = camera.cycles(options.cycles);
        let policies = policies(options.strategy, options.policy);
        let mut outcomes = predict_all(&camera, &policies, cycles).unwrap();
        outcomes.push(predict_vendor(&camera, cycles).unwrap());
        table(&options, &outcomes)
    }

    #[test]
    fn the_table_has_room_in_80_columns() {
        for words in [
            &["wyze-v3"][..],
            &["openimp-leak", "--cycles", "1000"],
            &["thingino-256m", "--policy", "both"],
        ] {
            let text = shown(words);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{text}");
            }
            for row in ["hybrid (reserve)", "client (vendor)"] {
                assert!(text.contains(row), "{row} is broken:\n{text}");
            }
        }
    }
}
