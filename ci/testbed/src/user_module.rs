// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A user's module in the guest, where the image has it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use guest_image::USER_MODULES;
use guest_protocol::message::{Reply, Request};

use crate::guest::{Guest, unexpected};
use crate::guest_failure::GuestFailure;

/// Loads the module that was a file of the host's, with its parameters as insmod takes them.
///
/// # Errors
/// Why the kernel refused it, with the console's last lines; or that its init function did not come back
/// within `limit`.
pub fn load(guest: &mut Guest, file: &Path, parameters: &str, limit: Duration) -> Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let request = Request::LoadModule {
        path: format!("{USER_MODULES}/{name}"),
        parameters: parameters.to_owned(),
    };
    let what = format!("the end of loading {name} (its init function)");
    match guest.send(&request).and_then(|()| guest.next(&what, limit)) {
        Ok(Reply::Ok) => Ok(()),
        Ok(other) => Err(unexpected(&other).into()),
        Err(error @ GuestFailure::Guest(_)) => Err(error).with_context(|| {
            format!(
                "{name} could not be loaded; the console's last lines:\n    {}",
                guest.console_end().join("\n    ")
            )
        }),
        Err(error) => Err(error.into()),
    }
}
