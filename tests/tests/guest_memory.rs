// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Wyze Cam v3's failure and its cure, and many starts and stops.

use std::process::ExitCode;

use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};
use tx_isp_tests::guest::{lifecycle, memory};

fn main() -> ExitCode {
    suite::main("guest_memory", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot::default());
    suite.boots(&guest, "a guest with the Wyze Cam v3's memory boots");
    for expected in memory::WYZE_V3 {
        let name = format!("the Wyze Cam v3's client, {}", expected.policy);
        suite.test_in(&guest, &name, move |running| {
            expected.check(&mut running.guest)
        });
    }
    for leak in memory::LEAKS {
        let name = format!(
            "{} cycles with an encoder that keeps a block, {}",
            memory::LEAK_CYCLES,
            leak.policy
        );
        suite.test_in(&guest, &name, move |running| leak.check(&mut running.guest));
    }
    let name = "the planned carve-out streams, a page less does not";
    suite.test_in(&guest, name, |running| memory::plan(&mut running.guest));
    let cycles = memory::cycles_over(suite.carrier());
    let name = format!("two channels are started and stopped {cycles} times");
    suite.test_in(&guest, &name, move |running| {
        memory::cycles(&mut running.guest, cycles)?;
        lifecycle::pool_is_whole(&mut running.guest)
    });
    suite.close(&guest, "that camera");
}
