// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guest that reboots while DMA is held: what the chip was to write belongs to the next kernel. The
//! carve-out is painted from outside, in the memory that QEMU and emulator share, as soon as the emulator
//! says that the driver is gone: the held frame would come two seconds later, long before anybody in the
//! next guest touches it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guest_protocol::message::{Reply, Request, RunRequest};
use testbed::guest::Guest;
use testbed::program::ask;
use tx_isp_abi::units::PhysRange;
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::monitor::protocol::{Event, EventKind};

use super::lifecycle::COMMON;
use super::suite::Running;

/// The longest that a frame can be late.
const LATE: &str = "late-frame:p=1,ms=2000";
/// Longer than that, and on a busy machine, too.
const WATCH: Duration = Duration::from_millis(3000);
/// How long the guest may take to its end, and to the next beginning.
const LIMIT: Duration = Duration::from_secs(60);
const PAINT: u8 = 0xa5;

/// What QEMU is told so that the guest may reboot: usually its end is QEMU's.
pub const OPTIONS: [&str; 2] = ["-action", "reboot=reset"];

/// Reboots a guest that streams, by a command, with a frame held, and looks at the memory behind it.
///
/// # Errors
/// If anything is written, or the next guest is not as good as the first.
pub fn check(running: &mut Running, command: &str) -> Result<()> {
    let carve_out = running.prepared.memory.carve_out();
    let guest = &mut running.guest;
    let memory = shared_memory(guest.qemu_pid())?;
    let mut events = Client::connect(&guest.emulator.monitor_path, LIMIT)?;
    events.subscribe(&[EventKind::Driver])?;
    guest.emulator.monitor.clear_faults()?;
    guest.emulator.monitor.inject(LATE.parse()?)?;
    // It ends with the guest: nobody answers.
    guest.send(&Request::Run(RunRequest {
        argv: [
            "sh",
            "-c",
            &format!("{COMMON}\nbackground; sleep 1; {command}"),
        ]
        .map(str::to_owned)
        .to_vec(),
        deadline_ms: u32::try_from(LIMIT.as_millis())?,
    }))?;
    driver_ends(&mut events)?;
    let faults = guest.emulator.monitor.status()?.faults;
    paint(&memory, carve_out)?;
    std::thread::sleep(WATCH);
    let written = unlike_paint(&memory, carve_out)?;
    guest.emulator.monitor.clear_faults()?;
    ensure!(
        faults.iter().any(|fault| fault.fired > 0),
        "no frame was late"
    );
    if let Some((at, byte)) = written {
        bail!("the byte at {at:#x} became {byte:#x} behind the reboot");
    }
    greet(guest)?;
    ask(guest, &["held-dma", "watch", "500"])?;
    ask(
        guest,
        &["sh", "-c", &format!("{COMMON}\nstream 5 || fail stream")],
    )
    .map(drop)
}

/// The file behind the guest's memory: RAM begins at 0, as for the guest.
fn shared_memory(qemu: u32) -> Result<File> {
    let folder = format!("/proc/{qemu}/fd");
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {folder}"))? {
        let path = entry?.path();
        if fs::read_link(&path)
            .is_ok_and(|to| to.to_string_lossy().contains("memfd:memory-backend"))
        {
            let file = OpenOptions::new().read(true).write(true).open(&path);
            return file.with_context(|| format!("opening {}", path.display()));
        }
    }
    bail!("QEMU's process {qemu} has no memfd")
}

fn driver_ends(events: &mut Client) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if let Event::Driver { begins: false, .. } = events.next_event()? {
            return Ok(());
        }
    }
    bail!("the guest does not reboot")
}

fn paint(memory: &File, range: PhysRange) -> Result<()> {
    let bytes = vec![PAINT; usize::try_from(range.bytes)?];
    memory
        .write_all_at(&bytes, u64::from(range.base.0))
        .context("painting the carve-out")
}

/// The first byte that is neither paint nor what the next driver wipes with: its place and its value.
fn unlike_paint(memory: &File, range: PhysRange) -> Result<Option<(u64, u8)>> {
    let mut bytes = vec![0; usize::try_from(range.bytes)?];
    let base = u64::from(range.base.0);
    memory
        .read_exact_at(&mut bytes, base)
        .context("reading the carve-out")?;
    let mut places = (base..).zip(bytes);
    Ok(places.find(|&(_, byte)| byte != PAINT && byte != 0))
}

/// Waits for the next guest's agent.
fn greet(guest: &mut Guest) -> Result<()> {
    let version = guest_protocol::VERSION;
    guest.send(&Request::Hello { version })?;
    match guest.next("the rebooted guest's agent", LIMIT)? {
        Reply::Hello(_) => Ok(()),
        other => bail!("the rebooted guest says {other:?}"),
    }
}
