// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a program of the host with a deadline, and keeps what it says.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{self, Line, Orphan};

/// How many lines of a failed program's output an error shows.
const TAIL_LINES: usize = 25;

/// What a program said.
#[derive(Debug, Default)]
pub struct Said {
    /// Its standard output.
    pub stdout: String,
    /// Standard output and standard error, in the order the lines came.
    pub all: String,
}

/// Runs `command` to its end, at most `limit`; fails if it does. `what` names it in errors.
///
/// # Errors
/// [`Error::Start`], [`Error::Command`] or [`Error::Deadline`].
pub fn run(command: Command, what: &str, limit: Duration) -> Result<Said> {
    run_with(command, what, limit, |_| {})
}

/// The same, and hands each line of its output to `on_line` as it comes.
///
/// # Errors
/// Those of [`run`].
pub fn run_with(
    command: Command,
    what: &str,
    limit: Duration,
    on_line: impl FnMut(&str),
) -> Result<Said> {
    run_as(command, Orphan::IsKilled, what, limit, on_line)
}

/// The same, and says what becomes of the program if this one dies.
///
/// # Errors
/// Those of [`run`].
pub fn run_as(
    mut command: Command,
    orphan: Orphan,
    what: &str,
    limit: Duration,
    mut on_line: impl FnMut(&str),
) -> Result<Said> {
    command.env("LC_ALL", "C");
    let mut said = Said::default();
    let result = process::run_as(&mut command, orphan, limit, |line| {
        note(&mut said, &line, &mut on_line);
    });
    match result {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => Err(Error::Command {
            what: what.to_owned(),
            status: status.to_string(),
            tail: tail(&said.all),
        }),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Error::Deadline {
            what: what.to_owned(),
            limit,
            tail: tail(&said.all),
        }),
        Err(source) => Err(Error::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        }),
    }
}

fn note(said: &mut Said, line: &Line, on_line: &mut impl FnMut(&str)) {
    let text = line.text();
    if matches!(line, Line::Out(_)) {
        said.stdout.push_str(text);
        said.stdout.push('\n');
    }
    said.all.push_str(text);
    said.all.push('\n');
    on_line(text);
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
