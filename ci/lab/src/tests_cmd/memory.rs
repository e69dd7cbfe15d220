// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Wyze Cam v3's memory, to the byte (facts 5.5, 5.7), and a thousand starts and stops.

use anyhow::{Context, Result, ensure};
use guest_agent::camera::{Personality, Report};

use crate::guest::Guest;
use crate::memory::camera::Camera;
use crate::memory::{catalogue, client};

/// The camera.
const CAMERA: &str = "wyze-v3";
/// Enough for every buffer to go round.
const FRAMES: u32 = 10;
/// Starts and stops in a row.
pub const CYCLES: u32 = 1000;

/// What must come of it: the driver's grants, or what is missing.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// How the client behaves.
    pub personality: Personality,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Buffers of the two channels.
    Streams([u32; 2]),
    /// Bytes used and free, and the request that failed.
    Fails(u32, u32, u64, &'static str),
}

/// The figures of facts 5.5 and 5.7, and what the hybrid makes of them. The driver's own buffers begin
/// on pages, which loses 256 bytes beside the client's.
pub const WYZE_V3: [Expected; 4] = [
    Expected {
        personality: Personality::Client,
        outcome: Outcome::Fails(30_311_936, 96_768, 199_808, "enc1.stream"),
    },
    Expected {
        personality: Personality::Driver,
        outcome: Outcome::Fails(30_311_936, 96_768, 199_808, "enc1.stream"),
    },
    Expected {
        personality: Personality::HybridMargin,
        outcome: Outcome::Streams([2, 2]),
    },
    Expected {
        personality: Personality::HybridReserve,
        outcome: Outcome::Streams([3, 2]),
    },
];

impl Expected {
    /// Runs the camera's client in a guest with the camera's memory.
    ///
    /// # Errors
    /// What was different.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        let run = client::run(guest, &camera()?.setup, self.personality, FRAMES, 1)?;
        let problems = run.problems(FRAMES);
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        self.compare(&run.report)
    }

    fn compare(&self, report: &Report) -> Result<()> {
        match self.outcome {
            Outcome::Streams(granted) => {
                let got: Vec<u32> = report.queues.iter().map(|queue| queue.granted).collect();
                ensure!(
                    got == granted,
                    "granted {got:?}, not {granted:?}:\n{report}"
                );
            }
            Outcome::Fails(used, free, bytes, owner) => {
                let refused = report
                    .refused
                    .as_ref()
                    .with_context(|| format!("it streams:\n{report}"))?;
                let got = (
                    report.pool.used(),
                    report.pool.free,
                    refused.bytes,
                    &*refused.owner,
                );
                let wanted = (used, free, bytes, owner);
                ensure!(got == wanted, "{got:?}, not {wanted:?}:\n{report}");
            }
        }
        Ok(())
    }
}

/// Both channels started and stopped, [`CYCLES`] times, with a checked frame of each every time.
///
/// # Errors
/// At the first that fails.
pub fn cycles(guest: &mut Guest) -> Result<()> {
    let run = client::run(
        guest,
        &camera()?.setup,
        Personality::HybridReserve,
        1,
        CYCLES,
    )?;
    ensure!(
        run.survived == CYCLES,
        "it ended after {} of {CYCLES}:\n{}",
        run.survived,
        run.report
    );
    for (channel, judge) in &run.judges {
        let got = (judge.received, judge.mismatched);
        ensure!(
            got == (CYCLES, 0),
            "channel {channel}: {got:?} frames received and wrong"
        );
    }
    ensure!(
        run.judges.len() == 2,
        "{} channels delivered",
        run.judges.len()
    );
    Ok(())
}

fn camera() -> Result<Camera> {
    let definition = catalogue::find(CAMERA)?;
    Camera::new(CAMERA, &definition, &Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_agent::camera::Cycles;
    use guest_agent::camera::predict::predict_cycles;
    use tx_isp_driver::alloc::negotiation::Margin;

    #[test]
    fn what_is_expected_of_the_guest_is_what_the_host_computes() {
        for expected in WYZE_V3 {
            let setup = camera().unwrap().setup;
            let (_, report) =
                predict_cycles(&setup, expected.personality, Margin::default(), Cycles::ONE)
                    .unwrap();
            expected.compare(&report).unwrap();
        }
    }
}
