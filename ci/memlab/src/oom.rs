// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A camera's memory failure on the desk, and what each strategy makes of it.

use std::path::Path;

use anyhow::{Context, Result};
use guest_protocol::camera::{AllocationPolicy, Cycles, Report};
use testbed::camera_client::{self, Run};
use testbed::capture::boot;
use testbed::config::GuestConfig;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_alloc::negotiation::Margin;
use tx_isp_emulator::sensor::ClockMode;

use crate::camera::Camera;
use crate::predict::predict_cycles;
use crate::text;

/// A front of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// V4L2: /dev/videoN.
    V4l2,
    /// The vendor's: /dev/tx-isp and /dev/framechanN.
    Vendor,
}

impl Front {
    /// The name, as users type it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4l2 => "v4l2",
            Self::Vendor => "vendor",
        }
    }
}

/// What is known of one policy: computed, and seen if there was a guest.
pub struct Outcome {
    /// Through which front the client talks to the driver.
    pub front: Front,
    /// Who allocates.
    pub policy: AllocationPolicy,
    /// How many cycles it survives and what it has then, as computed.
    pub predicted: (u32, Report),
    /// The guest's word.
    pub run: Option<Run>,
}

impl Outcome {
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

    /// Whether the guest did to the byte what was computed; `None` without a guest.
    pub fn as_predicted(&self) -> Option<bool> {
        let run = self.run.as_ref()?;
        Some((run.survived, &run.report) == (self.predicted.0, &self.predicted.1))
    }
}

/// What would happen to a camera's client, without a guest.
///
/// # Errors
/// If it cannot be computed.
pub fn predict_all(
    camera: &Camera,
    policies: &[AllocationPolicy],
    cycles: Cycles,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for &policy in policies {
        let predicted = predict_cycles(&camera.setup, policy, Margin::default(), cycles)
            .with_context(|| format!("computing {policy}"))?;
        outcomes.push(Outcome {
            front: Front::V4l2,
            policy,
            predicted,
            run: None,
        });
    }
    Ok(outcomes)
}

/// What would happen to the client that allocates by itself, as the vendor's library does, through the
/// vendor's nodes: the same as through V4L2's.
///
/// # Errors
/// If it cannot be computed.
pub fn predict_vendor(camera: &Camera, cycles: Cycles) -> Result<Outcome> {
    let policy = AllocationPolicy::Client;
    let predicted = predict_cycles(&camera.setup, policy, Margin::default(), cycles)
        .with_context(|| format!("computing {policy}"))?;
    Ok(Outcome {
        front: Front::Vendor,
        policy,
        predicted,
        run: None,
    })
}

/// One guest serves all: each client gives everything back before the next one comes.
///
/// # Errors
/// If it could not be tried.
pub fn run_all(
    config: &GuestConfig,
    logs: &Path,
    camera: &Camera,
    (fps, frames, cycles): (ClockMode, u32, Cycles),
    outcomes: &mut [Outcome],
) -> Result<()> {
    let steps = Steps::new();
    let mut prepared = Prepared::new(config, &steps)?;
    prepared.memory = camera.memory(&prepared.image)?;
    let sensor = SensorConfig {
        fps,
        ..SensorConfig::default()
    };
    let mut guest = boot(&prepared, &sensor, logs, &steps)?;
    for outcome in outcomes {
        let policy = outcome.policy;
        let run = steps.step(
            &format!("{policy}"),
            || camera_client::run_cycles(&mut guest, &camera.setup, policy, frames, cycles),
            |run| match &run.report.refused {
                None => format!("streams, {}", text::granted(&run.report.queues)),
                Some(refused) => format!("{} bytes for {} refused", refused.bytes, refused.owner),
            },
        )?;
        outcome.run = Some(run);
    }
    guest.power_off();
    Ok(())
}
