// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two ways to the chip, one truth: the same stream is the same stores in the same order, and the same
//! frames, whether registers cross a mailbox or the guest's processor addresses them.

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

/// What another attachment's board stores by itself: the clock gates, the interrupt controller, and the
/// I2C controller, which its kernel drives.
const BOARD: [std::ops::Range<u32>; 3] = [
    0x1000_0020..0x1000_002c,
    0x1000_1000..0x1000_1040,
    0x1005_0000..0x1005_1000,
];

/// What a stream was.
#[derive(Debug, PartialEq, Eq)]
struct Recording {
    stores: Vec<(PhysAddr, u32)>,
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
    let of_the_board =
        |access: &Access| BOARD.iter().any(|block| block.contains(&access.address.0));
    Ok(Recording {
        stores: parse(&text)?
            .into_iter()
            .filter(|access| access.write && !of_the_board(access))
            .map(|access| (access.address, access.value))
            .collect(),
        frames: frames
            .iter()
            .map(|frame| (frame.sequence, frame.y_address, frame.bytes, frame.crc32))
            .collect(),
    })
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
    ensure!(
        first.frames.len() == FRAMES as usize && first.stores.len() > FRAMES as usize,
        "{} frames, {} stores",
        first.frames.len(),
        first.stores.len()
    );
    let differs = first
        .stores
        .iter()
        .zip(&second.stores)
        .position(|(a, b)| a != b);
    if let Some(place) = differs {
        bail!(
            "store {place} is {:x?} by the mailbox and {:x?} by vfio-user",
            first.stores[place],
            second.stores[place]
        );
    }
    ensure!(
        first.stores.len() == second.stores.len(),
        "{} stores by the mailbox, {} by vfio-user",
        first.stores.len(),
        second.stores.len()
    );
    ensure!(
        first.frames == second.frames,
        "frames by the mailbox:\n{:x?}\nby vfio-user:\n{:x?}",
        first.frames,
        second.frames
    );
    Ok(())
}
