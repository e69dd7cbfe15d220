// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What each way of allocating buffers costs, side by side in one guest.

use std::time::Duration;

use anyhow::{Context, Result};
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN};
use super::client::{Take, nothing, take};
use super::figures::{Row, Spread, Unit};
use testbed::config::{Io, control};
use tx_isp_alloc::Strategy;

/// Frames of a round.
const FRAMES: u32 = 200;

/// Each way; the first is the baseline of the others.
const WAYS: [(Strategy, Io); 6] = [
    (Strategy::Driver, Io::Mmap),
    (Strategy::Hybrid, Io::Mmap),
    (Strategy::Client, Io::Rmem),
    (Strategy::Client, Io::Dmabuf),
    (Strategy::Hybrid, Io::Dmabuf),
    (Strategy::Hybrid, Io::Userptr),
];

/// What is measured of a way.
#[derive(Default)]
struct Figures {
    rate: Spread,
    request: Spread,
    buffers: Spread,
    pool: Spread,
}

/// Of each way: frames per second, the time of REQBUFS and until all buffers are queued, and the bytes
/// of the carve-out that a granted buffer took.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut guest = bench.boot(bench.prepared, ClockMode::Max, "buffers")?;
    let device = guest.camera(MAIN)?;
    let mut figures: Vec<Figures> = WAYS.iter().map(|_| Figures::default()).collect();
    bench.rounds(|| {
        for ((strategy, io), figures) in WAYS.into_iter().zip(&mut figures) {
            let what = Take {
                memory: io.memory(),
                strategy: Some(control(strategy)),
                ..Take::untouched(&device, FULL_HD, FRAMES)
            };
            let taken = take(&mut guest, &what, nothing)?;
            let done = taken.done.context("the stream has no end")?;
            figures.rate.push(taken.fps());
            figures.request.push(seconds(done.request_ns));
            figures.buffers.push(seconds(done.buffers_ns));
            if let (Some(bytes), Some(granted)) = (done.pool_bytes, taken.granted) {
                let buffers = f64::from(granted.buffers.max(1));
                figures.pool.push(f64::from(bytes) / buffers);
            }
        }
        Ok(())
    })?;
    guest.power_off();
    Ok(rows(figures))
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn rows(figures: Vec<Figures>) -> Vec<Row> {
    let mut rows = Vec::new();
    let baseline = figures
        .first()
        .map(|first| (first.rate.clone(), first.request.clone()));
    let (rate, request) = baseline.unwrap_or_default();
    for ((strategy, io), figures) in WAYS.into_iter().zip(figures) {
        let way = format!("{}, {}", strategy.name(), io.name());
        let against = "driver, mmap";
        rows.push(
            Row::new(way.clone(), Unit::FramesPerSecond, figures.rate)
                .against(against, rate.clone()),
        );
        rows.push(
            Row::new(format!("{way}: REQBUFS"), Unit::Seconds, figures.request)
                .against(against, request.clone()),
        );
        let name = format!("{way}: REQBUFS to the last QBUF");
        rows.push(Row::new(name, Unit::Seconds, figures.buffers));
        let name = format!("{way}: bytes of the pool for a buffer");
        rows.push(Row::new(name, Unit::Count, figures.pool));
    }
    rows
}
