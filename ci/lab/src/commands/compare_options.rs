// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which cells, and where the results go.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use memlab::catalogue::{parse_bytes, parse_size};
use memlab::compare::config::{self, MatrixConfig, Shard};
use tx_isp_abi::Size;

use super::memory_options::{WhichPolicy, WhichStrategy, policies};
use crate::options::GuestOptions;

/// `cargo lab compare`
#[derive(Debug, Clone, Args)]
pub struct CompareOptions {
    /// Cameras of the catalogue, or their files
    #[arg(
        long,
        value_name = "CAMERA,...",
        value_delimiter = ',',
        default_value = "wyze-v3-stock"
    )]
    pub cameras: Vec<String>,
    /// Lengths of the carve-out: one, several, or a range with a step; the camera's own if not given
    #[arg(long, value_name = "LOW..HIGH/STEP", value_parser = parse_lengths)]
    pub rmem: Option<Lengths>,
    /// Buffers of the first channel: one, several, or a range
    #[arg(long, alias = "vbs", value_name = "LOW..HIGH", value_parser = parse_counts)]
    pub buffers: Option<Counts>,
    /// Values of isp_memopt; the camera's own if not given
    #[arg(long, value_name = "0,1", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(0..=1))]
    pub memopt: Vec<u8>,
    /// Sizes of the second channel; the camera's own if not given
    #[arg(long, value_name = "WxH,...", value_delimiter = ',', value_parser = parse_size)]
    pub sub: Vec<Size>,
    /// Who allocates
    #[arg(long, value_enum, default_value_t = WhichStrategy::All)]
    pub strategy: WhichStrategy,
    /// How the hybrid decides
    #[arg(long, value_enum, default_value_t = WhichPolicy::Both)]
    pub policy: WhichPolicy,
    /// Which cells also run in a guest: each memory layout is one boot
    #[arg(long, value_enum, default_value_t = WhichGuests::Spread)]
    pub guests: WhichGuests,
    /// How many frames each channel must deliver in a guest
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub frames: u32,
    /// How many guests run at a time; fewer do where the host's memory has no room for so many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_jobs)]
    pub jobs: usize,
    /// Only the I-th of N parts of the matrix, counted from 0
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Keep finished cells in this file, one JSON object a line; compare.jsonl in the folder of --out
    /// if it is not given
    #[arg(long, value_name = "FILE")]
    pub cells: Option<PathBuf>,
    /// Go on where a run was interrupted: finished cells of the file are not done again
    #[arg(long)]
    pub resume: bool,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// `cargo lab merge`
#[derive(Debug, Clone, Args)]
pub struct MergeOptions {
    /// Files of finished cells, as `compare --cells` writes them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputOptions,
}

/// Where results go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Results")]
pub struct OutputOptions {
    /// Write the matrix as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the heat map with memory maps as a page to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the heat map as a picture to this file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write prediction against guest as JUnit XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Which cells run in a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichGuests {
    /// All that the emulated sensor allows.
    All,
    /// Of each camera the smallest, the middle and the largest carve-out.
    Spread,
    /// None: everything is only computed.
    None,
}

/// Lengths of the carve-out in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths(pub Vec<u64>);

/// Counts of buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(pub Vec<u32>);

impl CompareOptions {
    /// As the memory lab takes it.
    pub fn config(&self) -> MatrixConfig {
        MatrixConfig {
            cameras: self.cameras.clone(),
            rmem: self.rmem.clone().map(|lengths| lengths.0),
            buffers: self.buffers.clone().map(|counts| counts.0),
            memopt: self.memopt.iter().map(|number| *number == 1).collect(),
            sub: self.sub.clone(),
            policies: policies(self.strategy, self.policy),
            guests: match self.guests {
                WhichGuests::All => config::WhichGuests::All,
                WhichGuests::Spread => config::WhichGuests::Spread,
                WhichGuests::None => config::WhichGuests::None,
            },
            frames: self.frames,
            jobs: self.jobs,
            shard: self.shard,
            cells: match &self.cells {
                Some(file) => file.clone(),
                None => self.out.join("compare.jsonl"),
            },
            resume: self.resume,
            out: self.out.clone(),
            guest: self.guest.config(),
        }
    }
}

/// The most values of one axis.
const MOST: u64 = 10_000;

fn parse_lengths(text: &str) -> Result<Lengths, String> {
    let mut lengths = Vec::new();
    for part in text.split(',') {
        let Some((low, rest)) = part.split_once("..") else {
            lengths.push(parse_bytes(part)?);
            continue;
        };
        let (high, step) = rest.split_once('/').unwrap_or((rest, "1M"));
        let (low, high, step) = (parse_bytes(low)?, parse_bytes(high)?, parse_bytes(step)?);
        if low > high || (high - low) / step >= MOST {
            return Err(format!(
                "{part}: from {low} to {high} by {step} is no range"
            ));
        }
        lengths.extend((0..=(high - low) / step).map(|index| low + index * step));
    }
    Ok(Lengths(lengths))
}

fn parse_counts(text: &str) -> Result<Counts, String> {
    let wrong = || format!("{text:?} is no number of buffers from 1 to 32; write 4, 2,4 or 1..4");
    let number = |text: &str| match text.parse() {
        Ok(number @ 1..=32) => Ok(number),
        _ => Err(wrong()),
    };
    let mut counts = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((low, high)) => counts.extend(number(low)?..=number(high)?),
            None => counts.push(number(part)?),
        }
    }
    match counts.is_empty() {
        true => Err(wrong()),
        false => Ok(Counts(counts)),
    }
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1000) => Ok(number),
        _ => Err("a number of guests is from 1 to 1000".to_owned()),
    }
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    match numbers {
        Some((index, of)) if index < of => Ok(Shard { index, of }),
        _ => Err(format!(
            "{text:?} is no part; write I/N with I from 0 to N-1, as in 0/4"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_ranges_or_lists() {
        let mib = |numbers: &[u64]| Lengths(numbers.iter().map(|number| number << 20).collect());
        assert_eq!(parse_lengths("16M..18M/1M"), Ok(mib(&[16, 17, 18])));
        assert_eq!(parse_lengths("16M..19M/2M"), Ok(mib(&[16, 18])));
        assert_eq!(parse_lengths("29M,40M"), Ok(mib(&[29, 40])));
        assert!(parse_lengths("40M..16M/1M").is_err());
        assert!(parse_lengths("0..4G/1").is_err());
        assert_eq!(parse_counts("1..3"), Ok(Counts(vec![1, 2, 3])));
        assert_eq!(parse_counts("2,4"), Ok(Counts(vec![2, 4])));
        for wrong in ["0", "4..1", "33", "x"] {
            assert!(parse_counts(wrong).unwrap_err().contains("1..4"), "{wrong}");
        }
        assert_eq!(parse_jobs("2"), Ok(2));
        assert!(parse_jobs("0").unwrap_err().contains("from 1"));
        assert_eq!(parse_shard("1/4"), Ok(Shard { index: 1, of: 4 }));
        assert!(parse_shard("4/4").unwrap_err().contains("as in 0/4"));
    }
}
