// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that are linked for a camera: the vendor's device nodes, as `vendor-client` tries them.

use std::process::ExitCode;

use testbed::config::Io;
use testbed::debug::DebugConfig;
use tx_isp_chip::Severity;
use tx_isp_tests::faults::guest::scene;
use tx_isp_tests::guest::lifecycle::VENDOR_PANIC;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Programs};
use tx_isp_tests::guest::vendor::{
    BOUND, CAMERAS, NEGOTIATIONS, TRIES, quirks, same_blocks, stop_holds_nobody_up,
};

fn main() -> ExitCode {
    suite::main("guest_vendor", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    add_at_rate(suite);
    let guest = suite.guest(Boot {
        programs: Programs::Vendor,
        emulator: |prepared| {
            // What a client or the driver does wrong ends it.
            let debug = DebugConfig {
                strict: Some(Severity::Error),
                ..DebugConfig::default()
            };
            debug.emulator_options(prepared.memory, Io::Rmem)
        },
        ..Boot::default()
    });
    suite.boots(&guest, "a guest with the vendor's nodes boots");
    for attempt in TRIES {
        suite.test_in(&guest, attempt.name, move |running| {
            attempt.check(&mut running.guest)
        });
    }
    for negotiation in &NEGOTIATIONS {
        suite.test_in(&guest, &negotiation.name(), |running| {
            negotiation.check(&mut running.guest)
        });
    }
    let name = "the vendor's faults are there when they are asked for";
    suite.test_in(&guest, name, |running| quirks(&mut running.guest));
    for camera in CAMERAS {
        let name = format!("{camera}'s blocks lie where they do through V4L2");
        suite.test_in(&guest, &name, move |running| {
            same_blocks(camera, &mut running.guest)
        });
    }
    suite.test_in(&guest, VENDOR_PANIC.name, |running| {
        VENDOR_PANIC.run(&mut running.guest)
    });
    suite.close(&guest, "the vendor's clients");
}

/// The fastest clock waits for a buffer of every channel that runs; here one runs without any.
fn add_at_rate(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        sensor: scene(),
        programs: Programs::Vendor,
        ..Boot::default()
    });
    let name = "a channel that does not stop holds nobody up";
    suite.test_in(&guest, name, |running| {
        stop_holds_nobody_up(&mut running.guest)
    });
    suite.test_in(&guest, BOUND.name, |running| {
        BOUND.check(&mut running.guest)
    });
    suite.close(&guest, "those channels");
}
