// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab trace record`: what the driver's core does on the emulated ISP.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tx_isp_chip::faults::Fault;

/// What to record.
#[derive(Debug, Clone, Args)]
pub struct RecordOptions {
    /// Where to
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many frames to take between start and stop
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub frames: u32,
    /// A fault to inject, as the emulator takes it; repeatable
    #[arg(long, value_name = "KIND[:KEY=VALUE,…]")]
    pub fault: Vec<Fault>,
}

/// Streams, and records every access to a register; true when done.
///
/// # Errors
/// If the file cannot be written, or the driver cannot stream.
#[cfg(any(feature = "driver", test))]
pub fn record(options: &RecordOptions) -> Result<bool> {
    use anyhow::Context;
    let plan = tx_isp_tests::record::Plan {
        frames: options.frames,
        faults: options.fault.clone(),
    };
    let recorded = tx_isp_tests::record::record(&plan, &options.file)
        .with_context(|| format!("recording to {}", options.file.display()))?;
    crate::output::say!("{recorded} accesses in {}", options.file.display());
    Ok(true)
}

/// Has the lab with the driver do so.
#[cfg(not(any(feature = "driver", test)))]
pub fn record(_: &RecordOptions) -> Result<bool> {
    crate::with_driver::run_again()
}
