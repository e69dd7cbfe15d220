// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lab itself once more, with the commands in it that run the driver's core on this machine. Only who uses
//! one waits for it to be built.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};
use testbed::prepare::{cargo, repository};

/// Builds that lab and runs it in place of this one, with the same words; comes back only if that cannot be
/// done.
///
/// # Errors
/// Why not.
pub fn run_again() -> Result<bool> {
    let manifest = repository()?.join("Cargo.toml");
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--release"])
        .arg("--manifest-path")
        .arg(manifest)
        .args(["--package", "lab", "--bin", "lab", "--features", "driver"])
        .arg("--")
        .args(std::env::args_os().skip(1));
    Err(command.exec()).context("running cargo")
}
