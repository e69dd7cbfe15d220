// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that the lab runs in the guest.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::{Reply, Request, RunEnd, RunRequest, RunResult};

use crate::guest::{Guest, unexpected};

/// How much longer the lab waits than the agent: the guest may be busy.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// What answers at once.
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub end: RunEnd,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl From<RunResult> for Ran {
    fn from(result: RunResult) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            end: result.end,
            stdout: text(result.stdout),
            stderr: text(result.stderr),
        }
    }
}

impl Ran {
    /// Both outputs.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs a program to its end, whatever that is, or until `limit`.
///
/// # Errors
/// If it cannot be started, or the guest does not answer.
pub fn run(guest: &mut Guest, argv: &[&str], limit: Duration) -> Result<Ran> {
    let request = Request::Run(RunRequest {
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        deadline_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
    });
    let reply = guest
        .call(&request, limit + ANSWER_LIMIT)
        .with_context(|| format!("running `{}` in the guest", argv.join(" ")))?;
    match reply {
        Reply::Ran(result) => Ok(result.into()),
        other => Err(unexpected(&other).into()),
    }
}

/// Runs a short program that must succeed, and gives its standard output.
///
/// # Errors
/// If it fails, with its words.
pub fn ask(guest: &mut Guest, argv: &[&str]) -> Result<String> {
    let ran = run(guest, argv, ASK_LIMIT)?;
    ensure!(
        ran.end == RunEnd::Exit(0),
        "`{}` failed in the guest ({:?}): {}",
        argv.join(" "),
        ran.end,
        ran.said()
    );
    Ok(ran.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_told() {
        let ran = Ran::from(RunResult {
            end: RunEnd::Exit(1),
            stdout: b"out\n".to_vec(),
            stderr: b"err\xff".to_vec(),
        });
        assert_eq!(ran.said(), "out\nerr\u{fffd}");
    }
}
