// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which faults, and which there are.

use std::path::PathBuf;

use clap::Args;
use tx_isp_chip::faults::FaultKind;

use crate::options::GuestOptions;

/// Which faults.
#[derive(Debug, Clone, Args)]
pub struct FaultsOptions {
    /// Only cases with a fault whose text contains this, for example vic-error; repeatable
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Run the chosen few in a guest instead of all on the host
    #[arg(long)]
    pub guest: bool,
    /// Where the random numbers of random faults start, on the host
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where the guest's logs go, with --guest
    #[arg(long, value_name = "DIR", default_value = "out/faults")]
    pub out: PathBuf,
    /// Write the results as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Only list the kinds of faults and their keys
    #[arg(long)]
    pub list: bool,
    /// Which guest, with --guest.
    #[command(flatten)]
    pub guest_options: GuestOptions,
}

/// Each kind in a line, with its keys and what it does.
pub fn kinds() -> String {
    let line = |kind: &FaultKind| {
        let keys = match kind.keys() {
            [] => String::new(),
            keys => format!(" [{}]", keys.join(", ")),
        };
        format!("  {}{keys}: {}\n", kind.id(), kind.help())
    };
    FaultKind::ALL.iter().map(line).collect()
}
