// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What came of the tests: for people at the end of the output, for CI as JUnit XML.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Passed,
    /// With what was wrong.
    Failed(String),
    /// It was not run, and why.
    Skipped(String),
}

/// A test that was run or skipped.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is part of, as in "host".
    pub suite: String,
    /// A sentence or path that names it.
    pub name: String,
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub time: Duration,
}

/// All of them, in order.
#[derive(Debug, Default)]
pub struct Results(Vec<Case>);

impl Results {
    /// Adds one.
    pub fn add(&mut self, suite: &str, name: &str, end: End, time: Duration) {
        self.0.push(Case {
            suite: suite.to_owned(),
            name: name.to_owned(),
            end,
            time,
        });
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.count(|end| matches!(end, End::Failed(_)))
    }

    fn count(&self, which: impl Fn(&End) -> bool) -> usize {
        self.0.iter().filter(|case| which(&case.end)).count()
    }

    /// What failed and was skipped, and the counts in the last line.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for Case {
            suite, name, end, ..
        } in &self.0
        {
            match end {
                End::Passed => {}
                End::Failed(reason) => {
                    let reason = reason.replace('\n', "\n    ");
                    text.push_str(&format!("FAILED {suite}: {name}\n    {reason}\n"));
                }
                End::Skipped(reason) => {
                    text.push_str(&format!("skipped {suite}: {name}: {reason}\n"))
                }
            }
        }
        let skipped = self.count(|end| matches!(end, End::Skipped(_)));
        let passed = self.count(|end| *end == End::Passed);
        text + &format!(
            "{passed} passed, {} failed, {skipped} skipped\n",
            self.failed()
        )
    }

    /// Writes them as JUnit XML.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_junit(&self, path: &Path) -> Result<()> {
        let text = self.junit().to_string().context("writing JUnit XML")?;
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }

    fn junit(&self) -> Report {
        let mut report = Report::new("cargo lab test");
        let mut suites: Vec<TestSuite> = Vec::new();
        for case in &self.0 {
            let known = suites
                .iter()
                .position(|suite| suite.name.as_str() == case.suite);
            let index = known.unwrap_or_else(|| {
                suites.push(TestSuite::new(case.suite.as_str()));
                suites.len() - 1
            });
            suites[index].add_test_case(junit_case(case));
        }
        report.add_test_suites(suites);
        report
    }
}

fn junit_case(case: &Case) -> TestCase {
    let status = match &case.end {
        End::Passed => TestCaseStatus::success(),
        End::Failed(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(reason.lines().next().unwrap_or_default())
                .set_description(reason.as_str());
            status
        }
        End::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut junit = TestCase::new(case.name.as_str(), status);
    junit.set_classname(case.suite.as_str()).set_time(case.time);
    junit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        let time = Duration::from_millis(1500);
        results.add("host", "format", End::Passed, time);
        results.add(
            "gpio",
            "streams",
            End::Failed("first\nsecond <3".into()),
            time,
        );
        results.add(
            "generic",
            "streams",
            End::Skipped("this QEMU has none".into()),
            time,
        );
        results
    }

    #[test]
    fn the_last_line_counts_and_the_others_explain() {
        assert_eq!(
            results().summary(),
            "FAILED gpio: streams\n    first\n    second <3\nskipped generic: streams: this QEMU has none\n\
             1 passed, 1 failed, 1 skipped\n"
        );
        assert_eq!(
            Results::default().summary(),
            "0 passed, 0 failed, 0 skipped\n"
        );
    }

    #[test]
    fn junit_holds_every_case_in_its_suite() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("junit.xml");
        results().write_junit(&path).unwrap();
        let xml = fs::read_to_string(path).unwrap();
        for part in [
            r#"tests="3" skipped="1" failures="1" errors="0""#,
            r#"<testcase name="format" classname="host" time="1.500"/>"#,
            r#"<failure message="first">"#,
            "second &lt;3",
            r#"<skipped message="this QEMU has none"/>"#,
        ] {
            assert!(xml.contains(part), "{part} is not in\n{xml}");
        }
    }
}
