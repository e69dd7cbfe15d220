// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the guest's kernel makes of its tests: kernel_warnings in its log and, on a kernel that looks for
//! them, memory that nobody refers to any more.

use std::time::Duration;

use anyhow::{Result, ensure};
use guest_protocol::message::RunEnd;

use testbed::guest::Guest;
use testbed::kernel_log::kernel_warnings;
use testbed::program::{ask, run};

/// Two scans and the wait between them on a slow machine.
const SCAN_LIMIT: Duration = Duration::from_secs(3 * 60);

/// Prints the leaks if the kernel can find any. An object is told of from its fifth second, and only
/// if a scan finds it as the one before has left it.
const LEAKS: &str = "
leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] || exit 0
echo scan >$leaks && sleep 6 && echo scan >$leaks && cat $leaks
";

/// Fails if the kernel has anything to complain of since it was asked last.
///
/// # Errors
/// With the kernel_warnings, or with the leaks.
pub fn check(guest: &mut Guest) -> Result<()> {
    let ran = run(guest, &["sh", "-c", LEAKS], SCAN_LIMIT)?;
    ensure!(
        ran.end == RunEnd::Exit(0),
        "the kernel could not be asked for leaks: {}",
        ran.said()
    );
    ensure!(ran.stdout.is_empty(), "memory leaked:\n{}", ran.stdout);
    log_is_clean(guest)
}

/// Fails if the kernel's log holds a complaint since it was asked last.
///
/// # Errors
/// With the kernel_warnings.
pub fn log_is_clean(guest: &mut Guest) -> Result<()> {
    let kernel_warnings = kernel_warnings(&ask(guest, &["dmesg", "-c"])?);
    ensure!(
        kernel_warnings.is_empty(),
        "the kernel says:\n{}",
        kernel_warnings.join("\n")
    );
    Ok(())
}
