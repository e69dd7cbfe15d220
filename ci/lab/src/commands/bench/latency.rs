// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads what the driver counts about its mailbox: `/sys/kernel/debug/tx-isp/mailbox` and `latency`.

use anyhow::{Context, Result, bail};

/// A histogram of times. Buckets do not overlap and are in rising order; the driver leaves out
/// those that are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<Bucket>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    /// The shortest time that is counted here, in nanoseconds.
    from: u64,
    /// The first one that is not.
    to: u64,
    count: u64,
}

impl Histogram {
    /// Reads lines of `FROM TO COUNT`, times in nanoseconds; a time belongs to a bucket if
    /// `FROM <= time < TO`.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for line in text.lines() {
            let bucket = bucket(line).with_context(|| {
                format!("the driver's latency file has lines of FROM TO COUNT, not {line:?}")
            })?;
            if buckets.last().is_some_and(|last| last.to > bucket.from) {
                bail!("the buckets of the driver's latency file are not in order at {line:?}");
            }
            buckets.push(bucket);
        }
        Ok(Self(buckets))
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|bucket| bucket.count).sum()
    }

    /// The time that `percent` of 100 of all do not exceed, in nanoseconds; within a bucket times
    /// are taken as spread evenly. `None` if nothing was counted.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let total = self.count();
        // The rank of the time that is looked for, counted from 1.
        let rank = (total.checked_mul(percent)?.div_ceil(100)).clamp(1, total.max(1));
        let mut before = 0;
        for bucket in &self.0 {
            if before + bucket.count >= rank {
                let width = u128::from(bucket.to - bucket.from);
                let part = width * u128::from(rank - before) / u128::from(bucket.count);
                return Some(bucket.from + u64::try_from(part).unwrap_or(0));
            }
            before += bucket.count;
        }
        None
    }
}

fn bucket(line: &str) -> Option<Bucket> {
    let numbers: Option<Vec<u64>> = line
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    match numbers?[..] {
        [from, to, count] if from < to && count > 0 => Some(Bucket { from, to, count }),
        _ => None,
    }
}

/// The driver's counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Requests that nobody waited for.
    pub posted: u64,
    /// Requests whose answer was waited for: round trips.
    pub waited: u64,
    /// Interrupts that arrived.
    pub events: u64,
}

impl Counters {
    /// Reads a line of names and numbers, as in `posted 1 waited 2 events 3`.
    ///
    /// # Errors
    /// If one of the three is not there.
    pub fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |name: &str| {
            let found = words.iter().position(|word| *word == name);
            found
                .and_then(|index| words.get(index + 1)?.parse::<u64>().ok())
                .with_context(|| {
                    format!("the driver's mailbox file does not count {name:?}: {text:?}")
                })
        };
        Ok(Self {
            posted: number("posted")?,
            waited: number("waited")?,
            events: number("events")?,
        })
    }

    /// What was counted since `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            posted: self.posted.saturating_sub(before.posted),
            waited: self.waited.saturating_sub(before.waited),
            events: self.events.saturating_sub(before.events),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_found_by_rank() {
        let text = "100 110 1\n110 120 98\n5000 6000 1\n";
        let histogram = Histogram::parse(text).unwrap();
        assert_eq!(histogram.count(), 100);
        assert_eq!(histogram.percentile(1), Some(110));
        assert_eq!(histogram.percentile(50), Some(115));
        assert_eq!(histogram.percentile(99), Some(120));
        assert_eq!(histogram.percentile(100), Some(6000));
        assert_eq!(Histogram::parse("").unwrap().percentile(50), None);
    }

    #[test]
    fn one_time_is_every_percentile() {
        let histogram = Histogram::parse("64 68 1").unwrap();
        assert_eq!(histogram.percentile(0), Some(68));
        assert_eq!(histogram.percentile(99), Some(68));
    }

    #[test]
    fn something_else_is_no_histogram() {
        for text in ["1 2", "1 2 x", "2 2 1", "1 2 0", "10 20 1\n15 30 1"] {
            assert!(Histogram::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counters_are_found_by_their_names() {
        let before = Counters::parse("posted 1 waited 20 events 3\n").unwrap();
        let after = Counters::parse("posted 2 waited 25 events 8 slow 1\n").unwrap();
        assert_eq!(
            after.since(before),
            Counters {
                posted: 1,
                waited: 5,
                events: 5
            }
        );
        let error = Counters::parse("posted 1 waited x").unwrap_err();
        assert!(error.to_string().contains("waited"), "{error}");
    }
}
