// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The statistics that the core writes to memory for a driver's control loops (facts 2.9).
//!
//! The reference tells where the addresses of the banks are written, how large a bank is, and the
//! interrupt of each kind. What a bank holds is our choice, all of it little endian:
//!
//! | offset | bytes | AE0 | AWB | AF |
//! |---|---|---|---|---|
//! | 0x000 | 4 | frame number | frame number | frame number |
//! | 0x004 | 4 | [`ZONES_ACROSS`] << 16 \| [`ZONES_DOWN`] | likewise | likewise |
//! | 0x010 | a zone each | mean luma, 16 bits | sums of R, G, B and the number of pixels, 32 bits each | sharpness, 32 bits |
//! | 0x800 | 4 each of 256 | histogram of luma | | |
//!
//! Zones lie in lines from the top left one on. All numbers are of 8-bit samples; every
//! [`LINE_STEP`]-th line and every [`PIXEL_STEP`]-th pixel of it is looked at. Sharpness is the sum of
//! the differences of luma between neighbouring pixels.
//!
//! The frame number tells a driver which of the banks is the newest; they are filled in turn.

/// A kind of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Brightness of the zones and of the whole picture.
    Exposure,
    /// Colour of the zones.
    WhiteBalance,
    /// Sharpness of the zones.
    Focus,
}

/// Zones beside each other.
pub const ZONES_ACROSS: u32 = 15;
/// Zones above each other.
pub const ZONES_DOWN: u32 = 15;
/// All zones.
pub const ZONES: usize = 225;
/// Banks of each kind.
pub const BANKS: usize = 4;
/// Bytes of a bank.
pub const BANK_BYTES: u32 = 0x1000;
/// Where a bank says how many zones it has.
pub const GRID_OFFSET: usize = 4;
/// The number of zones as a bank says it.
pub const GRID: u32 = ZONES_ACROSS << 16 | ZONES_DOWN;
/// Where the zones begin in a bank.
pub const ZONES_OFFSET: usize = 0x10;
/// Where the histogram begins in a bank.
pub const HISTOGRAM_OFFSET: usize = 0x800;
/// Lines from one that is looked at to the next.
pub const LINE_STEP: u32 = 4;
/// Pixels from one that is looked at to the next.
pub const PIXEL_STEP: u32 = 2;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Exposure, Self::WhiteBalance, Self::Focus];

    /// Bytes of a zone.
    #[must_use]
    pub const fn zone_bytes(self) -> usize {
        match self {
            Self::Exposure => 2,
            Self::WhiteBalance => 16,
            Self::Focus => 4,
        }
    }
}

const _: () = assert!(
    ZONES_OFFSET + ZONES * Kind::WhiteBalance.zone_bytes() <= BANK_BYTES as usize
        && ZONES_OFFSET + ZONES * Kind::Exposure.zone_bytes() <= HISTOGRAM_OFFSET
);

/// The mean luma of the picture that a bank of [`Kind::Exposure`] tells of, from its histogram;
/// `None` for a bank that is too short or empty.
#[must_use]
pub fn mean_luma(bank: &[u8]) -> Option<u32> {
    let histogram = bank.get(HISTOGRAM_OFFSET..HISTOGRAM_OFFSET + 4 * 256)?;
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
        let mut bank = std::vec![0; BANK_BYTES as usize];
        assert_eq!(mean_luma(&bank), None);
        assert_eq!(mean_luma(&bank[..0x900]), None);
        bank[HISTOGRAM_OFFSET + 4 * 100] = 3;
        bank[HISTOGRAM_OFFSET + 4 * 200 + 1] = 1;
        assert_eq!(mean_luma(&bank), Some((300 + 200 * 256) / 259));
    }
}
