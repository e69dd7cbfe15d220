// SPDX-License-Identifier: Apache-2.0 OR MIT
//! v4l2-compliance on each node of the driver.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use testbed::compliance;
use testbed::progress::Steps;
use tx_isp_alloc::Strategy;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running};

fn main() -> ExitCode {
    suite::main("guest_compliance", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot::default());
    suite.boots(&guest, "a guest with v4l2-compliance boots");
    suite.test_in(&guest, "v4l2-compliance finds nothing to say", check);
    suite.close(&guest, "v4l2-compliance");
}

fn check(running: &mut Running) -> Result<()> {
    let logs = running.logs.join("compliance");
    fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
    let report = compliance::run(
        &mut running.guest,
        &running.prepared,
        &running.sensor,
        Strategy::Hybrid,
        None,
        &logs,
        &Steps::silent(),
    )?;
    ensure!(report.passed, "{}", report.text(&logs));
    Ok(())
}
