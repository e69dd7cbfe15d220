// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a frame costs the host: processor time of QEMU and the emulator together for each delivered
//! frame, beside vivid in the same guest with the same client.
//!
//! At a rate most of that is the guest itself, whose tick goes on while nothing happens. So there the
//! guest is also left alone for a while in each round, and what it takes for that is taken off both.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN, clock, each};
use super::client::{Spent, Take, Taken, nothing, take, take_and_account};
use super::figures::{Aim, Row, Spread, Unit};
use super::vivid::{self, Signal};
use testbed::guest::Guest;

/// Frames of a round as fast as they go, and at a rate.
const FAST_FRAMES: u32 = 500;
const PACED_FRAMES: u32 = 240;
/// The slowest round at full speed, times the median.
const SLOWEST_AIM: f64 = 0.7;
/// The rate, in frames per second.
const PACE: u32 = 60;
/// Frames before the first round: code is translated, memory is touched.
const WARM_UP: u32 = 60;
/// How long the guest is left alone in each round.
const IDLE: Duration = Duration::from_secs(4);
/// The aims, times vivid's.
const COST_AIM: f64 = 0.2;
const NET_COST_AIM: f64 = 0.25;
const RATE_AIM: f64 = 5.0;

/// Both at the fastest and at a rate.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut fast = Pair::new(bench, ClockMode::Max, Signal::HdFastest, FAST_FRAMES)?;
    let mut paced = Pair::new(bench, clock(PACE), Signal::Hd60, PACED_FRAMES)?;
    bench.rounds(|| {
        fast.round()?;
        paced.round()?;
        paced.leave_alone()
    })?;
    let ceiling = Row::new(
        "delivered, as fast as they go",
        Unit::FramesPerSecond,
        fast.ours.rate.clone(),
    )
    .against("vivid", fast.vivid.rate.clone())
    .aim(Aim::TimesAtLeast(RATE_AIM))
    .note(format!(
        "vivid fed with 240 fps left out {}",
        fast.vivid.lost
    ));
    let rate = &fast.ours.rate;
    let slowest = Row::new(
        "slowest round, as fast as they go",
        Unit::FramesPerSecond,
        rate.min().into_iter().collect(),
    )
    .against("median", rate.median().into_iter().collect())
    .aim(Aim::TimesAtLeast(SLOWEST_AIM));
    let rows = vec![
        fast.cost_row("cost, as fast as they go"),
        paced.cost_row(&format!("cost at {PACE} fps")),
        paced.net_cost_row(&format!("cost at {PACE} fps, net of an idle guest")),
        ceiling,
        slowest,
        Row::new(
            format!("delivered at {PACE} fps"),
            Unit::FramesPerSecond,
            paced.ours.rate.clone(),
        )
        .against("vivid", paced.vivid.rate.clone())
        .note(format!(
            "left out {}, vivid {}",
            paced.ours.lost, paced.vivid.lost
        )),
    ];
    fast.guest.power_off();
    paced.guest.power_off();
    Ok(rows)
}

/// Our ISP and vivid in one guest.
struct Pair {
    guest: Guest,
    device: String,
    frames: u32,
    ours: Cost,
    vivid: Cost,
    /// What both programs take of a processor while the guest does nothing.
    idle: Spread,
}

/// What was seen of one device.
#[derive(Default)]
struct Cost {
    /// Seconds for each frame: of both programs, and of each.
    both: Spread,
    qemu: Spread,
    emulator: Spread,
    /// Frames per second.
    rate: Spread,
    /// Frames that the client did not get.
    lost: u32,
}

impl Cost {
    fn add(&mut self, taken: &Taken, spent: Spent) {
        let frames = taken.count();
        self.both.push(each(spent.sum(), frames));
        self.qemu.push(each(spent.qemu, frames));
        self.emulator.push(each(spent.emulator, frames));
        self.rate.push(taken.fps());
        self.lost += taken.lost();
    }
}

impl Pair {
    fn new(bench: &Bench<'_>, fps: ClockMode, signal: Signal, frames: u32) -> Result<Self> {
        let logs = format!("cpu-{fps}").replace(' ', "-");
        let mut guest = bench.boot(bench.prepared, fps, &logs)?;
        vivid::connect(&mut guest, signal)?;
        let device = guest.camera(MAIN)?;
        for device in [device.as_str(), vivid::DEVICE] {
            take(&mut guest, &whole(device, WARM_UP), nothing)?;
        }
        Ok(Self {
            guest,
            device,
            frames,
            ours: Cost::default(),
            vivid: Cost::default(),
            idle: Spread::default(),
        })
    }

    fn round(&mut self) -> Result<()> {
        let (taken, spent) = take_and_account(&mut self.guest, &whole(&self.device, self.frames))?;
        self.ours.add(&taken, spent);
        let (taken, spent) = take_and_account(&mut self.guest, &whole(vivid::DEVICE, self.frames))?;
        self.vivid.add(&taken, spent);
        Ok(())
    }

    /// Sees what the guest costs while nothing streams.
    fn leave_alone(&mut self) -> Result<()> {
        let before = Spent::so_far(&mut self.guest)?;
        thread::sleep(IDLE);
        let spent = Spent::so_far(&mut self.guest)?.since(before);
        self.idle.push(spent.sum().div_duration_f64(IDLE));
        Ok(())
    }

    /// The cost of a frame without what the guest takes anyway, by the rate of each round.
    fn net_cost_row(&self, name: &str) -> Row {
        let net = |cost: &Cost| {
            let rounds = cost.both.rounds().zip(cost.rate.rounds());
            let rounds = rounds.zip(self.idle.rounds());
            let net = rounds.map(|((both, rate), idle)| (both - idle / rate).max(0.0));
            net.collect::<Spread>()
        };
        let of_a_processor = self.idle.median().unwrap_or_default() * 100.0;
        Row::new(name, Unit::SecondsPerFrame, net(&self.ours))
            .against("vivid", net(&self.vivid))
            .aim(Aim::TimesAtMost(NET_COST_AIM))
            .note(format!(
                "an idle guest takes {of_a_processor:.1} % of a processor"
            ))
    }

    fn cost_row(&self, name: &str) -> Row {
        let unit = Unit::SecondsPerFrame;
        let part = |spread: &Spread| unit.show(spread.median().unwrap_or_default());
        Row::new(name, unit, self.ours.both.clone())
            .against("vivid", self.vivid.both.clone())
            .aim(Aim::TimesAtMost(COST_AIM))
            .note(format!(
                "of it QEMU {}, emulator {}; of vivid's QEMU {}, emulator {}",
                part(&self.ours.qemu),
                part(&self.ours.emulator),
                part(&self.vivid.qemu),
                part(&self.vivid.emulator)
            ))
    }
}

/// 1080p frames that nobody reads.
fn whole(device: &str, frames: u32) -> Take<'_> {
    Take::untouched(device, FULL_HD, frames)
}
