// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab shell`: the guest's console for a person.

use std::path::Path;

use anyhow::Result;
use guest_image::Progress;

use crate::guest;
use crate::options::ShellOptions;
use crate::prepare::Prepared;
use crate::progress::Steps;
use crate::scene::Scene;

/// Where the logs of a shell's emulator go.
const LOGS: &str = "out";

/// Boots a guest with its console on the terminal; true if it ended in order.
///
/// # Errors
/// Whatever keeps it from booting.
pub fn command(options: &ShellOptions) -> Result<bool> {
    let scene = Scene {
        source: options.source.clone(),
        fps: options.fps,
    };
    let steps = Steps::new();
    if let Some(warning) = scene.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let prepared = Prepared::new(&options.guest, &steps)?;
    steps.line("the guest's console follows; `exit` ends the guest, Ctrl-A X ends QEMU");
    steps.line("for example: v4l2-ctl --stream-mmap --stream-count=50 --stream-to=/dev/null");
    guest::run_on_terminal(&prepared, &scene, Path::new(LOGS))?;
    Ok(true)
}
