// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A driver that knows nothing of this project, on the chip at its own addresses.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_image::{ImageBuilder, USER_MODULES};
use guest_protocol::message::{Reply, Request};
use testbed::config::GuestConfig;
use testbed::prepare::repository;
use testbed::program;
use testbed::progress::Steps;
use testbed::qemu::Carrier;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running};

/// The module's sources in the repository.
const SOURCES: &str = "tests/guest/foreign-module";
/// Loading it takes as long as a frame.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    suite::main_over("guest_foreign", &[Carrier::VfioUser], add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        modules: Some(build),
        ..Boot::default()
    });
    suite.boots(&guest, "a guest boots with the chip at its own addresses");
    suite.test_in(&guest, "the chip tells its id at 0x13300000", tells_its_id);
    suite.test_in(
        &guest,
        "narrow and unaligned loads give the bytes of the word",
        loads_bytes,
    );
    suite.test_in(
        &guest,
        "programs find the sensor's bus at /dev/i2c-0",
        has_the_sensors_bus,
    );
    suite.test_in(&guest, "a foreign driver captures a frame", captures);
    suite.close(&guest, "a foreign driver");
}

fn folder(name: &str) -> Result<PathBuf> {
    let folder = repository()?.join("out/test").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// Builds the module outside of the repository.
fn build(config: &GuestConfig) -> Result<Vec<PathBuf>> {
    let repository = repository()?;
    let copy = folder("foreign-module")?;
    for name in ["Kbuild", "foreign.c"] {
        let source = repository.join(SOURCES).join(name);
        fs::copy(&source, copy.join(name)).with_context(|| format!("copying {name}"))?;
    }
    let builder = ImageBuilder::new(&repository)?;
    Ok(builder.build_modules(&config.kernel, &copy, &Steps::new())?)
}

fn tells_its_id(running: &mut Running) -> Result<()> {
    let said = program::ask(&mut running.guest, &["devmem", "0x13300000"])?;
    ensure!(said.trim() == "0x54560031", "devmem says {said:?}");
    Ok(())
}

fn has_the_sensors_bus(running: &mut Running) -> Result<()> {
    let script = "test -c /dev/i2c-0 && cat /sys/class/i2c-dev/i2c-0/name";
    let said = program::ask(&mut running.guest, &["sh", "-c", script])?;
    ensure!(said.trim() == "T31 I2C0", "its name is {said:?}");
    Ok(())
}

fn loads_bytes(running: &mut Running) -> Result<()> {
    for (address, width, expected) in [
        ("0x13300003", "8", "0x54"),
        ("0x13300000", "16", "0x0031"),
        ("0x13300002", "16", "0x5456"),
    ] {
        let said = program::ask(&mut running.guest, &["devmem", address, width])?;
        ensure!(
            said.trim() == expected,
            "{address} with {width} bits: {said:?}"
        );
    }
    Ok(())
}

fn captures(running: &mut Running) -> Result<()> {
    let guest = &mut running.guest;
    let request = Request::LoadModule {
        path: format!("{USER_MODULES}/foreign.ko"),
        parameters: String::new(),
    };
    let reply = guest.call(&request, LOAD_LIMIT);
    let log = program::ask(guest, &["dmesg"])?;
    let said = log.lines().find(|line| line.contains("foreign: "));
    let said = said.unwrap_or("nothing").to_owned();
    ensure!(
        matches!(reply, Ok(Reply::Ok)),
        "it says {said}; loading it: {reply:?}"
    );
    // Its handler was never called for nothing.
    ensure!(
        said.contains(" 0 lines untouched") && said.contains(" 0 empty"),
        "{said}"
    );
    let entries = guest.emulator.monitor.frame_log(0, None, 0)?;
    let written = entries.first().context("DMA has written nothing")?;
    ensure!(
        (written.width, written.height) == (640, 360),
        "DMA wrote {}x{}",
        written.width,
        written.height
    );
    let status = guest.emulator.monitor.status()?;
    let errors: Vec<_> = status.guest_errors.iter().map(|error| &error.id).collect();
    ensure!(errors.is_empty(), "the driver does wrong: {errors:?}");
    Ok(())
}
