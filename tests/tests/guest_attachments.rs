// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two ways to the chip, one truth: the same stream is the same register accesses in the same order, and the
//! same frames, whether registers cross a mailbox or the guest's processor addresses them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testbed::capture::{Keep, StreamConfig};
use testbed::prepare::{Prepared, repository};
use testbed::qemu::Carrier;
use testbed::sensor::SensorConfig;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_emulator::trace::{Access, parse};
use tx_isp_tests::guest::interrupts;
use tx_isp_tests::guest::streams::main_stream;
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running};

const FRAMES: u32 = 12;
const SIZE: Size = Size::new(640, 360);
/// How long the client may take to queue its buffers.
const SOON: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// What another attachment's board accesses by itself: the clock gates, the interrupt controller, and the
/// I2C controller, which its kernel drives.
const BOARD: [std::ops::Range<u32>; 3] = [
    0x1000_0020..0x1000_002c,
    0x1000_1000..0x1000_1040,
    0x1005_0000..0x1005_1000,
];
/// What its kernel loads when the pins are registered: which way each of them goes.
const PIN_DIRECTIONS: [u32; 3] = [0x1001_0030, 0x1001_1030, 0x1001_2030];

/// A register access: what is stored, and of a load that it was made. What a poll finds takes as long as it
/// takes, so loads of one register that follow each other are one.
type Step = (PhysAddr, Option<u32>);

/// What a stream was.
#[derive(Debug, PartialEq, Eq)]
struct Recording {
    accesses: Vec<Step>,
    /// Number, address, length and checksum of each frame.
    frames: Vec<(u32, u32, u64, u32)>,
}

fn main() -> ExitCode {
    suite::main_over("guest_attachments", &[Carrier::VfioUser], add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let recorded = Arc::new(Mutex::new(None));
    for carrier in [Carrier::Gpio, Carrier::VfioUser] {
        let guest = suite.guest_over(
            carrier,
            Boot {
                sensor: SensorConfig {
                    fps: ClockMode::Stepped,
                    ..SensorConfig::default()
                },
                emulator: |prepared| vec!["--trace".into(), trace_of(prepared).into()],
                before: Some(Box::new(|| {
                    let folder = folder();
                    fs::create_dir_all(&folder)
                        .with_context(|| format!("creating {}", folder.display()))
                })),
                ..Boot::default()
            },
        );
        let recorded = Arc::clone(&recorded);
        let name = format!("a stream over {carrier} is recorded");
        let other = carrier == Carrier::VfioUser;
        suite.test_in(&guest, &name, move |running| {
            let this = record(running)?;
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            match recorded.take() {
                None if other => bail!("there is no stream over the mailbox to compare it with"),
                None => *recorded = Some(this),
                Some(first) => compare(&first, &this)?,
            }
            Ok(())
        });
        suite.close(&guest, &format!("the stream over {carrier}"));
    }
    let guest = suite.guest(Boot {
        sensor: SensorConfig {
            fps: ClockMode::Rate(interrupts::RATE),
            ..SensorConfig::default()
        },
        ..Boot::default()
    });
    let name = format!(
        "at {} frames a second no interrupt comes for nothing, and none is lost",
        interrupts::RATE
    );
    suite.test_in(&guest, &name, |running| {
        interrupts::check(&mut running.guest, interrupts::frames()?)
    });
    suite.close(&guest, "those frames");
}

fn folder() -> PathBuf {
    let found = repository().map(|repository| repository.join("out/test/guest_attachments"));
    found.unwrap_or_else(|_| std::env::temp_dir())
}

fn trace_of(prepared: &Prepared) -> PathBuf {
    folder().join(format!("{}.trace", prepared.carrier))
}

/// Streams one frame at a time: none begins before the client has queued all of its buffers.
fn record(running: &mut Running) -> Result<Recording> {
    let config = StreamConfig {
        keep: Keep::Ends,
        ..main_stream(SIZE, PixelFormat::Nv12, FRAMES)
    };
    let path = running.guest.emulator.monitor_path.clone();
    let stepper = thread::spawn(move || step(&path, config.buffers));
    running.stream(&config)?;
    match stepper.join() {
        Ok(stepped) => stepped?,
        Err(_) => bail!("the thread that steps the clock panicked"),
    }
    let monitor = &mut running.guest.emulator.monitor;
    let frames = monitor.frame_log(0, None, 0)?;
    monitor.trace(None)?;
    let path = trace_of(&running.prepared);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut accesses: Vec<Step> = parse(&text)?
        .iter()
        .filter(|access| !is_of_the_board(access))
        .map(|access| (access.address, access.write.then_some(access.value)))
        .collect();
    accesses.dedup_by(|next, before| next.1.is_none() && next == before);
    Ok(Recording {
        accesses,
        frames: frames
            .iter()
            .map(|frame| (frame.sequence, frame.y_address, frame.bytes, frame.crc32))
            .collect(),
    })
}

fn is_of_the_board(access: &Access) -> bool {
    let address = access.address.0;
    BOARD.iter().any(|block| block.contains(&address))
        || !access.write && PIN_DIRECTIONS.contains(&address)
}

fn step(monitor: &Path, buffers: u32) -> Result<()> {
    let mut monitor = Client::connect(monitor, SOON)?;
    for frame in 0..FRAMES {
        let end = Instant::now() + SOON;
        loop {
            let status = monitor.status()?;
            let queued = status.channels.first().map_or(0, |channel| channel.queued);
            if queued == buffers && monitor.step(1).is_ok() {
                break;
            }
            ensure!(
                Instant::now() < end,
                "before frame {frame} the chip has {queued} of {buffers} buffers"
            );
            thread::sleep(LOOK);
        }
    }
    Ok(())
}

fn compare(first: &Recording, second: &Recording) -> Result<()> {
    let loads = first.accesses.iter().filter(|step| step.1.is_none());
    let (loads, all) = (loads.count(), first.accesses.len());
    ensure!(
        first.frames.len() == FRAMES as usize
            && loads > FRAMES as usize
            && all - loads > FRAMES as usize,
        "{} frames, {loads} loads among {all} accesses",
        first.frames.len(),
    );
    let mut pairs = first.accesses.iter().zip(&second.accesses);
    if let Some(place) = pairs.position(|(one, other)| one != other) {
        bail!(
            "access {place} is {:x?} by the mailbox and {:x?} by vfio-user",
            first.accesses[place],
            second.accesses[place]
        );
    }
    ensure!(
        all == second.accesses.len(),
        "{all} accesses by the mailbox, {} by vfio-user",
        second.accesses.len()
    );
    ensure!(
        first.frames == second.frames,
        "frames by the mailbox:\n{:x?}\nby vfio-user:\n{:x?}",
        first.frames,
        second.frames
    );
    Ok(())
}
