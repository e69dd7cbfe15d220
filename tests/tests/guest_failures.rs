// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How things end when they go wrong: a panic, and an emulator that dies; and gdb, which looks why.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guest_protocol::message::Request;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testbed::capture;
use testbed::gdb;
use testbed::guest_failure::GuestFailure;
use testbed::progress::Steps;
use testbed::qemu::Carrier;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;
use tx_isp_emulator::monitor::Client;
use tx_isp_tests::guest::streams::{FRAMES, main_stream};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite, Running, SharedGuest};

/// Panics and dead backends are reported within this time.
const SOON: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    suite::main("guest_failures", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let guest = suite.guest(Boot::default());
    ends(
        suite,
        &guest,
        "a panic is reported with the console's last lines",
        panic,
    );
    let guest = suite.guest(Boot::default());
    ends(
        suite,
        &guest,
        "an emulator that dies ends the stream soon",
        dead_emulator,
    );
    if suite.carrier() == Carrier::VfioUser {
        taken_window(suite);
    }
    let port = free_port();
    let guest = suite.guest(Boot {
        qemu: gdb::qemu_options(port),
        ..Boot::default()
    });
    // Behind the mailbox of QEMU 7.2 a guest that was stopped does not answer any more.
    ends(suite, &guest, "gdb attaches and detaches", move |running| {
        gdb_attaches(running, port)
    });
}

/// Another device whose window is as large, in a slot before ours, which Linux gives the place.
fn taken_window(suite: &mut CarrierSuite<'_>) {
    let other = "pci-testdev,membar=64M,membar-backed=off,addr=0x0c";
    let guest = suite.guest(Boot {
        qemu: vec!["-device".into(), other.into()],
        ..Boot::default()
    });
    suite.test(
        "a window that lies elsewhere is told when the guest boots",
        move || {
            let error = match guest.with(|_| Ok(())) {
                Ok(()) => bail!("it boots all the same"),
                Err(error) => format!("{error:#}"),
            };
            let told = "another device has taken the place; start QEMU without it";
            ensure!(error.contains(told), "{error}");
            guest.abandon();
            Ok(())
        },
    );
}

/// A test behind which the guest is dead.
fn ends(
    suite: &mut CarrierSuite<'_>,
    guest: &Arc<SharedGuest>,
    name: &str,
    test: impl FnOnce(&mut Running) -> Result<()> + Send + 'static,
) {
    let guest = Arc::clone(guest);
    suite.test(name, move || {
        let result = guest.with(test);
        guest.abandon();
        result
    });
}

/// A port that nobody has; 0, which QEMU refuses, if there is none.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_or(0, |address| address.port())
}

fn gdb_attaches(running: &mut Running, port: u16) -> Result<()> {
    let module = running.prepared.image.module_debug_path.clone();
    let loaded = gdb::loaded(&mut running.guest, std::slice::from_ref(&module))?;
    let line = gdb::attach(port, &running.prepared.image, &loaded);
    // Modules lie in the kernel's mapped memory.
    let symbols = format!("add-symbol-file {} 0xc", module.display());
    ensure!(
        line.contains(&symbols),
        "the driver's symbols are not in: {line}"
    );

    let mut stub = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connecting")?;
    stub.set_read_timeout(Some(SOON)).context("connecting")?;
    // Why it stands still: by a signal (T), which depends on when it was stopped.
    let answer = ask_stub(&mut stub, "$?#3f")?;
    ensure!(answer.starts_with("$T"), "the stub says {answer:?}");
    // Detach; that it has stopped may be told before the answer.
    let mut answer = ask_stub(&mut stub, "$D#44")?;
    if answer.starts_with("$T") {
        answer = ask_stub(&mut stub, "")?;
    }
    ensure!(answer.starts_with("$OK#"), "the stub says {answer:?}");
    Ok(())
}

/// One packet of gdb's remote protocol and its answer, acknowledged.
fn ask_stub(stub: &mut TcpStream, packet: &str) -> Result<String> {
    const DIGITS: usize = 2;
    stub.write_all(packet.as_bytes())
        .with_context(|| format!("sending {packet}"))?;
    let mut answer = String::new();
    while answer
        .find('#')
        .is_none_or(|end| answer.len() < end + 1 + DIGITS)
    {
        let mut byte = [0];
        stub.read_exact(&mut byte)
            .with_context(|| format!("waiting for the answer to {packet} behind {answer:?}"))?;
        answer.push(char::from(byte[0]));
    }
    stub.write_all(b"+").context("acknowledging")?;
    Ok(answer.trim_start_matches('+').to_owned())
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
    let failure = match capture.failure {
        Some(GuestFailure::EmulatorEnded { guest, .. }) => guest,
        other => bail!(
            "{} frames came, then the client of a dead emulator got {other:?}",
            capture.verifier.received
        ),
    };
    let seconds = begin.elapsed().as_secs();
    ensure!(begin.elapsed() < SOON, "it took {seconds} s");
    if let Some(failure) = failure {
        ensure!(
            failure.errno.is_some(),
            "the client got no error number: {failure}"
        );
        return Ok(());
    }
    // QEMU from 10.0 on sometimes fails an assertion of its own when the server goes away in the middle of
    // an access, or when the driver resets the device behind it; then there is no client to ask any more,
    // and the emulator's end is told all the same.
    let said = guest.qemu_last_words(SOON);
    let said = said.context("the client said nothing, and QEMU goes on")?;
    ensure!(
        said.iter().any(|line| line.contains("Assertion")),
        "QEMU ended, and said {said:?}"
    );
    Ok(())
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
