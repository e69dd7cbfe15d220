// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The commands that users type.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::bench::BenchOptions;
use crate::commands::bundle::BundleOptions;
use crate::commands::compare::{CompareOptions, MergeOptions};
use crate::commands::compliance::ComplianceOptions;
use crate::commands::faults::FaultsOptions;
use crate::commands::oom::OomOptions;
use crate::commands::plan::PlanOptions;
use crate::commands::registers::RegistersOptions;
use crate::commands::shell::ShellOptions;
use crate::commands::stream::StreamOptions;
use crate::commands::test::TestOptions;
use crate::commands::trace::TraceOptions;
use crate::options::GuestOptions;

/// Boots a MIPS guest with the emulated ISP and looks at what its driver delivers.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab", version)]
pub struct Options {
    /// Take emulator, kernel and image from a bundle (its archive or its unpacked folder)
    #[arg(long, value_name = "FILE|DIR", global = true)]
    pub bundle: Option<PathBuf>,
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
    /// Measures how fast everything is, beside yardsticks of the same run
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
    /// Says what this machine has and lacks
    Doctor(GuestOptions),
    /// Fetches and builds everything, and boots nothing
    Setup(GuestOptions),
    /// Packs lab, emulator, kernel and image for machines that have QEMU and nothing else
    Bundle(BundleOptions),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }
}
