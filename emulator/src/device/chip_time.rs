// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip's time and the host's: they run alike while the VM does, and the chip's may jump ahead.

use std::time::Duration;

/// How the chip's time follows from the host's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChipTime {
    /// The chip's time at `since`.
    base: Duration,
    /// The host's time at which it was that; none while the chip's stands still.
    since: Option<Duration>,
}

impl ChipTime {
    /// The chip's time at a time of the host's.
    pub(super) fn at(&self, host: Duration) -> Duration {
        let passed = self
            .since
            .map_or(Duration::ZERO, |since| host.saturating_sub(since));
        self.base.saturating_add(passed)
    }

    /// The host's time at a time of the chip's; none while that stands still.
    pub(super) fn host(&self, chip: Duration) -> Option<Duration> {
        let since = self.since?;
        Some(since.saturating_add(chip.saturating_sub(self.base)))
    }

    /// The chip's time goes on.
    pub(super) fn run(&mut self, host: Duration) {
        if self.since.is_none() {
            self.since = Some(host);
        }
    }

    /// The chip's time stands still.
    pub(super) fn stop(&mut self, host: Duration) {
        self.base = self.at(host);
        self.since = None;
    }

    /// The chip's time is `chip`.
    pub(super) fn set(&mut self, chip: Duration, host: Duration) {
        self.base = chip;
        self.since = self.since.map(|_| host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chips_time_runs_stands_and_jumps() {
        let seconds = Duration::from_secs;
        let mut time = ChipTime::default();
        assert_eq!(
            (time.at(seconds(5)), time.host(seconds(1))),
            (seconds(0), None)
        );
        time.run(seconds(5));
        assert_eq!(time.at(seconds(7)), seconds(2));
        assert_eq!(time.host(seconds(4)), Some(seconds(9)));
        time.stop(seconds(7));
        time.run(seconds(100));
        assert_eq!(time.at(seconds(101)), seconds(3));
        time.set(seconds(50), seconds(101));
        assert_eq!(time.at(seconds(102)), seconds(51));
        assert_eq!(time.at(seconds(90)), seconds(50), "it never runs back");
    }
}
