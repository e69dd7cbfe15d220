// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The host's memory: how many guests have room, and what one takes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::text::mib;
use testbed::guest::Guest;

const MIB: u64 = 1 << 20;

/// What QEMU and the emulator take beside the guest's own memory. `cargo lab compare` prints what they took:
/// 204 MiB with a guest of 128 MiB and Debian's kernel, which makes 76; QEMU's translated code grows with
/// the time that a guest runs, so twice of that.
const BESIDE: u64 = 160 * MIB;
/// What is left to the lab and to everybody else.
const SPARE: u64 = 256 * MIB;

/// What a guest takes of the host's memory, in bytes. What several processes share counts to each in
/// equal parts, so that the sum is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Footprint {
    /// QEMU with the guest's memory.
    pub qemu: u64,
    /// The emulated ISP.
    pub emulator: u64,
}

impl Footprint {
    /// Both together.
    pub fn total(self) -> u64 {
        self.qemu + self.emulator
    }

    /// What a guest takes now; `None` if it has just ended.
    pub fn of(guest: &mut Guest) -> Option<Self> {
        Some(Self {
            qemu: share_of(guest.qemu_pid())?,
            emulator: share_of(guest.emulator.process.child().id())?,
        })
    }
}

/// A process's share of the host's memory (PSS) in bytes.
fn share_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    entry(&text, "Pss:")
}

/// An entry of a table as /proc has it, in bytes.
fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// How many guests have room at once, of as many as are wanted and of up to `guest` bytes each; and what
/// is to be said if those are fewer. One guest is always tried.
///
/// # Errors
/// If the host does not say how much memory it has.
pub fn guests_at_once(wanted: usize, guest: u64) -> Result<(usize, Option<String>)> {
    if wanted <= 1 {
        return Ok((1, None));
    }
    let available = available().context("asking for the host's memory")?;
    let most = room(available, guest);
    if wanted <= most {
        return Ok((wanted, None));
    }
    let note = format!(
        "of {wanted} guests at a time {most} have room: {} of memory are available, {} of them stay free, and a guest takes up to \
         {} ({} and {} for QEMU and the emulator)",
        mib(available),
        mib(SPARE),
        mib(guest + BESIDE),
        mib(guest),
        mib(BESIDE)
    );
    Ok((most, Some(note)))
}

fn room(available: u64, guest: u64) -> usize {
    let most = available.saturating_sub(SPARE) / (guest + BESIDE);
    usize::try_from(most).unwrap_or(usize::MAX).max(1)
}

/// Bytes that can be had without swapping: of the machine, or of the control group that this runs in.
fn available() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
    let machine = entry(&text, "MemAvailable:").context("/proc/meminfo has no MemAvailable")?;
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Ok(
        match own.lines().find_map(|line| line.strip_prefix("0::/")) {
            Some(group) => of_groups(Path::new("/sys/fs/cgroup"), group)
                .map_or(machine, |left| left.min(machine)),
            None => machine,
        },
    )
}

/// The least that a control group and those around it have left; `None` if none of them is limited.
fn of_groups(root: &Path, group: &str) -> Option<u64> {
    let folder: PathBuf = root.join(group);
    let around = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    around.filter_map(left_in).min()
}

fn left_in(group: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?; // "max" is no limit
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    // Files that nobody has used lately are dropped first.
    let idle = read("memory.stat").and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("inactive_file "))?;
        line.trim().parse::<u64>().ok()
    });
    Some(limit.saturating_sub(used.saturating_sub(idle.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_guests_run_as_have_room_and_one_always() {
        let guest = 128 * MIB;
        assert_eq!(room(SPARE + 3 * (guest + BESIDE), guest), 3);
        assert_eq!(room(SPARE + 3 * (guest + BESIDE) - 1, guest), 2);
        assert_eq!(room(0, guest), 1);
        let (jobs, note) = guests_at_once(100_000, guest).unwrap();
        assert!((1..100_000).contains(&jobs));
        let note = note.unwrap();
        let start = format!("of 100000 guests at a time {jobs} have room: ");
        assert!(
            note.starts_with(&start) && note.contains("up to 288M (128M and 160M"),
            "{note}"
        );
        assert_eq!(guests_at_once(1, u64::MAX / 2).unwrap(), (1, None));
    }

    #[test]
    fn a_limit_around_the_own_group_counts_and_idle_files_do_not() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("pod/task");
        fs::create_dir_all(&inner).unwrap();
        let write = |folder: &Path, max: &str, current: &str| {
            fs::write(folder.join("memory.max"), max).unwrap();
            fs::write(folder.join("memory.current"), current).unwrap();
        };
        write(&inner, "max\n", "700\n");
        assert_eq!(of_groups(root.path(), "pod/task"), None);
        write(&root.path().join("pod"), "1000\n", "900\n");
        assert_eq!(of_groups(root.path(), "pod/task"), Some(100));
        fs::write(
            root.path().join("pod/memory.stat"),
            "anon 1\ninactive_file 200\n",
        )
        .unwrap();
        assert_eq!(of_groups(root.path(), "pod/task"), Some(300));
        write(&inner, "800\n", "700\n");
        assert_eq!(of_groups(root.path(), "pod/task"), Some(100));
    }

    #[test]
    fn a_process_has_a_share_of_memory() {
        let own = share_of(std::process::id()).unwrap();
        assert!(own > MIB / 4, "{own}");
        assert_eq!(
            entry("Rss: 1 kB\nPss:      12 kB\nPss_Dirty: 3 kB", "Pss:"),
            Some(12 << 10)
        );
        assert_eq!(share_of(u32::MAX), None);
    }
}
