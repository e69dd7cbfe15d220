// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How long the rest takes: boots and cells, several guests at a time.

use std::time::Duration;

/// The mean of times.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: Duration,
    count: u32,
}

impl Mean {
    fn add(&mut self, time: Duration) {
        self.sum += time;
        self.count += 1;
    }

    fn times(self, count: u32) -> Duration {
        (self.sum / self.count.max(1)).saturating_mul(count)
    }
}

/// One memory layout's cells.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Cells that are not finished.
    cells: u32,
    /// Whether its guest has booted.
    booted: bool,
}

/// What is to be done, and how long such work has taken.
#[derive(Debug)]
pub struct Estimate {
    jobs: u32,
    open: Vec<Open>,
    boot: Mean,
    cell: Mean,
}

impl Estimate {
    /// Nothing is done; `layouts` are the cells of each boot, of which up to `jobs` run at a time.
    pub fn new(jobs: usize, layouts: impl IntoIterator<Item = usize>) -> Self {
        let open = |cells| Open {
            cells: narrow(cells),
            booted: false,
        };
        Self {
            jobs: narrow(jobs),
            open: layouts.into_iter().map(open).collect(),
            boot: Mean::default(),
            cell: Mean::default(),
        }
    }

    /// A layout's guest has booted.
    pub fn booted(&mut self, layout: usize, time: Duration) {
        self.boot.add(time);
        if let Some(open) = self.open.get_mut(layout) {
            open.booted = true;
        }
    }

    /// A cell of a layout is finished.
    pub fn finished(&mut self, layout: usize, time: Duration) {
        self.cell.add(time);
        if let Some(open) = self.open.get_mut(layout) {
            open.cells = open.cells.saturating_sub(1);
        }
    }

    /// How long the rest takes if it goes on like this: all of the work divided among the guests, but
    /// not less than the longest layout, which one guest does alone.
    pub fn left(&self) -> Duration {
        let rests = self.open.iter().filter(|open| open.cells > 0).map(|open| {
            let boots = u32::from(!open.booted);
            self.boot.times(boots) + self.cell.times(open.cells)
        });
        let (count, sum, longest) = rests.fold(
            (0, Duration::ZERO, Duration::ZERO),
            |(count, sum, longest), rest| (count + 1, sum + rest, longest.max(rest)),
        );
        (sum / self.jobs.clamp(1, u32::max(count, 1))).max(longest)
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn the_rest_is_boots_and_cells() {
        let mut one = Estimate::new(1, [3, 3]);
        one.booted(0, seconds(10));
        one.finished(0, seconds(2));
        // Two cells here, a boot and three cells there.
        assert_eq!(one.left(), seconds(2 * 2 + 10 + 3 * 2));
        one.finished(0, seconds(4));
        // Cells take 3 s on average now.
        assert_eq!(one.left(), seconds(3 + 10 + 3 * 3));
    }

    #[test]
    fn guests_at_a_time_share_the_work_while_there_is_some_for_each() {
        let mut two = Estimate::new(2, [4, 4, 4, 4]);
        two.booted(0, seconds(8));
        two.finished(0, seconds(1));
        two.booted(1, seconds(8));
        two.finished(1, seconds(1));
        assert_eq!(two.left(), seconds((3 + 3 + 12 + 12) / 2));
        for layout in [0, 0, 0, 1, 1, 1, 2, 2, 2, 2] {
            two.finished(layout, seconds(1));
        }
        // One layout is left: the second guest is of no help.
        assert_eq!(two.left(), seconds(12));
        two.booted(3, seconds(8));
        for _ in 0..4 {
            two.finished(3, seconds(1));
        }
        assert_eq!(two.left(), Duration::ZERO);
    }

    #[test]
    fn the_longest_layout_is_a_lower_bound() {
        let mut estimate = Estimate::new(4, [100, 1, 1, 1]);
        for layout in 0..4 {
            estimate.booted(layout, seconds(5));
        }
        estimate.finished(0, seconds(1));
        assert_eq!(estimate.left(), seconds(99));
    }
}
