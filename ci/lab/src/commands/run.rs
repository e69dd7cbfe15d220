// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab run`: a user's files, modules and command in the guest.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use guest_protocol::message::{Reply, Request, RunEnd, RunRequest};
use nix::sys::stat::fstat;
use testbed::capture::boot;
use testbed::explain;
use testbed::guest::{Guest, unexpected};
use testbed::guest_error_watch::GuestErrorWatch;
use testbed::guest_failure::GuestFailure;
use testbed::interrupt;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_emulator::monitor::protocol::Status;
use tx_isp_emulator::sensor::ClockMode;

use crate::commands::guest_setup::{SetupOptions, UserModule, load_all};
use crate::options::parse_rate;
use crate::output;

/// The exit code where the lab failed, not the command.
const LAB_FAILED: u8 = 125;
/// Where the user interrupted it, as shells have it.
const INTERRUPTED: u8 = 130;
/// Where the command's time was over, as timeout(1) has it.
const TIME_OVER: u8 = 124;
/// Where there is no such command, or it cannot be run, as shells have it.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// What a shell adds to a signal's number.
const BY_SIGNAL: i32 = 128;
/// How much longer the lab waits than the agent.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to bring files out.
const GET_LIMIT: Duration = Duration::from_secs(120);

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// What the guest is made of.
    #[command(flatten)]
    pub setup: SetupOptions,
    /// Frames per second; max goes as fast as buffers come back, sensor as its registers say, which
    /// --set-parm and the driver's controls set
    #[arg(long, value_name = "N|max|sensor", default_value = "25", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// Where logs, and files out of the guest, go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs the command, and gives its exit code.
pub fn command(options: &RunOptions) -> ExitCode {
    exit_as(&options.out, |out| {
        options.setup.check()?;
        let steps = Steps::new();
        let sensor = options.setup.sensor(options.fps, &steps)?;
        let modules = options.setup.modules(&steps)?;
        let prepared = options.setup.prepare(&modules, &steps)?;
        let guest = Boot {
            setup: &options.setup,
            modules: &modules,
            prepared: &prepared,
            sensor: &sensor,
        };
        guest.run(&options.command, out, &steps)
    })
}

/// Ends as a command of the guest did, which runs with a folder of the host that is its own as long as it
/// lives.
pub fn exit_as(out: &Path, run: impl FnOnce(&Path) -> Result<u8>) -> ExitCode {
    match output::claim(out).and_then(|folder| run(&folder.path)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {}", explain(&error));
            ExitCode::from(match interrupt::requested() {
                true => INTERRUPTED,
                false => LAB_FAILED,
            })
        }
    }
}

/// What is ready to boot and to run a command.
pub struct Boot<'a> {
    /// What the user asked for.
    pub setup: &'a SetupOptions,
    /// The user's modules.
    pub modules: &'a [UserModule],
    /// Everything that must be there.
    pub prepared: &'a Prepared,
    /// The sensor.
    pub sensor: &'a SensorConfig,
}

impl Boot<'_> {
    /// Runs a command in a guest, and gives its exit code.
    pub fn run(&self, argv: &[String], out: &Path, steps: &Steps) -> Result<u8> {
        let mut guest = boot(self.prepared, self.sensor, out, steps)?;
        let _watch = GuestErrorWatch::start(&guest.emulator.monitor_path)?;
        load_all(&mut guest, self.modules)?;
        self.setup
            .tell_gdb(&mut guest, self.prepared, self.modules, steps)?;
        let ended = follow(&mut guest, argv, self.setup.timeout.into())?;
        for path in &self.setup.get {
            bring(&mut guest, path, out)?;
        }
        let status = guest.emulator.monitor.status();
        guest.power_off();
        report(&status.context("asking the emulator")?);
        if ended == TIME_OVER {
            eprintln!(
                "what ran did not end within --timeout {} s and was killed",
                self.setup.timeout
            );
        }
        Ok(ended)
    }
}

/// Runs the command, passes on what it says, and gives the exit code that it stands for.
fn follow(guest: &mut Guest, argv: &[String], seconds: u64) -> Result<u8> {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    // Two outputs that end in the same place must stay in order, and need not be told apart.
    let merged = is_same_file(&out, &err);
    let limit = Duration::from_secs(seconds);
    let end = follow_with(guest, argv, merged, limit, |error, bytes| {
        let written = match error {
            true => err.write_all(bytes),
            false => out.write_all(bytes).and_then(|()| out.flush()),
        };
        written.context("passing on what the command says")
    });
    match end {
        Ok(end) => Ok(exit_code(end)),
        Err(error) => match error.downcast_ref() {
            Some(GuestFailure::Guest(failure)) if failure.errno == Some(nix::libc::ENOENT) => {
                eprintln!("the guest has no command {}", argv[0]);
                Ok(NOT_FOUND)
            }
            Some(GuestFailure::Guest(failure)) if failure.errno.is_some() => {
                eprintln!("in the guest: {failure}");
                Ok(NOT_RUN)
            }
            _ => Err(error),
        },
    }
}

fn is_same_file(one: &impl AsFd, other: &impl AsFd) -> bool {
    match (fstat(one.as_fd()), fstat(other.as_fd())) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}

/// Runs a program and hands over what it says, standard error as `true`.
fn follow_with(
    guest: &mut Guest,
    argv: &[String],
    merged: bool,
    limit: Duration,
    mut listener: impl FnMut(bool, &[u8]) -> Result<()>,
) -> Result<RunEnd> {
    let run = RunRequest {
        argv: argv.to_vec(),
        deadline_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
    };
    guest.send(&Request::Follow { run, merged })?;
    loop {
        match guest.next("the command's end", limit + ANSWER_LIMIT)? {
            Reply::Output { error, bytes } => listener(error, &bytes)?,
            Reply::Ran(result) => return Ok(result.end),
            other => return Err(unexpected(&other).into()),
        }
    }
}

fn exit_code(end: RunEnd) -> u8 {
    match end {
        RunEnd::Exit(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        RunEnd::Signal(signal) => u8::try_from(BY_SIGNAL + signal).unwrap_or(u8::MAX),
        RunEnd::Deadline => TIME_OVER,
    }
}

/// Brings a file or folder of the guest into a folder of the host.
fn bring(guest: &mut Guest, path: &str, into: &Path) -> Result<()> {
    let path = path.trim_end_matches('/');
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    ensure!(!name.is_empty(), "--get /: name a folder in it");
    let folder = if folder.is_empty() { "/" } else { folder };
    let archive = into.join(".get.tar");
    let mut file =
        File::create(&archive).with_context(|| format!("writing {}", archive.display()))?;
    let argv = ["tar", "-c", "-f", "-", "-C", folder, name].map(str::to_owned);
    let mut said = Vec::new();
    let end = follow_with(guest, &argv, false, GET_LIMIT, |error, bytes| match error {
        true => {
            said.extend_from_slice(bytes);
            Ok(())
        }
        false => file
            .write_all(bytes)
            .context("writing what comes out of the guest"),
    })?;
    let outcome = (|| {
        ensure!(
            end == RunEnd::Exit(0),
            "--get {path}: {}",
            String::from_utf8_lossy(&said).trim()
        );
        let status = Command::new("tar")
            .args(["-x", "--no-same-owner", "-f"])
            .arg(&archive)
            .arg("-C")
            .arg(into)
            .stdin(Stdio::null())
            .status()
            .context("starting tar")?;
        ensure!(
            status.success(),
            "unpacking {} failed ({status})",
            archive.display()
        );
        eprintln!("{}", into.join(name).display());
        Ok(())
    })();
    fs::remove_file(&archive).with_context(|| format!("removing {}", archive.display()))?;
    outcome
}

/// What the chip delivered and what the guest did wrong, on standard error.
fn report(status: &Status) {
    eprint!("{}", report_text(status));
}

fn report_text(status: &Status) -> String {
    let mut text = format!(
        "chip: {} frames of the sensor, {} pictures with {} bytes written\n",
        status.frames.started, status.dma.frames, status.dma.bytes
    );
    for channel in status.channels.iter().filter(|channel| channel.session > 0) {
        text.push_str(&format!(
            "chip: channel {}: {} frames written, {} left out for want of a buffer, {} by frame-rate control\n",
            channel.channel, channel.frames_written, channel.starved, channel.skipped
        ));
    }
    if status.guest_errors.is_empty() {
        text.push_str("guest errors: none\n");
    }
    for error in &status.guest_errors {
        text.push_str(&format!(
            "guest error: {} ({} times), first: {}: {}\n",
            error.id, error.count, error.first, error.help
        ));
        for line in &error.before {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_the_code_a_shell_would_give() {
        assert_eq!(exit_code(RunEnd::Exit(0)), 0);
        assert_eq!(exit_code(RunEnd::Exit(255)), 255);
        assert_eq!(exit_code(RunEnd::Signal(11)), 139);
        assert_eq!(exit_code(RunEnd::Deadline), 124);
    }

    #[test]
    fn outputs_in_one_place_are_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let one = File::create(dir.path().join("one")).unwrap();
        let other = File::create(dir.path().join("other")).unwrap();
        assert!(is_same_file(&one, &one.try_clone().unwrap()));
        assert!(!is_same_file(&one, &other));
    }
}
