// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The fault matrix: each fault of the hardware, what the driver must make of it, and what it made.
//!
//! Three rules hold for every case: nothing hangs, no wrong frame is delivered as a good one, and
//! nothing is written but to buffers that are queued. Afterwards a second stream must run.

mod cases;
pub mod guest;
mod run;

pub use cases::{Case, cases, guest_cases};
pub use run::{Outcome, Plan, run};

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// A case that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// A case of the matrix after its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// The faults, as `--fault` takes them.
    pub faults: Vec<String>,
    /// What was to happen.
    pub expected: String,
    /// What happened.
    pub happened: String,
    /// What was wrong with that; nothing if the case is survived.
    pub problems: Vec<String>,
}

impl Row {
    /// Verifies what came of a case, wherever it ran; or why it did not come to its end.
    #[must_use]
    pub fn new(case: &Case, outcome: Result<Outcome, String>) -> Self {
        let (happened, problems) = match outcome {
            Ok(outcome) => (outcome.to_string(), problems(case, &outcome)),
            Err(error) => ("it did not come to its end".to_owned(), vec![error]),
        };
        Self {
            faults: case.plan.faults.iter().map(ToString::to_string).collect(),
            expected: case.expected.to_owned(),
            happened,
            problems,
        }
    }

    /// Whether all was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Runs one case; comes back even if the case does not.
#[must_use]
pub fn verify(case: &Case, seed: u64) -> Row {
    let (done, result) = mpsc::channel();
    let plan = Plan {
        seed,
        ..case.plan.clone()
    };
    // A thread of its own, so that one that hangs can be left behind.
    thread::spawn(move || {
        // Nobody listens any more once the deadline is over.
        let _ = done.send(run(&plan));
    });
    match result.recv_timeout(DEADLINE) {
        Ok(outcome) => Row::new(case, outcome.map_err(|error| format!("{error:#}"))),
        Err(error) => Row::new(case, Err(format!("it hangs or has panicked: {error}"))),
    }
}

/// What every case must keep, then what the case itself asks for.
fn problems(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    let health = outcome.health;
    let mut must = |kept: bool, rule: &str| {
        if !kept {
            problems.push(rule.to_owned());
        }
    };
    must(
        outcome.wrong == 0 || case.undetectable,
        "a wrong frame was delivered as a good one",
    );
    must(outcome.disordered == 0, "sequence numbers did not rise");
    must(
        !outcome.wrote_after_stop,
        "memory was written to after the stop",
    );
    must(
        !outcome.wrote_outside,
        "memory that was no queued buffer was written to",
    );
    // A soft reset that nobody acknowledges takes another second.
    must(
        outcome.stop_ns < 3_200_000_000 + 1_000_000_000 * u64::from(health.device_resets),
        "the stop took longer than 3.2 s",
    );
    must(
        outcome.second == 5,
        "the second stream did not bring its frames",
    );
    must(
        case.plan.faults.is_empty() || outcome.fired > 0,
        "the fault never happened",
    );
    must(
        outcome.guest_errors.is_empty(),
        &format!(
            "the driver broke the protocol: {}",
            outcome.guest_errors.join("; ")
        ),
    );
    must((case.holds)(outcome), case.expected);
    problems
}

impl std::fmt::Display for Outcome {
    /// What happened, in a line: what is as always is left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} good", self.good)?;
        let health = self.health;
        for (count, what) in [
            (self.damaged, "marked damaged"),
            (self.missing, "missing"),
            (self.wrong, "wrong (the frame log tells)"),
            (health.unmatched, "unmatched"),
            (health.dropped_buffers, "buffers queued again"),
            (health.vic_recoveries, "VIC resets"),
            (health.lost_interrupts, "found by the watchdog"),
            (health.storms, "storms silenced"),
            (health.stale_addresses, "stale addresses cleared"),
            (health.restarts, "ISP restarts"),
            (health.device_resets, "device resets"),
            (health.quarantined, "buffers in quarantine"),
            (
                self.others_went_on,
                "good of the other channels after the stop",
            ),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (error, when) in [
            (self.sensor_error, "sensor"),
            (self.start_error, "start"),
            (self.stream_error, "stream"),
            (self.stop_error, "stop"),
        ] {
            if let Some(error) = error {
                write!(f, "; {when}: {error}")?;
            }
        }
        Ok(())
    }
}
