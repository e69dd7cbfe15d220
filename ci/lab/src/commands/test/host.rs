// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests that need no guest: format, lints, and the tests of the crates.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use guest_image::Progress;

use super::results::{End, Results};
use testbed::prepare::cargo;
use testbed::process;
use testbed::progress::Steps;

const SUITE: &str = "host";
/// A first build of everything, on a slow machine.
const LIMIT: Duration = Duration::from_secs(60 * 60);
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How many lines of a failed command are shown.
const SHOWN_LINES: usize = 60;

/// Runs all of them; one that fails does not keep the others from running.
///
/// # Errors
/// If cargo cannot be started.
pub fn run(repository: &Path, steps: &Steps, results: &mut Results) -> Result<()> {
    let mut host = Host {
        repository,
        steps,
        results,
    };
    host.run("format", &["fmt", "--all", "--check"])?;
    host.run(
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    let nextest = process::ask(cargo().args(["nextest", "--version"]), ASK_LIMIT)
        .is_ok_and(|(status, _)| status.success());
    if nextest {
        let output = ["--status-level=all", "--color=never"];
        host.run(
            "tests",
            &[&["nextest", "run", "--no-fail-fast"][..], &output].concat(),
        )?;
        // nextest leaves the examples in the documentation out.
        host.run("doc tests", &["test", "--doc", "--no-fail-fast"])
    } else {
        host.run("tests", &["test", "--no-fail-fast"])
    }
}

struct Host<'a> {
    repository: &'a Path,
    steps: &'a Steps,
    results: &'a mut Results,
}

impl Host<'_> {
    /// Runs one command of cargo. The tests that it names are cases of their own; without any, the
    /// command is one.
    fn run(&mut self, name: &str, arguments: &[&str]) -> Result<()> {
        let step = format!("host: {name}");
        self.steps.start(&step);
        let begin = Instant::now();
        let mut said = Vec::new();
        let mut tests: Vec<Test> = Vec::new();
        let mut command = cargo();
        command.current_dir(self.repository).args(arguments);
        let status = process::run(&mut command, LIMIT, |line| {
            let text = line.text();
            if let Some(test) = Test::parse(text).filter(|test| !tests.contains(test)) {
                tests.push(test);
                let count = u64::try_from(tests.len()).unwrap_or(u64::MAX);
                self.steps.advance(count, None, "tests");
            }
            said.push(text.to_owned());
        })
        .with_context(|| format!("running cargo {}", arguments.join(" ")))?;

        let failed = tests.iter().any(|test| test.outcome == Outcome::Failed);
        if status.success() {
            self.steps.finish(&match tests.len() {
                0 => "clean".to_owned(),
                count => format!("{count} tests"),
            });
        } else {
            self.steps.fail();
        }
        let shown = said[said.len().saturating_sub(SHOWN_LINES)..].join("\n");
        for test in &tests {
            let end = match test.outcome {
                Outcome::Passed => End::Passed,
                Outcome::Failed => End::Failed(about(&test.name, &said)),
                Outcome::Ignored => End::Skipped("the test is marked to be ignored".to_owned()),
            };
            self.results.add(SUITE, &test.name, end, Duration::ZERO);
        }
        if !status.success() && !failed {
            let end = End::Failed(format!("cargo {} failed:\n{shown}", arguments.join(" ")));
            self.results.add(SUITE, name, end, begin.elapsed());
        } else if tests.is_empty() {
            self.results.add(SUITE, name, End::Passed, begin.elapsed());
        }
        Ok(())
    }
}

/// The lines from the first that names a failed test's panic on.
fn about(test: &str, said: &[String]) -> String {
    let short = test.rsplit(' ').next().unwrap_or(test);
    let begin = said
        .iter()
        .position(|line| line.contains(short) && line.contains("panicked at"));
    match begin {
        Some(begin) => said[begin..]
            .iter()
            .take(12)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n"),
        None => "the output above says why".to_owned(),
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// A test as a line of output names it.
#[derive(Debug, PartialEq, Eq)]
struct Test {
    name: String,
    outcome: Outcome,
}

impl Test {
    /// Reads `test a::b ... ok` of cargo test and `PASS [   0.01s] (1/2) crate a::b` of nextest.
    fn parse(line: &str) -> Option<Self> {
        Self::of_libtest(line).or_else(|| Self::of_nextest(line.trim_start()))
    }

    fn of_libtest(line: &str) -> Option<Self> {
        let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        let outcome = match end.split(',').next()? {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "ignored" => Outcome::Ignored,
            _ => return None,
        };
        Some(Self {
            name: name.to_owned(),
            outcome,
        })
    }

    fn of_nextest(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(" [")?;
        let outcome = match word {
            "PASS" | "LEAK" | "FLAKY" => Outcome::Passed,
            "SKIP" => Outcome::Ignored,
            "FAIL" | "TIMEOUT" | "ABORT" => Outcome::Failed,
            word if word.starts_with("SIG") => Outcome::Failed,
            _ => return None,
        };
        let (_, name) = rest.split_once(']')?;
        let name = name.trim_start();
        // Newer versions count in front of the name.
        let name = match name.strip_prefix('(') {
            Some(counted) => counted.split_once(") ")?.1,
            None => name,
        };
        Some(Self {
            name: name.to_owned(),
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: &str, outcome: Outcome) -> Option<Test> {
        Some(Test {
            name: name.to_owned(),
            outcome,
        })
    }

    #[test]
    fn results_are_read_from_both_runners() {
        for (line, expected) in [
            ("test a::b ... ok", test("a::b", Outcome::Passed)),
            ("test a::b ... FAILED", test("a::b", Outcome::Failed)),
            ("test a ... ignored, too slow", test("a", Outcome::Ignored)),
            (
                "        PASS [   0.004s] lab qemu::tests::x",
                test("lab qemu::tests::x", Outcome::Passed),
            ),
            (
                "        PASS [   0.004s] ( 1/27) lab x",
                test("lab x", Outcome::Passed),
            ),
            (
                "        FAIL [   0.004s] (2/27) lab x",
                test("lab x", Outcome::Failed),
            ),
            (
                "     SIGABRT [   0.1s] lab x",
                test("lab x", Outcome::Failed),
            ),
            ("     Running [ 00:00:01] 3/5", None),
            ("test result: ok. 3 passed", None),
            ("   Compiling lab v0.1.0", None),
        ] {
            assert_eq!(Test::parse(line), expected, "{line}");
        }
    }

    #[test]
    fn a_failure_is_shown_from_its_panic_on() {
        let said = [
            "running",
            "thread 'm::tests::x' panicked at a.rs:1:",
            "left: 1",
        ]
        .map(str::to_owned);
        assert_eq!(
            about("lab m::tests::x", &said),
            "thread 'm::tests::x' panicked at a.rs:1:\nleft: 1"
        );
        assert_eq!(about("lab y", &said), "the output above says why");
    }
}
