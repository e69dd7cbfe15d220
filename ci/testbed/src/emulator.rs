// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulated ISP as a program beside QEMU.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use guest_protocol::message::Failure;
use tx_isp_emulator::monitor::Client;
use tx_isp_emulator::sensor::ClockMode;

use std::os::unix::process::CommandExt;

use crate::guest_failure::GuestFailure;
use crate::log_follower::LogFollower;
use crate::prepare::Prepared;
use crate::process::Process;
use crate::sensor::SensorConfig;

/// How long it may take to listen; reading a large video takes a while.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How many of its lines an error shows.
const SHOWN_LINES: usize = 24;

/// The running emulator.
#[derive(Debug)]
pub struct Emulator {
    /// Its process.
    pub process: Process,
    /// Its operator's socket.
    pub monitor: Client,
    /// Where more of those can be had.
    pub monitor_path: PathBuf,
    /// Where QEMU connects.
    pub socket: PathBuf,
    says: LogFollower,
}

impl Emulator {
    /// Starts it with its sockets in a folder, and waits until it listens.
    ///
    /// # Errors
    /// If it ends or does not listen in time, with what it said.
    pub fn start(
        prepared: &Prepared,
        scene: &SensorConfig,
        sockets: &Path,
        log: &Path,
    ) -> Result<Self> {
        let socket = sockets.join("isp");
        let monitor_path = sockets.join("monitor");
        let mut command = Command::new(&prepared.emulator);
        command
            .arg(prepared.carrier.emulator_option())
            .arg(&socket)
            .arg("--monitor")
            .arg(&monitor_path)
            .arg(format!("--sensor={}", scene.model.name))
            .arg(format!("--source={}", scene.source))
            .arg(format!("--fps={}", rate_option(scene.fps)))
            .args(&prepared.emulator_options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for the lab, which ends the emulator itself.
            .process_group(0);
        let mut process = Process::spawn(&mut command)
            .with_context(|| format!("starting {}", prepared.emulator.display()))?;
        let Some(stderr) = process.child().stderr.take() else {
            bail!("the emulator has no standard error");
        };
        let says = LogFollower::follow(stderr, log)
            .with_context(|| format!("writing {}", log.display()))?;
        let monitor = connect(&monitor_path, &mut process, &says)?;
        Ok(Self {
            process,
            monitor,
            monitor_path,
            socket,
            says,
        })
    }

    /// What is to be said when it has ended although it should not have.
    pub fn ended(&mut self, guest: Option<Failure>) -> GuestFailure {
        self.says.wait_end(ANSWER_LIMIT);
        let said = self.says.last(SHOWN_LINES);
        match self.process.ended() {
            Some(status) => GuestFailure::EmulatorEnded {
                status,
                guest,
                said,
            },
            None => GuestFailure::Deadline {
                what: "the emulator's end".to_owned(),
                limit: ANSWER_LIMIT,
                console: said,
            },
        }
    }
}

/// The rate as the emulator's command line takes it.
fn rate_option(fps: ClockMode) -> String {
    match fps {
        ClockMode::Rate(rate) => rate.to_string(),
        other => other.to_string(),
    }
}

fn connect(monitor: &Path, process: &mut Process, says: &LogFollower) -> Result<Client> {
    let end = Instant::now() + START_LIMIT;
    loop {
        let error = match Client::connect(monitor, ANSWER_LIMIT) {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        if let Some(status) = process.ended() {
            says.wait_end(ANSWER_LIMIT);
            let said = says.last(SHOWN_LINES).join("\n    ");
            bail!("the emulator ended while starting ({status}):\n    {said}");
        }
        if Instant::now() > end {
            return Err(error).context("the emulator does not listen");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_given_as_the_emulator_takes_them() {
        for text in ["25", "max", "sensor"] {
            let mode: ClockMode = text.parse().unwrap();
            assert_eq!(rate_option(mode), text);
        }
    }
}
