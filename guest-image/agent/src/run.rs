// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a program of the guest to its end.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use guest_protocol::message::{Failure, RunEnd, RunRequest, RunResult};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::failure::{At, failure};

/// How often a silent program is checked for its end, in milliseconds.
pub(crate) const TICK_MS: u16 = 10;

/// Runs a program, keeps what it says, and kills it with all it started when its time is over.
pub fn run(request: &RunRequest) -> Result<RunResult, Failure> {
    let Some((program, arguments)) = request.argv.split_first() else {
        return Err(failure("run", "no program was named"));
    };
    let step = format!("run {program}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .at(&step)?;
    let mut stdout = Output::new(child.stdout.take());
    let mut stderr = Output::new(child.stderr.take());
    let end = Instant::now() + Duration::from_millis(request.deadline_ms.into());
    let status = loop {
        let ended = child.try_wait().at(&step)?;
        // What it said last is read after its end was seen, so nothing is missed.
        let heard = read_some(&mut stdout, &mut stderr)?;
        if ended.is_some() && !heard {
            break ended;
        }
        if Instant::now() > end {
            break kill(&mut child, ended);
        }
    };
    Ok(RunResult {
        end: status.map_or(RunEnd::Deadline, run_end),
        stdout: stdout.bytes,
        stderr: stderr.bytes,
    })
}

/// Ends the program's group. A program that had ended by itself keeps its status.
pub(crate) fn kill(child: &mut Child, ended: Option<ExitStatus>) -> Option<ExitStatus> {
    if let Ok(group) = i32::try_from(child.id()) {
        // Fails only if nobody of the group is left.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    if ended.is_none() {
        // Fails only if somebody else has waited for it.
        let _ = child.wait();
    }
    ended
}

pub(crate) fn run_end(status: ExitStatus) -> RunEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => RunEnd::Exit(code),
        (None, signal) => RunEnd::Signal(signal.unwrap_or(0)),
    }
}

/// One of a program's outputs.
struct Output<T> {
    pipe: Option<T>,
    bytes: Vec<u8>,
}

impl<T: Read + AsFd> Output<T> {
    fn new(pipe: Option<T>) -> Self {
        Self {
            pipe,
            bytes: Vec::new(),
        }
    }

    /// Reads what is there; more than the limit is read and dropped, so that the program goes on.
    fn read(&mut self) -> Result<(), Failure> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(());
        };
        let mut buffer = [0; 4096];
        let count = pipe.read(&mut buffer).at("reading a program's output")?;
        let room = RunResult::MAX_OUTPUT.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&buffer[..count.min(room)]);
        if count == 0 {
            self.pipe = None;
        }
        Ok(())
    }
}

/// Waits a little for either output; says whether any said something or ended.
fn read_some(
    stdout: &mut Output<impl Read + AsFd>,
    stderr: &mut Output<impl Read + AsFd>,
) -> Result<bool, Failure> {
    let out = is_ready(stdout.pipe.as_ref(), PollTimeout::ZERO)?;
    if out {
        stdout.read()?;
    }
    let wait = if out { 0 } else { TICK_MS };
    let err = is_ready(stderr.pipe.as_ref(), wait.into())?;
    if err {
        stderr.read()?;
    }
    Ok(out || err)
}

/// Whether a pipe has something to read or has ended; waits `time` for it, with or without a pipe.
pub(crate) fn is_ready(pipe: Option<&impl AsFd>, time: PollTimeout) -> Result<bool, Failure> {
    let entry = pipe.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
    match nix::poll::poll(&mut entry.into_iter().collect::<Vec<_>>(), time) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error).at("waiting for a program's output"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline_ms: u32) -> RunResult {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        run(&RunRequest { argv, deadline_ms }).unwrap()
    }

    #[test]
    fn outputs_and_the_end_are_told_apart() {
        let result = sh("echo out; echo err >&2; exit 3", 60_000);
        assert_eq!(result.end, RunEnd::Exit(3));
        assert_eq!(
            (&result.stdout[..], &result.stderr[..]),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(sh("kill -9 $$", 60_000).end, RunEnd::Signal(9));
    }

    #[test]
    fn more_output_than_is_kept_does_not_stop_the_program() {
        let result = sh("head -c 3000000 /dev/zero; exit 4", 60_000);
        assert_eq!(result.end, RunEnd::Exit(4));
        assert_eq!(result.stdout.len(), RunResult::MAX_OUTPUT);
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_with_its_children() {
        let begin = Instant::now();
        let result = sh("echo begun; sleep 600 & sleep 600", 200);
        assert_eq!(result.end, RunEnd::Deadline);
        assert_eq!(result.stdout, b"begun\n");
        assert!(begin.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_runs_on_in_the_background_is_not_waited_for() {
        let result = sh("sleep 600 & echo $!", 60_000);
        assert_eq!(result.end, RunEnd::Exit(0));
        let pid: i32 = String::from_utf8(result.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_missing_program_is_named() {
        let request = RunRequest {
            argv: vec!["no-such-program".into()],
            deadline_ms: 1,
        };
        let error = run(&request).unwrap_err();
        assert_eq!(
            (error.step.as_str(), error.errno),
            ("run no-such-program", Some(libc::ENOENT))
        );
    }
}
