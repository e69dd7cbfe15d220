// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab compare` and `cargo lab merge`: the matrix of strategy, camera and memory.

use crate::output::{self, say};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use memlab::compare::cell::Cell;
use memlab::compare::figures::Figures;
use memlab::compare::{answer, page, picture, record, run};
use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use super::compare_options::OutputOptions;
pub use super::compare_options::{CompareOptions, MergeOptions};

/// `cargo lab compare`: true if the guest did what was computed, wherever it was asked.
///
/// # Errors
/// If the cells cannot be made or run.
pub fn command(options: &CompareOptions) -> Result<bool> {
    let (cells, figures) = run::all(&options.config())?;
    finish(&cells, figures.as_ref(), &options.output)
}

/// `cargo lab merge`: the same from finished cells of several runs.
///
/// # Errors
/// If they cannot be read.
pub fn merge(options: &MergeOptions) -> Result<bool> {
    let cells = record::merge(&options.files)?;
    finish(&cells, None, &options.output)
}

/// Shows the table and the answer, and writes what is asked for.
fn finish(cells: &[Cell], figures: Option<&Figures>, output: &OutputOptions) -> Result<bool> {
    say!("{}", answer::table(cells));
    say!("{}", answer::paragraph(cells));
    if let Some(figures) = figures {
        say!("{figures}");
    }
    let differing: Vec<&Cell> = cells.iter().filter(|cell| cell.differs()).collect();
    for cell in &differing {
        say!(
            "problem: {}: the guest did otherwise than computed",
            cell.key
        );
    }
    if let Some(path) = &output.json {
        output::write_json(path, &answer::Document::new(cells, figures))?;
    }
    if let Some(path) = &output.html {
        write(path, page::page(cells).as_bytes())?;
    }
    if let Some(path) = &output.png {
        write(path, &picture::png(cells)?)?;
    }
    if let Some(path) = &output.junit {
        let text = junit(cells).to_string().context("writing JUnit")?;
        write(path, text.as_bytes())?;
    }
    Ok(differing.is_empty() && cells.iter().all(|cell| cell.failure.is_none()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}

/// A test for each cell: it passes if the guest did what was computed; a cell that was only computed is
/// skipped.
fn junit(cells: &[Cell]) -> JUnit {
    let mut report = JUnit::new("compare");
    let mut suite = TestSuite::new("prediction and guest");
    for cell in cells {
        let mut status = match (&cell.guest, &cell.failure) {
            (Some(_), None) if !cell.differs() => TestCaseStatus::success(),
            (None, None) => TestCaseStatus::skipped(),
            _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        match &cell.failure {
            Some(failure) => status.set_message(failure.as_str()),
            None => status.set_message(cell.summary()),
        };
        suite.add_test_case(TestCase::new(cell.key.to_string(), status));
    }
    report.add_test_suite(suite);
    report
}
