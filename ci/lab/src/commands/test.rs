// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab test`: format, lints, host tests and guest tests, one after the other. All of them are
//! cargo's own; this prepares what they need, runs them and counts.

mod counts;
mod environment;
mod part;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use guest_image::ImageBuilder;
use host_setup::qemu::DEBIAN_BACKPORTS;
use host_setup::rust_setup;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use testbed::explain;
use testbed::prepare::{Prepared, cargo, named_qemu, repository};
use testbed::process;
use testbed::progress::Steps;
use testbed::qemu::Carrier;

use crate::options::{Attach, GuestOptions};
use crate::output::say;
use counts::Counts;
use environment::environment;
use part::OVER_VFIO_USER;
pub use part::Part;

/// One command; the guest tests take minutes on an idle machine, more on a busy one.
const LIMIT: Duration = Duration::from_secs(3 * 60 * 60);
/// What answers at once.
const ASK_LIMIT: Duration = Duration::from_secs(60);

/// Which tests.
#[derive(Debug, Clone, Args)]
pub struct TestOptions {
    /// Only what needs no guest
    #[arg(long, conflicts_with = "guest_only")]
    pub host_only: bool,
    /// Only what needs a guest
    #[arg(long)]
    pub guest_only: bool,
    /// Only these parts of what needs a guest; repeatable
    #[arg(long, value_enum, value_name = "PART", conflicts_with = "host_only")]
    pub part: Vec<Part>,
    /// Write the results as JUnit XML to this file; with each host test if cargo-nextest is there
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How long each fuzz target of the emulator runs, where a nightly compiler and cargo-fuzz are; 0
    /// for not at all
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub fuzz: u64,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// The fuzz targets in `emulator/fuzz`.
const FUZZ_TARGETS: [&str; 5] = ["mailbox", "queues", "sockets", "pictures", "parsers"];

/// Runs the tests that were asked for; true if none failed.
///
/// # Errors
/// If they could not be run at all.
pub fn command(options: &TestOptions) -> Result<bool> {
    let repository = repository()?;
    let folder = options.junit.as_deref().and_then(Path::parent);
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let junit = tempfile::tempdir().context("creating a folder for results")?;
    let mut run = Run {
        repository: &repository,
        junit: junit.path(),
        counts: Counts::default(),
        own: TestSuite::new("lab"),
        failures: Vec::new(),
    };
    if !options.guest_only && options.part.is_empty() {
        run.host()?;
        run.fuzz(options.fuzz)?;
    }
    if !options.host_only {
        run.guest(options)?;
    }
    if let Some(path) = &options.junit {
        run.write_junit(path)?;
        eprintln!("results: {}", path.display());
    }
    for failure in &run.failures {
        say!("FAILED: {failure}");
    }
    say!("{}", run.counts);
    Ok(run.failures.is_empty())
}

/// The crates that run in the guest.
const FOR_THE_GUEST: [&str; 6] = [
    "tx-isp-abi",
    "tx-isp-alloc",
    "tx-isp-driver",
    "tx-isp-linux",
    "guest-protocol",
    "guest-agent",
];

/// A run of all that was asked for.
struct Run<'a> {
    repository: &'a Path,
    /// Where the guest tests leave their results.
    junit: &'a Path,
    counts: Counts,
    /// What is no test of its own.
    own: TestSuite,
    failures: Vec<String>,
}

impl Run<'_> {
    fn host(&mut self) -> Result<()> {
        self.check("format", cargo().args(["fmt", "--all", "--check"]))?;
        let mut clippy = cargo();
        clippy.args(["clippy", "--workspace", "--all-targets"]);
        clippy.args(["--", "-D", "warnings"]);
        self.check("lints", &mut clippy)?;
        self.style()?;
        self.oldest_rust()?;
        let nextest = process::ask(cargo().args(["nextest", "--version"]), ASK_LIMIT)
            .is_ok_and(|(status, _)| status.success());
        if nextest {
            self.tests(
                "tests",
                cargo().args(["nextest", "run", "--profile", "lab"]),
            )?;
            // nextest leaves the examples in the documentation out.
            self.tests(
                "doc tests",
                cargo().args(["test", "--doc", "--no-fail-fast"]),
            )
        } else {
            self.tests("tests", cargo().args(["test", "--no-fail-fast"]))
        }
    }

    /// Each fuzz target for so many seconds.
    fn fuzz(&mut self, seconds: u64) -> Result<()> {
        let mut version = Command::new("cargo");
        // Not the toolchain that runs this.
        let nightly = |command: &mut Command| {
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
            command.env_remove("CARGO").args(["+nightly", "fuzz"]);
        };
        nightly(&mut version);
        let there = process::ask(version.arg("--version"), ASK_LIMIT)
            .is_ok_and(|(status, _)| status.success());
        if seconds == 0 || !there {
            let reason = match seconds {
                0 => "--fuzz 0",
                _ => "there is no nightly compiler with cargo-fuzz (cargo install cargo-fuzz)",
            };
            self.skip("fuzz", reason);
            return Ok(());
        }
        for target in FUZZ_TARGETS {
            let mut command = Command::new("cargo");
            nightly(&mut command);
            command.args([
                "run",
                "--fuzz-dir",
                "emulator/fuzz",
                "--sanitizer",
                "none",
                target,
            ]);
            for folder in ["corpus", "seeds"] {
                let folder = self
                    .repository
                    .join("emulator/fuzz")
                    .join(folder)
                    .join(target);
                fs::create_dir_all(&folder).context("creating a folder for inputs")?;
                command.arg(folder);
            }
            command.arg("--").arg(format!("-max_total_time={seconds}"));
            self.check(&format!("fuzz {target}"), &mut command)?;
        }
        Ok(())
    }

    /// What the kernel's own tools say of the driver's C files.
    fn style(&mut self) -> Result<()> {
        const NAME: &str = "the kernel's style: checkpatch --strict and sparse";
        eprintln!("== {NAME}");
        let begin = Instant::now();
        let style =
            ImageBuilder::new(self.repository).and_then(|builder| builder.style(&Steps::new()));
        let style = match style {
            Ok(style) => style,
            Err(error) => {
                eprintln!("== left out ({error})");
                self.counts.skipped += 1;
                return Ok(());
            }
        };
        if let Some(reason) = &style.no_sparse {
            eprintln!("== sparse: left out ({reason}); Debian's package is called sparse");
        }
        for complaint in &style.complaints {
            eprintln!("{complaint}");
        }
        let result = match style.complaints.as_slice() {
            [] => Ok(()),
            some => Err(format!("{NAME}: {} complaints, see above", some.len())),
        };
        self.add(NAME, begin.elapsed(), result);
        Ok(())
    }

    /// What runs in the guest is built by whatever compiler a machine has: also by the oldest.
    fn oldest_rust(&mut self) -> Result<()> {
        let cache = host_setup::cache_dir::find()?;
        let found = rust_setup::unpack_oldest(self.repository, &cache, &Steps::new());
        let toolchain = match found {
            Ok(Some(toolchain)) => toolchain,
            Ok(None) => {
                eprintln!("== oldest Rust: left out, the guest's mirror has none");
                return Ok(());
            }
            Err(error) => {
                eprintln!("== oldest Rust: left out ({error})");
                return Ok(());
            }
        };
        let mut command = toolchain.host_cargo(self.repository);
        command.args(["check", "--target-dir"]);
        command.arg(target(self.repository).join("oldest-rust"));
        for package in FOR_THE_GUEST {
            command.args(["--package", package]);
        }
        let name = format!("Rust {} builds what runs in the guest", toolchain.release());
        self.check(&name, &mut command)
    }

    fn guest(&mut self, options: &TestOptions) -> Result<()> {
        let steps = Steps::new();
        let begin = Instant::now();
        let prepared = Prepared::with_image(&options.guest.config(), &steps, |image| {
            image.with_compliance = true;
        });
        let prepared = prepared.map_err(|error| explain(&error));
        let name = "emulator, module and agent are built";
        self.add(name, begin.elapsed(), prepared.clone().map(drop));
        let Ok(prepared) = prepared else {
            return Ok(());
        };
        let parts: Vec<Part> = match options.part.as_slice() {
            [] => Part::value_variants()
                .iter()
                .copied()
                .filter(|part| !matches!(part, Part::Hostile | Part::Json))
                .collect(),
            wanted => wanted.to_vec(),
        };
        let guest = &options.guest;
        let is_chosen = guest.qemu.is_some() || !matches!(guest.attach, Attach::Auto);
        if is_chosen || prepared.qemu.carriers.contains(&Carrier::VfioUser) {
            return self.guest_tests("guest tests", &parts, environment(guest));
        }
        // This machine's QEMU lacks vfio-user: the newest one that the mirror has is taken for it.
        let mut mailbox = parts.clone();
        mailbox.retain(|part| !matches!(part, Part::Foreign | Part::Attachments));
        if !mailbox.is_empty() {
            let mut variables = environment(guest);
            let carriers = Carrier::MAILBOX.map(Carrier::name).join(",");
            variables.push(("TX_ISP_TEST_ATTACH", carriers));
            self.guest_tests("guest tests", &mailbox, variables)?;
        }
        let newest = GuestOptions {
            qemu: Some(DEBIAN_BACKPORTS.into()),
            attach: Attach::VfioUser,
            ..guest.clone()
        };
        let name = "guest tests over vfio-user";
        let parts = match options.part.as_slice() {
            [] => OVER_VFIO_USER.to_vec(),
            _ => parts,
        };
        match named_qemu(&newest.config(), self.repository, &steps) {
            Ok(_) => self.guest_tests(name, &parts, environment(&newest)),
            Err(error) => {
                self.skip(name, &explain(&error));
                Ok(())
            }
        }
    }

    /// Runs parts of the guest tests.
    fn guest_tests(
        &mut self,
        name: &str,
        parts: &[Part],
        environment: Vec<(&'static str, String)>,
    ) -> Result<()> {
        let junit = self.junit.join(name.replace(' ', "-"));
        fs::create_dir_all(&junit).context("creating a folder for results")?;
        let mut command = cargo();
        command.args(["test", "--no-fail-fast"]);
        // Always both: what they depend on is then built with the same features in each pass.
        command.args(["--package", "tx-isp-tests", "--package", "lab"]);
        for part in parts {
            command.args(["--test", part.binary()]);
        }
        command.envs(environment);
        command.env("TX_ISP_TEST_JUNIT", junit);
        self.tests(name, &mut command)
    }

    /// Counts what could not be run.
    fn skip(&mut self, name: &str, reason: &str) {
        eprintln!("== {name}: skipped: {reason}");
        self.counts.skipped += 1;
        let mut status = TestCaseStatus::skipped();
        status.set_message(reason);
        self.own.add_test_case(TestCase::new(name, status));
    }

    /// Runs a command that is one test.
    fn check(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let begin = Instant::now();
        let status = self.run(name, command)?;
        let result = match status.success() {
            true => Ok(()),
            false => Err(format!("{name}: see above ({status})")),
        };
        self.add(name, begin.elapsed(), result);
        Ok(())
    }

    /// Runs a command that runs tests and counts them itself.
    fn tests(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let failed = self.counts.failed;
        let begin = Instant::now();
        let status = self.run(name, command)?;
        if !status.success() {
            if self.counts.failed == failed {
                // They could not be built, or a guest's end was not in order.
                let reason = format!("{name}: see above ({status})");
                self.add(name, begin.elapsed(), Err(reason));
            } else {
                self.failures.push(format!("{name}: see above ({status})"));
            }
        }
        Ok(())
    }

    /// Runs a command of cargo, and shows all that it says.
    fn run(&mut self, name: &str, command: &mut Command) -> Result<std::process::ExitStatus> {
        eprintln!("== {name}");
        let Self {
            repository, counts, ..
        } = self;
        command.current_dir(repository);
        process::run(command, LIMIT, |line| {
            counts.add(line.text());
            eprintln!("{}", line.text());
        })
        .with_context(|| format!("running {command:?}"))
    }

    fn add(&mut self, name: &str, time: Duration, result: Result<(), String>) {
        let status = match result {
            Ok(()) => {
                self.counts.passed += 1;
                TestCaseStatus::success()
            }
            Err(reason) => {
                self.counts.failed += 1;
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(reason.as_str());
                self.failures.push(reason);
                status
            }
        };
        let mut case = TestCase::new(name, status);
        case.set_time(time);
        self.own.add_test_case(case);
    }

    /// What the lab did itself, nextest's results and those of the guest tests in one file.
    fn write_junit(&self, path: &Path) -> Result<()> {
        let mut report = Report::new("cargo lab test");
        report.add_test_suite(self.own.clone());
        let mut files = vec![target(self.repository).join("nextest/lab/junit.xml")];
        let passes = fs::read_dir(self.junit).context("reading the guest tests' results")?;
        for pass in passes.flatten() {
            let guest = fs::read_dir(pass.path()).context("reading the guest tests' results")?;
            files.extend(guest.flatten().map(|entry| entry.path()));
        }
        files[1..].sort();
        for file in files.iter().filter(|file| file.is_file()) {
            let text =
                fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            let part = Report::deserialize_from_str(&text)
                .with_context(|| format!("{} is no JUnit XML", file.display()))?;
            report.add_test_suites(part.test_suites);
        }
        let text = report.to_string().context("writing JUnit XML")?;
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// Where cargo builds.
fn target(repository: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn test(words: &[&str]) -> Result<TestOptions, String> {
        parse(words)
    }

    #[test]
    fn tests_are_for_the_host_or_the_guest_but_not_both_alone() {
        assert!(test(&["--host-only", "--guest-only"]).is_err());
        assert!(test(&["--host-only", "--part", "faults"]).is_err());
    }
}
