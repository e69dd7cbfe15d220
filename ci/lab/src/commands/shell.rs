// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab shell`: the guest's console for a person, or a script run in it.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use guest_image::Progress;
use host_setup::invocation;
use testbed::gdb;
use testbed::guest::terminal;
use testbed::progress::Steps;
use tx_isp_emulator::sensor::ClockMode;

use crate::commands::guest_setup::{SetupOptions, load_at_boot};
use crate::commands::run::{Boot, exit_as};
use crate::options::parse_rate;

/// How to run a guest for a person.
#[derive(Debug, Clone, Args)]
pub struct ShellOptions {
    /// What the guest is made of.
    #[command(flatten)]
    pub setup: SetupOptions,
    /// Frames per second; max goes as fast as buffers come back, sensor as its registers say, which
    /// --set-parm and the driver's controls set
    #[arg(long, value_name = "N|max|sensor", default_value = "sensor", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// Where logs, and files out of the guest, go
    #[arg(long, value_name = "DIR", default_value = "out/shell")]
    pub out: PathBuf,
}

/// Boots a guest with its console on the terminal. If the input is no terminal, it is a script that the
/// guest runs. Either way the exit code is that of the guest's shell.
pub fn command(options: &ShellOptions) -> ExitCode {
    exit_as(&options.out, |out| run(options, out))
}

fn run(options: &ShellOptions, out: &Path) -> Result<u8> {
    options.setup.check()?;
    let is_terminal = io::stdin().is_terminal();
    ensure!(
        !is_terminal || options.setup.get.is_empty(),
        "--get needs a guest that the lab talks to: pipe the commands into `{0} shell`, or use `{0} run`",
        invocation::lab()
    );
    let steps = Steps::new();
    let sensor = options.setup.sensor(options.fps, &steps)?;
    let modules = options.setup.modules(&steps)?;
    let mut prepared = options.setup.prepare(&modules, &steps)?;
    if !is_terminal {
        let mut script = String::new();
        io::stdin()
            .read_to_string(&mut script)
            .context("reading the commands from the standard input")?;
        let guest = Boot {
            setup: &options.setup,
            modules: &modules,
            prepared: &prepared,
            sensor: &sensor,
        };
        return guest.run(&["sh", "-c", &script].map(str::to_owned), out, &steps);
    }
    load_at_boot(&mut prepared, &modules, options.setup.gdb.is_some())?;
    if let Some(port) = options.setup.gdb {
        steps.line(&gdb::attach(port, &prepared.image, &[]));
        steps.line("gdb: where modules are, the guest says before its prompt");
    }
    steps.line("the guest's console follows; `exit` ends the guest, Ctrl-A X ends QEMU");
    steps.line("for example: v4l2-ctl --stream-mmap --stream-count=50 --stream-to=/dev/null");
    terminal::run(&prepared, &sensor, out)
}
