// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What the core counts for a control of exposure: where it is to write, and what that says (T31 2.9, 2c).
//!
//! The chip fills four banks in turn; a register names the newest. Nothing is counted before somebody
//! gives it memory, and no interrupt tells of it: who wants to know looks.

use crate::List;
use crate::bring_up::write;
use crate::bus::Bus;
use crate::error::Error;
use crate::isp::Isp;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::Statistics;
use tx_isp_abi::statistics::{BANK_BYTES, BANKS, ZONE_BYTES, ZONES, ZONES_ACROSS, ZONES_DOWN};
use tx_isp_abi::{PhysAddr, Size};

/// Banks of zones, and as many of histograms.
const BANK_COUNT: u32 = 4;
const _: () = assert!(BANK_COUNT as usize == BANKS);
/// Bytes of all banks of zones; those of histograms follow.
const ZONES_BYTES: u32 = BANK_COUNT * BANK_BYTES;
/// Bytes of a histogram's bank.
const HISTOGRAM_BANK: u32 = 0x800;
/// Values of a histogram.
pub const BINS: usize = 256;
/// Bytes of all banks: zones, then histograms.
pub const BYTES: u32 = ZONES_BYTES + BANK_COUNT * HISTOGRAM_BANK;
/// What the vendor's driver writes behind the addresses (T31 2.9).
const CONTROL: u32 = 0x33;
/// Sums have 21 bits (T31 2c).
const SUM: u64 = (1 << 21) - 1;
const WRITES: usize = 2 * BANKS + 1;

/// Where the newest statistics begin, in bytes from the memory's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// [`ZONES`] records of 16 bytes.
    pub zones: u32,
    /// [`BINS`] words.
    pub histogram: u32,
}

impl<B: Bus> Isp<B> {
    /// Gives the statistics of exposure [`BYTES`] of memory, or takes it. What the chip has begun it may
    /// still write until the next reset, so that the memory must stay what it is.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn set_statistics(&mut self, memory: Option<PhysAddr>) -> Result<(), Error> {
        self.statistics = memory;
        match self.initialised {
            true => self.write_statistics(),
            false => Ok(()),
        }
    }

    /// To be called behind each reset.
    pub(crate) fn write_statistics(&mut self) -> Result<(), Error> {
        let mut writes: List<Operation, WRITES> = List::new(write(PhysAddr(0), 0));
        let start = self.statistics.map_or(0, |address| address.0);
        let mut put = |register: Statistics, value: u32| {
            let fits = writes.push(write(register.address(), value));
            debug_assert!(fits, "WRITES counts all of them");
        };
        let bank = |first: u32, bytes: u32, number: u32| match start {
            0 => 0,
            start => start + first + number * bytes,
        };
        for (number, register) in (0..).zip(Statistics::AE0_BANKS) {
            put(register, bank(0, BANK_BYTES, number));
        }
        for (number, register) in (0..).zip(Statistics::AE0_HISTOGRAMS) {
            put(register, bank(ZONES_BYTES, HISTOGRAM_BANK, number));
        }
        put(Statistics::Ae0Control, if start == 0 { 0 } else { CONTROL });
        Ok(self.bus.post(writes.as_slice())?)
    }

    /// Where the newest statistics are.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn newest_statistics(&mut self) -> Result<Newest, Error> {
        let current = self.bus.read(Statistics::Ae0Current.address())?;
        let zones = Statistics::AE_ZONES_INDEX.get(current);
        let histogram = Statistics::AE_HISTOGRAM_INDEX.get(current);
        Ok(Newest {
            zones: zones * BANK_BYTES,
            histogram: ZONES_BYTES + histogram * HISTOGRAM_BANK,
        })
    }
}

/// The mean brightness of each zone, row by row, of a bank whose words `word` gives. Zones are counted in
/// half pixels.
pub fn zone_means(word: impl Fn(usize) -> u32, sensor: Size, means: &mut [u32; ZONES]) {
    let pixels = (sensor.width / 2 / ZONES_ACROSS) * (sensor.height / 2 / ZONES_DOWN);
    for (zone, mean) in means.iter_mut().enumerate() {
        let first = zone * ZONE_BYTES / 4;
        let pair = |at: usize| u64::from(word(first + at)) | u64::from(word(first + at + 1)) << 32;
        let low = pair(0);
        // Dark, middle and saturated pixels lie behind one another.
        let sum = (low & SUM) + (low >> 21 & SUM) + (low >> 42 & SUM);
        let average = sum / u64::from(pixels.max(1));
        *mean = u32::try_from(average).unwrap_or(u32::MAX);
    }
}

/// The mean brightness of a picture whose histogram's words `word` gives; 0 without any.
pub fn mean_luma(word: impl Fn(usize) -> u32) -> u32 {
    let mut sum = 0u64;
    let mut count = 0u64;
    for bin in 0..BINS {
        let pixels = u64::from(word(bin)) & SUM;
        sum += pixels * u64::try_from(bin).unwrap_or(0);
        count += pixels;
    }
    u32::try_from(sum.checked_div(count).unwrap_or(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zones_mean_is_of_all_its_pixels() {
        // Half of 1920x1080 in 15 times 15 zones: 64 times 36 half pixels each.
        let pixels = 64u32 * 36;
        let (dark, middle, saturated) = (10 * pixels, 20 * pixels, 100 * pixels);
        let low = u64::from(dark) | u64::from(middle) << 21 | u64::from(saturated) << 42;
        let a = u32::try_from(low & u64::from(u32::MAX)).unwrap();
        let b = u32::try_from(low >> 32).unwrap();
        let word = |index: usize| match index {
            4 => a,
            5 => b,
            _ => 0,
        };
        let mut means = [7; ZONES];
        zone_means(word, Size::new(1920, 1080), &mut means);
        assert_eq!(means[..3], [0, 130, 0]);
    }

    #[test]
    fn a_pictures_mean_is_that_of_its_histogram() {
        assert_eq!(mean_luma(|_| 0), 0);
        let two = |bin: usize| u32::from(bin == 100) * 3 + u32::from(bin == 200);
        assert_eq!(mean_luma(two), 125);
    }
}
