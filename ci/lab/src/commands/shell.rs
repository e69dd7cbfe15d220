// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab shell`: the guest's console for a person.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Args;
use guest_image::Progress;
use guest_protocol::message::RunEnd;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::{GuestOptions, parse_rate};
use testbed::capture::boot;
use testbed::guest;
use testbed::prepare::Prepared;
use testbed::program;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;

/// How long commands that do not come from a terminal may take.
const SCRIPT_LIMIT: Duration = Duration::from_secs(10 * 60);

/// How to run a guest for a person.
#[derive(Debug, Clone, Args)]
pub struct ShellOptions {
    /// Frames per second; max goes as fast as buffers come back, sensor as its registers say, which
    /// --set-parm and the driver's controls set
    #[arg(long, value_name = "N|max|sensor", default_value = "sensor", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out/shell")]
    pub out: PathBuf,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Boots a guest with its console on the terminal; true if it ended in order. If the input is no
/// terminal, it is a script that the guest runs; true if that ended with 0.
///
/// # Errors
/// Whatever keeps it from booting.
pub fn command(options: &ShellOptions) -> Result<bool> {
    let scene = SensorConfig {
        source: options.source.clone(),
        fps: options.fps,
        ..SensorConfig::default()
    };
    let steps = Steps::new();
    if let Some(warning) = scene.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let prepared = Prepared::new(&options.guest.config(), &steps)?;
    if !io::stdin().is_terminal() {
        return run_script(&prepared, &scene, &options.out, &steps);
    }
    steps.line("the guest's console follows; `exit` ends the guest, Ctrl-A X ends QEMU");
    steps.line("for example: v4l2-ctl --stream-mmap --stream-count=50 --stream-to=/dev/null");
    guest::run_on_terminal(&prepared, &scene, &options.out)?;
    Ok(true)
}

/// Runs the standard input in the guest, and ends the guest.
fn run_script(
    prepared: &Prepared,
    scene: &SensorConfig,
    logs: &Path,
    steps: &Steps,
) -> Result<bool> {
    let mut script = String::new();
    io::stdin()
        .read_to_string(&mut script)
        .context("reading the commands from the standard input")?;
    let mut guest = boot(prepared, scene, logs, steps)?;
    let ran = program::run(&mut guest, &["sh", "-c", &script], SCRIPT_LIMIT)?;
    guest.power_off();
    io::stdout()
        .write_all(ran.stdout.as_bytes())
        .context("writing what the guest said")?;
    eprint!("{}", ran.stderr);
    if ran.end != RunEnd::Exit(0) {
        eprintln!("the commands ended with {:?}", ran.end);
    }
    Ok(ran.end == RunEnd::Exit(0))
}
