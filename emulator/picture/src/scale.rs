// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Stretching pictures from files to the size that the channel writes.

use image::imageops::{FilterType, resize};
use image::{GrayImage, ImageBuffer, Luma, RgbImage};

use super::RenderError;

/// In how many sizes pictures are kept: one for each channel and one more.
pub(super) const SIZES: usize = 4;

/// Enlarging interpolates linearly, reducing averages.
const FILTER: FilterType = FilterType::Triangle;

/// An RGB picture stretched to a size in pixels.
pub(super) fn rgb(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    resize(picture, width, height, FILTER)
}

/// A plane of single samples (rows without gaps) stretched from one size to another, both in samples.
///
/// # Errors
/// [`RenderError::Scale`] if the plane has fewer samples than `from` says.
pub(super) fn plane(
    samples: &[u8],
    from: (u32, u32),
    to: (u32, u32),
) -> Result<Vec<u8>, RenderError> {
    if from == to {
        return Ok(samples.to_vec());
    }
    let whole: Option<ImageBuffer<Luma<u8>, &[u8]>> =
        ImageBuffer::from_raw(from.0, from.1, samples);
    let whole = whole.ok_or_else(|| RenderError::Scale {
        from,
        to,
        reason: format!("the plane has {} samples", samples.len()),
    })?;
    let stretched: GrayImage = resize(&whole, to.0, to.1, FILTER);
    Ok(stretched.into_raw())
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
