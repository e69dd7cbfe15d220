// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Interrupts where the chip is at its own addresses: each for something, and none lost; and each frame that
//! they tell of is as DMA wrote it.
//!
//! The kernel's own count of errors (`ERR` in `/proc/interrupts`) is told, not judged: MIPS's dispatcher looks
//! once at what is pending, and counts one if the timer's softirqs, which come first, have let the other
//! interrupt through meanwhile. It counts so with any device.

use std::env;
use std::fmt;
use std::num::NonZeroU32;

use anyhow::{Context, Result, ensure};
use testbed::capture;
use testbed::guest::Guest;
use testbed::program::ask;
use testbed::progress::Steps;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;

use super::streams::main_stream;

/// Frames a second.
pub const RATE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Frames of the stream if nothing else is said: 20 seconds.
const FRAMES: u32 = 1200;
/// The variable that says so.
const FRAMES_VARIABLE: &str = "TX_ISP_TEST_FRAMES";
/// Small enough for the guest to compute a checksum of each at that rate.
const SIZE: Size = Size::new(320, 192);

/// What the guest's kernel has counted.
const COUNTS: &str = "
cat /proc/interrupts
cd /sys/kernel/debug/tx-isp-t31-board
for name in interrupts empty-interrupts; do echo $name $(cat $name); done
grep -o 'empty-interrupts [0-9]*' /sys/kernel/debug/tx-isp/registers | sed 's/^/driver-/'
grep lost-interrupts /sys/kernel/debug/tx-isp/health
";

/// What the guest has counted of interrupts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of the PCI function.
    pub function: u64,
    /// Those that found no source of the chip's interrupt controller pending.
    pub empty: u64,
    /// Those of all devices for which the kernel's dispatcher came too late.
    pub errors: u64,
    /// Of the ISP and of the VIC.
    pub handled: u64,
    /// Those of them for which the driver found nothing to do.
    pub idle: u64,
    /// Frames that were found without one.
    pub lost: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            empty,
            errors,
            handled,
            idle,
            lost,
        } = self;
        write!(
            f,
            "{function} interrupts of the function, {empty} of them for nothing; {handled} of the chip, {idle} of \
             them for nothing; {lost} lost; ERR {errors}"
        )
    }
}

impl Counts {
    /// Reads them in the guest.
    ///
    /// # Errors
    /// If one of them is not there.
    pub fn read(guest: &mut Guest) -> Result<Self> {
        Self::parse(&ask(guest, &["sh", "-c", COUNTS])?)
    }

    fn parse(text: &str) -> Result<Self> {
        let number = |name: &str, line: &str| {
            let rest = line.trim().strip_prefix(name)?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        };
        let find = |name: &str| {
            let found = text.lines().find_map(|line| number(name, line));
            found.with_context(|| format!("no count {name:?} in\n{text}"))
        };
        Ok(Self {
            function: find("interrupts ")?,
            empty: find("empty-interrupts ")?,
            errors: find("ERR: ")?,
            handled: find("37: ")? + find("38: ")?,
            idle: find("driver-empty-interrupts ")?,
            lost: find("lost-interrupts ")?,
        })
    }

    /// What was counted since `before`.
    const fn since(self, before: Self) -> Self {
        Self {
            function: self.function - before.function,
            empty: self.empty - before.empty,
            errors: self.errors - before.errors,
            handled: self.handled - before.handled,
            idle: self.idle - before.idle,
            lost: self.lost - before.lost,
        }
    }
}

/// How many frames the test takes: `TX_ISP_TEST_FRAMES`, or 1200.
///
/// # Errors
/// If the variable is no number.
pub fn frames() -> Result<u32> {
    match env::var(FRAMES_VARIABLE) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{FRAMES_VARIABLE}={text} is no number of frames")),
        Err(_) => Ok(FRAMES),
    }
}

/// Takes so many frames; no interrupt may be for nothing, none may be lost, and no frame may be other than DMA
/// wrote it. A frame that a busy machine left out is told.
///
/// # Errors
/// What was counted, if it is otherwise.
pub fn check(guest: &mut Guest, frames: u32) -> Result<()> {
    let before = Counts::read(guest)?;
    let stream = main_stream(SIZE, PixelFormat::Nv12, frames);
    let capture = capture::run(guest, &stream, &Steps::silent())?;
    let counts = Counts::read(guest)?.since(before);
    if let Some(failure) = &capture.failure {
        return Err(anyhow::Error::msg(failure.to_string()))
            .with_context(|| format!("after {} frames: {counts}", capture.verifier.received));
    }
    let seen = &capture.verifier;
    let told = format!(
        "{} frames of {frames}, {} left out, {} other than written, {} marked as damaged: {counts}",
        seen.received, seen.dropped, seen.mismatched, seen.errors
    );
    eprintln!("{told}");
    ensure!(
        (seen.received, seen.mismatched, seen.errors) == (frames, 0, 0),
        "{told}: {}",
        seen.problems.join("; ")
    );
    ensure!(counts.handled >= u64::from(frames) / 2, "too few: {told}");
    ensure!((counts.empty, counts.lost) == (0, 0), "{told}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_kernels_tables() {
        let text = "           CPU0       \n 10:       4000    XT-PIC  10  tx-isp-t31-board\n \
                    37:       2000  T31-INTC  29 Level     tx-isp\n 38:         1  T31-INTC  30 Level     tx-isp\n\
                    ERR:          3\ninterrupts 4000\nempty-interrupts 2\ndriver-empty-interrupts 5\nlost-interrupts 0\n";
        let counts = Counts::parse(text).unwrap();
        let expected = Counts {
            function: 4000,
            empty: 2,
            errors: 3,
            handled: 2001,
            idle: 5,
            lost: 0,
        };
        assert_eq!(counts, expected);
        assert_eq!(counts.since(counts), Counts::default());
        let error = Counts::parse("ERR: 0\n").unwrap_err().to_string();
        assert!(error.contains("interrupts"), "{error}");
    }
}
