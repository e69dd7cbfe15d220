// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab test`: everything that must hold, on the host and in the guest.

mod clients;
mod guest;
mod health;
mod host;
mod life;
mod memory;
mod options;
mod results;
mod sight;

use anyhow::Result;
use guest_image::Progress;

use results::Results;
use testbed::prepare::repository;
use testbed::progress::Steps;

pub use options::TestOptions;

/// Runs the tests that were asked for; true if none failed.
///
/// # Errors
/// If they could not be run at all.
pub fn command(options: &TestOptions) -> Result<bool> {
    let repository = repository()?;
    let steps = Steps::new();
    let mut results = Results::default();
    if !options.guest_only && options.part.is_empty() {
        host::run(&repository, &steps, &mut results)?;
    }
    if !options.host_only {
        guest::run(options, &steps, &mut results)?;
    }
    if let Some(path) = &options.junit {
        results.write_junit(path)?;
        steps.line(&format!("results: {}", path.display()));
    }
    print!("{}", results.summary());
    Ok(results.failed() == 0)
}
