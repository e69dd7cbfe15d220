// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One plane of one frame on its way into memory: the rows under the stamp, then the others.

use super::RenderError;
use super::checksum::RowAppender;
use super::format::PlaneShape;
use super::frame_overlay::Overlay;
use super::permit::{self, WritePermit};
use super::row_cache::{RowCache, RowOrder, RowPosition};
use super::view::Patch;
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

/// A plane to be drawn. Both methods take the checksum so far and return it with the rows they wrote appended; without
/// `CHECKSUM` they leave it as it is.
pub(super) struct Plane<'a, 'm, B: BitmapSlice> {
    /// The plane in the format's order.
    pub(super) index: usize,
    /// How it lies in memory.
    pub(super) shape: PlaneShape,
    /// Appends its rows to a checksum.
    pub(super) appender: &'a RowAppender,
    /// The rows there are.
    pub(super) cache: &'a RowCache,
    /// Which of them goes where.
    pub(super) order: RowOrder,
    /// The frame's number.
    pub(super) frame: u32,
    /// The memory.
    pub(super) target: &'a VolatileSlice<'m, B>,
    /// The right to write to it.
    pub(super) permit: &'a dyn WritePermit,
    /// Bytes from one row to the next in memory.
    pub(super) stride: usize,
    /// The row of the whole picture that is this plane's first.
    pub(super) top: usize,
    /// The first row is the last one.
    pub(super) upside_down: bool,
}

impl<B: BitmapSlice> Plane<'_, '_, B> {
    /// Draws the rows that the stamp reaches into. `scratch` is where they are put together.
    pub(super) fn draw_stamped<const CHECKSUM: bool>(
        &self,
        overlay: &Overlay,
        scratch: &mut Vec<u8>,
        mut crc32: u32,
    ) -> Result<u32, RenderError> {
        let (mut drawn, mut drawn_crc) = (None, 0);
        for row in 0..overlay.rows(self.index) {
            let Some((band, start)) = overlay.row(self.index, row) else {
                break;
            };
            let source = self.source(row);
            // Neighbours that are equal without the stamp's rows changing are equal with it.
            if drawn != Some((band, source)) {
                drawn = Some((band, source));
                scratch.clear();
                scratch.extend_from_slice(start);
                scratch.extend_from_slice(&self.cache.row(source).0[start.len()..]);
                if CHECKSUM {
                    drawn_crc = crc32fast::hash(scratch);
                }
            }
            self.write(row, scratch)?;
            if CHECKSUM {
                crc32 = self.appender.append(crc32, drawn_crc);
            }
        }
        Ok(crc32)
    }

    /// Draws the rows from `first` on as they are.
    pub(super) fn draw_plain<const CHECKSUM: bool>(
        &self,
        first: usize,
        mut crc32: u32,
    ) -> Result<u32, RenderError> {
        // What lies in memory as it lies in the cache goes there in one piece.
        let joined = match self.order {
            RowOrder::InOrder if self.stride == self.shape.row_bytes && !self.upside_down => {
                let count = self.shape.rows.saturating_sub(first);
                self.cache.joined(self.top + first, count)
            }
            _ => None,
        };
        if let Some(rows) = joined {
            self.write(first, rows)?;
            if CHECKSUM {
                let count = self.shape.rows.saturating_sub(first);
                for &row in self.cache.checksums(self.top + first, count) {
                    crc32 = self.appender.append(crc32, row);
                }
            }
            return Ok(crc32);
        }
        // A permit is asked for so many rows at once: it costs as much as a row does.
        let at_once = (permit::CHUNK_BYTES / self.shape.row_bytes.max(1)).max(1);
        for start in (first..self.shape.rows).step_by(at_once) {
            let rows = start..self.shape.rows.min(start + at_once);
            let places = rows.map(|row| {
                let (bytes, row_crc) = self.cache.row(self.source(row));
                if CHECKSUM {
                    crc32 = self.appender.append(crc32, row_crc);
                }
                (row * self.stride, bytes)
            });
            permit::copy_rows(self.permit, self.target, places)?;
        }
        Ok(crc32)
    }

    /// Draws all rows with `patches` painted over them and the stamp above. `scratch` is where rows are put together.
    pub(super) fn draw_masked<const CHECKSUM: bool>(
        &self,
        overlay: &Overlay,
        patches: &[Patch],
        scratch: &mut Vec<u8>,
        mut crc32: u32,
    ) -> Result<u32, RenderError> {
        for row in 0..self.shape.rows {
            let (bytes, mut row_crc) = self.cache.row(self.source(row));
            let stamp = overlay.row(self.index, row);
            let touching = || {
                let lines = self.shape.lines_per_row;
                patches
                    .iter()
                    .filter(move |patch| patch.touches(row, lines))
            };
            if stamp.is_none() && touching().next().is_none() {
                self.write(row, bytes)?;
            } else {
                scratch.clear();
                scratch.extend_from_slice(bytes);
                touching().for_each(|patch| patch.paint(self.index, scratch));
                if let Some((_, start)) = stamp {
                    scratch[..start.len()].copy_from_slice(start);
                }
                if CHECKSUM {
                    row_crc = crc32fast::hash(scratch);
                }
                self.write(row, scratch)?;
            }
            if CHECKSUM {
                crc32 = self.appender.append(crc32, row_crc);
            }
        }
        Ok(crc32)
    }

    /// The cache's row for a row of the plane.
    #[inline]
    fn source(&self, row: usize) -> usize {
        let row = match self.upside_down {
            true => self.shape.rows - 1 - row,
            false => row,
        };
        let place = RowPosition {
            frame: self.frame,
            plane: self.index,
            row: self.top + row,
            lines_per_row: self.shape.lines_per_row,
        };
        self.order.row(place, self.cache.rows())
    }

    /// Writes bytes from the start of a row on.
    #[inline]
    fn write(&self, row: usize, bytes: &[u8]) -> Result<(), RenderError> {
        permit::copy(self.permit, self.target, row * self.stride, bytes)
    }
}
