// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pixel formats: the only place that knows how pixels become bytes.
//!
//! Everything that makes pixels hands over [`Planar`] (YCbCr 4:2:0, BT.601, limited range, which is what the ISP's own
//! pipeline carries); [`OutputFormat::pack`] turns it into the rows of each plane of the output. A new format is a new
//! member of [`OutputFormat`] and its arms here.

use super::{Geometry, RenderError};
use image::RgbImage;
use std::fmt;
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvRange, YuvStandardMatrix};

/// Luma of black and white, and the chroma of grey (BT.601, limited range).
pub(super) const BLACK: u8 = 16;
pub(super) const WHITE: u8 = 235;
pub(super) const NEUTRAL: u8 = 128;

/// What the channel writes (facts 2.4, OUT_FMT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputFormat {
    /// A plane of Y, then a plane of Cb and Cr in turn, halved in both directions.
    Nv12,
    /// As NV12 with Cr before Cb.
    Nv21,
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nv12 => "NV12",
            Self::Nv21 => "NV21",
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
        }
    }

    /// The bytes of each plane of `pixels`, rows without gaps.
    pub(super) fn pack(self, pixels: Planar) -> Vec<Vec<u8>> {
        let (first, second) = match self {
            Self::Nv12 => (pixels.cb, pixels.cr),
            Self::Nv21 => (pixels.cr, pixels.cb),
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

/// Turns a frame as a client received it into RGB, for saving it as a picture.
///
/// `y` and `uv` are the planes from their first byte, with the strides (bytes) of `geometry`; what lies behind the last
/// visible byte may be missing. The samples are taken as BT.601, limited range.
///
/// # Errors
/// [`RenderError::Geometry`] for a geometry that cannot be, [`RenderError::PlaneTooSmall`] if a plane ends early, and
/// [`RenderError::Convert`] if the conversion fails for another reason.
pub fn to_rgb(geometry: &Geometry, y: &[u8], uv: &[u8]) -> Result<RgbImage, RenderError> {
    geometry.check(&[y.len(), uv.len()])?;
    let (width, height) = (geometry.width, geometry.height);
    // The converter wants whole strides, also of the last row.
    let (y, uv) = (
        whole_rows(y, geometry.y_stride, height),
        whole_rows(uv, geometry.uv_stride, height / 2),
    );
    let frame = YuvBiPlanarImage {
        y_plane: &y,
        y_stride: geometry.y_stride,
        uv_plane: &uv,
        uv_stride: geometry.uv_stride,
        width,
        height,
    };
    let convert = match geometry.format {
        OutputFormat::Nv12 => yuv::yuv_nv12_to_rgb,
        OutputFormat::Nv21 => yuv::yuv_nv21_to_rgb,
    };
    let mut rgb = RgbImage::new(width, height);
    let mode = YuvConversionMode::Balanced;
    convert(
        &frame,
        &mut rgb,
        width * 3,
        YuvRange::Limited,
        YuvStandardMatrix::Bt601,
        mode,
    )
    .map_err(|e| RenderError::Convert(e.to_string()))?;
    Ok(rgb)
}

/// `plane` with a last row that is as long as the others.
fn whole_rows(plane: &[u8], stride: u32, rows: u32) -> std::borrow::Cow<'_, [u8]> {
    let whole = stride as usize * rows as usize;
    match plane.get(..whole) {
        Some(rows) => rows.into(),
        None => {
            let mut rows = plane.to_vec();
            rows.resize(whole, 0);
            rows.into()
        }
    }
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
            OutputFormat::Nv12.pack(pixels()),
            [[1, 2, 3, 4], [10, 30, 20, 40]]
        );
        assert_eq!(
            OutputFormat::Nv21.pack(pixels()),
            [[1, 2, 3, 4], [30, 10, 40, 20]]
        );
    }

    #[test]
    fn rgb_has_the_colour_that_the_samples_stand_for() {
        // BT.601 red is Y 81, Cb 90, Cr 240; the last row lacks its padding.
        let mut geometry = Geometry {
            format: OutputFormat::Nv12,
            width: 4,
            height: 2,
            y_stride: 6,
            uv_stride: 6,
        };
        let red = [255, 0, 0];
        let close = |rgb: &RgbImage| {
            rgb.pixels()
                .all(|p| p.0.iter().zip(red).all(|(a, b)| a.abs_diff(b) <= 3))
        };
        let rgb = to_rgb(&geometry, &[81; 10], &[90, 240, 90, 240]).unwrap();
        assert_eq!(rgb.dimensions(), (4, 2));
        assert!(close(&rgb), "{rgb:?}");
        geometry.format = OutputFormat::Nv21;
        assert!(close(
            &to_rgb(&geometry, &[81; 12], &[240, 90, 240, 90, 0, 0]).unwrap()
        ));
    }

    #[test]
    fn rgb_of_a_plane_that_ends_early_is_refused() {
        let geometry = Geometry {
            format: OutputFormat::Nv12,
            width: 4,
            height: 2,
            y_stride: 6,
            uv_stride: 6,
        };
        let error = to_rgb(&geometry, &[81; 9], &[128; 4])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "the Y plane has 9 bytes, 10 are needed for NV12 4x2 with a stride of 6"
        );
    }
}
