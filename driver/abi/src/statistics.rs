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
//! both directions, as the zones' sizes are (T31 2c), but AF's of pixels. Where the zones lie is said by geometry
//! registers ([`Zones`]); how AF's filters weigh a line, and the bins of ADR and defog, are assumptions.

use crate::Size;

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
/// Words of geometry: counts and starts, four of widths, four of heights.
pub const GEOMETRY_WORDS: usize = 9;
/// Most zones in a row or a column that a geometry can have.
const MOST_ACROSS: usize = 15;

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

    /// Its name in reports.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Exposure => "ae0-zones",
            Self::ExposureHistogram => "ae0-histogram",
            Self::SecondExposure => "ae1-zones",
            Self::SecondHistogram => "ae1-histogram",
            Self::WhiteBalance => "awb",
            Self::Focus => "af",
            Self::DynamicRange => "adr",
            Self::Defog => "defog",
        }
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

/// Where zones begin and end along one side of the sensor's picture, in pixels or lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edges {
    count: usize,
    /// Where each zone begins; behind the last one, where that ends.
    at: [u32; Self::MOST + 1],
}

impl Edges {
    /// Most zones along a side: defog's columns.
    const MOST: usize = DEFOG_BLOCKS[1];

    /// `length` divided into `count` zones, as equal as whole pixels allow.
    #[must_use]
    pub fn even(count: usize, length: u32) -> Self {
        let count = count.clamp(1, Self::MOST);
        let mut at = [0; Self::MOST + 1];
        at[count] = length;
        for (index, edge) in (0..).zip(&mut at[..count]) {
            *edge = u32::try_from(u64::from(length) * index / count as u64).unwrap_or(length);
        }
        Self { count, at }
    }

    /// Zones of the sizes that two registers' bytes have, the lowest first, from `start` on; `None` where there is no
    /// zone, or an empty one.
    fn from_sizes(count: u32, start: u32, sizes: &[u32], unit: u32) -> Option<Self> {
        let count = usize::try_from(count).ok()?;
        let sizes = sizes.iter().flat_map(|word| word.to_le_bytes());
        let sizes = sizes.take(MOST_ACROSS).take(count);
        let mut edge = start * unit;
        let mut at = [0; Self::MOST + 1];
        at[0] = edge;
        for (end, size) in at[1..].iter_mut().zip(sizes) {
            if size == 0 {
                return None;
            }
            edge += u32::from(size) * unit;
            *end = edge;
        }
        (count > 0).then_some(Self { count, at })
    }

    /// First pixel of each zone, and the one behind its last.
    pub fn zones(&self) -> impl Iterator<Item = (u32, u32)> {
        let edges = &self.at[..=self.count];
        edges.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// The zone in which a pixel lies.
    #[must_use]
    pub fn find(&self, pixel: u32) -> Option<usize> {
        self.zones()
            .position(|(start, end)| (start..end).contains(&pixel))
    }

    /// How many zones there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}

/// How a picture is divided into zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zones {
    /// From top to bottom.
    pub rows: Edges,
    /// From left to right.
    pub columns: Edges,
}

impl Zones {
    /// Zones as equal as whole pixels allow, all over the picture.
    #[must_use]
    pub fn even([rows, columns]: [usize; 2], size: Size) -> Self {
        Self {
            rows: Edges::even(rows, size.height),
            columns: Edges::even(columns, size.width),
        }
    }

    /// What a block's geometry registers say, from its word 4 on, each count standing for `unit` pixels (T31 2c);
    /// `None` where they say nothing: no zones, or one without a size.
    #[must_use]
    pub fn from_registers(words: &[u32; GEOMETRY_WORDS], unit: u32) -> Option<Self> {
        let [counts, sizes @ ..] = words;
        let (widths, heights) = sizes.split_at(4);
        Some(Self {
            rows: Edges::from_sizes(counts >> 12 & 0xf, counts & 0x7ff, heights, unit)?,
            columns: Edges::from_sizes(counts >> 28, counts >> 16 & 0x7ff, widths, unit)?,
        })
    }
}

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

    /// 15 columns of 64 and 15 rows of 36 half pixels, as the vendor's driver programs them for 1080p.
    #[test]
    fn a_geometry_as_it_is_programmed_divides_the_picture() {
        let mut words = [0x4040_4040; GEOMETRY_WORDS];
        words[0] = 0xf000_f000;
        words[5..].fill(0x2424_2424);
        let zones = Zones::from_registers(&words, 2).unwrap();
        assert_eq!(zones, Zones::even([15, 15], Size::new(1920, 1080)));

        let words = [0x2003_3001, 0x0000_0a05, 0, 0, 0, 0x0006_0402, 0, 0, 0];
        let zones = Zones::from_registers(&words, 1).unwrap();
        let columns: std::vec::Vec<_> = zones.columns.zones().collect();
        assert_eq!(columns, [(3, 8), (8, 18)]);
        let rows: std::vec::Vec<_> = zones.rows.zones().collect();
        assert_eq!(rows, [(1, 3), (3, 7), (7, 13)]);
        assert_eq!(zones.rows.find(2), Some(0));
        assert_eq!((zones.rows.find(0), zones.rows.find(13)), (None, None));
    }

    #[test]
    fn registers_that_give_a_zone_no_size_are_no_geometry() {
        let mut words = [0x1010_1010; GEOMETRY_WORDS];
        for counts in [0, 0x0000_f000, 0xf000_0000, 1] {
            words[0] = counts;
            assert_eq!(Zones::from_registers(&words, 2), None, "{counts:#x}");
        }
        words[0] = 0xf000_f000;
        words[4] = 0x0000_1010;
        assert_eq!(Zones::from_registers(&words, 2), None, "14 widths");
    }

    #[test]
    fn the_kinds_stand_in_the_order_of_their_index() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
        }
    }
}
