// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options that the commands of the memory lab share.

use anyhow::Result;
use clap::{Args, ValueEnum};
use guest_protocol::camera::AllocationPolicy;
use memlab::camera::{Camera, Changes};
use memlab::catalogue::{self, Ncubuf, parse_bytes, parse_size};
use tx_isp_abi::Size;

/// What is to be otherwise than in the camera's file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Changes to the camera")]
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
    #[arg(long, alias = "vbs", value_name = "N[/M]", value_parser = parse_buffers)]
    pub buffers: Option<(u32, Option<u32>)>,
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
            main_buffers: self.buffers.map(|(main, _)| main),
            sub_buffers: self.buffers.and_then(|(_, sub)| sub),
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
    /// By what the client reserves.
    Reserve,
    /// One after the other.
    Both,
}

/// The client's ways that are asked for, in the order of reports.
pub fn policies(strategy: WhichStrategy, hybrid: WhichPolicy) -> Vec<AllocationPolicy> {
    let strategy_wanted = |policy: &AllocationPolicy| match strategy {
        WhichStrategy::All => true,
        WhichStrategy::Client => *policy == AllocationPolicy::Client,
        WhichStrategy::Driver => *policy == AllocationPolicy::Driver,
        WhichStrategy::Hybrid => policy.hybrid_policy().is_some(),
    };
    let policy_wanted = |policy: &AllocationPolicy| match policy {
        AllocationPolicy::HybridMargin => hybrid != WhichPolicy::Reserve,
        AllocationPolicy::HybridReserve => hybrid != WhichPolicy::Margin,
        _ => true,
    };
    let all = AllocationPolicy::ALL.into_iter();
    all.filter(strategy_wanted).filter(policy_wanted).collect()
}

fn parse_buffers(text: &str) -> Result<(u32, Option<u32>), String> {
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
        use AllocationPolicy::{Client, Driver, HybridMargin, HybridReserve};
        let of = policies;
        assert_eq!(
            of(WhichStrategy::All, WhichPolicy::Reserve),
            [Client, Driver, HybridReserve]
        );
        assert_eq!(
            of(WhichStrategy::All, WhichPolicy::Both),
            AllocationPolicy::ALL
        );
        assert_eq!(
            of(WhichStrategy::Hybrid, WhichPolicy::Margin),
            [HybridMargin]
        );
        assert_eq!(of(WhichStrategy::Client, WhichPolicy::Both), [Client]);
    }

    #[test]
    fn buffer_counts_and_lengths_are_understood() {
        assert_eq!(parse_buffers("4/2"), Ok((4, Some(2))));
        assert_eq!(parse_buffers("3"), Ok((3, None)));
        assert!(parse_buffers("3/").unwrap_err().contains("as in 4/2"));
        assert_eq!(parse_ncubuf("12"), Ok(Ncubuf::Bytes(12)));
        assert!(parse_ncubuf("some").is_err());
    }
}
