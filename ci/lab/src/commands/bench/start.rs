// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How long it takes from QEMU's start to the first frame in the lab.

use std::time::Duration;

use anyhow::{Context, Result};
use guest_image::KernelChoice;

use super::base::{Bench, FULL_HD, Kernel, MAIN, clock};
use super::client::{Take, take};
use super::figures::{Aim, Row, Spread, Unit};
use testbed::guest::Guest;
use testbed::prepare::Prepared;

/// The frame rate of `cargo lab stream`.
const FPS: u32 = 25;

/// Each kernel in turn.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let kernels = bench.kernels()?;
    let mut seen: Vec<Seen> = kernels.iter().map(|_| Seen::default()).collect();
    bench.rounds(|| {
        for (kernel, seen) in kernels.iter().zip(&mut seen) {
            let (guest, first_frame) = boot_to_frame(bench, kernel)?;
            seen.first_frame.push(first_frame.as_secs_f64());
            seen.answer.push(guest.boot_time.as_secs_f64());
            seen.hung += u32::from(guest.boots > 1);
            guest.power_off();
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    for (kernel, seen) in kernels.iter().zip(seen) {
        let mut row = Row::new(
            format!("{}, first frame", kernel.name()),
            Unit::Seconds,
            seen.first_frame,
        );
        if let Some(most) = aim(&kernel.choice) {
            row = row.aim(Aim::AtMost(most));
        }
        if seen.hung > 0 {
            row = row.note(format!(
                "{} boots hung; the time is that of the second try",
                seen.hung
            ));
        }
        rows.push(row);
        rows.push(Row::new(
            format!("{}, agent answers", kernel.name()),
            Unit::Seconds,
            seen.answer,
        ));
    }
    if !kernels
        .iter()
        .any(|kernel| kernel.choice == KernelChoice::Fast)
    {
        let why = "it is not in the cache; --kernel fast builds it, once";
        let row = Row::missing("fast kernel, first frame", Unit::Seconds, why);
        rows.push(match aim(&KernelChoice::Fast) {
            Some(most) => row.aim(Aim::AtMost(most)),
            None => row,
        });
    }
    Ok(rows)
}

#[derive(Default)]
struct Seen {
    first_frame: Spread,
    answer: Spread,
    hung: u32,
}

/// In seconds.
fn aim(kernel: &KernelChoice) -> Option<f64> {
    match kernel {
        KernelChoice::Debian => Some(6.0),
        KernelChoice::Fast => Some(2.0),
        KernelChoice::Debug | KernelChoice::Lts | KernelChoice::Latest | KernelChoice::Path(_) => {
            None
        }
    }
}

/// Boots a kernel's guest and takes one frame; gives the time from QEMU's start to its arrival.
///
/// # Errors
/// If it does not arrive.
pub fn boot_to_frame(bench: &Bench<'_>, kernel: &Kernel) -> Result<(Guest, Duration)> {
    let prepared = Prepared {
        image: kernel.image.clone(),
        ..bench.prepared.clone()
    };
    let mut guest = bench.boot(&prepared, clock(FPS), "start")?;
    let device = guest.camera(MAIN)?;
    let what = Take::untouched(&device, FULL_HD, 1);
    let mut arrived = None;
    take(&mut guest, &what, |guest, _| {
        arrived.get_or_insert(guest.spawned.elapsed());
        Ok(())
    })?;
    let arrived = arrived.context("the stream ended without a frame")?;
    Ok((guest, arrived))
}
