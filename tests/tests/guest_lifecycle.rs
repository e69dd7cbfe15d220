// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Clients that come and go in every way, where frames flow and where none comes.

use std::process::ExitCode;

use testbed::sensor::SensorConfig;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_tests::guest::lifecycle;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};

fn main() -> ExitCode {
    suite::main("guest_lifecycle", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    for (clock, scripts) in [
        (ClockMode::Max, &lifecycle::FLOWING[..]),
        (lifecycle::STILL, &lifecycle::WAITING[..]),
    ] {
        let guest = suite.guest(Boot {
            sensor: SensorConfig {
                fps: clock,
                ..SensorConfig::default()
            },
            ..Boot::default()
        });
        suite.boots(&guest, &format!("a guest boots with the clock {clock}"));
        for &script in scripts {
            suite.test_in(&guest, script.name, move |running| {
                script.run(&mut running.guest)
            });
        }
        suite.close(&guest, &format!("the clients under the clock {clock}"));
    }
}
