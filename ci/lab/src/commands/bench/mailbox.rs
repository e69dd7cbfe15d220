// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What register accesses cost: how long the driver waits for an answer, how often it waits, and
//! how many accesses a frame takes. Only what happens while frames flow is counted, not the start
//! and the end of the stream.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tx_isp_emulator::monitor::protocol::MailboxStatus;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN, clock};
use super::client::{Take, Taken, nothing, read, shell, take};
use super::figures::{Aim, Row, Spread, Unit};
use super::latency::{Counters, Histogram};
use testbed::guest::Guest;
use testbed::qemu::Carrier;
use testbed::verify::approximate;

/// What the driver counts, by mailbox and where it addresses the chip.
const MAILBOX: &str = "/sys/kernel/debug/tx-isp/mailbox";
const REGISTERS: &str = "/sys/kernel/debug/tx-isp/registers";
/// How long it waited for answers; writing to it begins anew.
const LATENCY: &str = "/sys/kernel/debug/tx-isp/latency";
/// Where the guest puts what it saw while the stream ran.
const SEEN: &str = "/tmp/bench";
/// Looks after a second at the first set of numbers and after four at the second, beside the
/// stream. Without a latency file its copy is empty.
const WATCH: &str = "rm -rf /tmp/bench; mkdir /tmp/bench; (\
    sleep 1; cat $0 >/tmp/bench/before; [ -e $1 ] && echo 0 >$1; \
    sleep 3; cat $0 >/tmp/bench/after; [ -e $1 ] && cat $1 >/tmp/bench/latency; \
    ) >/dev/null 2>&1 &";
/// How long the stream must last to be watched so, with some time to spare.
const WATCHED: Duration = Duration::from_millis(5500);
/// What part of that will do, and how often it is tried.
const LEAST: f64 = 0.85;
const TRIES: u32 = 6;
/// The rate of the paced stream, in frames per second.
const PACE: u32 = 60;
/// Frames that tell how fast the fastest stream is.
const TRIAL: u32 = 300;
/// Round trips of the baseline in each round.
const WAKE_UPS: usize = 2000;
/// The middle round trip at a rate, in seconds.
const MIDDLE_AIM: f64 = 40e-6;
/// One round trip for each interrupt; counters are read a few microseconds apart.
const TRIPS_AIM: f64 = 1.01;

/// At a rate and at the fastest.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut paced = Watch::new(bench, clock(PACE), format!("{PACE} fps"))?;
    let mut fast = Watch::new(bench, ClockMode::Max, "fastest".to_owned())?;
    bench.rounds(|| {
        paced.round()?;
        fast.round()
    })?;
    let mut rows = paced.rows();
    if let Some(middle) = rows.first_mut() {
        *middle = middle.clone().aim(Aim::AtMost(MIDDLE_AIM));
    }
    rows.extend(fast.rows());
    paced.guest.power_off();
    fast.guest.power_off();
    Ok(rows)
}

/// A guest whose stream is watched.
struct Watch {
    guest: Guest,
    counters: &'static str,
    device: String,
    name: String,
    frames: u32,
    has_latency: bool,
    middle: Spread,
    late: Spread,
    wake_middle: Spread,
    wake_late: Spread,
    trips: Spread,
    operations: Spread,
    requests: Spread,
    interrupts: Spread,
}

impl Watch {
    fn new(bench: &Bench<'_>, fps: ClockMode, name: String) -> Result<Self> {
        let logs = format!("mailbox-{fps}").replace(' ', "-");
        let mut guest = bench.boot(bench.prepared, fps, &logs)?;
        let device = guest.camera(MAIN)?;
        let trial = Take::untouched(&device, FULL_HD, TRIAL);
        let taken = take(&mut guest, &trial, nothing)?;
        let frames = frames_for(WATCHED, taken.time(), taken.count());
        let answer = shell(
            &mut guest,
            &format!("[ -e {LATENCY} ] && echo yes || echo no"),
        )?;
        Ok(Self {
            has_latency: answer.trim() == "yes",
            guest,
            counters: match bench.prepared.carrier {
                Carrier::VfioUser => REGISTERS,
                Carrier::Generic | Carrier::Gpio => MAILBOX,
            },
            device,
            name,
            frames,
            middle: Spread::default(),
            late: Spread::default(),
            wake_middle: Spread::default(),
            wake_late: Spread::default(),
            trips: Spread::default(),
            operations: Spread::default(),
            requests: Spread::default(),
            interrupts: Spread::default(),
        })
    }

    /// One round; a stream that was over too soon is tried again with as many frames as its speed
    /// asks for.
    fn round(&mut self) -> Result<()> {
        let [middle, late] = wake_ups().context("waking a thread")?;
        self.wake_middle.push(middle.as_secs_f64());
        self.wake_late.push(late.as_secs_f64());
        for _ in 0..TRIES {
            let taken = self.stream()?;
            if taken.time() >= WATCHED.mul_f64(LEAST) {
                return self.add_counters();
            }
            self.frames = frames_for(WATCHED, taken.time(), taken.count());
        }
        bail!(
            "the stream was over too soon {TRIES} times: its speed changes too much to be watched"
        )
    }

    /// Streams once, and keeps what is counted outside of the guest.
    fn stream(&mut self) -> Result<Taken> {
        let script = WATCH.replace("$0", self.counters).replace("$1", LATENCY);
        shell(&mut self.guest, &script)?;
        let what = Take::untouched(&self.device, FULL_HD, self.frames);
        let mut snapshots = Vec::new();
        let marks = [self.frames / 5, self.frames / 5 * 4];
        let taken = take(&mut self.guest, &what, |guest, count| {
            if marks.get(snapshots.len()).is_some_and(|at| count >= *at) {
                snapshots.push(Snapshot::of(guest)?);
            }
            Ok(())
        })?;
        if let [first, second] = snapshots[..] {
            self.add_operations(first, second);
        }
        Ok(taken)
    }

    fn add_operations(&mut self, first: Snapshot, second: Snapshot) {
        let frames = second.frames.saturating_sub(first.frames).max(1);
        let per_frame = |count: fn(&MailboxStatus) -> u64| {
            let counted = count(&second.mailbox).saturating_sub(count(&first.mailbox));
            approximate(counted) / approximate(frames)
        };
        self.operations
            .push(per_frame(|mailbox| mailbox.operations));
        self.requests.push(per_frame(|mailbox| mailbox.batches));
        self.interrupts.push(per_frame(|mailbox| mailbox.events));
    }

    fn add_counters(&mut self) -> Result<()> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let guest = &mut self.guest;
        let mut counters = |path: &str| Counters::parse(&text(read(guest, path)?));
        let before = counters(&format!("{SEEN}/before"))?;
        let after = counters(&format!("{SEEN}/after"))
            .context("the guest was too slow to watch its stream")?;
        let end = counters(self.counters)?;
        ensure!(
            end.events > after.events,
            "the guest was too slow to watch its stream: it was over"
        );
        let seen = after.since(before);
        ensure!(seen.events > 0, "no interrupt arrived while frames did");
        self.trips
            .push(approximate(seen.waited) / approximate(seen.events));
        if self.has_latency {
            let histogram = Histogram::parse(&text(read(guest, &format!("{SEEN}/latency"))?))?;
            let at = |percent| {
                let nanoseconds = histogram.percentile(percent);
                nanoseconds.context("the driver's latency file counts nothing")
            };
            self.middle.push(approximate(at(50)?) / 1e9);
            self.late.push(approximate(at(99)?) / 1e9);
        }
        Ok(())
    }

    fn rows(&self) -> Vec<Row> {
        let name = |what: &str| format!("{what}, {}", self.name);
        let time = |what: &str, value: &Spread, wake: &Spread| {
            if !self.has_latency {
                let why = "this module has no latency file";
                return Row::missing(name(what), Unit::Seconds, why);
            }
            Row::new(name(what), Unit::Seconds, value.clone())
                .against("two host threads", wake.clone())
        };
        let count = |what: &str, value: &Spread| Row::new(name(what), Unit::Count, value.clone());
        vec![
            time("round trip p50", &self.middle, &self.wake_middle),
            time("round trip p99", &self.late, &self.wake_late),
            count("round trips per interrupt", &self.trips).aim(Aim::AtMost(TRIPS_AIM)),
            count("interrupts per frame", &self.interrupts),
            count("register operations per frame", &self.operations),
            count("requests per frame", &self.requests),
        ]
    }
}

/// What the emulator has counted so far.
#[derive(Clone, Copy, Debug)]
struct Snapshot {
    frames: u64,
    mailbox: MailboxStatus,
}

impl Snapshot {
    fn of(guest: &mut Guest) -> Result<Self> {
        let status = guest.emulator.monitor.status();
        let status = status.context("asking the emulator")?;
        Ok(Self {
            frames: status.frames.finished,
            mailbox: status.mailbox,
        })
    }
}

/// How many frames last `wanted` when `count` of them took `time`.
fn frames_for(wanted: Duration, time: Duration, count: u32) -> u32 {
    let nanoseconds = time.as_nanos().max(1);
    let frames = (wanted.as_nanos() * u128::from(count)).div_ceil(nanoseconds);
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// The baseline: a thread of the host writes a byte into a socket, another one answers by a byte.
/// A round trip of the mailbox, too, wakes somebody in another process and is answered. Gives the
/// 50th and the 99th percentile.
fn wake_ups() -> std::io::Result<[Duration; 2]> {
    let (mut near, mut far) = UnixStream::pair()?;
    let answers = thread::spawn(move || {
        let mut byte = [0];
        while far.read_exact(&mut byte).is_ok() {
            if far.write_all(&byte).is_err() {
                break;
            }
        }
    });
    let mut times = Vec::with_capacity(WAKE_UPS);
    for _ in 0..WAKE_UPS {
        let begin = Instant::now();
        near.write_all(&[1])?;
        near.read_exact(&mut [0])?;
        times.push(begin.elapsed());
    }
    drop(near);
    // It ends with the socket; a panic of it would have shown as an error above.
    let _ = answers.join();
    times.sort_unstable();
    Ok([50, 99].map(|percent| times[(times.len() * percent / 100).min(times.len() - 1)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_as_long_as_it_is_watched() {
        let second = Duration::from_secs(1);
        assert_eq!(frames_for(WATCHED, second, 60), 330);
        assert_eq!(frames_for(WATCHED, Duration::from_millis(500), 300), 3300);
        assert_eq!(frames_for(WATCHED, Duration::ZERO, 1), u32::MAX);
    }

    #[test]
    fn the_guest_looks_at_the_drivers_files() {
        let script = WATCH.replace("$0", MAILBOX).replace("$1", LATENCY);
        assert!(!script.contains('$') && script.ends_with('&'), "{script}");
        assert!(script.contains(&format!("cat {MAILBOX} >{SEEN}/before")));
        assert!(script.contains(&format!("cat {LATENCY} >{SEEN}/latency")));
    }

    #[test]
    fn the_slowest_wake_ups_are_not_faster_than_the_middle() {
        let [middle, late] = wake_ups().unwrap();
        assert!(middle > Duration::ZERO && late >= middle);
    }
}
