// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab run`: a user's files, modules and command in the guest.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use guest_image::{Progress, USER_MODULES, Workshop};
use guest_protocol::message::{Reply, Request, RunEnd, RunRequest};
use guest_protocol::{NO_BOARD_WORD, NO_DRIVER_WORD};
use memlab::camera::Camera;
use memlab::catalogue;
use nix::sys::stat::fstat;
use testbed::capture::boot;
use testbed::config::Io;
use testbed::explain;
use testbed::guest::{Guest, unexpected};
use testbed::guest_failure::GuestFailure;
use testbed::interrupt;
use testbed::prepare::{Prepared, install, repository};
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use tx_isp_abi::sensor::{GC2053, Sensor};
use tx_isp_emulator::monitor::protocol::Status;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::{DebugOptions, GuestOptions, parse_rate};
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
/// The kernel's name of the board's module.
const BOARD: &str = "tx_isp_t31_board";
/// How long a module may take to load.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
/// How much longer the lab waits than the agent.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to bring files out.
const GET_LIMIT: Duration = Duration::from_secs(120);

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// Copy what this folder holds over the guest's root; repeatable
    #[arg(long, value_name = "DIR")]
    pub add: Vec<PathBuf>,
    /// Run kbuild in this folder first, and load the modules it makes; repeatable
    #[arg(long, value_name = "DIR")]
    pub build: Vec<PathBuf>,
    /// Load this module instead of the project's driver, with its parameters behind it:
    /// "FILE.ko name=value"; repeatable
    #[arg(long, value_name = "FILE.ko")]
    pub module: Vec<UserModule>,
    /// Load no driver
    #[arg(long)]
    pub no_driver: bool,
    /// Leave out the board's module, which gives drivers interrupts, clocks, pins and a bus where the chip
    /// is attached by vfio-user
    #[arg(long)]
    pub no_board: bool,
    /// Parameters of the board's module, as in "platform_devices=0"
    #[arg(long, value_name = "NAME=VALUE …", conflicts_with = "no_board")]
    pub board: Option<String>,
    /// The memory of this camera (ci/cameras), or of a camera's file
    #[arg(long, value_name = "NAME", conflicts_with = "memory")]
    pub camera: Option<String>,
    /// How long the command may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// Bring this file or folder of the guest into --out afterwards; repeatable
    #[arg(long, value_name = "PATH")]
    pub get: Vec<String>,
    /// The sensor's frames per second; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max", default_value = "25", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// The sensor in front of the ISP: gc2053, jxf37 or jxq03 (2304x1296)
    #[arg(long, value_name = "NAME", default_value = GC2053.name, value_parser = tx_isp_emulator::sensor::by_name)]
    pub sensor: &'static Sensor,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Where logs, and files out of the guest, go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What to look at, and what is to fail.
    #[command(flatten)]
    pub debug: DebugOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// A module file with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserModule {
    /// The file.
    pub path: PathBuf,
    /// As insmod takes them.
    pub parameters: String,
}

impl FromStr for UserModule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, parameters) = match text.find(".ko ") {
            Some(end) => text.split_at(end + ".ko".len()),
            None => (text, ""),
        };
        if !path.ends_with(".ko") {
            return Err(
                "a module is a file that ends with .ko, with its parameters behind it".to_owned(),
            );
        }
        if !Path::new(path).is_file() {
            return Err(format!("there is no file {path}"));
        }
        Ok(Self {
            path: path.into(),
            parameters: parameters.trim().to_owned(),
        })
    }
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
    let modules = modules(options, &steps)?;
    let prepared = prepare(options, &modules, &steps)?;
    let mut guest = boot(&prepared, &sensor, &options.out, &steps)?;
    for module in &modules {
        load(&mut guest, module)?;
    }
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
    for folder in options.add.iter().chain(&options.build) {
        ensure!(folder.is_dir(), "{} is no folder", folder.display());
    }
    for path in &options.get {
        ensure!(
            path.starts_with('/'),
            "--get {path}: give an absolute path in the guest"
        );
    }
    if options.debug.timeline.is_some() {
        bail!(
            "--timeline is of `cargo lab stream`, whose client tells when it dequeued each frame"
        );
    }
    if let Some(name) = &options.camera {
        catalogue::find(name)?;
    }
    Ok(())
}

/// The modules to load, in order; builds those that are to be built.
fn modules(options: &RunOptions, steps: &Steps) -> Result<Vec<UserModule>> {
    let mut modules = Vec::new();
    if !options.build.is_empty() {
        let repository = repository()?;
        install(&options.guest.config(), &repository, steps)?;
        let workshop = Workshop::new(&repository)?;
        for folder in &options.build {
            let made = workshop
                .build_modules(&options.guest.kernel, folder, steps)
                .inspect_err(|_| steps.fail())?;
            modules.extend(made.into_iter().map(|path| UserModule {
                path,
                parameters: String::new(),
            }));
        }
    }
    modules.extend(options.module.iter().cloned());
    let names: Vec<_> = modules
        .iter()
        .map(|module| module.path.file_name())
        .collect();
    for (index, name) in names.iter().enumerate() {
        ensure!(
            !names[..index].contains(name),
            "{} is given twice; the guest keeps all modules in one folder",
            modules[index].path.display()
        );
    }
    Ok(modules)
}

fn prepare(options: &RunOptions, modules: &[UserModule], steps: &Steps) -> Result<Prepared> {
    let mut prepared = Prepared::with_image(&options.guest.config(), steps, |image| {
        image.add.clone_from(&options.add);
        image.modules = modules.iter().map(|module| module.path.clone()).collect();
    })?;
    if let Some(name) = &options.camera {
        let camera = Camera::new(name, &catalogue::find(name)?, &Default::default())?;
        prepared.memory = camera.memory(&prepared.image)?;
    }
    if options.no_driver || !modules.is_empty() {
        prepared
            .image
            .command_line_extra
            .push(NO_DRIVER_WORD.to_owned());
    }
    let words = &mut prepared.image.command_line_extra;
    if options.no_board {
        words.push(NO_BOARD_WORD.to_owned());
    }
    for parameter in options
        .board
        .iter()
        .flat_map(|board| board.split_whitespace())
    {
        words.push(format!("{BOARD}.{parameter}"));
    }
    // Where another driver has its buffers is its own business: no carve-out is told.
    prepared.emulator_options = options
        .debug
        .config()
        .emulator_options(prepared.memory, Io::Userptr);
    Ok(prepared)
}

/// Loads a module in the guest.
fn load(guest: &mut Guest, module: &UserModule) -> Result<()> {
    let name = module
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let request = Request::LoadModule {
        path: format!("{USER_MODULES}/{name}"),
        parameters: module.parameters.clone(),
    };
    let reply = guest.send(&request).and_then(|()| {
        guest.next(
            &format!("the end of loading {name} (its init function)"),
            LOAD_LIMIT,
        )
    });
    match reply {
        Ok(Reply::Ok) => Ok(()),
        Ok(other) => Err(unexpected(&other).into()),
        Err(error @ GuestFailure::Guest(_)) => Err(error).with_context(|| {
            format!(
                "{name} could not be loaded; the console's last lines:\n    {}",
                guest.console_end().join("\n    ")
            )
        }),
        Err(error) => Err(error.into()),
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
    fn a_module_comes_with_its_parameters() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b.ko");
        fs::write(&path, "").unwrap();
        let text = format!("{} one=1 two=2", path.display());
        let module: UserModule = text.parse().unwrap();
        assert_eq!(module.path, path);
        assert_eq!(module.parameters, "one=1 two=2");
        let error = "/no/such.ko".parse::<UserModule>().unwrap_err();
        assert_eq!(error, "there is no file /no/such.ko");
        let error = "/bin/true".parse::<UserModule>().unwrap_err();
        assert!(error.contains("ends with .ko"), "{error}");
    }

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
