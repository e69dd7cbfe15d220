// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab` begins here: a program that is built within seconds. `doctor` is answered by it alone;
//! everything else is the lab's, which it has cargo build and run, with a newer Rust than the user's
//! where that is needed.

#![forbid(unsafe_code)]

mod arguments;
mod build;
mod plain_progress;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use host_setup::doctor;
use host_setup::toolchain::{OLDEST_FOR_HOST, RustVersion, Toolchain};
use host_setup::{cache_dir, disk, offline, packages, rust_setup};

use crate::arguments::{Doctor, asks_for_help, asks_nothing, is_offline};
use crate::plain_progress::PlainProgress;

/// The lab's program, below cargo's target folder.
const LAB: &str = "release/lab";
/// The lab's list of commands; a test of the lab compares it with its own.
const HELP: &str = include_str!("../../lab/help.txt");
/// What cargo builds.
const WHAT: [&str; 5] = ["--release", "--package", "lab", "--bin", "lab"];
/// The exit code of a command line that names no command.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if is_offline(&words) {
        offline::forbid_network();
    }
    let result = match Doctor::parse(&words) {
        Some(options) => Ok(diagnose(&options)),
        None => run_lab(&words),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn diagnose(options: &doctor::Options) -> ExitCode {
    let (text, all_there) = doctor::report(options, &repository());
    print!("{text}");
    match all_there {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The project's folder.
fn repository() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.ancestors().nth(2).unwrap_or(&package).to_path_buf()
}

/// Builds and runs the lab in place of this program; comes back only if that cannot be done.
fn run_lab(words: &[OsString]) -> Result<ExitCode, String> {
    let repository = repository();
    let lab = target_folder(&repository).join(LAB);
    let is_built = lab.is_file();
    if asks_for_help(words) && !is_built {
        print!("{HELP}");
        return Ok(ExitCode::from(if words.is_empty() { USAGE } else { 0 }));
    }
    let cache = cache_dir::find().map_err(|error| error.to_string())?;
    let mut cargo = cargo(&repository, &cache, asks_nothing(words))?;
    if offline::is_set() {
        cargo.env(offline::VARIABLE, "true");
    }
    if !is_built {
        disk::check_cache(&target_folder(&repository)).map_err(|error| error.to_string())?;
        eprintln!(
            "building the lab: some minutes the first time; `cargo lab doctor` answers at once"
        );
    }
    if !is_built && build::is_watched() {
        // With cargo's own progress.
        cargo.arg("run").args(WHAT).arg("--").args(words);
        return Err(replace_with(&mut cargo));
    }
    let mut building = beside(&cargo, cargo.get_program());
    if let Some(folder) = cargo.get_current_dir() {
        building.current_dir(folder);
    }
    building.args(["build", "--quiet"]).args(WHAT);
    let program = build::build(building)?;
    let mut lab = beside(&cargo, &program);
    lab.env("CARGO", cargo.get_program())
        .env("CARGO_MANIFEST_DIR", repository.join("ci/lab"))
        .args(words);
    Err(replace_with(&mut lab))
}

/// A command for another program with the same environment.
fn beside(cargo: &Command, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, value) in cargo.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs a program in place of this one; comes back with the reason if that cannot be done.
fn replace_with(command: &mut Command) -> String {
    let error = command.exec();
    format!(
        "{} could not be started: {error}",
        command.get_program().to_string_lossy()
    )
}

fn target_folder(repository: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from)
}

/// The cargo that started this one, or that of a private toolchain where it is too old for the lab.
fn cargo(repository: &Path, cache: &Path, assume_yes: bool) -> Result<Command, String> {
    let own = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let found = rust_version();
    if found.is_none_or(|found| found >= OLDEST_FOR_HOST) {
        return Ok(Command::new(own));
    }
    let found = found.map_or_else(|| "unknown".to_owned(), |found| found.to_string());
    let private = match Toolchain::private(repository, cache) {
        Some(toolchain) => toolchain,
        None => {
            eprintln!(
                "this machine's Rust is {found}, and the lab needs {OLDEST_FOR_HOST} or newer: Debian's rustc-web can be unpacked into {} (about 200 MB are fetched; nothing is installed)",
                cache.display()
            );
            if !assume_yes && std::io::stdin().is_terminal() && !packages::confirmed("do that?") {
                return Err(format!(
                    "Rust {found} is older than {OLDEST_FOR_HOST}: take rustup (https://rustup.rs), or answer yes"
                ));
            }
            rust_setup::unpack_private(repository, cache, &PlainProgress::default())
                .map_err(|error| error.to_string())?
        }
    };
    if private.release() < OLDEST_FOR_HOST {
        return Err(format!(
            "{private} is older than {OLDEST_FOR_HOST}, as is this machine's Rust {found}: take rustup (https://rustup.rs)"
        ));
    }
    Ok(private.host_cargo(repository))
}

/// The version of the rustc that cargo would use.
fn rust_version() -> Option<RustVersion> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    RustVersion::parse(text.split_whitespace().nth(1)?)
}
