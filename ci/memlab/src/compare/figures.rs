// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How fast cells ran, and what their guests took of the host.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host_memory::Footprint;
use crate::text::mib;
use testbed::progress::seconds;

/// A run in guests.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Figures {
    /// Guests at a time.
    pub jobs: usize,
    /// Guests that were booted.
    pub guests: u32,
    /// Cells that ran in them.
    pub cells: u32,
    /// How long all of them took, boots included.
    pub seconds: f64,
    /// The most that one of them took of the host's memory.
    pub largest: Option<Footprint>,
}

impl Figures {
    /// Nothing has run.
    pub fn new(jobs: usize) -> Self {
        Self {
            jobs,
            guests: 0,
            cells: 0,
            seconds: 0.0,
            largest: None,
        }
    }

    /// One more cell has run, in a guest of that size.
    pub fn take(&mut self, footprint: Option<Footprint>) {
        self.cells += 1;
        self.largest = [self.largest, footprint]
            .into_iter()
            .flatten()
            .max_by_key(|footprint| footprint.total());
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cells in {} guests took {}, {} at a time: {:.1} cells per minute",
            self.cells,
            self.guests,
            seconds(Duration::from_secs_f64(self.seconds)),
            self.jobs,
            f64::from(self.cells) * 60.0 / self.seconds.max(1e-3)
        )?;
        let Some(largest) = self.largest else {
            return Ok(());
        };
        write!(
            f,
            "; the largest guest took {} of memory (QEMU {}, the emulator {})",
            mib(largest.total()),
            mib(largest.qemu),
            mib(largest.emulator)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_all_cells_and_of_the_largest_guest() {
        let footprint = |qemu: u64, emulator: u64| {
            Some(Footprint {
                qemu: qemu << 20,
                emulator: emulator << 20,
            })
        };
        let mut figures = Figures::new(2);
        for footprint in [
            footprint(100, 10),
            footprint(120, 30),
            None,
            footprint(130, 5),
        ] {
            figures.take(footprint);
        }
        figures.guests = 2;
        figures.seconds = 12.0;
        assert_eq!(
            figures.to_string(),
            "4 cells in 2 guests took 12 s, 2 at a time: 20.0 cells per minute; the largest guest took 150M of \
             memory (QEMU 120M, the emulator 30M)"
        );
    }
}
