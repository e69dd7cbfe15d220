// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What users type.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use guest_protocol::camera::Personality;
use tx_isp_abi::Size;
use tx_isp_emulator::sensor::ClockMode;

use super::camera::{Camera, Changes};
use super::catalogue::{self, Ncubuf, parse_bytes, parse_size};
use crate::options::{GuestOptions, parse_rate};

/// The most frames that are taken of each channel.
const MAX_FRAMES: i64 = 100_000;

/// What is to be otherwise than in the camera's file.
#[derive(Debug, Clone, Args)]
pub struct ChangeOptions {
    /// The carve-out's length; Linux has the rest
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub rmem: Option<u64>,
    /// The driver's isp_memopt: 1 saves memory for the ISP
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    pub memopt: Option<u8>,
    /// The first channel's size
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub main: Option<Size>,
    /// The second channel's size
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub sub: Option<Size>,
    /// Buffers of the first channel, or of both, as in 4/2
    #[arg(long, value_name = "N[/M]", value_parser = parse_vbs)]
    pub vbs: Option<(u32, Option<u32>)>,
    /// The ISP's own buffer: a number of bytes, formula or none
    #[arg(long, value_name = "BYTES", value_parser = parse_ncubuf)]
    pub ncubuf: Option<Ncubuf>,
}

impl ChangeOptions {
    /// As changes to a camera.
    pub fn changes(&self) -> Changes {
        Changes {
            rmem: self.rmem,
            memopt: self.memopt.map(|number| number == 1),
            main: self.main,
            sub: self.sub,
            main_buffers: self.vbs.map(|(main, _)| main),
            sub_buffers: self.vbs.and_then(|(_, sub)| sub),
            ncubuf: self.ncubuf,
        }
    }

    /// The camera of that name, changed.
    ///
    /// # Errors
    /// If there is none, or it cannot be so.
    pub fn camera(&self, name: &str) -> Result<Camera> {
        Camera::new(name, &catalogue::find(name)?, &self.changes())
    }
}

/// `cargo lab oom`
#[derive(Debug, Clone, Args)]
pub struct OomOptions {
    /// A camera of the catalogue (ci/cameras), or a camera's file
    #[arg(value_name = "CAMERA")]
    pub camera: String,
    /// Who allocates
    #[arg(long, value_enum, default_value_t = WhichStrategy::All)]
    pub strategy: WhichStrategy,
    /// How the hybrid decides: by keeping a distance, or by what the client announces
    #[arg(long, value_enum, default_value_t = WhichPolicy::Reserve)]
    pub policy: WhichPolicy,
    /// How many frames each channel must deliver
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=MAX_FRAMES))]
    pub frames: u32,
    /// How many times the channels are enabled, if nothing fails before; between, what the camera's file
    /// says leaks: the client's pools of frames, or a block of an encoder
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub cycles: u32,
    /// The sensor's frames per second, instead of its own rate; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max", value_parser = parse_rate)]
    pub fps: Option<ClockMode>,
    /// Only compute what would happen
    #[arg(long)]
    pub predict: bool,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What is to be changed.
    #[command(flatten)]
    pub changes: ChangeOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// `cargo lab plan`
#[derive(Debug, Clone, Args)]
pub struct PlanOptions {
    /// A camera of the catalogue (ci/cameras), or a camera's file
    #[arg(long, value_name = "CAMERA")]
    pub camera: String,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also run the client in a guest: at each smallest rmem it must do what the plan says, and a page
    /// (4096 bytes) below it must not
    #[arg(long)]
    pub verify: bool,
    /// Whose plan is verified
    #[arg(long, value_enum, default_value_t = WhichStrategy::All, requires = "verify")]
    pub strategy: WhichStrategy,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// What is to be changed.
    #[command(flatten)]
    pub changes: ChangeOptions,
    /// Which guest verifies it.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// Who allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichStrategy {
    /// The client, by itself, as on the cameras.
    Client,
    /// The driver, first come, first served.
    Driver,
    /// The driver, which negotiates.
    Hybrid,
    /// Each of them.
    All,
}

/// How the hybrid decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhichPolicy {
    /// By keeping a distance.
    Margin,
    /// By what the client announces.
    Reserve,
    /// One after the other.
    Both,
}

/// The client's ways that are asked for, in the order of reports.
pub fn personalities(strategy: WhichStrategy, policy: WhichPolicy) -> Vec<Personality> {
    let strategy_wanted = |personality: &Personality| match strategy {
        WhichStrategy::All => true,
        WhichStrategy::Client => *personality == Personality::Client,
        WhichStrategy::Driver => *personality == Personality::Driver,
        WhichStrategy::Hybrid => personality.policy().is_some(),
    };
    let policy_wanted = |personality: &Personality| match personality {
        Personality::HybridMargin => policy != WhichPolicy::Reserve,
        Personality::HybridReserve => policy != WhichPolicy::Margin,
        _ => true,
    };
    let all = Personality::ALL.into_iter();
    all.filter(strategy_wanted).filter(policy_wanted).collect()
}

fn parse_vbs(text: &str) -> Result<(u32, Option<u32>), String> {
    let parsed = match text.split_once('/') {
        Some((main, sub)) => main.parse().ok().zip(sub.parse().ok().map(Some)),
        None => text.parse().ok().map(|main| (main, None)),
    };
    parsed.ok_or_else(|| format!("{text:?} is no number of buffers; write N or N/M, as in 4/2"))
}

fn parse_ncubuf(text: &str) -> Result<Ncubuf, String> {
    match text {
        "formula" => Ok(Ncubuf::Formula),
        "none" => Ok(Ncubuf::None),
        number => number
            .parse()
            .map(Ncubuf::Bytes)
            .map_err(|_| format!("{text:?} is neither a number of bytes nor formula nor none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_for_each_strategy_unless_both_policies_are_wanted() {
        use Personality::{Client, Driver, HybridMargin, HybridReserve};
        let of = personalities;
        assert_eq!(
            of(WhichStrategy::All, WhichPolicy::Reserve),
            [Client, Driver, HybridReserve]
        );
        assert_eq!(of(WhichStrategy::All, WhichPolicy::Both), Personality::ALL);
        assert_eq!(
            of(WhichStrategy::Hybrid, WhichPolicy::Margin),
            [HybridMargin]
        );
        assert_eq!(of(WhichStrategy::Client, WhichPolicy::Both), [Client]);
    }

    #[test]
    fn buffer_counts_and_lengths_are_understood() {
        assert_eq!(parse_vbs("4/2"), Ok((4, Some(2))));
        assert_eq!(parse_vbs("3"), Ok((3, None)));
        assert!(parse_vbs("3/").unwrap_err().contains("as in 4/2"));
        assert_eq!(parse_ncubuf("12"), Ok(Ncubuf::Bytes(12)));
        assert!(parse_ncubuf("some").is_err());
    }
}
