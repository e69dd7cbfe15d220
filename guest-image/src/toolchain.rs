// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds a Rust toolchain that can build the standard library for MIPS, and runs its cargo.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cache::Key;
use crate::command::run;
use crate::error::{Error, Result};

/// How long a toolchain may take to say what it is.
const ASK_LIMIT: Duration = Duration::from_secs(60);

/// The oldest rustc that builds the workspace (its `rust-version`).
const OLDEST: (u32, u32) = (1, 88);

/// Where a toolchain keeps the standard library's sources, below its sysroot.
const SOURCES: &str = "lib/rustlib/src/rust/library/Cargo.lock";

/// A Rust toolchain with the standard library's sources.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// As in "rustc 1.96.0 (ac68faa20 2026-05-25)".
    version: String,
    commit: String,
}

impl Toolchain {
    /// The toolchain that is active in `repository` if it has the sources, else Debian's.
    ///
    /// # Errors
    /// [`Error::NoToolchain`] if neither will do; it says why.
    pub(crate) fn find(repository: &Path) -> Result<Self> {
        let mut looked_at = Vec::new();
        for rustc in ["rustc", "/usr/bin/rustc"] {
            match Self::examine(rustc, repository) {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => looked_at.push(format!("{rustc}: {reason}")),
            }
        }
        Err(Error::NoToolchain {
            looked_at: looked_at.join("; "),
        })
    }

    fn examine(rustc: &str, repository: &Path) -> std::result::Result<Self, String> {
        let ask = |arguments: &[&str]| {
            let mut command = Command::new(rustc);
            command.args(arguments).current_dir(repository);
            run(command, rustc, ASK_LIMIT)
                .map(|said| said.stdout)
                .map_err(|error| error.to_string())
        };
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim());
        if !sysroot.join(SOURCES).is_file() {
            return Err(format!("no rust-src in {}", sysroot.display()));
        }
        let verbose = ask(&["--version", "--verbose"])?;
        let release = field(&verbose, "release: ");
        if !is_new_enough(release) {
            return Err(format!(
                "rustc {release} is older than {}.{}",
                OLDEST.0, OLDEST.1
            ));
        }
        let cargo = sysroot.join("bin/cargo");
        if !cargo.is_file() {
            return Err(format!("no cargo in {}", sysroot.display()));
        }
        Ok(Self {
            cargo,
            rustc: sysroot.join("bin/rustc"),
            version: verbose.lines().next().unwrap_or_default().to_owned(),
            commit: field(&verbose, "commit-hash: ").to_owned(),
        })
    }

    /// Names the toolchain in the cache, so that another one does not meet its artifacts.
    pub(crate) fn key(&self) -> String {
        Key::new().add(&self.version).add(&self.commit).finish()
    }

    /// This toolchain's cargo, run in `repository`, free of what an outer cargo left in the
    /// environment. Settings about networks and registries stay.
    pub(crate) fn cargo(&self, repository: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        self.clean(&mut command);
        command.current_dir(repository).env("RUSTC", &self.rustc);
        command
    }

    /// This toolchain's rustc.
    pub(crate) fn rustc(&self) -> Command {
        let mut command = Command::new(&self.rustc);
        self.clean(&mut command);
        command
    }

    fn clean(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(confuses) {
                command.env_remove(&name);
            }
        }
        // -Z options on a stable toolchain: building the standard library is still one of them.
        command.env("RUSTC_BOOTSTRAP", "1");
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", self.version, self.rustc.display())
    }
}

/// Whether an environment variable of an outer cargo or rustup would steer an inner one.
fn confuses(name: &str) -> bool {
    const KEPT: [&str; 5] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
    ];
    if KEPT.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name == "LD_LIBRARY_PATH"
        || name == "RUSTUP_TOOLCHAIN"
        || ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn field<'a>(verbose: &'a str, name: &str) -> &'a str {
    verbose
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or("unknown")
}

fn is_new_enough(release: &str) -> bool {
    let mut numbers = release.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_new_enough("1.96.0") && is_new_enough("1.88.0-nightly"));
        assert!(!is_new_enough("1.63.0") && !is_new_enough("unknown"));
        assert!(is_new_enough("1.100.0"));
    }

    #[test]
    fn an_outer_cargo_is_forgotten_but_not_the_network() {
        assert!(confuses("CARGO_MANIFEST_DIR") && confuses("RUSTUP_TOOLCHAIN"));
        assert!(confuses("CARGO_TARGET_DIR") && confuses("RUSTFLAGS"));
        assert!(!confuses("CARGO_HOME") && !confuses("CARGO_REGISTRIES_X_INDEX"));
        assert!(!confuses("RUSTUP_HOME") && !confuses("PATH"));
    }
}
