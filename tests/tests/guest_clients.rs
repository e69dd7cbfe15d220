// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that everybody has, in an image that has them all.

use std::process::ExitCode;

use tx_isp_tests::guest::clients::CLIENTS;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Programs};

fn main() -> ExitCode {
    suite::main("guest_clients", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        programs: Programs::GStreamer,
        ..Boot::default()
    });
    suite.boots(&guest, "a guest with GStreamer boots");
    for client in CLIENTS {
        suite.test_in(&guest, client.name, move |running| {
            client.check(&mut running.guest)
        });
    }
    suite.close(&guest, "these programs");
}
