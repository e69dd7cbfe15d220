// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's clock beside the emulator's.
//!
//! The two begin at different times and, since a guest's kernel measures its timer's frequency by
//! itself, may run at slightly different rates; each is taken to run evenly.
//!
//! **Where one lies on the other.** The lab asks the emulator for its time, the guest for its own,
//! and the emulator again: the guest read its clock between the emulator's two answers. Of several such
//! [`ClockSample`]s the narrowest is kept, one from before the stream and one from behind it. A time of
//! the guest's in between is mapped along the line through their middles. Each end of that line is
//! wrong by at most half of its sighting's width, so no point of it is wrong by more than the larger
//! half.
//!
//! **What is known beside.** A client cannot have got a frame before DMA had written it, nor before
//! the interrupt that told of it. (The driver's time stamp can be earlier: a frame that is found while
//! the interrupt of its first line is handled gets that one's.) Where the line says so it is moved to
//! later times by the least that mends it, and its error grows by as much. If that is more than the
//! line can be wrong, something else is: [`Error`].

use std::time::Duration;

use anyhow::{Context, Result};
use guest_protocol::message::{Reply, Request};

use crate::guest::{Guest, unexpected};

/// How often both clocks are read for one sighting.
const TRIES: usize = 16;
/// How long the guest may take to read its clock.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A time of the guest's clock, and the times of the emulator's between which it was. All in
/// nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSample {
    guest_ns: u64,
    earliest_ns: u64,
    latest_ns: u64,
}

/// Times that no even clocks can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the guest's clock cannot be laid beside the emulator's: a frame would have been {early_ns} ns \
     too early, and the clocks are known to {error_ns} ns"
)]
pub struct Error {
    early_ns: i128,
    error_ns: i128,
}

/// When a client got a frame, and when that can have been at the earliest. All in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// When the client had dequeued it, on the guest's clock.
    pub got_ns: u64,
    /// When DMA had written it, on the emulator's.
    pub written_ns: u64,
    /// When the guest was told of the next interrupt after that, if it was.
    pub told_ns: Option<u64>,
}

/// The guest's clock as a line over the emulator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestClock {
    /// Guest and emulator at the first sighting's middle, and the same distances on to the last's.
    guest_ns: i128,
    emulator_ns: i128,
    guest_span_ns: i128,
    emulator_span_ns: i128,
    /// Half of the wider sighting.
    half_ns: i128,
    /// By how much the line was moved to later times.
    moved_ns: i128,
}

/// Reads both clocks.
///
/// # Errors
/// If the emulator or the guest does not answer.
pub fn sample(guest: &mut Guest) -> Result<ClockSample> {
    let mut best: Option<ClockSample> = None;
    for _ in 0..TRIES {
        let earliest_ns = ask_emulator(guest)?;
        let guest_ns = match guest.call(&Request::Clock, ANSWER_LIMIT)? {
            Reply::Clock { monotonic_ns } => monotonic_ns,
            other => return Err(unexpected(&other).into()),
        };
        let sighting = ClockSample {
            guest_ns,
            earliest_ns,
            latest_ns: ask_emulator(guest)?,
        };
        best = match best {
            Some(best) if best.width_ns() <= sighting.width_ns() => Some(best),
            _ => Some(sighting),
        };
    }
    best.context("the clocks were never read")
}

fn ask_emulator(guest: &mut Guest) -> Result<u64> {
    let status = guest.emulator.monitor.status();
    Ok(status
        .context("asking the emulator for its time")?
        .uptime_ns)
}

impl ClockSample {
    /// The guest's clock showed `guest_ns` between two times of the emulator's.
    #[cfg(test)]
    pub const fn new(guest_ns: u64, earliest_ns: u64, latest_ns: u64) -> Self {
        Self {
            guest_ns,
            earliest_ns,
            latest_ns,
        }
    }

    const fn width_ns(self) -> u64 {
        self.latest_ns.saturating_sub(self.earliest_ns)
    }

    fn middle_ns(self) -> i128 {
        i128::midpoint(self.earliest_ns.into(), self.latest_ns.into())
    }
}

impl GuestClock {
    /// The line through two sightings, moved so that every frame of `bounds` can be true.
    ///
    /// # Errors
    /// [`Error`], if that is more than the sightings allow.
    pub fn new(first: ClockSample, last: ClockSample, bounds: &[Bound]) -> Result<Self, Error> {
        let half = |sighting: ClockSample| i128::from(sighting.width_ns().div_ceil(2));
        let mut clock = Self {
            guest_ns: first.guest_ns.into(),
            emulator_ns: first.middle_ns(),
            guest_span_ns: i128::from(last.guest_ns) - i128::from(first.guest_ns),
            emulator_span_ns: last.middle_ns() - first.middle_ns(),
            half_ns: half(first).max(half(last)),
            moved_ns: 0,
        };
        let late = bounds.iter().map(|bound| clock.too_early_ns(bound));
        let moved_ns = late.max().unwrap_or(0).max(0);
        if moved_ns > clock.half_ns {
            return Err(Error {
                early_ns: moved_ns,
                error_ns: clock.half_ns,
            });
        }
        clock.moved_ns = moved_ns;
        Ok(clock)
    }

    /// By how much the line says that a frame was there before it can have been; negative if not.
    fn too_early_ns(&self, bound: &Bound) -> i128 {
        let got = self.map(bound.got_ns);
        let told = bound.told_ns.map(i128::from);
        // An interrupt that came too late even so is another frame's: this one's was lost.
        let own = told.filter(|told| *told <= got + self.half_ns);
        own.unwrap_or(bound.written_ns.into()) - got
    }

    /// When the guest was told of a frame; `None` if that was not by an interrupt of its own.
    pub fn told_ns(&self, bound: &Bound) -> Option<u64> {
        let got = self.map(bound.got_ns);
        bound.told_ns.filter(|told| i128::from(*told) <= got)
    }

    fn map(&self, guest_ns: u64) -> i128 {
        let since = i128::from(guest_ns) - self.guest_ns;
        let since = match self.guest_span_ns {
            0 => since,
            span => since * self.emulator_span_ns / span,
        };
        self.emulator_ns + since + self.moved_ns
    }

    /// A time of the guest's clock on the emulator's; both in nanoseconds.
    pub fn emulator_ns(&self, guest_ns: u64) -> u64 {
        u64::try_from(self.map(guest_ns).max(0)).unwrap_or(u64::MAX)
    }

    /// How wrong that may be, either way, in nanoseconds.
    pub fn error_ns(&self) -> u64 {
        u64::try_from(self.half_ns + self.moved_ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest that began 3 s after the emulator and whose clock gains 200 millionths.
    fn guest_of(emulator_ns: u64) -> u64 {
        let since = emulator_ns - 3_000_000_000;
        since + since / 5_000
    }

    /// Both clocks read around `emulator_ns`: so long after the first answer, and before the second.
    fn sighting(emulator_ns: u64, after: u64, before: u64) -> ClockSample {
        ClockSample {
            guest_ns: guest_of(emulator_ns),
            earliest_ns: emulator_ns - after,
            latest_ns: emulator_ns + before,
        }
    }

    fn bound(got_ns: u64, written_ns: u64, told_ns: Option<u64>) -> Bound {
        Bound {
            got_ns,
            written_ns,
            told_ns,
        }
    }

    const FIRST: u64 = 10_000_000_000;
    const LAST: u64 = 20_000_000_000;

    #[test]
    fn times_of_the_guest_are_mapped_within_the_error() {
        // The guest answers at once, then at the last moment: the line is wrong by the halves.
        let (first, last) = (sighting(FIRST, 0, 400_000), sighting(LAST, 300_000, 0));
        let clock = GuestClock::new(first, last, &[]).unwrap();
        assert_eq!(clock.error_ns(), 200_000);
        for true_ns in [FIRST, 12_345_678_901, 19_000_000_000, LAST] {
            let mapped = clock.emulator_ns(guest_of(true_ns));
            assert!(mapped.abs_diff(true_ns) <= 200_001, "{mapped} {true_ns}");
        }
        let end = clock.emulator_ns(guest_of(FIRST));
        assert_eq!(
            end,
            FIRST + 200_000,
            "the ends are wrong by as much as is said"
        );
    }

    #[test]
    fn sightings_without_any_width_find_the_rate() {
        let clock = GuestClock::new(sighting(FIRST, 0, 0), sighting(LAST, 0, 0), &[]).unwrap();
        let middle = 15_000_000_000;
        assert!(clock.emulator_ns(guest_of(middle)).abs_diff(middle) <= 1);
        assert_eq!(clock.error_ns(), 0);
        // At the emulator's own rate it would be wrong by a millisecond there.
        assert_eq!(guest_of(middle) - guest_of(FIRST), 5_001_000_000);
    }

    #[test]
    fn a_frame_that_would_be_too_early_moves_the_line_and_widens_the_error() {
        // The guest answered at the last moment both times: the line says 200 us too early.
        let (first, last) = (sighting(FIRST, 400_000, 0), sighting(LAST, 400_000, 0));
        let plain = GuestClock::new(first, last, &[]).unwrap();
        let told = 15_000_000_000;
        // Dequeued 50 us after the interrupt.
        let frame = bound(guest_of(told + 50_000), told - 100, Some(told));
        assert!(plain.emulator_ns(frame.got_ns) < told);
        let clock = GuestClock::new(first, last, &[frame]).unwrap();
        assert!(clock.emulator_ns(frame.got_ns) >= told);
        let moved = clock.error_ns() - plain.error_ns();
        assert!((149_000..=151_000).contains(&moved), "{moved}");
        // One that is late enough moves nothing.
        let late = bound(guest_of(told + 300_000), told - 100, Some(told));
        assert_eq!(GuestClock::new(first, last, &[late]).unwrap(), plain);
    }

    #[test]
    fn an_interrupt_that_was_lost_is_not_taken_for_a_later_frames() {
        let (first, last) = (
            sighting(FIRST, 50_000, 50_000),
            sighting(LAST, 50_000, 50_000),
        );
        let written = 15_000_000_000;
        // Found by the watchdog 900 ms later; the next interrupt came 940 ms later.
        let found = guest_of(written + 900_000_000);
        let frame = bound(found, written, Some(written + 940_000_000));
        let clock = GuestClock::new(first, last, &[frame]).unwrap();
        assert_eq!(clock.error_ns(), 50_000);
        assert_eq!(clock.told_ns(&frame), None);
        let told = bound(found, written, Some(written + 10));
        assert_eq!(clock.told_ns(&told), Some(written + 10));
    }

    #[test]
    fn a_frame_that_was_there_before_it_was_written_is_an_error() {
        let (first, last) = (
            sighting(FIRST, 50_000, 50_000),
            sighting(LAST, 50_000, 50_000),
        );
        let written = 15_000_000_000;
        let frame = bound(guest_of(written - 2_000_000), written, None);
        let error = GuestClock::new(first, last, &[frame]).unwrap_err();
        assert_eq!(error.error_ns, 50_000);
        assert!((1_999_000..=2_001_000).contains(&error.early_ns), "{error}");
    }

    #[test]
    fn one_sighting_alone_maps_at_the_same_rate() {
        let only = sighting(FIRST, 10, 10);
        let clock = GuestClock::new(only, only, &[]).unwrap();
        assert_eq!(
            clock.emulator_ns(only.guest_ns + 1_000_000),
            FIRST + 1_000_000
        );
    }
}
