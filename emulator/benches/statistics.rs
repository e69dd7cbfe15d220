// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What statistics cost the host in a 1080p frame, by which of them TOP_BYPASS leaves on:
//! `cargo bench -p tx-isp-emulator --bench statistics`.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot run has nothing to say"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::RegisterFile;
use tx_isp_abi::sensor::GC2053;
use tx_isp_abi::statistics::{Kind, Zones};
use tx_isp_chip::{Chip, StatisticsJob};
use tx_isp_emulator::statistics::Statistics;
use tx_isp_picture::{Brightness, Renderer, SensorFrame, Source};

const ROUNDS: usize = 9;
const FRAMES: u32 = 20;

/// What the vendor's driver had in TOP_BYPASS on a camera: AE1 and AF are left out (T31 2a.3).
const VENDOR: u32 = 0xb574_2249;
/// Its linear start value alone: nothing that counts is left out (T31 2.1).
const ALL_ON: u32 = 0x3400_0009;
/// ADR, defog, AE1 and AF are left out.
const ALL_OFF: u32 = ALL_ON | 1 << 7 | 1 << 11 | 1 << 20 | 1 << 22;

/// The statistics of a frame where all kinds have banks.
fn jobs(bypass: u32) -> Vec<StatisticsJob> {
    let mut chip = Chip::new(GC2053);
    let mut write = |address, value| chip.write(PhysAddr(address), value);
    for (place, first) in [0xa02c, 0xa82c, 0xb03c, 0xb8a8, 0x4494, 0x5b84]
        .into_iter()
        .enumerate()
    {
        for bank in 0..4 {
            let place = u32::try_from(place).unwrap();
            write(
                0x1330_0000 + first + 4 * bank,
                0x0220_0000 + 0x4000 * place + 0x1000 * bank,
            );
        }
    }
    for (address, value) in [
        (0x1330_000c, bypass),
        (0x1330_0010, 0x133),
        (0x1330_0800, 1),
        (0x1002_300c, 1),
        (0x1002_3010, 1),
        (0x133e_0014, 1),
        (0x133e_0100, 0x258),
        (0x133e_0000, 1),
    ] {
        write(address, value);
    }
    chip.frame_start().unwrap().statistics
}

/// The time of `FRAMES` frames.
fn time(renderer: &mut Renderer, jobs: &[StatisticsJob]) -> Duration {
    let kinds: Vec<(Kind, Zones)> = jobs.iter().map(|job| (job.kind, job.zones)).collect();
    let begin = Instant::now();
    for number in 0..FRAMES {
        let frame = SensorFrame {
            size: (GC2053.size.width, GC2053.size.height),
            number,
            brightness: Brightness::NORMAL,
            flips: tx_isp_abi::sensor::Flips::default(),
        };
        let statistics = Statistics::of(renderer, &frame, &kinds).unwrap();
        for job in jobs {
            black_box(statistics.bank(job.kind, &job.zones, job.thresholds));
        }
    }
    begin.elapsed()
}

fn main() {
    let cases = [
        ("bypassed where it can be", ALL_OFF),
        ("as the vendor's driver", VENDOR),
        ("all on", ALL_ON),
    ]
    .map(|(name, bypass)| (name, jobs(bypass)));
    let mut renderer = Renderer::open(&Source::Bars).unwrap();
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for ((_, jobs), times) in cases.iter().zip(&mut times) {
            times.push(time(&mut renderer, jobs) / FRAMES);
        }
    }
    for ((name, jobs), mut times) in cases.into_iter().zip(times) {
        times.sort_unstable();
        let share = times[ROUNDS / 2].as_secs_f64() / 0.04 * 100.0;
        println!(
            "{name:25} {} kinds, {:>6.0?} a frame ({:.0?} to {:.0?}), {share:.1} % of a core at 25 frames a second",
            jobs.len(),
            times[ROUNDS / 2],
            times[0],
            times[ROUNDS - 1]
        );
    }
}
