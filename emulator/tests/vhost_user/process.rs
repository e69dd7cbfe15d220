// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulator as a process of its own, and what is promised of its answers.

use crate::vm::{DEADLINE, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is promised within a second; a busy machine gets some more.
pub const SOON: Duration = Duration::from_secs(5);

#[track_caller]
pub fn soon<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = act();
    let took = begin.elapsed();
    assert!(took < SOON, "{what} took {took:?}");
    result
}

pub fn operator(path: &Path) -> tx_isp_emulator::monitor::Client {
    tx_isp_emulator::monitor::Client::connect(path, DEADLINE).unwrap()
}

/// The emulator as a process of its own.
pub struct Process {
    pub child: Child,
    dir: tempfile::TempDir,
}

impl Process {
    pub fn start(descriptors: u32, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new("sh")
            .args(["-c", "ulimit -n $0 && exec \"$@\""])
            .arg(descriptors.to_string())
            .arg(env!("CARGO_BIN_EXE_tx-isp-emulator"))
            .args(["--socket", &path("isp"), "--control", &path("control")])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut process = Self { child, dir };
        until("it listens", || {
            assert!(process.child.try_wait().unwrap().is_none(), "it has ended");
            process.path("isp").exists() && UnixStream::connect(process.path("control")).is_ok()
        });
        process
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// The processor's time that it has used so far.
    pub fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).unwrap();
        // Behind the name, which may hold anything: user and system time are the 12th and 13th fields, in
        // hundredths of a second (USER_HZ).
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.map(|n| n.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub fn terminate(&mut self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        soon("the end after SIGTERM", || {
            kill(pid, Signal::SIGTERM).unwrap();
            until("it ends", || self.child.try_wait().unwrap().is_some());
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
