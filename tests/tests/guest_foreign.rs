// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drivers that know nothing of this project, on the chip at its own addresses; and, over every attachment,
//! modules that cannot be loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use guest_image::{ImageBuilder, USER_MODULES};
use guest_protocol::SHARE_PLACE;
use guest_protocol::message::{Reply, Request};
use sha2::{Digest, Sha256};
use testbed::config::GuestConfig;
use testbed::prepare::repository;
use testbed::program;
use testbed::progress::Steps;
use testbed::qemu::Carrier;
use testbed::user_module::load;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running};

/// Where modules' sources are in the repository, and the modules: what kbuild needs to make each.
const SOURCES: &str = "tests/guest";
const MODULES: [(&str, &str); 2] = [
    ("foreign-module", "foreign.c"),
    ("foreign-peripherals", "peripherals.c"),
];
/// Loading it takes as long as a frame.
const LOAD_LIMIT: Duration = Duration::from_secs(60);
/// How long one that never loads is waited for.
const HANG_LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    suite::main_over(
        "guest_foreign",
        &[Carrier::Gpio, Carrier::VfioUser],
        |suite| {
            if suite.carrier() == Carrier::VfioUser {
                add_drivers(suite);
            }
            add_bad_modules(suite);
        },
    )
}

fn add_drivers(suite: &mut CarrierSuite<'_>) {
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
    suite.test_in(
        &guest,
        "a foreign driver gets clock, pin, bus and folder of the board",
        gets_peripherals,
    );
    suite.close(&guest, "foreign drivers");
}

fn add_bad_modules(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot {
        modules: Some(build_bad),
        share: Some(shared_folder),
        ..Boot::default()
    });
    suite.test_in(
        &guest,
        "a folder of the host is read as it is, and cannot be written",
        reads_the_share,
    );
    suite.test_in(
        &guest,
        "a module for another kernel is refused with the kernel's reason",
        refuses_another_kernels,
    );
    suite.test(
        "a module that never loads is given up with the console's last lines",
        move || {
            let result = guest.with(gives_up);
            guest.abandon();
            result
        },
    );
}

/// A module whose init function never comes back.
const HANGING: &str = "\
// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/module.h>
static int __init hanging_init(void)
{
	while (true)
		msleep(1000);
	return 0;
}
module_init(hanging_init);
MODULE_LICENSE(\"GPL\");
";
/// How a module says what kind of kernel it is for, and what another one's says. With versions of symbols,
/// as Debian's kernel has them, the kernel's release does not matter.
const KIND: &[u8] = b" SMP mod_unload ";
const OTHERS: &[u8] = b" UP  mod_unload ";

fn folder(name: &str) -> Result<PathBuf> {
    let folder = repository()?.join("out/test").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// Builds the module that hangs, and makes one of another kernel out of it.
fn build_bad(config: &GuestConfig) -> Result<Vec<PathBuf>> {
    let folder = folder("bad-modules")?;
    fs::write(folder.join("Kbuild"), "obj-m := hanging.o\n").context("writing Kbuild")?;
    fs::write(folder.join("hanging.c"), HANGING).context("writing hanging.c")?;
    let builder = ImageBuilder::new(&repository()?)?;
    let mut modules = builder.build_modules(&config.kernel, &folder, &Steps::new())?;
    let hanging = modules.first().context("no module was built")?;
    let mut bytes = fs::read(hanging).context("reading hanging.ko")?;
    let mut places = bytes.windows(KIND.len());
    let place = places.position(|bytes| bytes == KIND);
    let place = place.context("the module does not say what kind of kernel it is for")?;
    bytes[place..place + OTHERS.len()].copy_from_slice(OTHERS);
    let other = folder.join("other.ko");
    fs::write(&other, bytes).context("writing other.ko")?;
    modules.push(other);
    Ok(modules)
}

/// The file in the shared folder, and its size.
const SHARED: &str = "numbers";
const SHARED_BYTES: u32 = 5_000_001;

fn shared_folder() -> Result<PathBuf> {
    // A comma is what QEMU's options are separated by.
    let folder = folder("share, with a comma")?;
    fs::write(folder.join(SHARED), shared_content()).context("writing the shared file")?;
    Ok(folder)
}

fn shared_content() -> Vec<u8> {
    (0..SHARED_BYTES)
        .map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[2])
        .collect()
}

fn reads_the_share(running: &mut Running) -> Result<()> {
    let guest = &mut running.guest;
    let said = program::ask(guest, &["ls", SHARE_PLACE])?;
    ensure!(said.trim() == SHARED, "it holds {said:?}");
    let said = program::ask(guest, &["sha256sum", &format!("{SHARE_PLACE}/{SHARED}")])?;
    let digest = Sha256::digest(shared_content());
    let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        said.split(' ').next() == Some(&expected),
        "sha256sum says {said:?}, {expected} expected"
    );
    // Neither mounted anew nor as root: QEMU itself refuses.
    let script = format!(
        "touch {SHARE_PLACE}/new; mount -o remount,rw {SHARE_PLACE}; touch {SHARE_PLACE}/new; echo $?"
    );
    let said = program::ask(guest, &["sh", "-c", &script])?;
    ensure!(said.trim() == "1", "writing ends with {said:?}");
    let new = folder("share, with a comma")?.join("new");
    ensure!(!new.exists(), "the guest has made {}", new.display());
    Ok(())
}

fn refuses_another_kernels(running: &mut Running) -> Result<()> {
    let file = Path::new("other.ko");
    let error = match load(&mut running.guest, file, "", LOAD_LIMIT) {
        Ok(()) => bail!("it is loaded"),
        Err(error) => format!("{error:#}"),
    };
    for expected in [
        "other.ko could not be loaded",
        "version magic '",
        " UP  mod_unload",
    ] {
        ensure!(error.contains(expected), "no {expected:?} in: {error}");
    }
    Ok(())
}

fn gives_up(running: &mut Running) -> Result<()> {
    let file = Path::new("hanging.ko");
    let error = match load(&mut running.guest, file, "", HANG_LIMIT) {
        Ok(()) => bail!("it is loaded"),
        Err(error) => format!("{error:#}"),
    };
    let expected = "the end of loading hanging.ko (its init function) did not come within 5 s";
    ensure!(error.contains(expected), "{error}");
    Ok(())
}

/// Builds the modules outside of the repository.
fn build(config: &GuestConfig) -> Result<Vec<PathBuf>> {
    let repository = repository()?;
    let builder = ImageBuilder::new(&repository)?;
    let mut modules = Vec::new();
    for (name, source) in MODULES {
        let copy = folder(name)?;
        for file in ["Kbuild", source] {
            let from = repository.join(SOURCES).join(name).join(file);
            fs::copy(&from, copy.join(file)).with_context(|| format!("copying {file}"))?;
        }
        modules.extend(builder.build_modules(&config.kernel, &copy, &Steps::new())?);
    }
    Ok(modules)
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

fn gets_peripherals(running: &mut Running) -> Result<()> {
    let guest = &mut running.guest;
    load(guest, Path::new("peripherals.ko"), "", LOAD_LIMIT)?;
    let said = program::ask(guest, &["cat", "/proc/jz/peripherals/sensor"])?;
    // While its reset is low the sensor does not answer.
    ensure!(
        said.starts_with("held 0 -") && said.ends_with(", free 1 0x2053, ispmem 0@0\n"),
        "it says {said:?}"
    );
    let script = "rmmod peripherals && ls /proc/jz && ! test -e /proc/jz/peripherals";
    program::ask(guest, &["sh", "-c", script])?;
    Ok(())
}
