// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that the lab starts and that never outlive it.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a program may take to end when asked to.
const END_LIMIT: Duration = Duration::from_secs(2);
/// How long what a program said last may take to arrive after its end.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);
/// How often to look whether it has.
const STEP: Duration = Duration::from_millis(5);

/// A running program; dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a program that the kernel kills when the lab dies. It also does when the thread ends that
    /// started the program, so that thread must be the one that waits for the program's end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        // SAFETY: the closure makes one system call between fork and exec and allocates nothing.
        unsafe {
            command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?));
        }
        let child = command.spawn()?;
        Ok(Self {
            child,
            status: None,
        })
    }

    /// The program's pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            // It fails only if somebody else had waited for it, and nobody does.
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Waits for its end, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        while self.ended().is_none() && Instant::now() < end {
            thread::sleep(STEP);
        }
        self.status
    }

    /// Asks it to end, and ends it if it does not.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It fails only if the program has just ended.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if self.wait(END_LIMIT).is_none() {
            // Likewise.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A line that a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// On its standard output.
    Out(String),
    /// On its standard error.
    Err(String),
}

impl Line {
    /// The line itself.
    pub fn text(&self) -> &str {
        match self {
            Self::Out(text) | Self::Err(text) => text,
        }
    }
}

/// Runs a program to its end, and hands over each line that it says.
///
/// # Errors
/// What the operating system says, or [`io::ErrorKind::TimedOut`]; then the program is killed.
pub fn run(
    command: &mut Command,
    limit: Duration,
    mut on_line: impl FnMut(Line),
) -> io::Result<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process::spawn(command)?;
    let (sender, lines) = channel();
    if let Some(pipe) = process.child.stdout.take() {
        forward(pipe, sender.clone(), Line::Out);
    }
    if let Some(pipe) = process.child.stderr.take() {
        forward(pipe, sender, Line::Err);
    }
    let mut end = Instant::now() + limit;
    loop {
        let line = lines.recv_timeout(STEP);
        let closed = line == Err(RecvTimeoutError::Disconnected);
        if let Ok(line) = line {
            on_line(line);
        }
        let before = process.status;
        let status = process.ended();
        if before != status {
            // What it said last may still be on its way, but whoever inherited its output may go
            // on for ever.
            end = Instant::now() + LAST_WORDS_LIMIT;
        }
        match status {
            Some(status) if closed || Instant::now() > end => return Ok(status),
            None if Instant::now() > end => {
                let text = format!("no end within {} s", limit.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            _ if closed => thread::sleep(STEP),
            _ => {}
        }
    }
}

fn forward(pipe: impl Read + Send + 'static, to: Sender<Line>, kind: fn(String) -> Line) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe
            .read_until(b'\n', &mut bytes)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if to.send(kind(text)).is_err() {
                break;
            }
            bytes.clear();
        }
    });
}

/// Runs a program that answers at once; gives how it ended and its standard output.
///
/// # Errors
/// Those of [`run`].
pub fn ask(command: &mut Command, limit: Duration) -> io::Result<(ExitStatus, String)> {
    let mut answer = String::new();
    let status = run(command, limit, |line| {
        if let Line::Out(text) = line {
            answer.push_str(&text);
            answer.push('\n');
        }
    })?;
    Ok((status, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_that_is_dropped_is_gone() {
        let mut process = Process::spawn(&mut sh("exec sleep 600")).unwrap();
        let pid = Pid::from_raw(i32::try_from(process.child().id()).unwrap());
        assert!(process.ended().is_none());
        drop(process);
        assert!(kill(pid, None).is_err());
    }

    #[test]
    fn one_that_does_not_listen_is_killed() {
        let mut process = Process::spawn(
            sh("trap '' TERM; echo ready; while :; do sleep 0.05; done").stdout(Stdio::piped()),
        )
        .unwrap();
        let mut ready = [0; 5];
        let stdout = process.child().stdout.as_mut().unwrap();
        io::Read::read_exact(stdout, &mut ready).unwrap();
        process.stop();
        assert!(process.child().try_wait().unwrap().is_some());
    }

    #[test]
    fn an_answer_comes_and_silence_ends() {
        let minute = Duration::from_secs(60);
        let (status, answer) = ask(&mut sh("echo yes; echo no >&2; exit 3"), minute).unwrap();
        assert_eq!((status.code(), answer.as_str()), (Some(3), "yes\n"));
        let error = ask(&mut sh("exec sleep 600"), Duration::from_millis(50));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_whose_children_keep_its_output_is_over_when_it_is() {
        let (status, answer) = ask(&mut sh("sleep 5 & echo $$"), Duration::from_secs(60)).unwrap();
        assert!(status.success() && !answer.is_empty());
    }
}
