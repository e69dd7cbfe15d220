// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that are linked for a camera: the vendor's device nodes, as `vendor-client` tries them.

use std::process::ExitCode;

use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Programs};
use tx_isp_tests::guest::vendor::TRIES;

fn main() -> ExitCode {
    suite::main("guest_vendor", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        programs: Programs::Vendor,
        ..Boot::default()
    });
    suite.boots(&guest, "a guest with the vendor's nodes boots");
    for attempt in TRIES {
        suite.test_in(&guest, attempt.name, move |running| {
            attempt.check(&mut running.guest)
        });
    }
    suite.close(&guest, "the vendor's clients");
}
