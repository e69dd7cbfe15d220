// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rows a plane is made of, with their checksums.

/// Rows of one length, all windows into one run of bytes: a single row for bars, a sliding window for the gradient, row
/// after row for a picture from a file. The checksum of each is computed once, here.
#[derive(Debug)]
pub(super) struct RowCache {
    bytes: Vec<u8>,
    /// Where the first row begins.
    start: usize,
    row_bytes: usize,
    step: usize,
    checksums: Vec<u32>,
}

impl RowCache {
    /// `rows` rows of `row_bytes` each, starting `step` bytes apart from `start` on in `bytes`, which must reach to the
    /// end of the last.
    pub(super) fn new(
        bytes: Vec<u8>,
        start: usize,
        row_bytes: usize,
        step: usize,
        rows: usize,
    ) -> Self {
        debug_assert!(bytes.len() >= start + step * rows.saturating_sub(1) + row_bytes);
        let checksums = (0..rows)
            .map(|row| crc32fast::hash(&bytes[start + row * step..][..row_bytes]))
            .collect();
        Self {
            bytes,
            start,
            row_bytes,
            step,
            checksums,
        }
    }

    /// The same rows with their first sample last; a sample has `sample_bytes`.
    pub(super) fn mirrored(&self, sample_bytes: usize) -> Self {
        let rows = 0..self.rows();
        let samples = rows.flat_map(|row| self.row(row).0.rchunks_exact(sample_bytes));
        let bytes = samples.flatten().copied().collect();
        Self::new(bytes, 0, self.row_bytes, self.row_bytes, self.rows())
    }

    /// The number of distinct rows.
    pub(super) fn rows(&self) -> usize {
        self.checksums.len()
    }

    /// One row and its checksum.
    #[inline]
    pub(super) fn row(&self, row: usize) -> (&[u8], u32) {
        (
            &self.bytes[self.start + row * self.step..][..self.row_bytes],
            self.checksums[row],
        )
    }

    /// All bytes of `count` rows from row `first` on, if the rows lie one behind the other.
    pub(super) fn joined(&self, first: usize, count: usize) -> Option<&[u8]> {
        let joined = self.step == self.row_bytes;
        joined.then(|| &self.bytes[self.start + first * self.step..][..count * self.step])
    }

    /// The checksums of `count` rows from row `first` on.
    pub(super) fn checksums(&self, first: usize, count: usize) -> &[u32] {
        &self.checksums[first..][..count]
    }

    /// Memory this cache takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.checksums.len() * size_of::<u32>()
    }
}

/// Which row of a cache stands in which row of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// The first one everywhere.
    Still,
    /// Row after row.
    InOrder,
    /// Row after row, starting `per_frame` rows further in each frame, round and round.
    Scroll {
        /// Rows from one frame to the next.
        per_frame: usize,
    },
    /// A random one, the same for the same seed, frame, plane and row.
    Random {
        /// Chooses the sequence.
        seed: u64,
    },
}

/// A place in a picture, for [`RowOrder::row`].
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPosition {
    /// The frame's number.
    pub(super) frame: u32,
    /// The plane in the format's order.
    pub(super) plane: usize,
    /// The row of the plane.
    pub(super) row: usize,
    /// Picture lines that a row of this plane stands for.
    pub(super) lines_per_row: usize,
}

impl RowOrder {
    /// The row out of `rows` for a place.
    #[inline]
    pub(super) fn row(self, place: RowPosition, rows: usize) -> usize {
        match self {
            Self::Still => 0,
            Self::InOrder => place.row,
            Self::Scroll { per_frame } => {
                let start = place.frame as usize % rows * per_frame;
                (start + place.row * place.lines_per_row) % rows
            }
            Self::Random { seed } => {
                let frame = mix(seed ^ (u64::from(place.frame) << 8 | place.plane as u64));
                // Scaled, not reduced: the high bits are the good ones and no division is needed.
                let drawn = mix(frame.wrapping_add(place.row as u64)) >> 32;
                usize::try_from((drawn * rows as u64) >> 32).unwrap_or(0)
            }
        }
    }
}

/// SplitMix64's step and finalizer: a good 64-bit hash of its argument.
#[inline]
pub(super) fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_windows_with_their_own_checksums() {
        let cache = RowCache::new((0..10).collect(), 0, 4, 2, 4);
        assert_eq!(cache.rows(), 4);
        assert_eq!(
            cache.row(3),
            (&[6u8, 7, 8, 9][..], crc32fast::hash(&[6, 7, 8, 9]))
        );
    }

    #[test]
    fn mirrored_rows_keep_their_samples_whole() {
        let cache = RowCache::new((0..10).collect(), 0, 4, 2, 4);
        let mirrored = cache.mirrored(2);
        assert_eq!(mirrored.rows(), 4);
        assert_eq!(
            mirrored.row(3),
            (&[8u8, 9, 6, 7][..], crc32fast::hash(&[8, 9, 6, 7]))
        );
        assert_eq!(cache.mirrored(1).row(0).0, [3, 2, 1, 0]);
        assert_eq!(mirrored.mirrored(2).row(2), cache.row(2));
    }

    #[test]
    fn a_scroll_moves_chroma_rows_twice_as_far_as_luma_rows() {
        let order = RowOrder::Scroll { per_frame: 3 };
        let luma = RowPosition {
            frame: 2,
            plane: 0,
            row: 4,
            lines_per_row: 1,
        };
        let chroma = RowPosition {
            plane: 1,
            row: 2,
            lines_per_row: 2,
            ..luma
        };
        assert_eq!(order.row(luma, 100), 10);
        assert_eq!(order.row(chroma, 100), 10);
        assert_eq!(order.row(luma, 7), 3);
        assert!(
            order.row(
                RowPosition {
                    frame: u32::MAX,
                    ..luma
                },
                7
            ) < 7
        );
    }

    #[test]
    fn random_rows_reach_all_of_a_sheet_and_stay_in_it() {
        let order = RowOrder::Random { seed: 1 };
        let mut seen = [0; 16];
        for row in 0..1600 {
            seen[order.row(
                RowPosition {
                    frame: 0,
                    plane: 0,
                    row,
                    lines_per_row: 1,
                },
                16,
            )] += 1;
        }
        assert!(seen.iter().all(|&n| (50..200).contains(&n)), "{seen:?}");
    }
}
