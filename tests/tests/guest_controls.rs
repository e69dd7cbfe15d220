// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Controls, selection and channels, in front of a picture that nothing repeats in.

use std::process::ExitCode;

use testbed::config::Io;
use testbed::debug::DebugConfig;
use testbed::sensor::SensorConfig;
use tx_isp_chip::Severity;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;
use tx_isp_tests::guest::controls::{draw, three_channels};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};

fn main() -> ExitCode {
    suite::main("guest_controls", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let still = suite.logs().join("still.png");
    let guest = suite.guest(Boot {
        sensor: SensorConfig {
            source: Source::Image(still.clone()),
            fps: ClockMode::Max,
            ..SensorConfig::default()
        },
        emulator: |prepared| {
            // A guest error is to end it.
            let debug = DebugConfig {
                strict: Some(Severity::Error),
                ..DebugConfig::default()
            };
            debug.emulator_options(prepared.memory, Io::Mmap)
        },
        before: Some(Box::new({
            let still = still.clone();
            move || draw(&still)
        })),
        ..Boot::default()
    });
    suite.test("a test picture is drawn", move || draw(&still));
    suite.boots(&guest, "a guest boots before a still picture");
    suite.test_in(
        &guest,
        "exposure and gain change the picture's light as much as they say",
        |running| running.lights(),
    );
    suite.test_in(
        &guest,
        "a selection shows that part of the picture",
        |running| running.selection(),
    );
    suite.test_in(
        &guest,
        "three channels at once bring every frame as written",
        |running| three_channels(&mut running.guest, running.prepared.memory),
    );
    suite.test_in(
        &guest,
        "streams in the carve-out have no guest error under --strict",
        |running| running.strictly(),
    );
    suite.close(&guest, "these pictures");
}
