// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pixel formats: the only place that knows how pixels become bytes.
//!
//! Everything that makes pixels hands over [`Planar`] (YCbCr 4:2:0, BT.601, limited range, which is what the ISP's own
//! pipeline carries); [`OutputFormat::pack`] turns it into the rows of each plane of the output. A new format is a new
//! member of [`OutputFormat`] and its arms here.

use image::RgbImage;
use std::fmt;

/// Luma of black and white, and the chroma of grey (BT.601, limited range).
pub(super) const BLACK: u8 = 16;
pub(super) const WHITE: u8 = 235;
pub(super) const NEUTRAL: u8 = 128;

/// What the channel writes (T31 2.4, OUT_FMT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputFormat {
    /// A plane of Y, then a plane of Cb and Cr in turn, halved in both directions.
    Nv12,
    /// As NV12 with Cr before Cb.
    Nv21,
    /// 16 bits a pixel, little endian: 5 of red at the top, 6 of green, 5 of blue.
    Rgb565,
    /// 4 bytes a pixel: blue, green, red, and 128 for alpha.
    Bgr32,
}

/// The fourth byte of a BGR32 pixel: the alpha that the T30's driver sets (T31 2.4).
pub(super) const ALPHA: u8 = 128;

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nv12 => "NV12",
            Self::Nv21 => "NV21",
            Self::Rgb565 => "RGB565",
            Self::Bgr32 => "BGR32",
        })
    }
}

/// How one plane of a format lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlaneShape {
    /// Bytes of one row, without what the stride adds.
    pub(super) row_bytes: usize,
    /// Rows of the plane.
    pub(super) rows: usize,
    /// Picture lines that one row stands for.
    pub(super) lines_per_row: usize,
}

impl OutputFormat {
    /// The planes of a picture of `width` times `height` pixels (both even), in the order they are checksummed.
    pub(super) fn planes(self, width: usize, height: usize) -> Vec<PlaneShape> {
        match self {
            Self::Rgb565 | Self::Bgr32 => vec![PlaneShape {
                row_bytes: self.bytes_of(0, width),
                rows: height,
                lines_per_row: 1,
            }],
            Self::Nv12 | Self::Nv21 => vec![
                PlaneShape {
                    row_bytes: width,
                    rows: height,
                    lines_per_row: 1,
                },
                PlaneShape {
                    row_bytes: width,
                    rows: height / 2,
                    lines_per_row: 2,
                },
            ],
        }
    }

    /// How many bytes of each plane's row `pixels` (even) neighbours take.
    pub(super) fn bytes_of(self, plane: usize, pixels: usize) -> usize {
        match (self, plane) {
            (Self::Nv12 | Self::Nv21, _) => pixels,
            (Self::Rgb565, _) => pixels * 2,
            (Self::Bgr32, _) => pixels * 4,
        }
    }

    /// How many bytes of a plane's row belong together: those of a pixel, or the chroma of two.
    pub(super) const fn sample_bytes(self, plane: usize) -> usize {
        match (self, plane) {
            (Self::Nv12 | Self::Nv21, 0) => 1,
            (Self::Nv12 | Self::Nv21, _) | (Self::Rgb565, _) => 2,
            (Self::Bgr32, _) => 4,
        }
    }

    /// The bytes of each plane of `pixels`, which are `width` wide, rows without gaps.
    pub(super) fn pack(self, pixels: Planar, width: usize) -> Vec<Vec<u8>> {
        let (first, second) = match self {
            Self::Nv12 => (pixels.cb, pixels.cr),
            Self::Nv21 => (pixels.cr, pixels.cb),
            Self::Rgb565 => return vec![pixels.rgb(width).flat_map(rgb565).collect()],
            Self::Bgr32 => {
                let bytes = pixels.rgb(width).flat_map(|[r, g, b]| [b, g, r, ALPHA]);
                return vec![bytes.collect()];
            }
        };
        let mut chroma = vec![0; first.len() * 2];
        for (pair, (first, second)) in chroma
            .chunks_exact_mut(2)
            .zip(first.into_iter().zip(second))
        {
            pair.copy_from_slice(&[first, second]);
        }
        vec![pixels.y, chroma]
    }
}

/// Pixels on their way to a format: YCbCr 4:2:0, rows without gaps. The width is even; chroma rows stand for two lines
/// each, or for the only one where a strip of one line is meant to be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planar {
    /// Luma, one byte a pixel.
    pub(super) y: Vec<u8>,
    /// Blue difference, one byte for 2x2 pixels.
    pub(super) cb: Vec<u8>,
    /// Red difference, likewise.
    pub(super) cr: Vec<u8>,
}

impl Planar {
    /// R, G, B of each pixel of lines that are `width` wide.
    fn rgb(&self, width: usize) -> impl Iterator<Item = [u8; 3]> {
        let lines = self.y.chunks_exact(width.max(1)).enumerate();
        lines.flat_map(move |(line, luma)| {
            let chroma = line / 2 * (width / 2);
            let pixels = luma.iter().enumerate();
            pixels.map(move |(x, &y)| {
                let at = chroma + x / 2;
                ycbcr_to_rgb([y, self.cb[at], self.cr[at]])
            })
        })
    }

    /// An RGB picture of even sides, each 2x2 pixels with the chroma of their mean.
    pub(super) fn of_rgb(picture: &RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let of = |x, y| picture.get_pixel(x, y).0.map(i32::from);
        let luma = picture
            .pixels()
            .map(|pixel| rgb_to_ycbcr(pixel.0.map(i32::from))[0]);
        let corners = (0..height / 2).flat_map(|y| (0..width / 2).map(move |x| (2 * x, 2 * y)));
        let chroma = corners.map(|(x, y)| {
            let four = [of(x, y), of(x + 1, y), of(x, y + 1), of(x + 1, y + 1)];
            let mean =
                |colour: usize| (four.iter().map(|pixel| pixel[colour]).sum::<i32>() + 2) / 4;
            let [_, cb, cr] = rgb_to_ycbcr([mean(0), mean(1), mean(2)]);
            (cb, cr)
        });
        let (cb, cr) = chroma.unzip();
        Self {
            y: luma.collect(),
            cb,
            cr,
        }
    }

    /// A strip of one line without colour.
    pub(super) fn grey_strip(y: Vec<u8>) -> Self {
        let chroma = vec![NEUTRAL; y.len() / 2];
        Self {
            y,
            cb: chroma.clone(),
            cr: chroma,
        }
    }
}

/// R, G, B of Y, Cb, Cr with the coefficients of the T30's colour space conversion, 10 bits of fraction each (T31
/// 2.4); the T31's are not known.
pub(super) fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y) - 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let luma = 0x4ad * y;
    [
        luma + 0x669 * cr,
        luma - 0x193 * cb - 0x344 * cr,
        luma + 0x81a * cb,
    ]
    .map(|sum| u8::try_from(((sum + 512) >> 10).clamp(0, 255)).unwrap_or(u8::MAX))
}

/// Y, Cb, Cr of R, G, B: BT.601, limited range, 8 bits of fraction.
fn rgb_to_ycbcr(rgb: [i32; 3]) -> [u8; 3] {
    let [r, g, b] = rgb;
    let fixed =
        |sum: i32, offset: i32| u8::try_from(((sum + 128) >> 8) + offset).unwrap_or(u8::MAX);
    [
        fixed(66 * r + 129 * g + 25 * b, 16),
        fixed(-38 * r - 74 * g + 112 * b, 128),
        fixed(112 * r - 94 * g - 18 * b, 128),
    ]
}

/// A pixel of RGB565, little endian.
fn rgb565([r, g, b]: [u8; 3]) -> [u8; 2] {
    let [r, g, b] = [r >> 3, g >> 2, b >> 3].map(u16::from);
    (r << 11 | g << 5 | b).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels() -> Planar {
        Planar {
            y: vec![1, 2, 3, 4],
            cb: vec![10, 20],
            cr: vec![30, 40],
        }
    }

    #[test]
    fn nv12_puts_cb_first_and_nv21_puts_cr_first() {
        assert_eq!(
            OutputFormat::Nv12.pack(pixels(), 4),
            [[1, 2, 3, 4], [10, 30, 20, 40]]
        );
        assert_eq!(
            OutputFormat::Nv21.pack(pixels(), 4),
            [[1, 2, 3, 4], [30, 10, 40, 20]]
        );
    }

    #[test]
    fn rgb_pixels_take_the_chroma_of_their_two_by_two_block() {
        // White, black; BT.601 red and blue. Lines 0 and 1 share their chroma.
        let pixels = || Planar {
            y: vec![235, 16, 81, 41, 235, 16, 81, 41],
            cb: vec![128, 90],
            cr: vec![128, 240],
        };
        let bgr = OutputFormat::Bgr32.pack(pixels(), 4).concat();
        assert_eq!(bgr[..8], [255, 255, 255, 128, 0, 0, 0, 128]);
        assert_eq!(bgr[8..12], [0, 0, 255, 128]);
        assert_eq!(bgr[..16], bgr[16..]);
        let rgb565 = OutputFormat::Rgb565.pack(pixels(), 4).concat();
        assert_eq!(rgb565[..6], [0xff, 0xff, 0, 0, 0x00, 0xf8]);
        assert_eq!(rgb565.len(), 16);
    }

    #[test]
    fn an_rgb_picture_becomes_the_samples_of_bt_601() {
        // White, black, red and blue blocks of 2x2; the last block's pixels differ and mean grey.
        let colours = [[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]];
        let picture = RgbImage::from_fn(10, 2, |x, y| match colours.get(x as usize / 2) {
            Some(&colour) => image::Rgb(colour),
            None => image::Rgb([u8::from((x + y) % 2 == 0) * 255; 3]),
        });
        let planar = Planar::of_rgb(&picture);
        assert_eq!(planar.y[..10], [235, 235, 16, 16, 82, 82, 41, 41, 235, 16]);
        assert_eq!(planar.cb, [128, 128, 90, 240, 128]);
        assert_eq!(planar.cr, [128, 128, 240, 110, 128]);
    }
}
