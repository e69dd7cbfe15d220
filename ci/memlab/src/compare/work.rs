// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the cells of one memory layout in one guest.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::cell::Cell;
use super::jobs::Report;
use super::matrix::Layout;
use crate::camera::Camera;
use crate::host_memory::Footprint;
use testbed::camera_client;
use testbed::guest::Guest;
use testbed::interrupt;
use testbed::memory_layout::MemoryLayout;
use testbed::prepare::Prepared;
use testbed::sensor::SensorConfig;

/// What one boot of a guest serves.
pub struct Piece {
    /// The memory's layout.
    pub layout: Layout,
    /// Its cells with their cameras, in order.
    pub cells: Vec<(Cell, Camera)>,
}

/// What a thread tells.
pub enum Event {
    /// A guest has booted.
    Booted {
        /// Which piece's.
        piece: usize,
        /// How long it took.
        time: Duration,
    },
    /// A cell is finished, whether it went well or not.
    Finished {
        /// Of which piece.
        piece: usize,
        /// The cell.
        cell: Box<Cell>,
        /// How long it took.
        time: Duration,
        /// What the guest took of the host's memory then; `None` if it is gone.
        footprint: Option<Footprint>,
    },
}

/// What every thread needs.
pub struct Worker<'a> {
    /// What is ready to boot.
    pub prepared: &'a Prepared,
    /// Where logs go.
    pub logs: &'a Path,
    /// How many threads there are.
    pub jobs: usize,
    /// How many frames each channel must deliver.
    pub frames: u32,
    /// Where to tell people of a boot that hung.
    pub say: &'a (dyn Fn(&str) + Sync),
}

impl Worker<'_> {
    /// Boots a guest and runs a piece's cells in it, until all are done or the run is to end.
    ///
    /// # Errors
    /// If no guest boots.
    pub fn serve(
        &self,
        thread: usize,
        number: usize,
        memory: MemoryLayout,
        piece: Piece,
        report: &Report<'_, Event>,
    ) -> Result<()> {
        let logs = logs_of(self.logs, self.jobs, thread);
        let prepared = Prepared {
            memory,
            ..self.prepared.clone()
        };
        let mut running = None;
        for (cell, camera) in piece.cells {
            if interrupt::requested() || report.is_over() {
                break;
            }
            let mut guest = match running.take() {
                Some(guest) => guest,
                None => {
                    let begin = Instant::now();
                    let guest = Guest::boot(&prepared, &SensorConfig::default(), &logs, &self.say)?;
                    report.tell(Event::Booted {
                        piece: number,
                        time: begin.elapsed(),
                    });
                    guest
                }
            };
            let begin = Instant::now();
            let (cell, alive) = self.run(&mut guest, cell, &camera);
            if !alive && interrupt::requested() {
                break;
            }
            report.tell(Event::Finished {
                piece: number,
                cell: Box::new(cell),
                time: begin.elapsed(),
                footprint: Footprint::of(&mut guest).filter(|_| alive),
            });
            running = alive.then_some(guest);
        }
        if let Some(guest) = running {
            guest.power_off();
        }
        Ok(())
    }

    /// Runs a cell; false if the guest is of no use any more. What goes wrong is the cell's failure.
    fn run(&self, guest: &mut Guest, mut cell: Cell, camera: &Camera) -> (Cell, bool) {
        match camera_client::run(guest, &camera.setup, cell.key.policy, self.frames, 1) {
            Ok(run) => {
                let problems = run.problems(self.frames);
                cell.failure = (!problems.is_empty()).then(|| problems.join("; "));
                cell.frames = run
                    .verified
                    .values()
                    .map(|verifier| verifier.received - verifier.mismatched)
                    .sum();
                cell.guest = Some(run.report);
                (cell, true)
            }
            Err(error) => {
                cell.failure = Some(format!("{error:#}"));
                (cell, false)
            }
        }
    }
}

/// Guests at a time have a folder each.
fn logs_of(logs: &Path, jobs: usize, thread: usize) -> PathBuf {
    match jobs {
        1 => logs.to_path_buf(),
        _ => logs.join(format!("guest-{thread}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_at_a_time_do_not_share_logs() {
        let of = |jobs, thread| logs_of(Path::new("out"), jobs, thread);
        assert_eq!(of(1, 0), Path::new("out"));
        assert_eq!(of(2, 0), Path::new("out/guest-0"));
        assert_ne!(of(2, 0), of(2, 1));
    }
}
