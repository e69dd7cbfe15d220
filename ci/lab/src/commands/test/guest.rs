// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests that need a guest: streams over every carrier that this QEMU has, and how things end when
//! they go wrong.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use guest_image::{ImageRequest, Progress};
use guest_protocol::message::Request;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_emulator::control::Client;
use tx_isp_emulator::sensor::ClockMode;

use super::options::{Part, TestOptions};
use super::results::{End, Results};
use super::{clients, health, life, memory};
use crate::options::GuestOptions;
use testbed::capture::{Capture, StreamConfig, run as stream};
use testbed::compliance;
use testbed::config::Io;
use testbed::explain;
use testbed::guest::Guest;
use testbed::guest_error::GuestError;
use testbed::prepare::Prepared;
use testbed::program;
use testbed::progress::Steps;
use testbed::qemu::Carrier;
use testbed::report::Report;
use testbed::sensor::SensorConfig;
use tx_isp_driver::alloc::Strategy;

/// Enough for every buffer to go round many times.
const FRAMES: u32 = 50;
/// Where the logs go, one folder for each carrier.
const LOGS: &str = "out/test";
/// Panics and dead backends are reported within this time.
const SOON: Duration = Duration::from_secs(20);

/// How long guest and host are compared, and by how much they may differ: a busy machine takes a
/// while to answer.
const A_WHILE: Duration = Duration::from_secs(15);
const CLOCK_TOLERANCE: f64 = 0.015;

/// The streams over each carrier.
pub(super) const STREAMS: [(Size, PixelFormat); 4] = [
    (Size::new(1920, 1080), PixelFormat::Nv12),
    (Size::new(640, 360), PixelFormat::Nv12),
    (Size::new(1280, 720), PixelFormat::Nv21),
    (Size::new(640, 360), PixelFormat::Rgb565),
];

/// Who allocates the buffers, and where they come from: every way that is not the default.
pub(super) const ALLOCATIONS: [(Strategy, Io); 4] = [
    (Strategy::Driver, Io::Mmap),
    (Strategy::Client, Io::Rmem),
    (Strategy::Hybrid, Io::Userptr),
    (Strategy::Hybrid, Io::Dmabuf),
];

/// Runs those of `groups`, or all of them if none is named; one that fails does not keep the others from running.
///
/// # Errors
/// Nothing does; what cannot be built is a failed test.
pub fn run(options: &TestOptions, steps: &Steps, results: &mut Results) -> Result<()> {
    let begin = Instant::now();
    let prepared = Prepared::with_image(&options.guest.config(), steps, |image| {
        image.with_compliance = true
    });
    let end = match &prepared {
        Ok(_) => End::Passed,
        Err(error) => End::Failed(explain(error)),
    };
    let name = "emulator, module and agent are built";
    results.add("guest image", name, end, begin.elapsed());
    let Ok(prepared) = prepared else {
        return Ok(());
    };
    for carrier in Carrier::ALL {
        let suite = format!("guest, {carrier}");
        if let Some(reason) = left_out(carrier, options.guest.config().attach, &prepared) {
            results.add(&suite, "all of them", End::Skipped(reason), Duration::ZERO);
            continue;
        }
        let mut guest = GuestTests {
            suite,
            prepared: Prepared {
                carrier,
                ..prepared.clone()
            },
            scene: SensorConfig {
                // On a busy machine the sensor's own clock would leave frames out.
                fps: ClockMode::Max,
                ..SensorConfig::default()
            },
            steps,
            results,
        };
        for part in Part::value_variants() {
            if options.part.is_empty() || options.part.contains(part) {
                guest.part(*part, &options.guest);
            }
        }
    }
    Ok(())
}

/// Why a carrier is not tested, if so.
fn left_out(carrier: Carrier, attach: Option<Carrier>, prepared: &Prepared) -> Option<String> {
    if attach.is_some_and(|wanted| wanted != carrier) {
        return Some("--attach asks for the other one".to_owned());
    }
    if prepared.qemu.carriers.contains(&carrier) {
        return None;
    }
    Some(format!(
        "QEMU {} cannot create {}",
        prepared.qemu.version,
        carrier.device()
    ))
}

fn stream_name(size: Size, format: PixelFormat) -> String {
    format!("{FRAMES} frames of {size} {format} arrive as written")
}

/// The tests over one carrier.
pub(super) struct GuestTests<'a> {
    suite: String,
    pub(super) prepared: Prepared,
    pub(super) scene: SensorConfig,
    steps: &'a Steps,
    results: &'a mut Results,
}

impl GuestTests<'_> {
    fn part(&mut self, part: Part, options: &GuestOptions) {
        match part {
            Part::Streams => self.streams(),
            Part::Sight => self.sight(),
            Part::Faults => self.faults(),
            Part::Memory => self.memory(),
            Part::Life => self.life(),
            Part::Clients => self.clients(options),
            Part::Compliance => self.compliance(),
            Part::Endings => self.endings(),
        }
    }

    /// How things end when they go wrong.
    fn endings(&mut self) {
        let panic = "a panic is reported with the console's last lines";
        self.case(panic, |test| test.panic());
        let death = "an emulator that dies ends the stream soon";
        self.case(death, |test| test.dead_emulator());
    }

    /// Where the guests' logs go.
    pub(super) fn logs(&self) -> PathBuf {
        PathBuf::from(LOGS).join(self.prepared.carrier.name())
    }

    fn boot(&self) -> Result<Guest> {
        Guest::boot(&self.prepared, &self.scene, &self.logs(), &|text| {
            self.steps.line(text)
        })
    }

    pub(super) fn case(&mut self, name: &str, test: impl FnOnce(&mut Self) -> Result<()>) {
        let begin = Instant::now();
        self.steps.start(&format!("{}: {name}", self.suite));
        let end = match test(self) {
            Ok(()) => {
                self.steps.finish("passed");
                End::Passed
            }
            Err(error) => {
                self.steps.fail();
                End::Failed(explain(&error))
            }
        };
        self.results.add(&self.suite, name, end, begin.elapsed());
    }

    /// All streams in one guest, one after the other: the driver must come back from each.
    fn streams(&mut self) {
        let mut guest = self.booted("the guest boots and its agent answers");
        self.case("the guest's seconds are the host's", |_| {
            same_seconds(running(&mut guest)?)
        });
        for (size, format) in STREAMS {
            self.case(&stream_name(size, format), |test| {
                let guest = running(&mut guest)?;
                test.stream(guest, size, format)
            });
        }
        for (strategy, io) in ALLOCATIONS {
            let name = format!(
                "buffers by {} arrive as written under {}",
                io.name(),
                strategy.name()
            );
            self.case(&name, |test| {
                let guest = running(&mut guest)?;
                let (size, format) = STREAMS[0];
                let wish = StreamConfig {
                    strategy,
                    io,
                    ..wish(size, format, FRAMES)
                };
                test.stream_wish(guest, &wish).map(drop)
            });
        }
        self.case("the module can be unloaded and loaded again", |test| {
            let guest = running(&mut guest)?;
            guest.reload_module()?;
            let (size, format) = STREAMS[1];
            test.stream(guest, size, format)
        });
        self.close("those streams", guest);
    }

    /// The Wyze Cam v3's failure and its cure, and many starts and stops.
    fn memory(&mut self) {
        let mut guest = self.booted("a guest with the Wyze Cam v3's memory boots");
        for expected in memory::WYZE_V3 {
            let name = format!("the Wyze Cam v3's client, {}", expected.personality);
            self.case(&name, |_| expected.check(running(&mut guest)?));
        }
        for leak in memory::LEAKS {
            let name = format!(
                "{} cycles with an encoder that keeps a block, {}",
                memory::LEAK_CYCLES,
                leak.personality
            );
            self.case(&name, |_| leak.check(running(&mut guest)?));
        }
        let name = "the planned carve-out streams, a page less does not";
        self.case(name, |_| memory::plan(running(&mut guest)?));
        let name = format!(
            "two channels are started and stopped {} times",
            memory::CYCLES
        );
        self.case(&name, |_| {
            let guest = running(&mut guest)?;
            memory::cycles(guest)?;
            life::pool_is_whole(guest)
        });
        self.close("that camera", guest);
    }

    /// Clients that come and go in every way, where frames flow and where none comes.
    fn life(&mut self) {
        let flowing = self.scene.fps;
        for (clock, scripts) in [
            (flowing, &life::FLOWING[..]),
            (life::STILL, &life::WAITING[..]),
        ] {
            self.scene.fps = clock;
            let mut guest = self.booted(&format!("a guest boots with the clock {clock}"));
            for script in scripts {
                self.case(script.name, |_| script.run(running(&mut guest)?));
            }
            self.close(&format!("the clients under the clock {clock}"), guest);
        }
        self.scene.fps = flowing;
    }

    /// Programs that everybody has, in an image that has them all.
    fn clients(&mut self, options: &GuestOptions) {
        let image = |image: &mut ImageRequest| image.with_gstreamer = true;
        let prepared = Prepared::with_image(&options.config(), self.steps, image);
        let mut guest = None;
        self.case("a guest with GStreamer boots", |test| {
            let less = std::mem::replace(&mut test.prepared.image, prepared?.image);
            let booted = test.boot();
            test.prepared.image = less;
            guest = Some(booted?);
            Ok(())
        });
        for client in clients::CLIENTS {
            self.case(client.name, |_| client.check(running(&mut guest)?));
        }
        self.close("these programs", guest);
    }

    /// The end of a guest in which tests ran.
    pub(super) fn close(&mut self, behind: &str, guest: Option<Guest>) {
        let Some(mut guest) = guest else { return };
        let name = format!("the kernel has nothing to complain of behind {behind}");
        self.case(&name, |_| health::check(&mut guest));
        guest.power_off();
    }

    fn compliance(&mut self) {
        let mut guest = self.booted("a guest with v4l2-compliance boots");
        self.case("v4l2-compliance finds nothing to say", |test| {
            let guest = running(&mut guest)?;
            let logs = PathBuf::from(LOGS).join("compliance");
            std::fs::create_dir_all(&logs)
                .with_context(|| format!("creating {}", logs.display()))?;
            let report = compliance::run(
                guest,
                &test.prepared,
                &test.scene,
                Strategy::Hybrid,
                None,
                &logs,
                &Steps::silent(),
            )?;
            ensure!(report.passed, "{}", report.text(&logs));
            Ok(())
        });
        self.close("v4l2-compliance", guest);
    }

    /// Boots a guest as a case of its own.
    pub(super) fn booted(&mut self, name: &str) -> Option<Guest> {
        let mut guest = None;
        self.case(name, |test| {
            guest = Some(test.boot()?);
            Ok(())
        });
        guest
    }

    /// One stream that must be as it was asked for.
    fn stream(&self, guest: &mut Guest, size: Size, format: PixelFormat) -> Result<()> {
        self.stream_wish(guest, &wish(size, format, FRAMES))
            .map(drop)
    }

    pub(super) fn stream_wish(&self, guest: &mut Guest, wish: &StreamConfig) -> Result<Capture> {
        let outcome = stream(guest, wish, &Steps::silent())?;
        let mut report = Report::new(&self.prepared, &self.scene, wish, guest, &outcome);
        for kept in &outcome.pictures {
            report.check_picture(kept);
        }
        ensure!(report.passed, "{}", report.problems.join("\n"));
        Ok(outcome)
    }

    fn panic(&mut self) -> Result<()> {
        let mut guest = self.boot()?;
        guest.call(&Request::Panic, SOON)?;
        match guest.next("the guest's end", SOON) {
            Err(GuestError::Panic { console }) => {
                let text = console.join("\n");
                ensure!(
                    text.contains("sysrq"),
                    "the console lacks the reason:\n{text}"
                );
                Ok(())
            }
            Err(other) => Err(other).context("instead of a panic"),
            Ok(reply) => anyhow::bail!("instead of a panic the guest says {reply:?}"),
        }
    }

    fn dead_emulator(&mut self) -> Result<()> {
        let mut guest = self.boot()?;
        let pid = Pid::from_raw(guest.emulator.process.child().id().try_into()?);
        let watched = Client::connect(&guest.emulator.control_path, SOON)?;
        let killer = std::thread::spawn(move || kill_while_streaming(watched, pid));
        let begin = Instant::now();
        let wish = wish(Size::new(640, 360), PixelFormat::Nv12, 1_000_000);
        let outcome = stream(&mut guest, &wish, &Steps::silent())?;
        let killed = killer.join();
        match killed {
            Ok(killed) => killed?,
            Err(_) => anyhow::bail!("the thread that kills the emulator panicked"),
        }
        match outcome.trouble {
            Some(GuestError::EmulatorEnded {
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
            other => anyhow::bail!(
                "{} frames came, then the client of a dead emulator got {other:?}",
                outcome.judge.received
            ),
        }
    }
}

/// The guest, if it booted.
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

/// Compares how long a while is in the guest and on the host.
fn same_seconds(guest: &mut Guest) -> Result<()> {
    let mut look = || -> Result<(Instant, f64)> {
        let begin = Instant::now();
        let uptime = program::ask(guest, &["cat", "/proc/uptime"])?;
        let middle = begin + begin.elapsed() / 2;
        let seconds = uptime
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
            .with_context(|| format!("/proc/uptime says {uptime:?}"))?;
        Ok((middle, seconds))
    };
    let (host_begin, guest_begin) = look()?;
    std::thread::sleep(A_WHILE);
    let (host_end, guest_end) = look()?;
    let host = (host_end - host_begin).as_secs_f64();
    let guest = guest_end - guest_begin;
    ensure!(
        (guest / host - 1.0).abs() < CLOCK_TOLERANCE,
        "{guest:.2} s of the guest are {host:.2} s of the host: check Qemu::counter_hz"
    );
    Ok(())
}

pub(super) fn running(guest: &mut Option<Guest>) -> Result<&mut Guest> {
    guest.as_mut().context("there is no guest")
}

/// A stream of the main channel, as most are.
pub(super) fn wish(size: Size, format: PixelFormat, frames: u32) -> StreamConfig {
    let [channel, ..] = ChannelId::ALL;
    StreamConfig {
        channel,
        size,
        format,
        buffers: 4,
        frames,
        checksum: true,
        strategy: Strategy::Hybrid,
        io: Io::of(Strategy::Hybrid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_streams_differ() {
        let mut names = STREAMS
            .map(|(size, format)| stream_name(size, format))
            .to_vec();
        names.dedup();
        assert_eq!(names.len(), STREAMS.len());
        assert_eq!(names[1], "50 frames of 640x360 nv12 arrive as written");
    }
}
