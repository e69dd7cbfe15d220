// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether a plan is right: at each length that it names the client does what was promised in a guest,
//! and a page below it does not.

use std::collections::BTreeSet;
use std::path::Path;

use crate::predict;
use anyhow::{Context, Result, bail};
use guest_image::Progress;
use guest_protocol::camera::{AllocationPolicy, Report, Setup};
use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_alloc::negotiation::Margin;
use tx_isp_emulator::sensor::ClockMode;

use crate::camera::{Camera, Changes};
use crate::catalogue::CameraFile;
use crate::plan::{STEP, Smallest, is_complete};
use crate::text;
use testbed::camera_client::{self, only_predicted};
use testbed::capture::boot;
use testbed::config::GuestConfig;
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;

/// Frames of each channel that are checked where it streams.
const FRAMES: u32 = 3;

/// What a plan promises of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promise {
    /// Bytes of the carve-out.
    pub bytes: u64,
    /// Who allocates.
    pub policy: AllocationPolicy,
    /// Whether it is about all buffers, rather than about streaming at all.
    pub complete: bool,
    /// Whether it works there.
    pub works: bool,
}

/// A promise and what the guest did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verified {
    /// Who allocates.
    pub strategy: &'static str,
    /// The driver's policy, where it negotiates.
    pub policy: Option<&'static str>,
    /// Bytes of the carve-out.
    pub rmem_bytes: u64,
    /// What the plan says.
    pub promise: &'static str,
    /// What the guest did.
    pub outcome: String,
    /// Whether the promise was kept, and everything else was to the byte as computed.
    pub kept: bool,
}

impl Promise {
    /// Everything that a plan says of the strategies that are wanted, the smallest length first.
    pub fn all(plan: &[(AllocationPolicy, Smallest)]) -> BTreeSet<Self> {
        let mut promises = BTreeSet::new();
        for (policy, smallest) in plan {
            let complete = smallest.complete_from;
            for (complete, from) in [
                (false, smallest.streams_from),
                (false, smallest.reliable_from),
                // Where it streams with all buffers or not at all, that is said already.
                (true, complete.filter(|_| complete != smallest.streams_from)),
            ] {
                let Some(from) = from else { continue };
                for (bytes, works) in [(from, true), (from.saturating_sub(STEP), false)] {
                    promises.insert(Self {
                        bytes,
                        policy: *policy,
                        complete,
                        works,
                    });
                }
            }
        }
        promises
    }

    fn text(self) -> &'static str {
        match (self.complete, self.works) {
            (false, true) => "streams",
            (false, false) => "does not stream",
            (true, true) => "all buffers",
            (true, false) => "not all buffers",
        }
    }

    fn is_kept(self, report: &Report) -> bool {
        let works = match self.complete {
            true => is_complete(report),
            false => report.streams(),
        };
        works == self.works
    }
}

/// Runs the camera's client at every length of the plan, all in one guest: the driver is loaded anew with
/// each length.
///
/// # Errors
/// If it could not be tried.
pub fn verify(
    options: &GuestConfig,
    logs: &Path,
    camera: (&str, &CameraFile, &Changes),
    plan: &[(AllocationPolicy, Smallest)],
) -> Result<Vec<Verified>> {
    let promises = Promise::all(plan);
    let Some(largest) = promises.last().map(|promise| promise.bytes) else {
        return Ok(Vec::new());
    };
    let (id, file, changes) = camera;
    let changes = Changes {
        rmem: Some(largest),
        ..changes.clone()
    };
    let camera = Camera::new(id, file, &changes).context("no guest can have the plan's memory")?;
    if let Some(reason) = only_predicted(&camera.setup) {
        bail!("the plan cannot be verified: {reason}");
    }
    let steps = Steps::new();
    let mut prepared = Prepared::new(options, &steps)?;
    prepared.memory = camera.memory(&prepared.image)?;
    let scene = SensorConfig {
        fps: ClockMode::Max,
        ..SensorConfig::default()
    };
    let mut guest = boot(&prepared, &scene, logs, &steps)?;
    let mut verified = Vec::new();
    let mut loaded = None;
    for (done, promise) in promises.iter().enumerate() {
        let setup = Setup {
            base: camera.setup.base,
            ..camera.with_carve_out(promise.bytes)?
        };
        if loaded != Some(promise.bytes) {
            load(&mut guest, &setup)?;
            loaded = Some(promise.bytes);
        }
        let (report, problems) = attempt(&mut guest, &setup, promise.policy)?;
        let kept = promise.is_kept(&report) && problems.is_empty();
        steps.line(&format!(
            "{}/{} {}: {} bytes, {}: {}",
            done + 1,
            promises.len(),
            promise.policy,
            promise.bytes,
            promise.text(),
            if kept { "yes" } else { "no" }
        ));
        let outcome = match &report.refused {
            None => format!("streams, {}", text::granted(&report.queues)),
            Some(refused) => format!("{} for {} refused", refused.bytes, refused.owner),
        };
        verified.push(Verified {
            strategy: promise.policy.strategy().name(),
            policy: promise.policy.hybrid_policy(),
            rmem_bytes: promise.bytes,
            promise: promise.text(),
            outcome: [vec![outcome], problems].concat().join("; "),
            kept,
        });
    }
    guest.power_off();
    Ok(verified)
}

/// Loads the driver with the setup's carve-out.
///
/// # Errors
/// If the guest refuses.
pub fn load(guest: &mut Guest, setup: &Setup) -> Result<()> {
    let parameters = format!("rmem={}@{:#x}", setup.bytes, setup.base);
    guest
        .reload_module_with(&parameters)
        .with_context(|| format!("loading the driver with {parameters}"))
}

/// Runs the client; gives what it got, and what was otherwise than computed.
///
/// # Errors
/// If it does not come to an end.
pub fn attempt(
    guest: &mut Guest,
    setup: &Setup,
    policy: AllocationPolicy,
) -> Result<(Report, Vec<String>)> {
    let run = camera_client::run(guest, setup, policy, FRAMES, 1)?;
    let mut problems = run.problems(FRAMES);
    if run.report != predict(setup, policy, Margin::default())? {
        problems.push("the guest did otherwise than computed".to_owned());
    }
    Ok((run.report, problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::plan::smallest;

    #[test]
    fn promises_are_kept_by_what_is_computed_and_broken_by_a_page() {
        let file = catalogue::find("wyze-v3-stock").unwrap();
        let camera = Camera::new("wyze-v3-stock", &file, &Changes::default()).unwrap();
        let plan = AllocationPolicy::ALL.map(|who| (who, smallest(&camera, who).unwrap()));
        let promises = Promise::all(&plan);
        // Each length and the page below it: one of the client's, three of the driver's (it streams, it
        // always does, with all buffers), two of each hybrid's.
        assert_eq!(promises.len(), 16);
        let lengths: BTreeSet<u64> = promises.iter().map(|promise| promise.bytes).collect();
        assert!(lengths.contains(&29_048_832) && lengths.contains(&29_044_736));
        for promise in promises {
            let report = |bytes| {
                let setup = camera.with_carve_out(bytes).unwrap();
                predict(&setup, promise.policy, Margin::default()).unwrap()
            };
            assert!(promise.is_kept(&report(promise.bytes)), "{promise:?}");
            let beyond = match promise.works {
                true => promise.bytes - STEP,
                false => promise.bytes + STEP,
            };
            assert!(!promise.is_kept(&report(beyond)), "{promise:?}");
        }
    }
}
