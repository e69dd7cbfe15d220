// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Wyze Cam v3's memory, to the byte where its totals are logged (T31 5.5; the blocks are a reconstruction, 5.7),
//! leaks (T31 5.6), a plan, and a thousand starts and stops.

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::{AllocationPolicy, Report, Setup};

use memlab::camera::{Camera, Changes};
use memlab::plan::{STEP, smallest};
use memlab::{catalogue, verify_plan};
use testbed::camera_client;
use testbed::guest::Guest;
use testbed::qemu::Carrier;

/// The camera.
const CAMERA: &str = "wyze-v3";
/// Enough for every buffer to go round.
const FRAMES: u32 = 10;

/// Starts and stops in a row: a thousand over the mailbox. Over vfio-user, where each register access is
/// a round trip, fewer are to show the same.
#[must_use]
pub const fn cycles_over(carrier: Carrier) -> u32 {
    match carrier {
        Carrier::Generic | Carrier::Gpio => 1000,
        Carrier::VfioUser => 100,
    }
}

/// What must come of it: the driver's grants, or what is missing.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// How the client behaves.
    pub policy: AllocationPolicy,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Buffers of the two channels.
    Streams([u32; 2]),
    /// Bytes used and free, and the request that failed.
    Fails(u32, u32, u64, &'static str),
}

/// The figures of T31 5.5 and 5.7, and what the hybrid makes of them. The driver's own buffers begin
/// on pages, which loses 256 bytes beside the client's.
pub const WYZE_V3: [Expected; 4] = [
    Expected {
        policy: AllocationPolicy::Client,
        outcome: Outcome::Fails(30_311_936, 96_768, 199_808, "enc1.stream"),
    },
    Expected {
        policy: AllocationPolicy::Driver,
        outcome: Outcome::Fails(30_311_936, 96_768, 199_808, "enc1.stream"),
    },
    Expected {
        policy: AllocationPolicy::HybridMargin,
        outcome: Outcome::Streams([2, 2]),
    },
    Expected {
        policy: AllocationPolicy::HybridReserve,
        outcome: Outcome::Streams([3, 2]),
    },
];

impl Expected {
    /// Runs the camera's client in a guest with the camera's memory.
    ///
    /// # Errors
    /// What was different.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        let run = camera_client::run(guest, &camera()?.setup, self.policy, FRAMES, 1)?;
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

/// Both channels started and stopped so many times, with a checked frame of each every time.
///
/// # Errors
/// At the first that fails.
pub fn cycles(guest: &mut Guest, cycles: u32) -> Result<()> {
    let run = camera_client::run(
        guest,
        &camera()?.setup,
        AllocationPolicy::HybridReserve,
        1,
        cycles,
    )?;
    ensure!(
        run.survived == cycles,
        "it ended after {} of {cycles}:\n{}",
        run.survived,
        run.report
    );
    for (channel, verifier) in &run.verified {
        let got = (verifier.received, verifier.mismatched);
        ensure!(
            got == (cycles, 0),
            "channel {channel}: {got:?} frames received and wrong"
        );
    }
    ensure!(
        run.verified.len() == 2,
        "{} channels delivered",
        run.verified.len()
    );
    Ok(())
}

/// What an encoder that keeps a block in each cycle (T31 5.6) leaves of the carve-out, under each
/// strategy.
#[derive(Debug, Clone, Copy)]
pub struct Leak {
    /// How the client behaves.
    pub policy: AllocationPolicy,
    survives: u32,
    refused: Option<(&'static str, u64)>,
}

/// At most so many cycles.
pub const LEAK_CYCLES: u32 = 8;

/// By hand, in the Wyze Cam v3's 29 MiB: 30408704 - 612352 (others) is room for four times 452608 (kept) +
/// 6266880 + 706560 (pools), with 92160 to spare, which is too little for the fifth kept block. What the
/// driver allocates it has back after each cycle.
pub const LEAKS: [Leak; 3] = [
    Leak {
        policy: AllocationPolicy::Client,
        survives: 4,
        refused: Some(("enc0.kept", 452_608)),
    },
    Leak {
        policy: AllocationPolicy::Driver,
        survives: LEAK_CYCLES,
        refused: None,
    },
    Leak {
        policy: AllocationPolicy::HybridReserve,
        survives: LEAK_CYCLES,
        refused: None,
    },
];

impl Leak {
    /// Runs the cycles in a guest with the Wyze Cam v3's memory.
    ///
    /// # Errors
    /// What was different.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        let camera = leaking()?;
        let cycles = camera.cycles(LEAK_CYCLES);
        let run = camera_client::run_cycles(guest, &camera.setup, self.policy, 2, cycles)?;
        let problems = run.problems(2);
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        self.compare(run.survived, &run.report)
    }

    fn compare(&self, survived: u32, report: &Report) -> Result<()> {
        let refused = report.refused.as_ref();
        let got = (
            survived,
            refused.map(|refused| (&*refused.owner, refused.bytes)),
        );
        let wanted = (self.survives, self.refused);
        ensure!(got == wanted, "{got:?}, not {wanted:?}:\n{report}");
        Ok(())
    }
}

/// The camera of the leak with the Wyze Cam v3's memory.
fn leaking() -> Result<Camera> {
    let name = "openimp-leak-encoder";
    let changes = Changes {
        rmem: Some(camera()?.rmem.bytes.into()),
        ..Changes::default()
    };
    Camera::new(name, &catalogue::find(name)?, &changes)
}

/// The plan's smallest carve-out (T31 5.4: 29047040 bytes, in whole pages), in a guest with the Wyze Cam
/// v3's memory: there the client streams, and a page below it does not.
///
/// # Errors
/// What was different.
pub fn plan(guest: &mut Guest) -> Result<()> {
    let name = "wyze-v3-stock";
    let camera = Camera::new(name, &catalogue::find(name)?, &Changes::default())?;
    let planned = smallest(&camera, AllocationPolicy::Client)?.streams_from;
    let planned = planned.context("the plan has no smallest carve-out")?;
    ensure!(planned == 29_048_832, "the plan says {planned}");
    for (bytes, streams) in [(planned, true), (planned - STEP, false)] {
        let setup = Setup {
            base: camera.setup.base,
            ..camera.with_carve_out(bytes)?
        };
        verify_plan::load(guest, &setup)?;
        let (report, problems) = verify_plan::attempt(guest, &setup, AllocationPolicy::Client)?;
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        ensure!(report.streams() == streams, "with {bytes} bytes:\n{report}");
    }
    guest.reload_module()?;
    Ok(())
}

fn camera() -> Result<Camera> {
    let definition = catalogue::find(CAMERA)?;
    Camera::new(CAMERA, &definition, &Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_protocol::camera::Cycles;
    use memlab::predict::predict_cycles;
    use tx_isp_alloc::negotiation::Margin;

    #[test]
    fn what_is_expected_of_the_guest_is_what_the_host_computes() {
        for expected in WYZE_V3 {
            let setup = camera().unwrap().setup;
            let (_, report) =
                predict_cycles(&setup, expected.policy, Margin::default(), Cycles::ONE).unwrap();
            expected.compare(&report).unwrap();
        }
        for leak in LEAKS {
            let camera = leaking().unwrap();
            let cycles = camera.cycles(LEAK_CYCLES);
            let (survived, report) =
                predict_cycles(&camera.setup, leak.policy, Margin::default(), cycles).unwrap();
            leak.compare(survived, &report).unwrap();
        }
    }
}
