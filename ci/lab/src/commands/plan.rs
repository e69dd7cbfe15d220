// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab plan`: how large the carve-out must be, from numbers alone.

use crate::output::{self, note, say};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use guest_protocol::camera::AllocationPolicy;
use memlab::basis::Basis;
use memlab::camera::{Camera, Changes};
use memlab::catalogue::{self, CameraFile};
use memlab::plan::{Smallest, Suggestion, requests, smallest, suggestions};
use memlab::text;
use memlab::verify_plan::{self, Verified};
use schemars::JsonSchema;
use serde::Serialize;

use super::memory_options::{ChangeOptions, WhichPolicy, WhichStrategy, policies};
use crate::options::GuestOptions;

/// `cargo lab plan`
#[derive(Debug, Clone, Args)]
pub struct PlanOptions {
    /// A camera of the catalogue (ci/cameras), or a camera's file
    #[arg(long, value_name = "CAMERA")]
    pub camera: String,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also run the client in a guest: at each smallest rmem it must do what the plan says, and a page
    /// (4096 bytes) below it must not
    #[arg(long)]
    pub verify: bool,
    /// Whose plan is verified
    #[arg(long, value_enum, default_value_t = WhichStrategy::All, requires = "verify")]
    pub strategy: WhichStrategy,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What is to be changed.
    #[command(flatten)]
    pub changes: ChangeOptions,
    /// Which guest verifies it.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// The JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    camera: &'a str,
    rmem_bytes: u32,
    sensor: String,
    isp_memopt: bool,
    /// How the camera's numbers are known.
    basis: &'a Basis,
    notes: &'a [String],
    /// What the client asks for, in order: owner and bytes before rounding.
    requests: Vec<(String, u64)>,
    smallest: &'a [Smallest],
    suggestions: &'a [Suggestion],
    /// What a guest did; absent if none was asked.
    verified: Option<&'a [Verified]>,
}

/// True if the camera works as it is under at least one strategy; where a guest verifies the plan, true if
/// it agrees.
///
/// # Errors
/// If the camera cannot be as the user wants it, or a guest cannot be asked.
pub fn command(options: &PlanOptions) -> Result<bool> {
    let file = catalogue::find(&options.camera)?;
    let changes = options.changes.changes();
    let camera = Camera::new(&options.camera, &file, &changes)?;
    let smallest = AllocationPolicy::ALL
        .into_iter()
        .map(|policy| smallest(&camera, policy))
        .collect::<Result<Vec<_>>>()?;
    let suggestions = suggestions(&options.camera, &file, &changes)?;
    note!("basis: {}", camera.basis);
    for note in &camera.notes {
        note!("note: {note}");
    }
    show(&camera, &smallest, &suggestions);
    let works = smallest.iter().any(|smallest| smallest.works_now);
    let verified = match options.verify {
        true => Some(verified(options, &file, &changes, &camera)?),
        false => None,
    };
    if let Some(path) = &options.json {
        let document = Document {
            camera: &camera.id,
            rmem_bytes: camera.setup.bytes,
            sensor: camera.sensor.to_string(),
            isp_memopt: camera.memopt,
            basis: &camera.basis,
            notes: &camera.notes,
            requests: requests(&camera.setup),
            smallest: &smallest,
            suggestions: &suggestions,
            verified: verified.as_deref(),
        };
        output::write_json(path, &document)?;
    }
    Ok(verified.map_or(works, |verified| show_verified(&verified)))
}

fn verified(
    options: &PlanOptions,
    file: &CameraFile,
    changes: &Changes,
    camera: &Camera,
) -> Result<Vec<Verified>> {
    let plan = policies(options.strategy, WhichPolicy::Both)
        .into_iter()
        .map(|policy| Ok((policy, smallest(camera, policy)?)))
        .collect::<Result<Vec<_>>>()?;
    let camera = (options.camera.as_str(), file, changes);
    verify_plan::verify(&options.guest.config(), &options.out, camera, &plan)
}

fn or_none(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "never".to_owned(),
        |bytes| format!("{bytes} ({})", text::mib(bytes)),
    )
}

fn show(camera: &Camera, smallest: &[Smallest], suggestions: &[Suggestion]) {
    let mut table = text::table(&["request", "bytes"]);
    for (owner, bytes) in requests(&camera.setup) {
        table.add_row([owner, bytes.to_string()]);
    }
    say!(
        "{}: sensor {}, isp_memopt={}, rmem {} ({})\n{table}",
        camera.name,
        camera.sensor,
        u8::from(camera.memopt),
        camera.setup.bytes,
        text::mib(camera.setup.bytes.into())
    );
    let mut table = text::table(&[
        "strategy",
        "smallest rmem that streams",
        "with buffers",
        "and always from",
        "smallest rmem with all buffers",
        "this rmem",
    ]);
    let yes_no = |works: bool| if works { "streams" } else { "fails" };
    for entry in smallest {
        let policy = entry.policy.map(|policy| format!(" ({policy})"));
        table.add_row([
            format!("{}{}", entry.strategy, policy.unwrap_or_default()),
            or_none(entry.streams_from),
            entry.granted.clone(),
            or_none(entry.reliable_from),
            or_none(entry.complete_from),
            format!("{}, {}", yes_no(entry.works_now), entry.granted_now),
        ]);
    }
    say!("{table}");
    if suggestions.is_empty() {
        return;
    }
    let mut table = text::table(&["a client of today needs, with", "rmem", "this rmem"]);
    for entry in suggestions {
        let works = yes_no(entry.works_now).to_owned();
        table.add_row([entry.change.clone(), or_none(entry.streams_from), works]);
    }
    say!("{table}");
}

/// The promises in a table, and whether all were kept.
fn show_verified(verified: &[Verified]) -> bool {
    let mut table = text::table(&[
        "strategy",
        "rmem",
        "the plan says",
        "in the guest",
        "agrees",
    ]);
    for entry in verified {
        let policy = entry.policy.map(|policy| format!(" ({policy})"));
        table.add_row([
            format!("{}{}", entry.strategy, policy.unwrap_or_default()),
            entry.rmem_bytes.to_string(),
            entry.promise.to_owned(),
            entry.outcome.clone(),
            if entry.kept { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    let kept = verified.iter().filter(|entry| entry.kept).count();
    say!("{table}\nverified: {kept} of {} as planned", verified.len());
    kept == verified.len()
}
