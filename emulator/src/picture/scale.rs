// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Stretching pictures from files to the size that the channel writes.

use super::RenderError;
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::RgbImage;

/// `pixels` (samples of `kind`, rows without gaps) stretched from one size to another, both in pixels. Enlarging
/// interpolates linearly, reducing averages.
fn stretch(
    pixels: &[u8],
    from: (u32, u32),
    to: (u32, u32),
    kind: PixelType,
) -> Result<Vec<u8>, RenderError> {
    if from == to {
        return Ok(pixels.to_vec());
    }
    let failed = |reason: String| RenderError::Scale { from, to, reason };
    let source = ImageRef::new(from.0, from.1, pixels, kind).map_err(|e| failed(e.to_string()))?;
    let mut stretched = Image::new(to.0, to.1, kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize(&source, &mut stretched, &options)
        .map_err(|e| failed(e.to_string()))?;
    Ok(stretched.into_vec())
}

/// An RGB picture stretched to a size in pixels; the bytes are R, G, B in turn, rows without gaps.
pub(super) fn rgb(picture: &RgbImage, width: u32, height: u32) -> Result<Vec<u8>, RenderError> {
    stretch(
        picture,
        picture.dimensions(),
        (width, height),
        PixelType::U8x3,
    )
}

/// A plane of single samples stretched from one size to another, both in samples.
pub(super) fn plane(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
) -> Result<Vec<u8>, RenderError> {
    stretch(samples, from, to, PixelType::U8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_plane_stays_flat_and_a_same_size_one_stays_itself() {
        assert_eq!(plane(&[77; 20], (5, 4), (9, 2)).unwrap(), [77; 18]);
        assert_eq!(plane(&[1, 2, 3, 4], (2, 2), (2, 2)).unwrap(), [1, 2, 3, 4]);
    }

    #[test]
    fn reducing_averages() {
        let checks: Vec<u8> = (0..64)
            .map(|i| if (i / 8 + i) % 2 == 0 { 0 } else { 200 })
            .collect();
        assert!(
            plane(&checks, (8, 8), (2, 2))
                .unwrap()
                .iter()
                .all(|&y| y.abs_diff(100) < 20)
        );
    }
}
