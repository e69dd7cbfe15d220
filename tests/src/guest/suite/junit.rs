// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The results of a binary's tests as JUnit XML.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// A test's name, how long it took, and why it failed, if so.
pub type TestResult = (String, Duration, Result<(), String>);

/// Writes the results for CI, if it is asked for.
pub fn write(name: &str, results: &[TestResult]) -> Result<()> {
    let Some(folder) = env::var_os("TX_ISP_TEST_JUNIT").map(PathBuf::from) else {
        return Ok(());
    };
    let mut suite = TestSuite::new(name);
    for (name, time, result) in results {
        let status = match result {
            Ok(()) => TestCaseStatus::success(),
            Err(reason) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_message(reason.lines().next().unwrap_or_default())
                    .set_description(reason.as_str());
                status
            }
        };
        let mut case = TestCase::new(name.as_str(), status);
        case.set_time(*time);
        suite.add_test_case(case);
    }
    let mut report = Report::new("guest");
    report.add_test_suite(suite);
    let path = folder.join(format!("{name}.xml"));
    let text = report.to_string().context("writing JUnit XML")?;
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}
