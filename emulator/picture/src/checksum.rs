// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CRC-32 (IEEE) of a picture put together from the checksums of its rows.
//!
//! A pattern repeats the same few rows, so the checksum of each distinct row is computed once and the frame's checksum
//! follows from theirs: for two pieces of data a and b, `crc(ab) = shift(crc(a), len(b)) ^ crc(b)`, where `shift` depends
//! on the length of b alone and is linear in its first argument. All rows of a plane have one length, so `shift` becomes
//! four table look-ups.

use crc32fast::Hasher;

/// The checksum of no bytes at all: where a frame starts.
pub(super) const EMPTY: u32 = 0;

/// Appends rows of one length to a checksum.
#[derive(Clone, Debug)]
pub(super) struct RowAppender {
    /// `shift` of a checksum that has only byte `n` set, for each value of that byte.
    shift: Box<[[u32; 256]; 4]>,
}

impl RowAppender {
    /// An appender for rows of `row_bytes` bytes.
    pub(super) fn new(row_bytes: usize) -> Self {
        // By linearity the images of the 32 single bits give those of all values.
        let length = u64::try_from(row_bytes).unwrap_or(u64::MAX);
        let mut shift = Box::new([[0u32; 256]; 4]);
        for (byte, table) in shift.iter_mut().enumerate() {
            for bit in 0..8 {
                let value = 1usize << bit;
                let mut hasher = Hasher::new_with_initial_len(1 << (8 * byte + bit), 0);
                hasher.combine(&Hasher::new_with_initial_len(0, length));
                table[value] = hasher.finalize();
                for lower in 1..value {
                    table[value + lower] = table[value] ^ table[lower];
                }
            }
        }
        Self { shift }
    }

    /// The checksum of what `so_far` covers followed by a row whose own checksum is `row`.
    #[inline]
    pub(super) fn append(&self, so_far: u32, row: u32) -> u32 {
        let bytes = so_far.to_le_bytes();
        let shifted = self
            .shift
            .iter()
            .zip(bytes)
            .map(|(table, byte)| table[usize::from(byte)]);
        shifted.fold(row, |sum, part| sum ^ part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_known_check_value_is_the_ieee_one() {
        let appender = RowAppender::new(3);
        let sum = ["123", "456", "789"].iter().fold(EMPTY, |sum, row| {
            appender.append(sum, crc32fast::hash(row.as_bytes()))
        });
        assert_eq!(sum, 0xcbf4_3926);
    }

    proptest! {
        #[test]
        fn appended_rows_give_the_checksum_of_all_bytes(row_bytes in 1usize..3000, rows in 0usize..20, seed: u8) {
            let bytes: Vec<u8> = (0..row_bytes * rows).map(|i| i.to_le_bytes()[0].wrapping_mul(31) ^ seed).collect();
            let appender = RowAppender::new(row_bytes);
            let sum = bytes.chunks(row_bytes).fold(EMPTY, |sum, row| appender.append(sum, crc32fast::hash(row)));
            prop_assert_eq!(sum, crc32fast::hash(&bytes));
        }
    }
}
