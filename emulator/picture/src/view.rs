// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which part of the sensor's picture is drawn, how bright, and what is painted over it.

use super::format::{NEUTRAL, OutputFormat, Planar};
use super::frame::{Geometry, MAX_SIDE, RenderError};
use tx_isp_abi::sensor::Flips;

/// A factor on light, as 16.16 fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Brightness(pub u32);

impl Brightness {
    /// The picture as it is.
    pub const NORMAL: Self = Self(1 << 16);
}

impl Default for Brightness {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// A rectangle of one colour over the picture. Its edges move outwards to even pixels and lines, so
/// that it covers whole chroma samples; what lies outside the picture is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// First pixel of a line.
    pub left: u32,
    /// First line.
    pub top: u32,
    /// Pixels in a line; 0 paints nothing.
    pub width: u32,
    /// Lines; 0 paints nothing.
    pub height: u32,
    /// Y, Cb, Cr.
    pub colour: [u8; 3],
}

/// The way from the sensor's picture to the one that is drawn.
///
/// All of the sensor's picture is stretched to `full`; of that, the [`Geometry`]'s width and height
/// from `left`, `top` on are drawn, turned about as `flips` says. Crops before and behind a scaler both come to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    /// Width and height in pixels, both even, that all of the sensor's picture would have.
    pub full: (u32, u32),
    /// First drawn pixel of a line of it, even.
    pub left: u32,
    /// First drawn line of it, even.
    pub top: u32,
    /// Which ways the part is turned about. Stamp and masks are not.
    pub flips: Flips,
    /// How bright it is.
    pub brightness: Brightness,
    /// Painted over it, the last on top; the stamp is above them.
    pub masks: &'a [Mask],
}

impl View<'static> {
    /// All of the picture, as it is.
    #[must_use]
    pub const fn whole(geometry: &Geometry) -> Self {
        Self {
            full: (geometry.width, geometry.height),
            left: 0,
            top: 0,
            flips: Flips {
                horizontal: false,
                vertical: false,
            },
            brightness: Brightness::NORMAL,
            masks: &[],
        }
    }
}

impl View<'_> {
    /// Checks the window against the picture that it is cut from.
    pub(super) fn check(&self, geometry: &Geometry) -> Result<(), RenderError> {
        let inside = |start: u32, length: u32, of: u32| {
            start.is_multiple_of(2)
                && of.is_multiple_of(2)
                && of <= MAX_SIDE
                && start.checked_add(length).is_some_and(|end| end <= of)
        };
        if inside(self.left, geometry.width, self.full.0)
            && inside(self.top, geometry.height, self.full.1)
        {
            return Ok(());
        }
        Err(RenderError::Geometry {
            format: geometry.format,
            width: geometry.width,
            height: geometry.height,
            reason: format!(
                "it does not lie in {}x{} at {}, {} with even numbers",
                self.full.0, self.full.1, self.left, self.top
            ),
        })
    }

    /// What the masks change in each plane, in the order in which they are painted.
    pub(super) fn patches(&self, geometry: &Geometry) -> Vec<Patch> {
        let masks = self.masks.iter();
        masks
            .filter_map(|mask| Patch::new(mask, geometry))
            .collect()
    }
}

/// A mask in the bytes of a format.
#[derive(Debug)]
pub(super) struct Patch {
    lines: std::ops::Range<usize>,
    left: usize,
    format: OutputFormat,
    /// A row of each plane.
    rows: Vec<Vec<u8>>,
}

impl Patch {
    fn new(mask: &Mask, geometry: &Geometry) -> Option<Self> {
        let span = |start: u32, length: u32, limit: u32| {
            let end = start.saturating_add(length).min(limit);
            let (start, end) = (start / 2 * 2, end.next_multiple_of(2).min(limit));
            (length > 0 && start < end).then_some(start as usize..end as usize)
        };
        let columns = span(mask.left, mask.width, geometry.width)?;
        let lines = span(mask.top, mask.height, geometry.height)?;
        let [y, cb, cr] = mask.colour;
        let pixels = Planar {
            y: vec![y; columns.len()],
            cb: vec![cb; columns.len() / 2],
            cr: vec![cr; columns.len() / 2],
        };
        Some(Self {
            lines,
            left: columns.start,
            format: geometry.format,
            rows: geometry.format.pack(pixels, columns.len()),
        })
    }

    /// Whether a row of a plane is touched.
    pub(super) fn touches(&self, row: usize, lines_per_row: usize) -> bool {
        self.lines.contains(&(row * lines_per_row))
    }

    /// Paints into a row of a plane.
    pub(super) fn paint(&self, plane: usize, row: &mut [u8]) {
        let start = self.format.bytes_of(plane, self.left);
        let bytes = &self.rows[plane];
        row[start..][..bytes.len()].copy_from_slice(bytes);
    }
}

impl Brightness {
    /// `pixels` in this light: distances from black and from grey are multiplied and end at the
    /// limits of the range (assumption of a sensor's response: straight, then clipped).
    pub(super) fn apply(self, pixels: &mut Planar) {
        if self == Self::NORMAL {
            return;
        }
        let luma = self.table(16, 16, 235);
        let chroma = self.table(i64::from(NEUTRAL), 16, 240);
        let translate = |samples: &mut [u8], table: &[u8; 256]| {
            for sample in samples {
                *sample = table[usize::from(*sample)];
            }
        };
        translate(&mut pixels.y, &luma);
        translate(&mut pixels.cb, &chroma);
        translate(&mut pixels.cr, &chroma);
    }

    fn table(self, zero: i64, low: u8, high: u8) -> [u8; 256] {
        std::array::from_fn(|value| {
            let distance = i64::try_from(value).unwrap_or(0) - zero;
            let scaled = zero + ((distance * i64::from(self.0)) >> 16);
            u8::try_from(scaled.clamp(low.into(), high.into())).unwrap_or(high)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_light_is_twice_as_far_from_black_and_ends_at_white() {
        let mut pixels = Planar {
            y: vec![16, 66, 200, 235],
            cb: vec![128, 100],
            cr: vec![140, 220],
        };
        Brightness(2 << 16).apply(&mut pixels);
        assert_eq!(pixels.y, [16, 116, 235, 235]);
        assert_eq!(pixels.cb, [128, 72]);
        assert_eq!(pixels.cr, [152, 240]);
    }

    #[test]
    fn a_mask_covers_whole_chroma_samples_and_ends_with_the_picture() {
        let geometry = Geometry {
            format: OutputFormat::Nv12,
            width: 16,
            height: 8,
            y_stride: 16,
            uv_stride: 16,
        };
        let mask = |left, top, width, height| {
            let colour = [1, 2, 3];
            Patch::new(
                &Mask {
                    left,
                    top,
                    width,
                    height,
                    colour,
                },
                &geometry,
            )
        };
        let patch = mask(3, 1, 2, 2).unwrap();
        assert_eq!((patch.left, patch.lines.clone()), (2, 0..4));
        assert_eq!(patch.rows, [vec![1; 4], vec![2, 3, 2, 3]]);
        assert_eq!(mask(14, 6, 100, u32::MAX).unwrap().lines, 6..8);
        for (left, top, width, height) in [(16, 0, 2, 2), (0, 8, 2, 2), (0, 0, 0, 2), (0, 0, 2, 0)]
        {
            assert!(mask(left, top, width, height).is_none());
        }
    }
}
