// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab faults`: what the driver makes of each fault of the hardware; its core on the host, or
//! the whole driver in a guest.

#[cfg(any(feature = "driver", test))]
mod matrix;
mod options;

use anyhow::Result;

use crate::output::say_text;
#[cfg(test)]
pub use matrix::Results;
pub use options::FaultsOptions;

/// `cargo lab faults`: true if the driver made of each fault what it must.
///
/// # Errors
/// If there is no such case, or the results cannot be written.
pub fn command(options: &FaultsOptions) -> Result<bool> {
    if options.list {
        say_text!("{}", options::kinds());
        return Ok(true);
    }
    #[cfg(any(feature = "driver", test))]
    return matrix::run(options);
    #[cfg(not(any(feature = "driver", test)))]
    crate::with_driver::run_again()
}
