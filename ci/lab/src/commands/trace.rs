// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab trace`: register traces, our own and those of real hardware.

mod coverage;
mod play;
mod record;
mod show;

use crate::output::say_text;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tx_isp_abi::PhysAddr;
use tx_isp_emulator::trace::{Access, Filter, Ignore, Step, parse, parse_steps};

/// What to do with register traces.
#[derive(Debug, Clone, Args)]
pub struct TraceOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: TraceCommand,
}

/// What to do with traces. A trace is text: `R|W ADDRESS VALUE [@SECONDS] [# COMMENT]`; what is to be played
/// has also `R ADDRESS *`, `F FRAMES` and `U MICROSECONDS`.
#[derive(Debug, Clone, Subcommand)]
pub enum TraceCommand {
    /// Records what the driver core does on the emulated ISP, on the host; in the guest `cargo lab
    /// stream --trace FILE` does
    Record(record::RecordOptions),
    /// Shows a trace with the names of registers and fields
    Show(ShowOptions),
    /// Compares two traces, apart from what may differ; fails if they differ
    Diff(DiffOptions),
    /// Plays a trace on the chip model, without a guest; fails if a read differs or a mistake is an error
    Play(play::PlayOptions),
    /// Shows which registers, fields and sequences a trace exercises
    Coverage(CoverageOptions),
}

/// What to show.
#[derive(Debug, Clone, Args)]
pub struct ShowOptions {
    /// The trace
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only a block or a register: VIC, MSCA_CH0, CH_EN, MSCA.CH_EN; repeatable
    #[arg(long, value_name = "NAME")]
    pub only: Vec<Filter>,
}

/// What to compare.
#[derive(Debug, Clone, Args)]
pub struct DiffOptions {
    /// The trace that is taken as right
    #[arg(value_name = "FILE")]
    pub first: PathBuf,
    /// The trace that is verified
    #[arg(value_name = "FILE")]
    pub second: PathBuf,
    /// Only a block or a register: VIC, MSCA_CH0, CH_EN, MSCA.CH_EN; repeatable
    #[arg(long, value_name = "NAME")]
    pub only: Vec<Filter>,
    /// How often a register is polled counts, too
    #[arg(long)]
    pub polls: bool,
    /// Values of counters, frame numbers and interrupt statuses count, too
    #[arg(long)]
    pub counters: bool,
    /// Addresses of buffers count, too
    #[arg(long)]
    pub buffers: bool,
    /// Only writes count
    #[arg(long)]
    pub writes: bool,
}

/// Whose coverage.
#[derive(Debug, Clone, Args)]
pub struct CoverageOptions {
    /// The traces; what any of them exercises is covered
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also list the registers that none of them touches
    #[arg(long)]
    pub untouched: bool,
}

impl DiffOptions {
    fn ignore(&self) -> Ignore {
        Ignore {
            polls: !self.polls,
            counters: !self.counters,
            buffers: !self.buffers,
            reads: self.writes,
        }
    }
}

/// `cargo lab trace`: false only if compared traces differ, or a played one is not clean.
///
/// # Errors
/// If a file cannot be read or written; a malformed line is told with its number.
pub fn command(command: &TraceCommand) -> Result<bool> {
    match command {
        TraceCommand::Record(options) => record::record(options),
        TraceCommand::Show(options) => {
            let text = read_text(&options.file)?;
            let steps = parse_steps(&text).with_context(|| options.file.display().to_string())?;
            let steps = steps.into_iter().map(|(_, step)| step);
            let shown = steps.filter(|step| match step {
                Step::Access(access) => passes(&options.only, access.address),
                Step::AnyRead(address) => passes(&options.only, *address),
                Step::Frames(_) | Step::Wait(_) => options.only.is_empty(),
            });
            say_text!("{}", show::listing(&shown.collect::<Vec<_>>()));
            Ok(true)
        }
        TraceCommand::Diff(options) => {
            let first = read(&options.first, &options.only)?;
            let second = read(&options.second, &options.only)?;
            let (text, equal) = show::comparison(&first, &second, options.ignore());
            say_text!("{text}");
            Ok(equal)
        }
        TraceCommand::Play(options) => play::play(options),
        TraceCommand::Coverage(options) => {
            let mut all = Vec::new();
            for file in &options.files {
                all.extend(read(file, &[])?);
            }
            say_text!("{}", coverage::report(&all, options.untouched));
            Ok(true)
        }
    }
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn passes(only: &[Filter], address: PhysAddr) -> bool {
    only.is_empty() || only.iter().any(|filter| filter.passes(address))
}

/// The accesses of a file that pass one of the filters, or all if there is none.
fn read(path: &Path, only: &[Filter]) -> Result<Vec<Access>> {
    let mut trace = parse(&read_text(path)?).with_context(|| path.display().to_string())?;
    trace.retain(|access| passes(only, access.address));
    Ok(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_trace_is_equal_to_the_next_and_covers_a_stream() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for name in ["a", "b"] {
            let options = record::RecordOptions {
                file: file(name),
                frames: 3,
                fault: Vec::new(),
            };
            assert!(command(&TraceCommand::Record(options)).unwrap());
        }
        let diff = |second: PathBuf| {
            command(&TraceCommand::Diff(DiffOptions {
                first: file("a"),
                second,
                only: Vec::new(),
                polls: true,
                counters: true,
                buffers: true,
                writes: false,
            }))
        };
        assert!(diff(file("b")).unwrap());
        fs::write(file("c"), "W 133e0000 1\n").unwrap();
        assert!(!diff(file("c")).unwrap());
        fs::write(file("d"), "W 133e0000 1\nW what\n").unwrap();
        let message = format!("{:#}", diff(file("d")).unwrap_err());
        assert!(
            message.contains("/d") && message.contains("line 2"),
            "{message}"
        );
        let text = coverage::report(&read(&file("a"), &[]).unwrap(), false);
        assert!(text.contains("bring-up"), "{text}");
    }
}
