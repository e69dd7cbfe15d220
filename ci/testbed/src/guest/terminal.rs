// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest whose console is a person's terminal.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::emulator::Emulator;
use crate::guest_error_watch::GuestErrorWatch;
use crate::interrupt;
use crate::prepare::Prepared;
use crate::process::Process;
use crate::qemu_command::{Control, Launch};
use crate::sensor::SensorConfig;

/// Runs a guest with its console on the lab's terminal. Returns when QEMU ends, with the exit code of
/// the guest's shell.
///
/// # Errors
/// Whatever keeps it from starting, or that it ended without its shell.
pub fn run(prepared: &Prepared, scene: &SensorConfig, logs: &Path) -> Result<u8> {
    fs::create_dir_all(logs).with_context(|| format!("creating {}", logs.display()))?;
    let sockets = tempfile::Builder::new()
        .prefix("tx-isp-")
        .tempdir()
        .context("creating a folder for sockets")?;
    let mut emulator =
        Emulator::start(prepared, scene, sockets.path(), &logs.join("emulator.log"))?;
    let kind = std::env::var("TERM").unwrap_or_else(|_| "vt100".to_owned());
    let exit_code = sockets.path().join("exit-code");
    let arguments = Launch {
        image: &prepared.image,
        memory: prepared.memory,
        carrier: prepared.carrier,
        isp_socket: &emulator.socket,
        control: Control::Terminal {
            kind,
            exit_code: exit_code.clone(),
        },
    }
    .arguments()?;
    // Ctrl-C is for the guest; QEMU has the terminal in its raw mode.
    interrupt::install().context("preparing for Ctrl-C")?;
    let _watch = GuestErrorWatch::start(&emulator.monitor_path)?;
    let mut qemu = Process::spawn(
        Command::new(&prepared.qemu.program)
            .args(arguments)
            .args(&prepared.qemu_options),
    )
    .with_context(|| format!("starting {}", prepared.qemu.program.display()))?;
    let mut told = false;
    loop {
        if let Some(status) = qemu.wait(Duration::from_millis(200)) {
            if !status.success() {
                bail!("QEMU ended ({status})");
            }
            let said = fs::read_to_string(&exit_code).unwrap_or_default();
            return said.trim().parse().map_err(|_| {
                anyhow!("the guest ended without its shell: QEMU was left, or its kernel's last lines say why")
            });
        }
        if !told && emulator.process.ended().is_some() {
            eprintln!("\r\n{}\r", emulator.ended(None));
            told = true;
        }
    }
}
