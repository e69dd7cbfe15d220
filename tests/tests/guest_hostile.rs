// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hostile programs in the guest. A bout takes 20 seconds; `TX_ISP_FUZZ_SECONDS=600` makes it longer.

use std::process::ExitCode;

use tx_isp_tests::guest::hostile::{BOUTS, REVOCATIONS};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Programs};

fn main() -> ExitCode {
    suite::main("guest_hostile", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        programs: Programs::Vendor,
        ..Boot::default()
    });
    suite.boots(&guest, "a guest with all nodes boots");
    for bout in BOUTS {
        suite.test_in(&guest, bout.name, move |running| {
            bout.check(&mut running.guest)
        });
    }
    let carrier = suite.carrier();
    for revocation in REVOCATIONS
        .into_iter()
        .filter(|one| one.applies_to(carrier))
    {
        suite.test_in(&guest, revocation.name, move |running| {
            revocation.check(&mut running.guest)
        });
    }
    suite.close(&guest, "the hostile program");
}
