// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The commands that users type.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::commands::bench::BenchOptions;
use crate::commands::bundle::BundleOptions;
use crate::commands::compare::{CompareOptions, MergeOptions};
use crate::commands::compliance::ComplianceOptions;
use crate::commands::faults::FaultsOptions;
use crate::commands::generate::{CompletionsOptions, ManOptions};
use crate::commands::oom::OomOptions;
use crate::commands::plan::PlanOptions;
use crate::commands::registers::RegistersOptions;
use crate::commands::run::RunOptions;
use crate::commands::sdk::SdkOptions;
use crate::commands::shell::ShellOptions;
use crate::commands::stream_options::StreamOptions;
use crate::commands::test::TestOptions;
use crate::commands::trace::{TraceCommand, TraceOptions};
use crate::options::GuestOptions;

/// Boots a MIPS guest with the emulated ISP and looks at what its driver delivers.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab", version)]
pub struct Options {
    /// Take emulator, kernel and image from a bundle (its archive or its unpacked folder)
    #[arg(long, value_name = "FILE|DIR", global = true)]
    pub bundle: Option<PathBuf>,
    /// Fetch nothing: what is missing is named instead
    #[arg(long, global = true)]
    pub offline: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Streams frames from the emulated ISP and checks each one
    Stream(StreamOptions),
    /// Runs all tests: format, lints, host tests, and streams in the guest
    Test(TestOptions),
    /// Measures how fast everything is, beside baselines of the same run
    Bench(BenchOptions),
    /// Runs v4l2-compliance on each node of the driver
    Compliance(ComplianceOptions),
    /// Shows a camera that runs out of memory, and what each allocation strategy makes of it
    Oom(OomOptions),
    /// Computes the smallest carve-out that a camera needs
    Plan(PlanOptions),
    /// Compares the strategies over many cameras and carve-outs
    Compare(CompareOptions),
    /// Joins the finished cells of several `compare` runs
    Merge(MergeOptions),
    /// Runs the driver through each fault of the hardware, on the host or in a guest
    Faults(FaultsOptions),
    /// Records, shows and compares register traces
    Trace(TraceOptions),
    /// Prints the reference of the chip's registers
    Registers(RegistersOptions),
    /// Boots the same guest and gives its console
    Shell(ShellOptions),
    /// Boots the guest with files and modules of yours, runs a command in it, and ends as that ends
    Run(RunOptions),
    /// Prints what is needed to build modules and programs for the guest
    Sdk(SdkOptions),
    /// Says what this machine has and lacks
    Doctor(GuestOptions),
    /// Fetches and builds everything, and boots nothing
    Setup(GuestOptions),
    /// Packs lab, emulator, kernel and image for machines that have QEMU and nothing else
    Bundle(BundleOptions),
    /// Writes the manual pages of all commands
    Man(ManOptions),
    /// Prints completions for a shell
    Completions(CompletionsOptions),
}

impl Command {
    /// Where the result goes as JSON, if it is asked for.
    pub fn json(&self) -> Option<&Path> {
        let json = match self {
            Self::Stream(options) => &options.json,
            Self::Bench(options) => &options.json,
            Self::Compliance(options) => &options.json,
            Self::Oom(options) => &options.json,
            Self::Plan(options) => &options.json,
            Self::Compare(options) => &options.output.json,
            Self::Merge(options) => &options.output.json,
            Self::Faults(options) => &options.json,
            Self::Trace(TraceOptions {
                command: TraceCommand::Play(options),
            }) => &options.json,
            _ => return None,
        };
        json.as_deref()
    }

    /// The folder of this run's logs and pictures, if it has any.
    pub fn out(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Stream(options) => Some(&mut options.out),
            Self::Bench(options) => Some(&mut options.out),
            Self::Compliance(options) => Some(&mut options.out),
            Self::Oom(options) => (!options.predict).then_some(&mut options.out),
            Self::Plan(options) => options.verify.then_some(&mut options.out),
            Self::Compare(options) => Some(&mut options.out),
            Self::Faults(options) => options.guest.then_some(&mut options.out),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    /// `cargo lab --help` is answered before the lab is built, from this file.
    #[test]
    fn the_kept_list_of_commands_is_this_one() {
        const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/help.txt");
        let help = Options::command().term_width(80).render_help().to_string();
        if std::env::var_os("TX_ISP_KEEP_HELP").is_some() {
            std::fs::write(KEPT, &help).unwrap();
        }
        let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
        assert!(
            kept == help,
            "{KEPT} is another one; to write it anew: TX_ISP_KEEP_HELP=1 cargo test -p lab kept_list"
        );
    }

    #[test]
    fn every_command_with_json_has_a_folder_or_needs_none() {
        for words in ["stream", "bench", "compliance", "compare", "oom wyze-v3"] {
            let words = std::iter::once("lab").chain(words.split(' '));
            let words = words.chain(["--out", "/tmp/elsewhere"]);
            let mut options = Options::try_parse_from(words).unwrap();
            let out = options.command.out().unwrap();
            assert_eq!(*out, PathBuf::from("/tmp/elsewhere"));
        }
    }
}
