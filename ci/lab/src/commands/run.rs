// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab run`: a user's files, modules and command in the guest.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use guest_image::Progress;
use guest_protocol::message::{Reply, Request, RunEnd, RunRequest};
use nix::sys::stat::fstat;
use testbed::capture::boot;
use testbed::explain;
use testbed::guest::{Guest, unexpected};
use testbed::guest_error_watch::GuestErrorWatch;
use testbed::guest_failure::GuestFailure;
use testbed::interrupt;
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_abi::sensor::{GC2053, Sensor};
use tx_isp_emulator::monitor::protocol::Status;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::commands::guest_setup::{SetupOptions, load_all};
use crate::options::parse_rate;
use crate::output;

/// The exit code where the lab failed, not the command.
const LAB_FAILED: u8 = 125;
/// Where the user interrupted it, as shells have it.
const INTERRUPTED: u8 = 130;
/// Where the command's time was over, as timeout(1) has it.
pub const TIME_OVER: u8 = 124;
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
    /// How long the command may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// Bring this file or folder of the guest into --out afterwards; repeatable
    #[arg(long, value_name = "PATH")]
    pub get: Vec<String>,
    /// The sensor's frames per second; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max", default_value = "25", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// The sensor in front of the ISP: gc2053, jxf37, jxq03 (2304x1296) or imx307 (12 bits)
    #[arg(long, value_name = "NAME", default_value = GC2053.name, value_parser = tx_isp_emulator::sensor::by_name)]
    pub sensor: &'static Sensor,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Where logs, and files out of the guest, go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs the command, and gives its exit code.
pub fn command(options: &RunOptions) -> ExitCode {
    match claim_and_run(options) {
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

/// Runs it in a folder that is this run's as long as it lives.
fn claim_and_run(options: &RunOptions) -> Result<u8> {
    let folder = output::claim(&options.out)?;
    run(&RunOptions {
        out: folder.path.clone(),
        ..options.clone()
    })
}

fn run(options: &RunOptions) -> Result<u8> {
    check(options)?;
    let sensor = SensorConfig {
        model: options.sensor,
        source: options.source.clone(),
        fps: options.fps,
    };
    let steps = Steps::new();
    if let Some(warning) = sensor.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let modules = options.setup.modules(&steps)?;
    let prepared = options.setup.prepare(&modules, &steps)?;
    let mut guest = boot(&prepared, &sensor, &options.out, &steps)?;
    let _watch = GuestErrorWatch::start(&guest.emulator.monitor_path)?;
    load_all(&mut guest, &modules)?;
    options
        .setup
        .tell_gdb(&mut guest, &prepared, &modules, &steps)?;
    let ended = follow(&mut guest, &options.command, options.timeout.into())?;
    for path in &options.get {
        bring(&mut guest, path, &options.out)?;
    }
    let status = guest.emulator.monitor.status();
    guest.power_off();
    report(&status.context("asking the emulator")?);
    if ended == TIME_OVER {
        eprintln!(
            "the command did not end within --timeout {} s and was killed",
            options.timeout
        );
    }
    Ok(ended)
}

/// What can be refused before anything is fetched or built.
fn check(options: &RunOptions) -> Result<()> {
    check_paths(&options.get)?;
    options.setup.check()
}

/// Checks that what is to be brought out is named as it must be.
pub fn check_paths(get: &[String]) -> Result<()> {
    for path in get {
        ensure!(
            path.starts_with('/'),
            "--get {path}: give an absolute path in the guest"
        );
    }
    Ok(())
}

/// Runs the command, passes on what it says, and gives the exit code that it stands for.
pub fn follow(guest: &mut Guest, argv: &[String], seconds: u64) -> Result<u8> {
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
pub fn bring(guest: &mut Guest, path: &str, into: &Path) -> Result<()> {
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
pub fn report(status: &Status) {
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
