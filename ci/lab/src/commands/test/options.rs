// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `cargo lab test` can be asked for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::options::GuestOptions;

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
    /// Write the results as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// A part of the tests that need a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Streams of every kind, each frame checked.
    Streams,
    /// Controls, selection and three channels at once, seen in the pictures.
    Sight,
    /// The way of frames in time, and faults of the hardware.
    Faults,
    /// A Wyze Cam v3's memory, and a thousand starts and stops.
    Memory,
    /// Clients that come, go and are killed.
    Life,
    /// Programs that everybody has: v4l2-ctl and GStreamer.
    Clients,
    /// v4l2-compliance.
    Compliance,
    /// A panic and a dead emulator.
    Endings,
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

    #[test]
    fn parts_are_named() {
        let options = test(&["--part", "sight", "--part", "faults"]).unwrap();
        assert_eq!(options.part, [Part::Sight, Part::Faults]);
        let error = test(&["--part", "lunch"]).unwrap_err();
        assert!(error.contains("compliance"), "{error}");
    }
}
