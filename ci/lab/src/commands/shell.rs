// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab shell`: the guest's console for a person, or a script run in it.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use clap::Args;
use guest_image::Progress;
use host_setup::invocation;
use testbed::capture::boot;
use testbed::gdb;
use testbed::guest;
use testbed::guest_error_watch::GuestErrorWatch;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::commands::guest_setup::{SetupOptions, UserModule, load_all, load_at_boot};
use crate::commands::run::{TIME_OVER, bring, check_paths, follow, report};
use crate::options::parse_rate;

/// How to run a guest for a person.
#[derive(Debug, Clone, Args)]
pub struct ShellOptions {
    /// What the guest is made of.
    #[command(flatten)]
    pub setup: SetupOptions,
    /// How long commands may take that do not come from a terminal, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// Bring this file or folder of the guest into --out afterwards, where the commands do not come from a
    /// terminal; repeatable
    #[arg(long, value_name = "PATH")]
    pub get: Vec<String>,
    /// Frames per second; max goes as fast as buffers come back, sensor as its registers say, which
    /// --set-parm and the driver's controls set
    #[arg(long, value_name = "N|max|sensor", default_value = "sensor", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Where logs, and files out of the guest, go
    #[arg(long, value_name = "DIR", default_value = "out/shell")]
    pub out: PathBuf,
}

/// Boots a guest with its console on the terminal; true if it ended in order. If the input is no
/// terminal, it is a script that the guest runs; true if that ended with 0.
///
/// # Errors
/// Whatever keeps it from booting.
pub fn command(options: &ShellOptions) -> Result<bool> {
    check_paths(&options.get)?;
    options.setup.check()?;
    let is_terminal = io::stdin().is_terminal();
    ensure!(
        !is_terminal || options.get.is_empty(),
        "--get needs a guest that the lab talks to: pipe the commands into `{0} shell`, or use `{0} run`",
        invocation::lab()
    );
    let sensor = SensorConfig {
        source: options.source.clone(),
        fps: options.fps,
        ..SensorConfig::default()
    };
    let steps = Steps::new();
    if let Some(warning) = sensor.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let modules = options.setup.modules(&steps)?;
    let mut prepared = options.setup.prepare(&modules, &steps)?;
    if !is_terminal {
        return run_script(options, &prepared, &modules, &sensor, &steps);
    }
    load_at_boot(&mut prepared, &modules, options.setup.gdb.is_some())?;
    if let Some(port) = options.setup.gdb {
        steps.line(&gdb::attach(port, &prepared.image, &[]));
        steps.line("gdb: where modules are, the guest says before its prompt");
    }
    steps.line("the guest's console follows; `exit` ends the guest, Ctrl-A X ends QEMU");
    steps.line("for example: v4l2-ctl --stream-mmap --stream-count=50 --stream-to=/dev/null");
    guest::run_on_terminal(&prepared, &sensor, &options.out)?;
    Ok(true)
}

/// Runs the standard input in the guest, and ends the guest.
fn run_script(
    options: &ShellOptions,
    prepared: &Prepared,
    modules: &[UserModule],
    sensor: &SensorConfig,
    steps: &Steps,
) -> Result<bool> {
    let mut script = String::new();
    io::stdin()
        .read_to_string(&mut script)
        .context("reading the commands from the standard input")?;
    let mut guest = boot(prepared, sensor, &options.out, steps)?;
    let _watch = GuestErrorWatch::start(&guest.emulator.monitor_path)?;
    load_all(&mut guest, modules)?;
    options
        .setup
        .tell_gdb(&mut guest, prepared, modules, steps)?;
    let argv = ["sh", "-c", &script].map(str::to_owned);
    let code = follow(&mut guest, &argv, options.timeout.into())?;
    for path in &options.get {
        bring(&mut guest, path, &options.out)?;
    }
    let status = guest.emulator.monitor.status();
    guest.power_off();
    report(&status.context("asking the emulator")?);
    match code {
        0 => {}
        TIME_OVER => eprintln!(
            "the commands did not end within --timeout {} s and were killed",
            options.timeout
        ),
        code => eprintln!("the commands ended with {code}"),
    }
    Ok(code == 0)
}
