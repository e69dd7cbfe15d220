// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab oom`: a camera's memory failure on the desk, and what each strategy makes of it.

use std::path::Path;

use anyhow::{Context, Result};
use guest_protocol::camera::{Held, Personality, Report};
use memlab::predict::predict_cycles;
use serde::Serialize;
use tx_isp_driver::alloc::negotiation::Margin;
use tx_isp_emulator::sensor::ClockMode;

use super::camera::Camera;
use super::client::{self, Run, only_predicted};
use super::options::{OomOptions, personalities};
use super::text;
use super::verdict::{survivors, verdict};
use crate::json;
use crate::layout::MemoryLayout;
use crate::prepare::Prepared;
use crate::progress::Steps;
use crate::scene::Scene;
use crate::stream::boot;

/// The JSON object.
#[derive(Debug, Serialize)]
struct Document<'a> {
    camera: &'a str,
    rmem_bytes: u32,
    rmem_base: u32,
    /// Whether it ran in a guest, or was only computed.
    guest: bool,
    notes: &'a [String],
    results: Vec<Entry<'a>>,
}

/// One strategy's result.
#[derive(Debug, Serialize)]
struct Entry<'a> {
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
    blocks: &'a [Held],
    /// How many times the channels were enabled, of as many as were asked for.
    cycles_survived: u32,
    cycles_computed: u32,
    cycles: u32,
    /// Whether the guest did to the byte what was computed; absent without a guest.
    as_predicted: Option<bool>,
    seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ChannelEntry {
    id: u32,
    width: u32,
    height: u32,
    buffers_requested: u32,
    buffers_granted: u32,
    frames_received: u32,
    checksum_mismatches: u32,
}

/// What is known of one personality: computed, and seen if there was a guest.
pub struct Finding {
    /// Who allocates.
    pub personality: Personality,
    /// How many cycles it survives and what it has then, as computed.
    pub predicted: (u32, Report),
    /// The guest's word.
    pub run: Option<Run>,
}

impl Finding {
    /// What it has at the end.
    pub fn report(&self) -> &Report {
        self.run
            .as_ref()
            .map_or(&self.predicted.1, |run| &run.report)
    }

    /// How many times its channels could be enabled.
    pub fn survived(&self) -> u32 {
        self.run
            .as_ref()
            .map_or(self.predicted.0, |run| run.survived)
    }

    fn as_predicted(&self) -> Option<bool> {
        let run = self.run.as_ref()?;
        Some((run.survived, &run.report) == (self.predicted.0, &self.predicted.1))
    }
}

/// True if the guest did what was computed and every frame was what DMA wrote.
///
/// # Errors
/// If it could not be tried.
pub fn command(options: &OomOptions) -> Result<bool> {
    let camera = options.changes.camera(&options.camera)?;
    let mut findings = Vec::new();
    for personality in personalities(options.strategy, options.policy) {
        let margin = Margin::default();
        let cycles = camera.cycles(options.cycles);
        let predicted = predict_cycles(&camera.setup, personality, margin, cycles)
            .with_context(|| format!("computing {personality}"))?;
        findings.push(Finding {
            personality,
            predicted,
            run: None,
        });
    }
    eprintln!("basis: {}", camera.basis);
    for note in &camera.notes {
        eprintln!("note: {note}");
    }
    if !options.predict {
        match only_predicted(&camera) {
            Some(reason) => eprintln!("note: only computed, not run: {reason}"),
            None => run_all(options, &camera, &mut findings)?,
        }
    }
    let problems = show(options, &camera, &findings);
    if let Some(path) = &options.json {
        write_json(path, options, &camera, &findings)?;
    }
    Ok(problems.is_empty())
}

/// One guest serves all: each client gives everything back before the next one comes.
fn run_all(options: &OomOptions, camera: &Camera, findings: &mut [Finding]) -> Result<()> {
    let steps = Steps::new();
    let mut prepared = Prepared::new(&options.guest, &steps)?;
    prepared.memory = MemoryLayout::of_camera(camera, &prepared.image)?;
    let scene = Scene {
        fps: options.fps.unwrap_or(ClockMode::Sensor),
        ..Scene::default()
    };
    let mut guest = boot(&prepared, &scene, &options.out, &steps)?;
    for finding in findings {
        let personality = finding.personality;
        let run = steps.step(
            &format!("{personality}"),
            || {
                client::run_cycles(
                    &mut guest,
                    &camera.setup,
                    personality,
                    options.frames,
                    camera.cycles(options.cycles),
                )
            },
            |run| match &run.report.refused {
                None => format!("streams, {}", text::granted(&run.report.queues)),
                Some(refused) => format!("{} bytes for {} refused", refused.bytes, refused.owner),
            },
        )?;
        finding.run = Some(run);
    }
    guest.power_off();
    Ok(())
}

/// Shows everything and gives what is wrong.
fn show(options: &OomOptions, camera: &Camera, findings: &[Finding]) -> Vec<String> {
    let failing = findings.iter().find(|finding| !finding.report().streams());
    if let Some(finding) = failing {
        println!("{}:\n{}", finding.personality, finding.report());
    }
    let cycles = options.cycles > 1;
    let mut heading = vec![
        "strategy",
        "outcome",
        "buffers",
        "used",
        "free",
        "largest run",
    ];
    heading.extend(["refused", "frames"]);
    if cycles {
        heading.extend(["cycles", "computed"]);
    }
    let mut table = text::table(&heading);
    for finding in findings {
        let report = finding.report();
        let mut row = vec![
            text::strategy(finding.personality),
            outcome(report).to_owned(),
            text::granted(&report.queues),
            report.pool.used().to_string(),
            report.pool.free.to_string(),
            report.pool.largest.to_string(),
            match &report.refused {
                Some(refused) => format!("{} for {}", refused.bytes, refused.owner),
                None => "-".to_owned(),
            },
            frames(finding),
        ];
        if cycles {
            row.push(match &finding.run {
                Some(run) => format!("{} of {}", run.survived, options.cycles),
                None => "-".to_owned(),
            });
            row.push(finding.predicted.0.to_string());
        }
        table.add_row(row);
    }
    println!(
        "{}: rmem {} at {:#x}\n{table}",
        camera.name, camera.setup.bytes, camera.setup.base
    );
    let problems = problems(options, findings);
    for problem in &problems {
        println!("problem: {problem}");
    }
    println!(
        "{}",
        match cycles {
            true => survivors(options.cycles, findings),
            false => verdict(findings),
        }
    );
    problems
}

fn outcome(report: &Report) -> &'static str {
    if report.streams() {
        "streaming"
    } else {
        "failed"
    }
}

fn frames(finding: &Finding) -> String {
    let Some(run) = &finding.run else {
        return "computed".to_owned();
    };
    let received: u32 = run.judges.values().map(|judge| judge.received).sum();
    let wrong: u32 = run.judges.values().map(|judge| judge.mismatched).sum();
    format!("{received}, {wrong} wrong")
}

fn problems(options: &OomOptions, findings: &[Finding]) -> Vec<String> {
    let mut problems = Vec::new();
    for finding in findings {
        let Some(run) = &finding.run else { continue };
        if finding.as_predicted() == Some(false) {
            problems.push(format!(
                "{}: the guest did otherwise than computed:\n{}computed:\n{}",
                finding.personality, run.report, finding.predicted.1
            ));
        }
        let of_frames = run.problems(options.frames);
        problems.extend(
            of_frames
                .into_iter()
                .map(|problem| format!("{}: {problem}", finding.personality)),
        );
    }
    problems
}

fn write_json(
    path: &Path,
    options: &OomOptions,
    camera: &Camera,
    findings: &[Finding],
) -> Result<()> {
    let document = Document {
        camera: &camera.id,
        rmem_bytes: camera.setup.bytes,
        rmem_base: camera.setup.base,
        guest: findings.iter().all(|finding| finding.run.is_some()),
        notes: &camera.notes,
        results: findings
            .iter()
            .map(|finding| entry(options, finding))
            .collect(),
    };
    json::write(path, &document)
}

fn entry<'a>(options: &OomOptions, finding: &'a Finding) -> Entry<'a> {
    let report = finding.report();
    let channels = report.queues.iter().map(|queue| {
        let judge = finding
            .run
            .as_ref()
            .and_then(|run| run.judges.get(&queue.id));
        ChannelEntry {
            id: queue.id,
            width: queue.width,
            height: queue.height,
            buffers_requested: queue.requested,
            buffers_granted: queue.granted,
            frames_received: judge.map_or(0, |judge| judge.received),
            checksum_mismatches: judge.map_or(0, |judge| judge.mismatched),
        }
    });
    Entry {
        strategy: finding.personality.strategy().name(),
        policy: finding.personality.policy(),
        outcome: outcome(report),
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
        blocks: &report.pool.held,
        cycles_survived: finding.survived(),
        cycles_computed: finding.predicted.0,
        cycles: options.cycles,
        as_predicted: finding.as_predicted(),
        seconds: finding.run.as_ref().map(|run| run.time.as_secs_f64()),
    }
}
