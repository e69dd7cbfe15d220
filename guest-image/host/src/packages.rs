// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host must have, and how it gets it.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::apt_root::GUEST;
use crate::command::{run_as, run_with};
use crate::disk;
use crate::error::{Error, IoContext, Result};
use crate::mirror;
use crate::offline;
use crate::process::Orphan;
use crate::progress::Progress;
use crate::rust_setup;
use crate::toolchain::{OLDEST_FOR_GUEST, RustVersion, Toolchain};

/// Fetching and installing everything on a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How long apt may take to answer a question.
const ASK_LIMIT: Duration = Duration::from_secs(2 * 60);

/// The host's package lists are fetched anew before an installation when they are older: a mirror
/// drops versions that newer ones replace, and old lists know old compilers.
const LISTS_ARE_FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// What package lists take while they are fetched, in MiB.
const LISTS_MIB: u64 = 256;

/// What is going to be done, which decides what the host needs for it.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Whether a kernel is built from source.
    pub kernel_source: bool,
    /// Whether QEMU is to come from the host's packages; false if the user names one.
    pub qemu: bool,
}

/// How to see that a package's content is there, whoever installed it.
enum Sign {
    Program(&'static str),
    File(&'static str),
}

impl Sign {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => find_program(name).is_some(),
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// For any image.
static ALWAYS: [(&str, Sign); 6] = [
    ("apt", Sign::Program("apt-get")),
    ("dpkg", Sign::Program("dpkg-deb")),
    (
        "gcc-mipsel-linux-gnu",
        Sign::Program("mipsel-linux-gnu-gcc"),
    ),
    (
        "libc6-dev-mipsel-cross",
        Sign::File("/usr/mipsel-linux-gnu/include/stdio.h"),
    ),
    ("make", Sign::Program("make")),
    ("gcc", Sign::Program("gcc")),
];

/// To build a kernel from source. Debian's own brings its build tools as binaries.
static FOR_A_KERNEL: [(&str, Sign); 6] = [
    ("bc", Sign::Program("bc")),
    ("bison", Sign::Program("bison")),
    ("flex", Sign::Program("flex")),
    ("patch", Sign::Program("patch")),
    ("tar", Sign::Program("tar")),
    ("xz-utils", Sign::Program("xz")),
];

/// To run the guest.
static QEMU: [(&str, Sign); 1] = [("qemu-system-mips", Sign::Program("qemu-system-mipsel"))];

/// Toolchains with the sources of their standard library: what Debian keeps current for its browsers,
/// and the release's own.
const RUST: [[&str; 3]; 2] = [
    ["rustc-web", "cargo-web", "rust-web-src"],
    ["rustc", "cargo", "rust-src"],
];

/// Debian's keys, where the host is another distribution.
const KEYS_PACKAGE: &str = "debian-archive-keyring";

/// Debian's names of the packages that are needed, without Rust.
#[must_use]
pub fn wanted(needs: Needs) -> Vec<&'static str> {
    wanted_with_signs(needs)
        .map(|(package, _)| *package)
        .collect()
}

/// Debian's names of the packages that are missing on this machine, without Rust.
#[must_use]
pub fn missing(needs: Needs) -> Vec<String> {
    wanted_with_signs(needs)
        .filter(|(_, sign)| !sign.is_there())
        .map(|(package, _)| (*package).to_owned())
        .collect()
}

fn wanted_with_signs(needs: Needs) -> impl Iterator<Item = &'static (&'static str, Sign)> {
    let kernel: &'static [(&str, Sign)] = if needs.kernel_source {
        &FOR_A_KERNEL
    } else {
        &[]
    };
    let qemu: &'static [(&str, Sign)] = if needs.qemu { &QEMU } else { &[] };
    ALWAYS.iter().chain(kernel).chain(qemu)
}

/// Gets what is missing: packages with apt-get, through sudo if need be; the standard library's
/// sources with rustup, as packages, or in a toolchain of our own. Says what it is about to do, and
/// asks first if a person is at the terminal, unless `assume_yes`.
///
/// Package lists older than a day are fetched anew before, and nothing that the user has is removed.
///
/// # Errors
/// [`Error::NotDebian`] without apt-get, [`Error::NotRoot`] without the right to install,
/// [`Error::Declined`] if the person says no, [`Error::NoSpace`] if the disk is full; else what
/// apt-get said.
pub fn install(
    needs: Needs,
    repository: &Path,
    cache: &Path,
    progress: &dyn Progress,
    assume_yes: bool,
) -> Result<()> {
    let mut plan = Plan {
        packages: missing(needs),
        rust: Toolchain::find(repository, cache).is_err(),
        mirror: matches!(mirror::sources(cache, GUEST), Err(Error::NoMirror { .. })),
    };
    if plan.is_empty() {
        return Ok(());
    }
    offline::check(|| plan.names().join(", "))?;
    if find_program("apt-get").is_none() {
        return Err(Error::NotDebian {
            missing: plan.names(),
        });
    }
    if plan.mirror && !Path::new(mirror::KEYS).is_file() {
        plan.packages.push(KEYS_PACKAGE.to_owned());
    }
    let by_rustup = plan.rust && rust_setup::rustup_can_add(repository);
    for line in plan.lines(by_rustup) {
        progress.line(&line);
    }
    if !assume_yes && std::io::stdin().is_terminal() && !confirmed("get them now?") {
        return Err(Error::Declined {
            missing: plan.names(),
        });
    }
    if by_rustup {
        match rust_setup::add_by_rustup(repository, progress) {
            Ok(()) => plan.rust = Toolchain::find(repository, cache).is_err(),
            Err(error) => progress.line(&format!(
                "rustup has no rust-src here ({}); taking Debian's toolchain instead",
                last_line(&error.to_string())
            )),
        }
    }
    let root = become_root()?;
    if let Some(become_root) = root {
        let mut host = HostApt {
            become_root,
            progress,
            lists_are_new: false,
        };
        host.install(&plan.packages)?;
        if plan.rust {
            host.install_rust()?;
        }
    } else if !plan.packages.is_empty() {
        return Err(Error::NotRoot {
            missing: plan.packages,
        });
    }
    let missing = missing(needs);
    if !missing.is_empty() {
        return Err(Error::StillMissing { missing });
    }
    if plan.mirror {
        mirror::accept_offer(cache)?;
    }
    if Toolchain::find(repository, cache).is_err() {
        rust_setup::unpack_private(repository, cache, progress)?;
    }
    Ok(())
}

/// What is to be got.
struct Plan {
    packages: Vec<String>,
    /// A toolchain with the standard library's sources.
    rust: bool,
    /// A mirror of Debian for the guest's packages.
    mirror: bool,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && !self.rust && !self.mirror
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.packages.clone();
        if self.rust {
            names.push("the sources of Rust's standard library (rust-src)".to_owned());
        }
        if self.mirror {
            names.push("a Debian mirror for the guest's packages".to_owned());
        }
        names
    }

    fn lines(&self, by_rustup: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.packages.is_empty() {
            lines.push(format!(
                "host packages to install: {}",
                self.packages.join(" ")
            ));
        }
        if self.rust {
            lines.push(match by_rustup {
                true => "to add: the component rust-src, by rustup".to_owned(),
                false => {
                    "to add: a Rust toolchain with the sources of the standard library".to_owned()
                }
            });
        }
        if self.mirror {
            lines.push(format!(
                "no source of this machine is Debian's: the guest's packages will come from {}/debian, verified with Debian's keys",
                mirror::OFFERED
            ));
        }
        lines
    }
}

/// The host's apt, and whether its lists were fetched in this run.
struct HostApt<'a> {
    become_root: &'a [&'a str],
    progress: &'a dyn Progress,
    lists_are_new: bool,
}

impl HostApt<'_> {
    /// Installs packages, or brings them up to date.
    fn install(&mut self, packages: &[String]) -> Result<()> {
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
    fn install_rust(&mut self) -> Result<()> {
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

/// What to put in front of a command that only root may run; None if there is no way.
fn become_root() -> Result<Option<&'static [&'static str]>> {
    let own = Path::new("/proc/self");
    if std::fs::metadata(own).at("reading", own)?.uid() == 0 {
        return Ok(Some(&[]));
    }
    Ok(find_program("sudo").map(|_| &["sudo"][..]))
}

/// Asks a question at the terminal; no if nobody can be asked.
#[must_use]
pub fn confirmed(question: &str) -> bool {
    eprint!("{question} [Y/n] ");
    if std::io::stderr().flush().is_err() {
        return false;
    }
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok_and(|count| count > 0)
        && matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "" | "y" | "yes"
        )
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

fn last_line(text: &str) -> &str {
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

/// A program of this name in PATH, or where system programs are.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A user's PATH often lacks the folders of system programs.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|dir| dir.join(OsStr::new(name)))
        .find(|file| file.is_file())
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
    fn the_container_has_all_that_is_asked_for() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/Containerfile");
        let text = std::fs::read_to_string(file).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let needs = Needs {
            kernel_source: true,
            qemu: true,
        };
        for package in wanted(needs) {
            // Without these two there would be no container.
            if !["apt", "dpkg"].contains(&package) {
                assert!(
                    words.contains(&package),
                    "{package} is not in ci/Containerfile"
                );
            }
        }
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

    #[test]
    fn programs_are_found_in_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-here").is_none());
    }
}
