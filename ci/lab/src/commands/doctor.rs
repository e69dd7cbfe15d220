// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab doctor`: what this machine has and lacks; `cargo lab setup`: gets it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use guest_image::host::{self, Needs};
use guest_image::{Progress, Workshop};
use nix::sys::statvfs::statvfs;

use crate::options::GuestOptions;
use testbed::prepare::{Prepared, cargo, repository};
use testbed::process::ask;
use testbed::progress::Steps;
use testbed::qemu::Qemu;

/// What Debian's kernel, the toolchain's output and an image take, in MiB, with room to spare.
const DISK_MIB: u64 = 4096;
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// One thing that must be there.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    what: &'static str,
    /// What was found, or what is wrong and what to do.
    result: Result<String, String>,
}

/// Looks at everything and says what it finds; true if nothing is missing.
///
/// # Errors
/// If this is no checkout of the project.
pub fn command(options: &GuestOptions) -> Result<bool> {
    let repository = repository()?;
    let workshop = Workshop::new(&repository)?;
    let checks = [
        Check {
            what: "Rust",
            result: rust(),
        },
        Check {
            what: "host packages",
            result: packages(options, &repository),
        },
        Check {
            what: "QEMU",
            result: qemu(options),
        },
        Check {
            what: "disk space",
            result: disk(workshop.cache_dir()),
        },
        Check {
            what: "cache",
            result: Ok(cache(workshop.cache_dir())),
        },
    ];
    print!("{}", text(&checks));
    Ok(checks.iter().all(|check| check.result.is_ok()))
}

/// Fetches and builds everything, and boots nothing; true when done.
///
/// # Errors
/// What could not be had.
pub fn setup(options: &GuestOptions) -> Result<bool> {
    let steps = Steps::new();
    let prepared = Prepared::new(&options.config(), &steps)?;
    steps.line(&format!(
        "ready: {} on QEMU {}; `cargo lab stream` boots it",
        prepared.image.kernel_label, prepared.qemu.version
    ));
    Ok(true)
}

fn text(checks: &[Check]) -> String {
    let lines = checks.iter().map(|check| match &check.result {
        Ok(found) => format!("✓ {:<14} {found}\n", check.what),
        Err(problem) => format!("✗ {:<14} {problem}\n", check.what),
    });
    let missing = checks.iter().filter(|check| check.result.is_err()).count();
    let verdict = match missing {
        0 => "everything is there".to_owned(),
        1 => "1 thing is missing".to_owned(),
        _ => format!("{missing} things are missing"),
    };
    lines.chain([verdict + "\n"]).collect()
}

fn rust() -> Result<String, String> {
    let (_, version) = ask(cargo().arg("--version"), ASK_LIMIT)
        .map_err(|error| format!("cargo does not answer: {error}"))?;
    Ok(version.trim().to_owned())
}

fn packages(options: &GuestOptions, repository: &Path) -> Result<String, String> {
    let needs = Needs {
        kernel: &options.kernel,
        qemu: options.qemu.is_none(),
    };
    let missing = host::missing(&needs, repository);
    if missing.is_empty() {
        return Ok("cross compiler, its libraries, and Rust's sources are there".to_owned());
    }
    Err(format!(
        "missing: {0}; `cargo lab setup` installs them, or run: apt-get install {0}",
        missing.join(" ")
    ))
}

fn qemu(options: &GuestOptions) -> Result<String, String> {
    let said = |error: testbed::qemu::QemuError| error.to_string();
    let qemu = Qemu::find(options.qemu.as_deref()).map_err(said)?;
    let carrier = qemu.choose(options.config().attach).map_err(said)?;
    let names: Vec<&str> = qemu.carriers.iter().map(|carrier| carrier.name()).collect();
    Ok(format!(
        "{} {}, can attach the ISP as: {} (takes {carrier})",
        qemu.program.display(),
        qemu.version,
        names.join(", ")
    ))
}

fn disk(cache: &Path) -> Result<String, String> {
    let folder = existing(cache);
    let free = statvfs(&folder)
        .map(|found| found.blocks_available() * found.fragment_size() / (1 << 20))
        .map_err(|error| format!("{} cannot be asked: {error}", folder.display()))?;
    let found = format!("{free} MiB free at {}", folder.display());
    if free < DISK_MIB {
        return Err(format!(
            "{found}, {DISK_MIB} MiB are needed; set TX_ISP_CACHE to another folder"
        ));
    }
    Ok(found)
}

/// The first folder of a path that is there already.
fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|folder| folder.is_dir());
    found.unwrap_or(Path::new("/")).to_path_buf()
}

fn cache(path: &Path) -> String {
    let mut du = Command::new("du");
    du.arg("-sm").arg(path);
    let size = ask(&mut du, ASK_LIMIT)
        .ok()
        .filter(|(status, _)| status.success())
        .and_then(|(_, said)| said.split_whitespace().next().map(str::to_owned));
    match size {
        Some(mib) => format!("{} holds {mib} MiB", path.display()),
        None => format!(
            "{} is not there yet; the first run fills it",
            path.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_beside_what_is_there() {
        let checks = [
            Check {
                what: "Rust",
                result: Ok("cargo 1.95.0".into()),
            },
            Check {
                what: "QEMU",
                result: Err("none".into()),
            },
        ];
        assert_eq!(
            text(&checks),
            "✓ Rust           cargo 1.95.0\n✗ QEMU           none\n1 thing is missing\n"
        );
        assert!(text(&checks[..1]).ends_with("everything is there\n"));
    }

    #[test]
    fn space_is_asked_for_where_the_cache_will_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("not/yet");
        assert_eq!(existing(&path), dir.path());
        assert!(cache(&path).contains("not there yet"));
    }
}
