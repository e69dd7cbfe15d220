// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host says about processes and about itself.

use std::fs;
use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};
use schemars::JsonSchema;
use serde::Serialize;

/// The machine while it was measured: figures of a busy one mean less.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Machine {
    /// Processors that the lab may use.
    pub processors: usize,
    /// Mean number of programs that wanted to run in the last minute, before the first measurement.
    pub load_before: Option<f64>,
    /// Likewise after the last one, measurements included.
    pub load_after: Option<f64>,
}

impl Machine {
    /// Before the first measurement.
    pub fn now() -> Self {
        Self {
            processors: std::thread::available_parallelism().map_or(1, NonZero::get),
            load_before: load(),
            load_after: None,
        }
    }

    /// After the last one.
    pub fn end(&mut self) {
        self.load_after = load();
    }

    /// Says so if others kept the machine busy.
    pub fn warning(&self) -> Option<String> {
        let load = self.load_before?;
        (load >= 0.5).then(|| {
            format!(
                "the machine was busy before the first measurement (load {load:.1} on {} processors); \
                 ratios hold, absolute times do not",
                self.processors
            )
        })
    }
}

fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Processor time that a process has used with all its threads, also those that have ended.
///
/// # Errors
/// If it is gone.
pub fn processor_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} has no times: {text}"))?;
    let per_second = sysconf(SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .and_then(|number| u64::try_from(number).ok())
        .filter(|number| *number > 0)
        .context("the system does not say how long a clock tick is")?;
    let nanoseconds = ticks.saturating_mul(1_000_000_000) / per_second;
    Ok(Duration::from_nanos(nanoseconds))
}

/// utime and stime, fields 14 and 15 of `/proc/PID/stat`. Field 2 is the program's name in
/// parentheses, which may itself hold spaces and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    next()?.checked_add(next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let line = "77 (a) b (c) S 1 77 77 0 -1 4194560 100 0 3 0 250 50 9 8 20 0 5 0 1234 1 2";
        assert_eq!(ticks(line), Some(300));
        assert_eq!(ticks("77 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn a_process_that_works_uses_processor_time() {
        let pid = std::process::id();
        let before = processor_time(pid).unwrap();
        let begin = std::time::Instant::now();
        while processor_time(pid).unwrap() == before {
            assert!(begin.elapsed() < Duration::from_secs(60));
        }
        assert!(processor_time(0).is_err());
    }

    #[test]
    fn a_busy_machine_is_named() {
        let mut machine = Machine {
            processors: 2,
            load_before: Some(3.2),
            load_after: None,
        };
        assert!(machine.warning().unwrap().contains("load 3.2 on 2"));
        machine.load_before = Some(0.1);
        assert_eq!(machine.warning(), None);
    }
}
