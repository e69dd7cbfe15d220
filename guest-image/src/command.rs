// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a program of the host with a deadline, and keeps what it says.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How many lines of a failed program's output an error shows.
const TAIL_LINES: usize = 25;

/// How often a program that says nothing is checked for its end.
const POLL: Duration = Duration::from_millis(20);

/// What a program said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Its standard output.
    pub(crate) stdout: String,
    /// Standard output and standard error, in the order the lines came.
    pub(crate) all: String,
}

enum Line {
    Out(String),
    Err(String),
}

/// Runs `command` to its end, at most `limit`; fails if it does. `what` names it in errors.
pub(crate) fn run(command: Command, what: &str, limit: Duration) -> Result<Said> {
    run_with(command, what, limit, |_| {})
}

/// The same, and hands each line of its output to `on_line` as it comes.
pub(crate) fn run_with(
    mut command: Command,
    what: &str,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> Result<Said> {
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .map_err(|source| Error::Start { program, source })?;

    let lines = read_lines(&mut child);
    let end = Instant::now() + limit;
    let mut said = Said::default();
    let mut status: Option<ExitStatus> = None;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => note(&mut said, line, &mut on_line),
            // Whoever inherited the pipes may outlive the program; its own end is what counts.
            Err(RecvTimeoutError::Timeout) if status.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                if status.is_some() {
                    break;
                }
                thread::sleep(POLL);
            }
        }
        if status.is_none() {
            status = child.try_wait().map_err(|source| Error::Start {
                program: what.to_owned(),
                source,
            })?;
        }
        if status.is_none() && Instant::now() > end {
            // Both fail only if the child has just ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::Deadline {
                what: what.to_owned(),
                limit,
                tail: tail(&said.all),
            });
        }
    }
    match status {
        Some(status) if status.success() => Ok(said),
        other => Err(Error::Command {
            what: what.to_owned(),
            status: other.map_or_else(|| "no status".to_owned(), |status| status.to_string()),
            tail: tail(&said.all),
        }),
    }
}

fn note(said: &mut Said, line: Line, on_line: &mut impl FnMut(&str)) {
    let text = match &line {
        Line::Out(text) => {
            said.stdout.push_str(text);
            said.stdout.push('\n');
            text
        }
        Line::Err(text) => text,
    };
    said.all.push_str(text);
    said.all.push('\n');
    on_line(text);
}

fn read_lines(child: &mut Child) -> Receiver<Line> {
    let (sender, receiver) = channel();
    if let Some(pipe) = child.stdout.take() {
        forward(pipe, sender.clone(), Line::Out);
    }
    if let Some(pipe) = child.stderr.take() {
        forward(pipe, sender, Line::Err);
    }
    receiver
}

fn forward(pipe: impl Read + Send + 'static, to: Sender<Line>, kind: fn(String) -> Line) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while let Ok(count) = pipe.read_until(b'\n', &mut bytes) {
            if count == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if to.send(kind(text)).is_err() {
                break;
            }
            bytes.clear();
        }
    });
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_kept_in_order_and_apart() {
        let said = run(
            shell("echo one; echo two >&2"),
            "sh",
            Duration::from_secs(10),
        )
        .unwrap();
        assert_eq!(said.stdout, "one\n");
        assert!(said.all.contains("two\n"));
    }

    #[test]
    fn a_failure_carries_the_last_lines() {
        let error = run(
            shell("echo the reason; exit 3"),
            "the try",
            Duration::from_secs(10),
        )
        .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("the try") && text.contains("the reason") && text.contains('3'),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let error = run(
            shell("exec sleep 600"),
            "sleeper",
            Duration::from_millis(50),
        )
        .unwrap_err();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(
            Command::new("no-such-program-here"),
            "x",
            Duration::from_secs(1),
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("no-such-program-here"),
            "{error}"
        );
    }
}
