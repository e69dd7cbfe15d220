// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ways to the chip side by side, in turns on one QEMU: the mailbox, and its own addresses.

use anyhow::{Context, Result, ensure};
use host_setup::qemu::DEBIAN_BACKPORTS;
use testbed::config::GuestConfig;
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::qemu::Carrier;
use tx_isp_emulator::monitor::protocol::InterruptEntry;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN, clock as rate, each};
use super::client::{Take, nothing, read, take, take_and_account};
use super::figures::{Row, Spread, Unit};

/// What a load and a store cost the driver: measured whenever it is read.
const ACCESS_COST: &str = "/sys/kernel/debug/tx-isp/access-cost";
/// The rate of the paced stream, in frames per second.
const PACE: u32 = 60;
/// Frames of a round: as fast as they go, and at the rate.
const FAST_FRAMES: u32 = 500;
const PACED_FRAMES: u32 = 240;
/// What is said of the time that an interrupt takes.
const WHAT_INTERRUPTS_TAKE: &str = "by the emulator's clock: from its signal to QEMU until the guest's first read of \
                                    what is pending arrives, so with one way of an access in it";

/// The figures of vfio-user beside those of the mailbox.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let prepared = with_both(bench)?;
    let mut carriers = prepared.qemu.carriers.iter().copied();
    let mailbox = carriers.find(|carrier| Carrier::MAILBOX.contains(carrier));
    let mailbox = mailbox.context("this QEMU carries no mailbox")?;
    let mut near = Side::new(bench, &prepared, mailbox)?;
    let mut far = Side::new(bench, &prepared, Carrier::VfioUser)?;
    bench.rounds(|| {
        near.round()?;
        far.round()
    })?;
    let name = format!("the mailbox ({mailbox})");
    let row = |what: &str, unit, of: fn(&Side) -> &Spread| {
        Row::new(what, unit, of(&far).clone()).against(name.clone(), of(&near).clone())
    };
    let rows = vec![
        row("a load that is waited for (readl)", Unit::Seconds, |side| {
            &side.load
        }),
        row("a store that is not (writel)", Unit::Seconds, |side| {
            &side.store
        }),
        row("interrupt to handler, p50", Unit::Seconds, |side| {
            &side.interrupt
        })
        .note(WHAT_INTERRUPTS_TAKE),
        row("interrupt to handler, p99", Unit::Seconds, |side| {
            &side.late_interrupt
        }),
        row(
            "1920x1080 as fast as buffers come back",
            Unit::FramesPerSecond,
            |side| &side.fastest,
        ),
        row(
            &format!("host processor time at {PACE} fps"),
            Unit::SecondsPerFrame,
            |side| &side.cost,
        )
        .note(format!("QEMU {}", prepared.qemu.version)),
    ];
    for side in [near, far] {
        side.paced.power_off();
        side.fast.power_off();
    }
    Ok(rows)
}

/// A QEMU that has both: the one at hand, or Debian's newest.
fn with_both(bench: &Bench<'_>) -> Result<Prepared> {
    if bench.prepared.qemu.carriers.contains(&Carrier::VfioUser) {
        return Ok(bench.prepared.clone());
    }
    let config = GuestConfig {
        qemu: Some(DEBIAN_BACKPORTS.into()),
        attach: None,
        ..bench.options.guest.config()
    };
    let prepared = Prepared::new(&config, bench.steps)?;
    ensure!(
        prepared.qemu.carriers.contains(&Carrier::VfioUser),
        "QEMU {} has no vfio-user",
        prepared.qemu.version
    );
    Ok(prepared)
}

/// One way to the chip.
struct Side {
    paced: Guest,
    fast: Guest,
    device: String,
    /// From when on the emulator is asked for interrupts.
    seen_until: u64,
    load: Spread,
    store: Spread,
    interrupt: Spread,
    late_interrupt: Spread,
    fastest: Spread,
    cost: Spread,
}

impl Side {
    fn new(bench: &Bench<'_>, prepared: &Prepared, carrier: Carrier) -> Result<Self> {
        let prepared = Prepared {
            carrier,
            ..prepared.clone()
        };
        let boot = |fps, name: &str| bench.boot(&prepared, fps, &format!("{carrier}-{name}"));
        let paced = boot(rate(PACE), "paced")?;
        Ok(Self {
            device: paced.camera(MAIN)?,
            paced,
            seen_until: 0,
            fast: boot(ClockMode::Max, "fast")?,
            load: Spread::default(),
            store: Spread::default(),
            interrupt: Spread::default(),
            late_interrupt: Spread::default(),
            fastest: Spread::default(),
            cost: Spread::default(),
        })
    }

    fn round(&mut self) -> Result<()> {
        let text = read(&mut self.paced, ACCESS_COST)?;
        let [load, store] = access_cost(&String::from_utf8_lossy(&text))
            .with_context(|| format!("{ACCESS_COST} has no two times"))?;
        self.load.push(load);
        self.store.push(store);
        let what = Take::untouched(&self.device, FULL_HD, FAST_FRAMES);
        self.fastest
            .push(take(&mut self.fast, &what, nothing)?.fps());
        let what = Take {
            frames: PACED_FRAMES,
            ..what
        };
        let monitor = &mut self.paced.emulator.monitor;
        let before = monitor.interrupts(self.seen_until)?;
        let from = before.last().map_or(0, |last| last.at_ns + 1);
        let (taken, spent) = take_and_account(&mut self.paced, &what)?;
        self.cost.push(each(spent.sum(), taken.count()));
        let interrupts = self.paced.emulator.monitor.interrupts(from)?;
        let [middle, late] = response_times(&interrupts)
            .context("the guest has looked at none of its interrupts")?;
        self.interrupt.push(seconds(middle));
        self.late_interrupt.push(seconds(late));
        self.seen_until = from;
        Ok(())
    }
}

/// How long the guest took from QEMU's signal to its first look, in nanoseconds: the 50th and the 99th
/// percentile.
fn response_times(interrupts: &[InterruptEntry]) -> Option<[u64; 2]> {
    let time = |entry: &InterruptEntry| Some(entry.seen_ns?.saturating_sub(entry.signalled_ns?));
    let mut times: Vec<u64> = interrupts.iter().filter_map(time).collect();
    times.sort_unstable();
    let last = times.len().checked_sub(1)?;
    Some([50, 99].map(|percent| times[(times.len() * percent / 100).min(last)]))
}

fn seconds(nanoseconds: u64) -> f64 {
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}

/// `load NANOSECONDS store NANOSECONDS`, in seconds.
fn access_cost(text: &str) -> Option<[f64; 2]> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["load", load, "store", store] => {
            Some([seconds(load.parse().ok()?), seconds(store.parse().ok()?)])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_interrupts_that_were_looked_at_have_a_time() {
        let entry = |signalled_ns, seen_ns| InterruptEntry {
            at_ns: 1,
            lines: 1,
            signalled_ns,
            seen_ns,
        };
        assert_eq!(response_times(&[entry(None, None)]), None);
        let mut interrupts: Vec<_> = (0..100)
            .map(|number| entry(Some(1000), Some(1010 + number)))
            .collect();
        interrupts.push(entry(None, None));
        assert_eq!(response_times(&interrupts), Some([60, 109]));
    }

    #[test]
    fn the_drivers_figures_are_nanoseconds() {
        let [load, store] = access_cost("load 50000 store 2000\n").unwrap();
        assert!((load - 5e-5).abs() < 1e-12 && (store - 2e-6).abs() < 1e-12);
        assert_eq!(access_cost("load x store 1"), None);
        assert_eq!(access_cost(""), None);
    }
}
