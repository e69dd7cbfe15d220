// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The host's own apt: fetches its lists, installs packages, and removes nothing that the user has.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::command::{run_as, run_with};
use crate::disk;
use crate::error::{Error, Result};
use crate::process::Orphan;
use crate::progress::Progress;
use crate::toolchain::{OLDEST_FOR_GUEST, RustVersion};

/// Fetching and installing everything on a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How long apt may take to answer a question.
const ASK_LIMIT: Duration = Duration::from_secs(2 * 60);

/// The host's package lists are fetched anew before an installation when they are older: a mirror
/// drops versions that newer ones replace, and old lists know old compilers.
const LISTS_ARE_FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// What package lists take while they are fetched, in MiB.
const LISTS_MIB: u64 = 256;

/// Toolchains with the sources of their standard library: what Debian keeps current for its browsers,
/// and the release's own.
const RUST: [[&str; 3]; 2] = [
    ["rustc-web", "cargo-web", "rust-web-src"],
    ["rustc", "cargo", "rust-src"],
];

/// The host's apt, and whether its lists were fetched in this run.
pub(crate) struct HostApt<'a> {
    pub(crate) become_root: &'a [&'a str],
    pub(crate) progress: &'a dyn Progress,
    pub(crate) lists_are_new: bool,
}

impl HostApt<'_> {
    /// Installs packages, or brings them up to date.
    pub(crate) fn install(&mut self, packages: &[String]) -> Result<()> {
        if packages.is_empty() {
            return Ok(());
        }
        self.freshen()?;
        let without = |versions: &[Version]| -> Vec<String> {
            versions
                .iter()
                .filter(|version| version.candidate.is_none())
                .map(|version| version.package.clone())
                .collect()
        };
        let mut unknown = without(&versions(packages)?);
        if !unknown.is_empty() && !self.lists_are_new {
            self.update()?;
            unknown = without(&versions(packages)?);
        }
        if !unknown.is_empty() {
            return Err(Error::NoCandidate { packages: unknown });
        }
        let removed = removals(packages)?;
        if !removed.is_empty() {
            return Err(Error::Removes {
                wanted: packages.to_vec(),
                removed,
            });
        }
        self.run_install(packages)
    }

    /// Installs the distribution's Rust if it is new enough and takes nothing away; whoever calls
    /// looks whether it did.
    pub(crate) fn install_rust(&mut self) -> Result<()> {
        self.freshen()?;
        let mut set = rust_set()?;
        if set.is_none() && !self.lists_are_new {
            self.update()?;
            set = rust_set()?;
        }
        match set {
            Some(set) => self.run_install(&set),
            None => Ok(()),
        }
    }

    /// Fetches the lists if they are older than a day.
    fn freshen(&mut self) -> Result<()> {
        match lists_age() {
            Some(age) if age < LISTS_ARE_FRESH => Ok(()),
            _ if self.lists_are_new => Ok(()),
            _ => self.update(),
        }
    }

    fn update(&mut self) -> Result<()> {
        check_space(LISTS_MIB)?;
        self.progress.start("host: apt-get update");
        // A source of somebody else's that does not answer keeps nobody from Debian's.
        if let Err(error) = apt_get(self.become_root, &["update"], self.progress) {
            self.progress.line(&format!(
                "apt-get update: {}",
                last_line(&error.to_string())
            ));
        }
        self.progress.finish("package lists");
        self.lists_are_new = true;
        Ok(())
    }

    fn run_install(&self, packages: &[String]) -> Result<()> {
        check_space(disk::PACKAGES_MIB)?;
        self.progress.start("host: apt-get install");
        let mut arguments = vec!["install", "--yes", "--no-install-recommends", "--no-remove"];
        arguments.extend(packages.iter().map(String::as_str));
        apt_get(self.become_root, &arguments, self.progress)?;
        let installed: Vec<String> = versions(packages)?
            .into_iter()
            .filter_map(|found| Some(format!("{} {}", found.package, found.installed?)))
            .collect();
        self.progress.finish(&installed.join(", "));
        Ok(())
    }
}

/// Checks that apt has room before it is started: on a full disk it tries for minutes, in silence.
fn check_space(needed: u64) -> Result<()> {
    for folder in ["/var/cache/apt/archives", "/var/lib/apt/lists", "/usr"] {
        disk::check(Path::new(folder), needed, "make room for the packages")?;
    }
    Ok(())
}

/// The packages of the distribution's Rust, if they are new enough and take nothing away.
fn rust_set() -> Result<Option<Vec<String>>> {
    for set in RUST {
        let names = set.map(str::to_owned);
        let found = versions(&names)?;
        let is_new_enough = found.iter().all(|version| {
            version
                .candidate
                .as_deref()
                .and_then(RustVersion::parse)
                .is_some_and(|version| version >= OLDEST_FOR_GUEST)
                // cargo's own version follows another count in some releases.
                || (version.package.starts_with("cargo") && version.candidate.is_some())
        });
        if is_new_enough && found.len() == names.len() && removals(&names)?.is_empty() {
            return Ok(Some(names.to_vec()));
        }
    }
    Ok(None)
}

/// How long ago the host's lists were fetched; None if there are none.
fn lists_age() -> Option<Duration> {
    age_of(Path::new("/var/lib/apt/lists"))
}

/// Every fetch writes to the folder `partial`; the lists themselves keep the mirror's times.
fn age_of(lists: &Path) -> Option<Duration> {
    let has_lists = std::fs::read_dir(lists).ok()?.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with("Release"))
    });
    let fetched = std::fs::metadata(lists.join("partial"))
        .ok()?
        .modified()
        .ok()?;
    has_lists.then(|| fetched.elapsed().unwrap_or_default())
}

/// A package as the host's apt knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    package: String,
    installed: Option<String>,
    candidate: Option<String>,
}

fn versions(packages: &[String]) -> Result<Vec<Version>> {
    let mut command = Command::new("apt-cache");
    command.arg("policy").args(packages);
    let said = run_with(command, "apt-cache policy", ASK_LIMIT, |_| {})?;
    Ok(parse_policy(&said.stdout))
}

fn parse_policy(policy: &str) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for line in policy.lines() {
        let value = |name: &str| {
            let found = line.trim().strip_prefix(name)?.trim();
            (found != "(none)").then(|| found.to_owned())
        };
        if let Some(package) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            versions.push(Version {
                package: package.to_owned(),
                installed: None,
                candidate: None,
            });
        } else if let Some(version) = versions.last_mut() {
            version.installed = version.installed.take().or_else(|| value("Installed:"));
            version.candidate = version.candidate.take().or_else(|| value("Candidate:"));
        }
    }
    versions
}

/// What apt would remove to install packages.
fn removals(packages: &[String]) -> Result<Vec<String>> {
    let mut command = Command::new("apt-get");
    command
        .args(["install", "--simulate", "--no-install-recommends"])
        .args(packages);
    let said = run_with(command, "apt-get install --simulate", ASK_LIMIT, |_| {})?;
    Ok(parse_removals(&said.stdout))
}

fn parse_removals(simulation: &str) -> Vec<String> {
    simulation
        .lines()
        .filter_map(|line| line.strip_prefix("Remv "))
        .filter_map(|rest| rest.split(' ').next())
        .map(str::to_owned)
        .collect()
}

pub(crate) fn last_line(text: &str) -> &str {
    text.trim_end().lines().last().unwrap_or_default()
}

fn apt_get(become_root: &[&str], arguments: &[&str], progress: &dyn Progress) -> Result<()> {
    let mut words = become_root
        .iter()
        .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .chain(&["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=2"])
        .chain(arguments);
    let mut command = Command::new(words.next().unwrap_or(&"env"));
    command.args(words);
    let mut packages = 0;
    run_as(
        command,
        Orphan::GoesOn,
        &format!("apt-get {}", arguments.join(" ")),
        INSTALL_LIMIT,
        |line| {
            if line.starts_with("Setting up ") {
                packages += 1;
                progress.advance(packages, None, "packages");
            }
        },
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_apts_answer() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.85.0+dfsg3-1~deb12u3\n  Version table:\n     \
                      1.85.0+dfsg3-1~deb12u3 500\n        500 http://m.example/debian bookworm/main amd64 Packages\n\
                      make:\n  Installed: 4.3-4.1\n  Candidate: 4.3-4.1\nno-candidate:\n  Installed: (none)\n  Candidate: (none)\n";
        let found = parse_policy(policy);
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[0].candidate.as_deref(),
            Some("1.85.0+dfsg3-1~deb12u3")
        );
        assert_eq!(found[0].installed, None);
        assert_eq!(found[1].installed.as_deref(), Some("4.3-4.1"));
        assert_eq!(found[2].candidate, None);
    }

    #[test]
    fn what_apt_would_remove_is_seen_before() {
        let simulation = "Inst rustc-web (1.96.0 Debian:13 [amd64])\nRemv rustc [1.85.0+dfsg3-1]\n\
                          Remv cargo [1.85.0+dfsg3-1]\nConf rustc-web (1.96.0 Debian:13 [amd64])\n";
        assert_eq!(parse_removals(simulation), ["rustc", "cargo"]);
        assert!(parse_removals("Inst make (4.3 Debian:12 [amd64])\n").is_empty());
    }

    #[test]
    fn lists_are_as_old_as_the_last_fetch() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(age_of(dir.path()), None);
        std::fs::create_dir(dir.path().join("partial")).unwrap();
        assert_eq!(age_of(dir.path()), None, "no lists");
        let list = dir.path().join("m.example_debian_dists_bookworm_InRelease");
        std::fs::write(&list, "").unwrap();
        assert!(age_of(dir.path()).unwrap() < LISTS_ARE_FRESH);
        let partial = std::fs::File::open(dir.path().join("partial")).unwrap();
        let old = std::time::SystemTime::now() - 2 * LISTS_ARE_FRESH;
        partial.set_modified(old).unwrap();
        assert!(age_of(dir.path()).unwrap() > LISTS_ARE_FRESH);
    }
}
