// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ways to the chip side by side, in turns on one QEMU: the mailbox, and its own addresses.

use anyhow::{Context, Result, ensure};
use testbed::capture::{self, Keep, StreamConfig};
use testbed::clock;
use testbed::config::{GuestConfig, Io};
use testbed::guest::Guest;
use testbed::prepare::{DEBIAN_BACKPORTS, Prepared};
use testbed::progress::Steps;
use testbed::qemu::Carrier;
use testbed::timeline::Timeline;
use tx_isp_abi::format::PixelFormat;
use tx_isp_alloc::Strategy;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN, clock as rate, each};
use super::client::{Take, nothing, read, take, take_and_account};
use super::figures::{Row, Spread, Unit};

/// What a load and a store cost the driver: measured whenever it is read.
const ACCESS_COST: &str = "/sys/kernel/debug/tx-isp/access-cost";
/// The rate of the paced stream, in frames per second.
const PACE: u32 = 60;
/// Frames of a round: as fast as they go, at the rate, and those of which each is followed.
const FAST_FRAMES: u32 = 500;
const PACED_FRAMES: u32 = 240;
const FOLLOWED_FRAMES: u32 = 120;

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
    let mut rows = vec![
        row("a load that is waited for (readl)", Unit::Seconds, |side| {
            &side.load
        }),
        row("a store that is not (writel)", Unit::Seconds, |side| {
            &side.store
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
    // Left out where no interrupt is known to be a frame's own, as over vfio-user.
    if near.interrupt.median().is_some() && far.interrupt.median().is_some() {
        rows.insert(
            2,
            row("interrupt to handler, p50", Unit::Seconds, |side| {
                &side.interrupt
            })
            .note(format!(
                "the guest's clock is known to {}, over the mailbox to {}",
                Unit::Seconds.show(far.clock_error.median().unwrap_or_default()),
                Unit::Seconds.show(near.clock_error.median().unwrap_or_default()),
            )),
        );
    }
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
    load: Spread,
    store: Spread,
    interrupt: Spread,
    clock_error: Spread,
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
            fast: boot(ClockMode::Max, "fast")?,
            load: Spread::default(),
            store: Spread::default(),
            interrupt: Spread::default(),
            clock_error: Spread::default(),
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
        let (taken, spent) = take_and_account(&mut self.paced, &what)?;
        self.cost.push(each(spent.sum(), taken.count()));
        self.follow()
    }

    /// Streams, and lays the times at which the driver's handler began beside those at which the chip
    /// interrupted.
    fn follow(&mut self) -> Result<()> {
        let config = StreamConfig {
            channel: MAIN,
            size: FULL_HD,
            format: PixelFormat::Nv12,
            buffers: 4,
            frames: FOLLOWED_FRAMES,
            checksum: false,
            keep: Keep::Ends,
            strategy: Strategy::Hybrid,
            io: Io::of(Strategy::Hybrid),
        };
        let guest = &mut self.paced;
        let first = clock::sample(guest)?;
        let outcome = capture::run(guest, &config, &Steps::silent())?;
        let last = clock::sample(guest)?;
        let frames = outcome.verifier.dequeues.into_iter().collect();
        let timeline = Timeline::collect(&mut guest.emulator.monitor, [first, last], frames)?;
        let mut latencies = timeline.interrupt_latencies_ns();
        latencies.sort_unstable();
        if let Some(middle) = latencies.get(latencies.len() / 2) {
            self.interrupt.push(seconds(*middle));
        }
        self.clock_error.push(seconds(timeline.error_ns()));
        Ok(())
    }
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
    fn the_drivers_figures_are_nanoseconds() {
        let [load, store] = access_cost("load 50000 store 2000\n").unwrap();
        assert!((load - 5e-5).abs() < 1e-12 && (store - 2e-6).abs() < 1e-12);
        assert_eq!(access_cost("load x store 1"), None);
        assert_eq!(access_cost(""), None);
    }
}
