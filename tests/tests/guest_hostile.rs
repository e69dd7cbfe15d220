// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hostile programs in the guest. A bout takes 20 seconds; `TX_ISP_FUZZ_SECONDS=600` makes it longer.

use std::process::ExitCode;

use tx_isp_tests::guest::hostile::{BOUTS, REVOCATIONS};
use tx_isp_tests::guest::reboot;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Programs};

fn main() -> ExitCode {
    suite::main("guest_hostile", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        programs: Programs::Vendor,
        qemu: reboot::OPTIONS.map(Into::into).to_vec(),
        ..Boot::default()
    });
    suite.boots(&guest, "a guest with all nodes boots");
    for bout in BOUTS {
        suite.test_in(&guest, bout.name, move |running| {
            bout.check(&mut running.guest)
        });
    }
    let carrier = suite.carrier();
    for revocation in REVOCATIONS {
        if !revocation.is_for(carrier) {
            continue;
        }
        suite.test_in(&guest, revocation.name, move |running| {
            revocation.check(&mut running.guest)
        });
    }
    // The kernel's restart, and one that asks nobody: the second ends no driver first.
    for (name, command) in [
        ("a late frame is not written behind a reboot", "reboot -f"),
        (
            "a late frame is not written behind an emergency's reboot",
            "echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger",
        ),
    ] {
        suite.test_in(&guest, name, move |running| reboot::check(running, command));
    }
    suite.close(&guest, "the hostile program");
}
