// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Counts tests by the lines with which cargo's runners close.

use std::fmt;

/// How many tests ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed, or not done in time.
    pub failed: u64,
    /// Left out.
    pub skipped: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

impl Counts {
    /// Adds what a runner says at its end, as in
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out` or
    /// `Summary [   0.4s] 4 tests run: 3 passed, 1 failed, 0 skipped`.
    pub fn add(&mut self, line: &str) {
        let line = line.trim();
        let numbers = if let Some(rest) = line.strip_prefix("test result: ") {
            rest.split_once(". ").map(|(_, numbers)| numbers)
        } else if line.starts_with("Summary [") {
            line.split_once(" run: ").map(|(_, numbers)| numbers)
        } else {
            None
        };
        for part in numbers.unwrap_or_default().split([';', ',']) {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(what)) =
                (words.next().map(str::parse::<u64>), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" | "timed" => self.failed += number,
                "ignored" | "skipped" => self.skipped += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_both_runners_are_counted() {
        let mut counts = Counts::default();
        for line in [
            "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 9 filtered out; finished in 0.46s",
            "     Summary [   0.431s] 27 tests run: 25 passed (1 slow), 1 failed, 1 timed out, 4 skipped",
            "test a::b ... ok",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            counts.add(line);
        }
        assert_eq!(counts.to_string(), "28 passed, 3 failed, 6 skipped");
    }
}
