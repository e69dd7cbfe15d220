// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab shell`: the guest's console for a person.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use guest_image::Progress;
use guest_protocol::message::RunEnd;

use crate::guest;
use crate::options::ShellOptions;
use crate::prepare::Prepared;
use crate::program;
use crate::progress::Steps;
use crate::scene::Scene;
use crate::stream::boot;

/// Where the logs of a shell's emulator go.
const LOGS: &str = "out";
/// How long commands that do not come from a terminal may take.
const SCRIPT_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Boots a guest with its console on the terminal; true if it ended in order. If the input is no
/// terminal, it is a script that the guest runs; true if that ended with 0.
///
/// # Errors
/// Whatever keeps it from booting.
pub fn command(options: &ShellOptions) -> Result<bool> {
    let scene = Scene {
        source: options.source.clone(),
        fps: options.fps,
    };
    let steps = Steps::new();
    if let Some(warning) = scene.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let prepared = Prepared::new(&options.guest, &steps)?;
    if !io::stdin().is_terminal() {
        return run_script(&prepared, &scene, &steps);
    }
    steps.line("the guest's console follows; `exit` ends the guest, Ctrl-A X ends QEMU");
    steps.line("for example: v4l2-ctl --stream-mmap --stream-count=50 --stream-to=/dev/null");
    guest::run_on_terminal(&prepared, &scene, Path::new(LOGS))?;
    Ok(true)
}

/// Runs the standard input in the guest, and ends the guest.
fn run_script(prepared: &Prepared, scene: &Scene, steps: &Steps) -> Result<bool> {
    let mut script = String::new();
    io::stdin()
        .read_to_string(&mut script)
        .context("reading the commands from the standard input")?;
    let mut guest = boot(prepared, scene, Path::new(LOGS), steps)?;
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
