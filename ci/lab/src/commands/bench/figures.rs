// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a measurement gives: a figure over several rounds, its baseline of the same rounds, and
//! what is aimed at.

use schemars::JsonSchema;
use serde::Serialize;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Seconds for each frame.
    #[serde(rename = "s/frame")]
    SecondsPerFrame,
    /// Bytes in a second.
    #[serde(rename = "bytes/s")]
    BytesPerSecond,
    /// Frames in a second.
    #[serde(rename = "frames/s")]
    FramesPerSecond,
    /// So many of something for one of something else.
    #[serde(rename = "1")]
    Count,
}

impl Unit {
    /// A number of this unit as people read it.
    pub fn show(self, value: f64) -> String {
        let (scale, suffix) = self.scale(value);
        format!("{}{suffix}", digits(value * scale))
    }

    /// By what to multiply numbers of the size of `value`, and what to write behind them.
    fn scale(self, value: f64) -> (f64, &'static str) {
        match self {
            Self::Seconds if value < 1e-3 => (1e6, " us"),
            Self::Seconds if value < 1.0 => (1e3, " ms"),
            Self::Seconds => (1.0, " s"),
            Self::SecondsPerFrame => (1e3, " ms"),
            Self::BytesPerSecond => (1e-9, " GB/s"),
            Self::FramesPerSecond => (1.0, " fps"),
            Self::Count => (1.0, ""),
        }
    }
}

/// About three digits.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// One number for each round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(into = "Summary")]
pub struct Spread(Vec<f64>);

/// A spread in JSON.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    median: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    rounds: Vec<f64>,
}

impl From<Spread> for Summary {
    fn from(spread: Spread) -> Self {
        Self {
            median: spread.median(),
            min: spread.min(),
            max: spread.max(),
            rounds: spread.0,
        }
    }
}

impl Spread {
    /// Adds the next round's number.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Round by round divided by the rounds of `other`: what slows both down at the same time, such
    /// as a busy machine, cancels out. A round whose divisor is 0 is left out.
    pub fn over(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(
            pairs
                .filter(|(_, under)| **under != 0.0)
                .map(|(over, under)| over / under)
                .collect(),
        )
    }

    /// The middle one, or the mean of the two in the middle.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
        Some((lower + upper) / 2.0)
    }

    /// The numbers, round by round.
    pub fn rounds(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    /// The least.
    pub fn min(&self) -> Option<f64> {
        self.0.iter().copied().min_by(f64::total_cmp)
    }

    fn max(&self) -> Option<f64> {
        self.0.iter().copied().max_by(f64::total_cmp)
    }

    /// Median and range as people read them.
    pub fn show(&self, unit: Unit) -> String {
        let (Some(median), Some(min), Some(max)) = (self.median(), self.min(), self.max()) else {
            return "-".to_owned();
        };
        if self.0.len() == 1 {
            return unit.show(median);
        }
        let (scale, suffix) = unit.scale(median);
        let [median, min, max] = [median, min, max].map(|value| digits(value * scale));
        format!("{median} ({min} .. {max}){suffix}")
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

/// What is aimed at; the median decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// The figure in its unit is at most this.
    AtMost(f64),
    /// The figure is at least so many times its baseline.
    TimesAtLeast(f64),
    /// The figure is at most so many times its baseline.
    TimesAtMost(f64),
}

/// What a figure is held against.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Baseline {
    /// What it is.
    pub name: String,
    /// Measured in the same rounds, in the figure's unit.
    #[serde(flatten)]
    pub value: Spread,
    /// The figure divided by it, round by round.
    pub ratio: Spread,
}

/// One figure.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// What the numbers count.
    pub unit: Unit,
    /// The figure.
    pub value: Spread,
    /// What it is held against, if anything.
    #[serde(rename = "yardstick")]
    pub baseline: Option<Baseline>,
    /// What is aimed at, if anything.
    pub aim: Option<Aim>,
    /// Whether the aim is met; nothing without an aim or without a figure.
    pub met: Option<bool>,
    /// What is to be known about it; why it was not measured, if so.
    pub note: Option<String>,
}

impl Row {
    /// A figure.
    pub fn new(name: impl Into<String>, unit: Unit, value: Spread) -> Self {
        Self {
            name: name.into(),
            unit,
            value,
            baseline: None,
            aim: None,
            met: None,
            note: None,
        }
    }

    /// A figure that could not be had, and why.
    pub fn missing(name: impl Into<String>, unit: Unit, why: impl Into<String>) -> Self {
        Self::new(name, unit, Spread::default()).note(format!("not measured: {}", why.into()))
    }

    /// Holds it against a baseline.
    pub fn against(mut self, name: impl Into<String>, value: Spread) -> Self {
        self.baseline = Some(Baseline {
            name: name.into(),
            ratio: self.value.over(&value),
            value,
        });
        self
    }

    /// Says what is aimed at; after [`Row::against`].
    pub fn aim(mut self, aim: Aim) -> Self {
        let ratio = self.baseline.as_ref().and_then(|of| of.ratio.median());
        self.met = match aim {
            Aim::AtMost(most) => self.value.median().map(|value| value <= most),
            Aim::TimesAtLeast(least) => ratio.map(|ratio| ratio >= least),
            Aim::TimesAtMost(most) => ratio.map(|ratio| ratio <= most),
        };
        self.aim = Some(aim);
        self
    }

    /// Adds what is to be known about it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The aim as people read it.
    pub fn show_aim(&self) -> String {
        match self.aim {
            None => String::new(),
            Some(Aim::AtMost(most)) => format!("≤ {}", self.unit.show(most)),
            Some(Aim::TimesAtLeast(least)) => format!("≥ {} ×", digits(least)),
            Some(Aim::TimesAtMost(most)) => format!("≤ {} ×", digits(most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64]) -> Spread {
        values.iter().copied().collect()
    }

    #[test]
    fn the_median_is_in_the_middle_of_the_sorted_rounds() {
        assert_eq!(spread(&[3.0, 1.0, 10.0]).median(), Some(3.0));
        assert_eq!(spread(&[4.0, 1.0, 10.0, 2.0]).median(), Some(3.0));
        assert_eq!(spread(&[7.0]).median(), Some(7.0));
        assert_eq!(spread(&[]).median(), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The second round ran on a machine half as fast; the ratio does not show it.
        let ours = spread(&[10.0, 5.0, 12.0]);
        let theirs = spread(&[20.0, 10.0, 24.0]);
        assert_eq!(ours.over(&theirs), spread(&[0.5, 0.5, 0.5]));
        assert_eq!(ours.over(&spread(&[0.0, 5.0])), spread(&[1.0]));
    }

    #[test]
    fn an_aim_is_met_by_the_median_or_not() {
        let row = |aim| {
            Row::new("x", Unit::Seconds, spread(&[2.0, 3.0, 9.0]))
                .against("y", spread(&[4.0, 4.0, 4.0]))
                .aim(aim)
                .met
        };
        assert_eq!(row(Aim::AtMost(3.0)), Some(true));
        assert_eq!(row(Aim::AtMost(2.9)), Some(false));
        assert_eq!(row(Aim::TimesAtLeast(0.75)), Some(true));
        assert_eq!(row(Aim::TimesAtLeast(0.8)), Some(false));
        assert_eq!(row(Aim::TimesAtMost(0.2)), Some(false));
    }

    #[test]
    fn what_was_not_measured_meets_and_misses_nothing() {
        let row = Row::missing("x", Unit::Seconds, "no such file").aim(Aim::AtMost(1.0));
        assert_eq!(row.met, None);
        assert_eq!(row.note.as_deref(), Some("not measured: no such file"));
        assert_eq!(row.value.show(row.unit), "-");
    }

    #[test]
    fn numbers_are_shown_with_three_digits_and_their_range() {
        assert_eq!(Unit::Seconds.show(0.000_056), "56.0 us");
        assert_eq!(Unit::Seconds.show(0.25), "250 ms");
        assert_eq!(Unit::BytesPerSecond.show(12.34e9), "12.3 GB/s");
        let shown = spread(&[1.0, 2.0, 3.0]).show(Unit::Count);
        assert_eq!(shown, "2.00 (1.00 .. 3.00)");
        assert_eq!(spread(&[60.0]).show(Unit::FramesPerSecond), "60.0 fps");
        let shown = spread(&[0.5, 0.9, 1.5]).show(Unit::Seconds);
        assert_eq!(shown, "900 (500 .. 1500) ms");
    }

    #[test]
    fn json_has_the_rounds_and_their_summary() {
        let row = Row::new("x", Unit::FramesPerSecond, spread(&[1.0, 2.0]))
            .against("y", spread(&[2.0, 4.0]))
            .aim(Aim::TimesAtLeast(0.8));
        let json = serde_json::to_value(row).unwrap();
        assert_eq!(json["unit"], "frames/s");
        assert_eq!(json["value"]["median"], 1.5);
        assert_eq!(json["value"]["rounds"][1], 2.0);
        assert_eq!(json["yardstick"]["name"], "y");
        assert_eq!(json["yardstick"]["max"], 4.0);
        assert_eq!(json["yardstick"]["ratio"]["median"], 0.5);
        assert_eq!(json["aim"]["times_at_least"], 0.8);
        assert_eq!(json["met"], false);
    }
}
