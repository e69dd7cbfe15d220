// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver among clients that come, go, are killed, and keep handles too long: scripts
//! of `tests/guest` that run in the guest. Behind each, the pool must be one free block again, and the
//! kernel must have nothing to complain of.

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::RunEnd;
use tx_isp_emulator::sensor::ClockMode;

use super::health::log_is_clean;
use testbed::guest::Guest;
use testbed::program::{ask, run};

/// What is put before each script.
pub(super) const COMMON: &str = include_str!("../../guest/common.sh");
/// The longest takes a minute on a busy machine.
const SCRIPT_LIMIT: Duration = Duration::from_secs(5 * 60);
/// The variable that asks for another number of starts and stops than 500, for a soak.
const STARTS_VARIABLE: &str = "TX_ISP_STARTS";
/// So many of them are given another such time, on a busy machine.
const STARTS_IN_LIMIT: u32 = 1000;

/// One script.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// What it shows.
    pub name: &'static str,
    script: &'static str,
}

macro_rules! script {
    ($name:literal, $file:literal) => {
        Script {
            name: $name,
            script: include_str!(concat!("../../guest/", $file)),
        }
    };
}

/// Scripts for a guest whose frames come as fast as buffers do.
pub const FLOWING: [Script; 15] = [
    script!(
        "v4l2-ctl streams with each kind of memory",
        "standard_clients.sh"
    ),
    script!("two clients: one queue has one owner", "two_clients.sh"),
    script!(
        "ten clients killed while they stream",
        "kill_while_streaming.sh"
    ),
    script!("a module in use cannot be unloaded", "unload_in_use.sh"),
    script!("unloaded and loaded ten times", "unload_and_load.sh"),
    script!(
        "unbound while a client streams",
        "unbind_while_streaming.sh"
    ),
    script!(
        "unbound while handles are open",
        "unbind_with_open_handles.sh"
    ),
    script!(
        "buffers of system memory, where there is no carve-out",
        "system_memory.sh"
    ),
    script!(
        "random clients while another process fragments the pool",
        "memory_pressure.sh"
    ),
    script!(
        "what clients may not do to one another is refused",
        "memory_rights.sh"
    ),
    script!(
        "the driver tells its status in the kernel's log",
        "log_status.sh"
    ),
    script!(
        "buffers are synced for the device and for the processor",
        "dma_syncs.sh"
    ),
    script!(
        "each block is a sub-device, and each pad has its format",
        "media_graph.sh"
    ),
    script!(
        "a panic of the driver is no panic of the kernel",
        "panic.sh"
    ),
    script!(
        "500 starts and stops, no request of half a second",
        "starts_and_stops.sh"
    ),
];

/// A script for a guest with the vendor's nodes.
pub const VENDOR_PANIC: Script = script!(
    "a panic in a call of the vendor's nodes is no panic of the kernel",
    "vendor_panic.sh"
);

/// Scripts for a guest in which no frame ever comes.
pub const WAITING: [Script; 2] = [
    script!(
        "a client that waits for a frame can be killed",
        "kill_while_waiting.sh"
    ),
    script!(
        "unbound while a client waits for a frame",
        "unbind_while_waiting.sh"
    ),
];

/// The clock under which no frame comes unless it is asked for.
pub const STILL: ClockMode = ClockMode::Stepped;

impl Script {
    /// Runs the script.
    ///
    /// # Errors
    /// What it said if it failed, what was left in the pool, what the kernel complained of.
    pub fn run(self, guest: &mut Guest) -> Result<()> {
        let starts = match env::var(STARTS_VARIABLE) {
            Ok(text) => text
                .parse::<u32>()
                .with_context(|| format!("{STARTS_VARIABLE}={text} is no number"))?,
            Err(_) => 500,
        };
        let limit = SCRIPT_LIMIT * (1 + starts / STARTS_IN_LIMIT);
        let script = format!("STARTS={starts}\n{COMMON}\n{}", self.script);
        let ran = run(guest, &["sh", "-c", &script], limit)?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "{} ({:?}); the kernel's last lines:\n{}",
            ran.said().trim(),
            ran.end,
            last_lines(&ask(guest, &["dmesg"])?, 20)
        );
        eprint!("{}", ran.stdout);
        pool_is_whole(guest)?;
        log_is_clean(guest)
    }
}

/// Fails unless the pool is one free block.
///
/// # Errors
/// With the pool's blocks.
pub fn pool_is_whole(guest: &mut Guest) -> Result<()> {
    let pool = ask(guest, &["cat", "/sys/kernel/debug/tx-isp/pool"])?;
    ensure!(is_whole(&pool), "the pool is not one free block:\n{pool}");
    Ok(())
}

/// Whether the driver's list of the pool's blocks is one free block and its sum.
fn is_whole(pool: &str) -> bool {
    let mut lines = pool.lines();
    let free = |line: &str| line.starts_with("0x") && line.ends_with(" -");
    lines.next().is_some_and(free)
        && lines.next().is_some_and(|line| line.contains(" used 0 "))
        && lines.next().is_none()
}

fn last_lines(said: &str, count: usize) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_whole_only_as_one_free_block() {
        let sum = "total 100 used 0 free 100 largest 100 reserved 0\n";
        assert!(is_whole(&format!("0x06300000   30408704 -\n{sum}")));
        assert!(!is_whole(&format!("0x06300000   30408704 video0\n{sum}")));
        assert!(!is_whole(&format!("0x06300000 1 -\n0x06300100 1 -\n{sum}")));
        assert!(!is_whole("no carve-out\n"));
    }

    #[test]
    fn every_script_of_the_folder_is_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/guest");
        let scripts = std::fs::read_dir(folder).unwrap();
        let is_script = |path: &std::path::Path| path.extension().is_some_and(|kind| kind == "sh");
        let files = scripts
            .filter(|entry| entry.as_ref().is_ok_and(|entry| is_script(&entry.path())))
            .count();
        // One of the files is what is common to all, and one is for a guest with the vendor's nodes.
        assert_eq!(files - 2, FLOWING.len() + WAITING.len());
    }
}
