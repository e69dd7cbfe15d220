// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many frames a second the guest takes when the frame clock waits for nothing but buffers.

use anyhow::{Context, Result};
use tx_isp_abi::Size;
use tx_isp_emulator::monitor::protocol::DmaStatus;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN};
use super::client::{Take, nothing, take};
use super::figures::{Row, Spread, Unit};
use testbed::guest::Guest;
use testbed::verify::approximate;

/// Frames of a round when nobody reads them, and when the client reads them all.
const FRAMES: u32 = 500;
const READ_FRAMES: u32 = 150;

const SIZES: [Size; 3] = [FULL_HD, Size::new(1280, 720), Size::new(640, 360)];

/// Frames per second of each size, untouched beside what DMA alone allows, and read beside what
/// the guest's reading alone allows.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut guest = bench.boot(bench.prepared, ClockMode::Max, "rate")?;
    let device = guest.camera(MAIN)?;
    let mut spreads = vec![<[Spread; 4]>::default(); SIZES.len()];
    bench.rounds(|| {
        for (size, [untouched, dma, read, checksum]) in SIZES.into_iter().zip(&mut spreads) {
            let what = Take::untouched(&device, size, FRAMES);
            let before = dma_status(&mut guest)?;
            untouched.push(take(&mut guest, &what, nothing)?.fps());
            dma.push(writes_per_second(before, dma_status(&mut guest)?));

            let what = Take {
                frames: READ_FRAMES,
                checksum: true,
                ..what
            };
            let taken = take(&mut guest, &what, nothing)?;
            taken.check(&mut guest)?;
            read.push(taken.fps());
            checksum.push(
                1.0 / super::base::each(taken.touched(), taken.count()).max(f64::MIN_POSITIVE),
            );
        }
        Ok(())
    })?;
    guest.power_off();
    let mut rows = Vec::new();
    for (size, [untouched, dma, read, checksum]) in SIZES.into_iter().zip(spreads) {
        let unit = Unit::FramesPerSecond;
        rows.push(
            Row::new(format!("{size}, untouched"), unit, untouched).against("DMA alone", dma),
        );
        rows.push(
            Row::new(format!("{size}, read"), unit, read).against("checksum alone", checksum),
        );
    }
    Ok(rows)
}

fn dma_status(guest: &mut Guest) -> Result<DmaStatus> {
    let status = guest.emulator.monitor.status();
    Ok(status.context("asking the emulator")?.dma)
}

/// Pictures per second while DMA was busy with them.
fn writes_per_second(before: DmaStatus, after: DmaStatus) -> f64 {
    let frames = approximate(after.frames.saturating_sub(before.frames));
    frames / (after.busy_seconds - before.busy_seconds).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dma_alone_is_counted_by_its_busy_time() {
        let status = |frames, busy_seconds| DmaStatus {
            frames,
            busy_seconds,
            ..DmaStatus::default()
        };
        let rate = writes_per_second(status(100, 1.0), status(600, 1.5));
        assert!((rate - 1000.0).abs() < 1e-9);
    }
}
