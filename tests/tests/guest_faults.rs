// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of frames in time, and the faults of the hardware that are chosen for a guest.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use testbed::capture;
use testbed::clock;
use testbed::guest::Guest;
use testbed::progress::Steps;
use testbed::timeline::Timeline;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;
use tx_isp_tests::faults::{self, guest_cases};
use tx_isp_tests::guest::streams::main_stream;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};

/// Enough for every buffer to go round.
const FRAMES: u32 = 10;

fn main() -> ExitCode {
    suite::main("guest_faults", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        sensor: faults::guest::scene(),
        ..Boot::default()
    });
    suite.boots(&guest, "a guest boots with a slow clock");
    suite.test_in(
        &guest,
        "each frame goes from sensor to DMA, interrupt and client in order",
        |running| timeline(&mut running.guest),
    );
    match guest_cases() {
        Ok(cases) => {
            for case in cases {
                let name = format!("the driver survives {}", case.plan.faults[0]);
                suite.test_in(&guest, &name, move |running| {
                    let row = faults::guest::verify(&mut running.guest, &case);
                    let problems = row.problems.join("; ");
                    ensure!(row.passed(), "{}: {problems}", row.happened);
                    Ok(())
                });
            }
        }
        Err(error) => suite.test("the faults can be parsed", move || Err(error.into())),
    }
    suite.close(&guest, "these faults");
}

fn timeline(guest: &mut Guest) -> Result<()> {
    let config = main_stream(Size::new(1920, 1080), PixelFormat::Nv12, FRAMES);
    let first = clock::sample(guest)?;
    let outcome = capture::run(guest, &config, &Steps::silent())?;
    let last = clock::sample(guest)?;
    let frames: Vec<_> = outcome.verifier.dequeues.into_iter().collect();
    let control = &mut guest.emulator.monitor;
    let order = Timeline::collect(control, [first, last], frames)?.order();
    ensure!(order.wrong.is_empty(), "{}", order.wrong.join("\n"));
    let wanted = usize::try_from(FRAMES)?;
    // One that DMA has written before the guest has handled the interrupt of its first line is found
    // with that one.
    ensure!(
        order.frames == wanted && order.told * 2 >= wanted,
        "{} of {wanted} frames came, only {} of them with an interrupt of their own",
        order.frames,
        order.told
    );
    Ok(())
}
