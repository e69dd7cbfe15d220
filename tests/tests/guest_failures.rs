// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How things end when they go wrong: a panic, and an emulator that dies.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guest_protocol::message::Request;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testbed::capture;
use testbed::guest_failure::GuestFailure;
use testbed::progress::Steps;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;
use tx_isp_emulator::monitor::Client;
use tx_isp_tests::guest::streams::{FRAMES, main_stream};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running};

/// Panics and dead backends are reported within this time.
const SOON: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    suite::main("guest_failures", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    for (name, test) in [
        (
            "a panic is reported with the console's last lines",
            panic as fn(&mut Running) -> Result<()>,
        ),
        ("an emulator that dies ends the stream soon", dead_emulator),
    ] {
        let guest = suite.guest(Boot::default());
        suite.test(name, move || {
            let result = guest.with(test);
            // It is dead.
            guest.abandon();
            result
        });
    }
}

fn panic(running: &mut Running) -> Result<()> {
    let guest = &mut running.guest;
    guest.call(&Request::Panic, SOON)?;
    match guest.next("the guest's end", SOON) {
        Err(GuestFailure::Panic { console }) => {
            let text = console.join("\n");
            ensure!(
                text.contains("sysrq"),
                "the console lacks the reason:\n{text}"
            );
            Ok(())
        }
        Err(other) => Err(other).context("instead of a panic"),
        Ok(reply) => bail!("instead of a panic the guest says {reply:?}"),
    }
}

fn dead_emulator(running: &mut Running) -> Result<()> {
    let guest = &mut running.guest;
    let pid = Pid::from_raw(guest.emulator.process.child().id().try_into()?);
    let watched = Client::connect(&guest.emulator.monitor_path, SOON)?;
    let killer = std::thread::spawn(move || kill_while_streaming(watched, pid));
    let begin = Instant::now();
    let config = main_stream(Size::new(640, 360), PixelFormat::Nv12, 1_000_000);
    let capture = capture::run(guest, &config, &Steps::silent())?;
    match killer.join() {
        Ok(killed) => killed?,
        Err(_) => bail!("the thread that kills the emulator panicked"),
    }
    match capture.failure {
        Some(GuestFailure::EmulatorEnded {
            guest: Some(failure),
            ..
        }) => {
            ensure!(
                begin.elapsed() < SOON,
                "it took {} s",
                begin.elapsed().as_secs()
            );
            ensure!(
                failure.errno.is_some(),
                "the client got no error number: {failure}"
            );
            Ok(())
        }
        other => bail!(
            "{} frames came, then the client of a dead emulator got {other:?}",
            capture.verifier.received
        ),
    }
}

/// Kills the emulator when it has written some frames.
fn kill_while_streaming(mut emulator: Client, process: Pid) -> Result<()> {
    let end = Instant::now() + SOON;
    while emulator.status()?.dma.frames < FRAMES.into() {
        ensure!(
            Instant::now() < end,
            "no {FRAMES} frames came to kill it at"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(process, Signal::SIGKILL).context("killing the emulator")
}
