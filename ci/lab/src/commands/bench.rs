// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab bench`: how fast it is, each figure beside a baseline of the same rounds.
//!
//! Times of a busy or slow machine say little; a ratio of two things that were measured in turns on
//! the same machine holds. So every question is asked in rounds, and in each round what is measured
//! and its baseline follow each other.

mod again;
mod attachments;
pub mod base;
mod buffers;
mod client;
mod cpu;
mod dma;
mod edit;
mod figures;
mod fronts;
mod host;
mod latency;
mod mailbox;
mod rate;
pub mod report;
mod start;
mod vivid;

use anyhow::Result;
use clap::ValueEnum;
use guest_image::Progress;
use testbed::guest_failure::GuestFailure;
use testbed::prepare::{Prepared, repository};
use testbed::progress::Steps;

use crate::output::{self, say};
use base::{Bench, Question};
use figures::Row;
use report::{Answer, Report};

pub use base::BenchOptions;

/// Asks the questions that were asked for; true if all could be answered, whatever the answers are.
///
/// # Errors
/// If nothing could be asked at all, or the user ended it.
pub fn command(options: &BenchOptions) -> Result<bool> {
    let repository = repository()?;
    let steps = Steps::new();
    let prepared = Prepared::new(&options.guest.config(), &steps)?;
    let bench = Bench {
        options,
        repository: &repository,
        prepared: &prepared,
        steps: &steps,
    };
    let mut report = Report::new(&prepared, options.rounds);
    if let Some(warning) = report.machine.warning() {
        steps.line(&format!("note: {warning}"));
    }
    for question in Question::value_variants() {
        if !options.only.is_empty() && !options.only.contains(question) {
            continue;
        }
        let rows = steps.step(
            &format!("bench: {}", question.name()),
            || ask(*question, &bench),
            |_| format!("{} rounds", options.rounds),
        );
        let answer = match rows {
            Ok(rows) => Answer::new(*question, rows),
            Err(error) if matches!(error.downcast_ref(), Some(GuestFailure::Interrupted)) => {
                return Err(error);
            }
            Err(error) => Answer::failed(*question, &error),
        };
        answer.print();
        report.answers.push(answer);
    }
    report.machine.end();
    say!("{}", report.ending());
    if let Some(path) = &options.json {
        output::write_json(path, &report)?;
    }
    Ok(report.is_complete())
}

/// The figures that answer a question.
fn ask(question: Question, bench: &Bench<'_>) -> Result<Vec<Row>> {
    match question {
        Question::Dma => dma::measure(bench),
        Question::Rate => rate::measure(bench),
        Question::Fronts => fronts::measure(bench),
        Question::Buffers => buffers::measure(bench),
        Question::Cpu => cpu::measure(bench),
        Question::Start => start::measure(bench),
        Question::Edit => edit::measure(bench),
        Question::Mailbox => mailbox::measure(bench),
        Question::Attachments => attachments::measure(bench),
        Question::Again => again::measure(bench),
    }
}
