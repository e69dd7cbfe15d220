// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab doctor`: what this machine has and lacks; `cargo lab setup`: gets it.

use crate::output::say_text;
use anyhow::Result;
use guest_image::Progress;
use guest_image::host::Needs;
use host_setup::{cache_dir, doctor, invocation, qemu};

use crate::options::GuestOptions;
use testbed::bundle::{self, Bundle};
use testbed::prepare::{Prepared, repository};
use testbed::progress::Steps;

/// Looks at everything and says what it finds; true if nothing is missing.
///
/// # Errors
/// If this is no checkout of the project.
pub fn command(options: &GuestOptions) -> Result<bool> {
    if let Some(bundle) = bundle::current() {
        return Ok(of_bundle(bundle, options));
    }
    let needs = Needs {
        kernel: &options.kernel,
        qemu: options.qemu.is_none(),
    };
    let options = doctor::Options {
        kernel_source: needs.kernel_source(),
        qemu: options.qemu.clone(),
    };
    let (text, all_there) = doctor::report(&options, &repository()?);
    say_text!("{text}");
    Ok(all_there)
}

/// A bundle needs QEMU and nothing else.
fn of_bundle(bundle: &Bundle, options: &GuestOptions) -> bool {
    let cache = cache_dir::find().unwrap_or_default();
    let found = qemu::describe_all(options.qemu.as_deref(), &cache);
    match &found {
        Ok(found) => println!("✓ QEMU           {found}"),
        Err(problem) => println!("✗ QEMU           {problem}"),
    }
    println!("✓ bundle         {}", bundle.root().display());
    found.is_ok()
}

/// Fetches and builds everything, and boots nothing; true when done.
///
/// # Errors
/// What could not be had.
pub fn setup(options: &GuestOptions) -> Result<bool> {
    let steps = Steps::new();
    let prepared = Prepared::new(&options.config(), &steps)?;
    steps.line(&format!(
        "ready: {} on QEMU {}; `{} stream` boots it",
        prepared.image.kernel_label,
        prepared.qemu.version,
        invocation::lab()
    ));
    Ok(true)
}
