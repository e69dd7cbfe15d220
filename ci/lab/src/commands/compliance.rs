// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab compliance`: v4l2-compliance on each node of the driver.

use crate::output::{self, say_text};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use testbed::capture::boot;
use testbed::compliance;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_alloc::Strategy;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::{GuestOptions, parse_rate, strategies};

/// How to test.
#[derive(Debug, Clone, Args)]
pub struct ComplianceOptions {
    /// Only this node, as in 0 for /dev/video0
    #[arg(long, value_name = "N")]
    pub device: Option<u32>,
    /// Who allocates the frame buffers
    #[arg(long, value_name = "WHO", default_value = "hybrid", value_parser = strategies())]
    pub strategy: Strategy,
    /// The sensor's frames per second; max goes as fast as buffers come back. On a busy machine a
    /// fixed rate loses frames, and the tool warns of each gap in their numbers
    #[arg(long, value_name = "N|max|sensor", default_value = "max", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out/compliance")]
    pub out: PathBuf,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Runs the tool on each node; true if the corrected one found nothing wrong and the kernel had
/// nothing to say.
///
/// # Errors
/// If it could not be run at all.
pub fn command(options: &ComplianceOptions) -> Result<bool> {
    let sensor = SensorConfig {
        source: Source::Bars,
        fps: options.fps,
        ..SensorConfig::default()
    };
    let steps = Steps::new();
    let prepared = Prepared::with_image(&options.guest.config(), &steps, |request| {
        request.with_compliance = true;
    })?;
    let logs = options.out.as_path();
    let mut guest = boot(&prepared, &sensor, logs, &steps)?;
    let report = compliance::run(
        &mut guest,
        &prepared,
        &sensor,
        options.strategy,
        options.device,
        logs,
        &steps,
    )?;
    guest.power_off();
    say_text!("{}", report.text(logs));
    if let Some(path) = &options.json {
        output::write_json(path, &report)?;
    }
    Ok(report.passed)
}
