// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether a second of the guest is one of the host.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::guest::Guest;
use testbed::program::ask;

/// How long guest and host are compared, and by how much they may differ: a busy machine takes a
/// while to answer.
const A_WHILE: Duration = Duration::from_secs(15);
const CLOCK_TOLERANCE: f64 = 0.015;

/// Compares how long a while is in the guest and on the host.
///
/// # Errors
/// With both, if they differ.
pub fn same_seconds(guest: &mut Guest) -> Result<()> {
    let mut look = || -> Result<(Instant, f64)> {
        let begin = Instant::now();
        let uptime = ask(guest, &["cat", "/proc/uptime"])?;
        let middle = begin + begin.elapsed() / 2;
        let seconds = uptime
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
            .with_context(|| format!("/proc/uptime says {uptime:?}"))?;
        Ok((middle, seconds))
    };
    let (host_begin, guest_begin) = look()?;
    thread::sleep(A_WHILE);
    let (host_end, guest_end) = look()?;
    let host = (host_end - host_begin).as_secs_f64();
    let guest = guest_end - guest_begin;
    ensure!(
        (guest / host - 1.0).abs() < CLOCK_TOLERANCE,
        "{guest:.2} s of the guest are {host:.2} s of the host: check Qemu::counter_hz"
    );
    Ok(())
}
