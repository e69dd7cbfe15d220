// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The statistics that the core writes to memory for a driver's control loops (T31 3.3, 2c).
//!
//! Each kind has four banks, filled in turn; a register tells which is the newest. Zones lie in lines from the top left one
//! on, 16 bytes each, with fields that cross words:
//!
//! | kind | a zone's fields with their bits, lowest first |
//! |---|---|
//! | AE0, AE1 | sums of dark, middle and saturated pixels 21 each, counts of dark and saturated pixels 13 each, AE0 infrared 21 |
//! | AWB | sums of R, G, B 21 each, infrared 21, pixels 13 |
//! | AF | fir0, fir1, iir0, iir1 22 each, luma 23, a gap of 1, half the bright pixels 14, 2 bits of the frame number |
//!
//! Histograms are 256 words of 21 bits; that of AE0 is followed by another one for infrared. Counts are of half pixels in
//! both directions, as the zones' sizes are (T31 2c). There are 15 times 15 zones of equal size, whatever the geometry
//! registers say; how AF's filters weigh a line, and the bins of ADR and defog, are assumptions.

/// A kind of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// AE0: brightness of the zones.
    Exposure,
    /// AE0: brightness of the whole picture.
    ExposureHistogram,
    /// AE1: brightness of the zones.
    SecondExposure,
    /// AE1: brightness of the whole picture.
    SecondHistogram,
    /// AWB: colour of the zones.
    WhiteBalance,
    /// AF: sharpness of the zones.
    Focus,
    /// ADR: brightness of 6 times 8 blocks, and of the whole picture.
    DynamicRange,
    /// Defog: colour of 10 times 18 blocks.
    Defog,
}

/// Zones beside each other.
pub const ZONES_ACROSS: u32 = 15;
/// Zones above each other.
pub const ZONES_DOWN: u32 = 15;
/// All zones.
pub const ZONES: usize = 225;
/// Banks of each kind.
pub const BANKS: usize = 4;
/// Bytes of the largest bank.
pub const BANK_BYTES: u32 = 0x1000;
/// Bytes of a zone or block.
pub const ZONE_BYTES: usize = 16;
/// Bytes of a histogram of 256 words.
pub const HISTOGRAM_BYTES: usize = 0x400;
/// Where the blocks begin in a bank of ADR or defog.
pub const BLOCKS_OFFSET: usize = 8;
/// ADR's blocks: rows and columns.
pub const ADR_BLOCKS: [usize; 2] = [6, 8];
/// Where ADR's histogram of 512 bins begins, three bins in 8 bytes.
pub const ADR_HISTOGRAM_OFFSET: usize = 0x308;
/// Defog's blocks: rows and columns.
pub const DEFOG_BLOCKS: [usize; 2] = [10, 18];
/// Lines from one that is looked at to the next.
pub const LINE_STEP: u32 = 4;
/// Pixels from one that is looked at to the next.
pub const PIXEL_STEP: u32 = 2;
/// So many half pixels does each one that is looked at stand for.
pub const WEIGHT: u32 = LINE_STEP * PIXEL_STEP / 4;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Exposure,
        Self::ExposureHistogram,
        Self::SecondExposure,
        Self::SecondHistogram,
        Self::WhiteBalance,
        Self::Focus,
        Self::DynamicRange,
        Self::Defog,
    ];

    /// Its place in a table of all kinds.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Bytes of a bank.
    #[must_use]
    pub const fn bank_bytes(self) -> usize {
        match self {
            Self::ExposureHistogram | Self::SecondHistogram => 2 * HISTOGRAM_BYTES,
            _ => BANK_BYTES as usize,
        }
    }
}

const _: () = assert!(ZONES * ZONE_BYTES <= BANK_BYTES as usize);

/// The mean luma of the picture that a bank of [`Kind::ExposureHistogram`] tells of; `None` for a bank that is too short
/// or empty.
#[must_use]
pub fn mean_luma(bank: &[u8]) -> Option<u32> {
    let histogram = bank.get(..HISTOGRAM_BYTES)?;
    let mut sum = 0u64;
    let mut count = 0u64;
    for (luma, bytes) in (0u64..).zip(histogram.chunks_exact(4)) {
        let pixels = bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        sum += luma * pixels;
        count += pixels;
    }
    u32::try_from(sum.checked_div(count)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_the_histogram() {
        let mut bank = std::vec![0; 2 * HISTOGRAM_BYTES];
        assert_eq!(mean_luma(&bank), None);
        assert_eq!(mean_luma(&bank[..0x300]), None);
        bank[4 * 100] = 3;
        bank[4 * 200 + 1] = 1;
        assert_eq!(mean_luma(&bank), Some((300 + 200 * 256) / 259));
    }

    #[test]
    fn the_kinds_stand_in_the_order_of_their_index() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
        }
    }
}
