// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Faults of the hardware in a guest: the chosen cases of the matrix, verified by the same expectation
//! as on the host.
//!
//! What the host's client sees by itself is read here from where a guest has it: frames and errors
//! from the V4L2 client, the driver's counts from its debugfs file `health`, the reason of a refusal
//! from the kernel's log. That nobody writes to memory which the client has back is seen in the count
//! of pictures that DMA writes.

use std::num::NonZeroU32;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use guest_protocol::message::{Failure, Memory, StreamRequest};
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_chip::faults::{Fault, FaultKind};
use tx_isp_driver::Error;
use tx_isp_driver::recovery::Health;
use tx_isp_emulator::monitor::protocol::Status;
use tx_isp_emulator::sensor::ClockMode;

use testbed::config::control;
use testbed::explain;
use testbed::guest::Guest;
use testbed::kernel_log::kernel_warnings;
use testbed::stream::{DequeuedFrame, Event, Stream, client_failure};
use tx_isp_alloc::Strategy;

use super::{Case, Outcome, Row};
use testbed::program::ask;
use testbed::sensor::SensorConfig;

/// Frames per second: so few that a guest on a busy machine, which may take 10 ms for an interrupt, sees a
/// storm between two frames, and so many that the driver's watchdog is not alarmed.
const FPS: NonZeroU32 = NonZeroU32::new(3).unwrap();
/// Small pictures, as on the host: the faults are the same, the machine has less to draw.
const SIZE: Size = Size::new(160, 128);
/// Frames of the stream behind the faults, as on the host.
const SECOND: u32 = 5;
/// How long the client waits for a frame: longer than all of the driver's tries.
const FRAME_LIMIT: Duration = Duration::from_secs(30);
/// So many storms a guest is given to see one between two frames.
const STORMS: u32 = 3;
/// How long DMA is watched after a stop.
const SILENCE: Duration = Duration::from_millis(300);

/// The driver's counts in the guest.
const HEALTH: &str = "/sys/kernel/debug/tx-isp/health";

/// What the camera of such a guest sees.
pub fn scene() -> SensorConfig {
    SensorConfig {
        fps: ClockMode::Rate(FPS),
        ..SensorConfig::default()
    }
}

/// Streams through the faults of a case, and verifies what came of it.
///
/// On a busy machine a frame can come before the driver has seen enough interrupts in vain to silence
/// them: a run of which nothing but that can be said is made again.
pub fn verify(guest: &mut Guest, case: &Case) -> Row {
    let is_storm = |fault: &Fault| fault.kind == FaultKind::InterruptStorm;
    let is_storm = case.plan.faults.iter().any(is_storm);
    let mut left = STORMS;
    loop {
        left -= 1;
        let outcome = run(guest, case);
        let unsilenced = outcome.as_ref().is_ok_and(|o| o.health.storms == 0);
        let row = Row::new(case, outcome.map_err(|error| explain(&error)));
        let was_too_slow = is_storm && unsilenced && row.problems == [case.expected];
        if left == 0 || !was_too_slow {
            return row;
        }
    }
}

fn run(guest: &mut Guest, case: &Case) -> Result<Outcome> {
    let [channel] = case.plan.channels[..] else {
        bail!("a case for a guest has one channel");
    };
    ask(guest, &["dmesg", "-c"])?;
    let health_before = health(guest)?;
    let before = arm(guest, case)?;
    let mut outcome = Outcome {
        wanted: case.plan.frames,
        ..Outcome::default()
    };
    // One more than are to be good, since one may be damaged without the driver's knowing.
    let request = request(guest, channel, case.plan.buffers, case.plan.frames + 1)?;
    let mut first = stream(guest, channel, &request)?;
    if let Some(failure) = first
        .failure
        .take_if(|failure| failure.step == "VIDIOC_STREAMON")
    {
        outcome.start_error = Some(reason(&ask(guest, &["dmesg"])?, "stream on", &failure)?);
        // The client tries once more.
        first = stream(guest, channel, &request)?;
    }
    count(&mut outcome, &first, case.plan.frames);
    outcome.stop_ns = u64::try_from(first.stop.as_nanos())?;
    let log = ask(guest, &["dmesg"])?;
    if let Some(failure) = &first.failure {
        let told =
            reason(&log, "watchdog", failure).or_else(|_| reason(&log, "interrupt", failure));
        outcome.stream_error = Some(told?);
    }
    outcome.stop_error = said(&log, "stream off");
    let after = silence(guest, &mut outcome)?;
    let events = after.mailbox.events - before.mailbox.events;
    outcome.interrupts = u32::try_from(events).unwrap_or(u32::MAX);
    outcome.fired = after.faults.iter().map(|fault| fault.fired).sum();
    guest.emulator.monitor.clear_faults()?;

    let again = StreamRequest {
        frames: SECOND,
        ..request
    };
    let second = stream(guest, channel, &again).context("the second stream")?;
    let mut behind = Outcome::default();
    count(&mut behind, &second, SECOND);
    outcome.second = behind.good;
    outcome.health = since(health(guest)?, health_before);
    outcome.guest_errors = guest_errors(&before, &guest.emulator.monitor.status()?);
    let kernel_warnings = kernel_warnings(&ask(guest, &["dmesg"])?);
    ensure!(
        kernel_warnings.is_empty(),
        "the kernel says:\n{}",
        kernel_warnings.join("\n")
    );
    Ok(outcome)
}

/// Arms the case's faults in place of all others; the emulator's state before.
fn arm(guest: &mut Guest, case: &Case) -> Result<Status> {
    let control = &mut guest.emulator.monitor;
    let before = control.clear_faults()?;
    for fault in &case.plan.faults {
        control.inject(*fault)?;
    }
    Ok(before)
}

fn request(guest: &Guest, channel: ChannelId, buffers: u32, frames: u32) -> Result<StreamRequest> {
    Ok(StreamRequest {
        device: guest.camera(channel)?,
        width: SIZE.width,
        height: SIZE.height,
        fourcc: PixelFormat::Nv12.fourcc(),
        buffers,
        frames,
        only_intact: true,
        memory: Memory::Mmap,
        strategy: Some(control(Strategy::Hybrid)),
        checksum: true,
        keep: Vec::new(),
        frame_deadline_ms: u32::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u32::MAX),
    })
}

/// A stream to its end, or to the client's failure.
#[derive(Debug, Default)]
struct Streamed {
    /// Each frame, and what DMA wrote as that.
    frames: Vec<DequeuedFrame>,
    /// From the last frames' arrival to the client's end: the stop takes no longer.
    stop: Duration,
    failure: Option<Failure>,
}

fn stream(guest: &mut Guest, channel: ChannelId, request: &StreamRequest) -> Result<Streamed> {
    let mut streamed = Streamed::default();
    let mut last = Instant::now();
    let mut stream = Stream::start(guest, request.clone(), Some(channel))?;
    loop {
        match stream.event() {
            Ok(Event::Frames { mut frames, .. }) => {
                streamed.frames.append(&mut frames);
                last = Instant::now();
            }
            Ok(Event::Done(_)) => {
                streamed.stop = last.elapsed();
                return Ok(streamed);
            }
            Ok(_) => {}
            Err(error) => {
                streamed.failure = Some(client_failure(error)?);
                return Ok(streamed);
            }
        }
    }
}

/// Counts frames as the host's client does, up to the last good one that it waits for.
fn count(outcome: &mut Outcome, streamed: &Streamed, enough: u32) {
    let mut expected = 0;
    for DequeuedFrame { frame, written } in &streamed.frames {
        if outcome.good == enough {
            break;
        }
        match frame.sequence.checked_sub(expected) {
            Some(gap) => outcome.missing += gap,
            None => outcome.disordered += 1,
        }
        expected = frame.sequence + 1;
        let crc32 = written.as_ref().map(|entry| entry.crc32);
        if frame.is_error() {
            outcome.damaged += 1;
        } else if crc32.is_some() && crc32 == frame.crc32 {
            outcome.good += 1;
        } else {
            outcome.wrong += 1;
        }
    }
}

/// All buffers are gone: no picture may be written any more. The emulator's state afterwards.
fn silence(guest: &mut Guest, outcome: &mut Outcome) -> Result<Status> {
    let before = guest.emulator.monitor.status()?;
    thread::sleep(SILENCE);
    let after = guest.emulator.monitor.status()?;
    outcome.wrote_after_stop = after.dma.frames != before.dma.frames;
    Ok(after)
}

/// What the emulator found since `before`.
fn guest_errors(before: &Status, after: &Status) -> Vec<String> {
    let known = |id: &str| {
        let found = before.guest_errors.iter().find(|error| error.id == id);
        found.map_or(0, |error| error.count)
    };
    let new = after.guest_errors.iter();
    new.filter(|error| error.count > known(&error.id))
        .map(|error| format!("{}: {}", error.id, error.first))
        .collect()
}

/// Why a client's call failed, from the kernel's log; the client must have got the errno of that.
fn reason(log: &str, what: &str, failure: &Failure) -> Result<Error> {
    let error = said(log, what)
        .with_context(|| format!("the client got {failure}, and the log says nothing of {what}"))?;
    let errno = error.errno().to_return_value().abs();
    ensure!(
        failure.errno == Some(errno),
        "the client got {:?} for \"{error}\", not {errno}",
        failure.errno
    );
    Ok(error)
}

/// The driver's error in a line of the log about `what`.
fn said(log: &str, what: &str) -> Option<Error> {
    let [main, ..] = ChannelId::ALL;
    let errors = [
        Error::ResetFailed,
        Error::VicNotReady,
        Error::LinkDown,
        Error::Stalled,
        Error::NoSensor,
        Error::StaleFifo(main),
        Error::ChannelStuck(main),
    ];
    let told = |error: &Error| {
        let line = format!("{what}: {error}");
        log.lines().any(|said| said.trim_end().ends_with(&line))
    };
    errors.into_iter().find(told)
}

fn health(guest: &mut Guest) -> Result<Health> {
    parse_health(&ask(guest, &["cat", HEALTH])?)
}

/// The driver's counts: a name and a number in each line.
fn parse_health(text: &str) -> Result<Health> {
    let mut health = Health::default();
    for line in text.lines() {
        let (name, count) = line
            .split_once(' ')
            .with_context(|| format!("{line:?} is no count"))?;
        let place = match name {
            "unmatched" => &mut health.unmatched,
            "dropped-buffers" => &mut health.dropped_buffers,
            "damaged-frames" => &mut health.damaged_frames,
            "core-errors" => &mut health.core_errors,
            "vic-errors" => &mut health.vic_errors,
            "vic-recoveries" => &mut health.vic_recoveries,
            "lost-interrupts" => &mut health.lost_interrupts,
            "storms" => &mut health.storms,
            "restarts" => &mut health.restarts,
            "stale-addresses" => &mut health.stale_addresses,
            "recoveries" => &mut health.recoveries,
            "device-resets" => &mut health.device_resets,
            "quarantined" => &mut health.quarantined,
            other => bail!("the driver counts {other}, which the lab does not know"),
        };
        *place = count
            .parse()
            .with_context(|| format!("{line:?} is no count"))?;
    }
    Ok(health)
}

/// What was counted between two looks.
const fn since(now: Health, before: Health) -> Health {
    Health {
        unmatched: now.unmatched - before.unmatched,
        dropped_buffers: now.dropped_buffers - before.dropped_buffers,
        damaged_frames: now.damaged_frames - before.damaged_frames,
        core_errors: now.core_errors - before.core_errors,
        vic_errors: now.vic_errors - before.vic_errors,
        vic_recoveries: now.vic_recoveries - before.vic_recoveries,
        lost_interrupts: now.lost_interrupts - before.lost_interrupts,
        storms: now.storms - before.storms,
        restarts: now.restarts - before.restarts,
        stale_addresses: now.stale_addresses - before.stale_addresses,
        recoveries: now.recoveries - before.recoveries,
        device_resets: now.device_resets - before.device_resets,
        quarantined: now.quarantined - before.quarantined,
    }
}

#[cfg(test)]
mod tests;
