// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A frame as a client received it, turned into an RGB picture.

use super::format::{OutputFormat, ycbcr_to_rgb};
use super::frame::{Geometry, RenderError};
use image::RgbImage;

/// R, G, B of an RGB565 pixel, its bits repeated to fill a byte.
fn from_rgb565(bytes: [u8; 2]) -> [u8; 3] {
    let pixel = u16::from_le_bytes(bytes);
    let [r, g, b] = [pixel >> 11, pixel >> 5 & 0x3f, pixel & 0x1f];
    [r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2].map(|v| u8::try_from(v).unwrap_or(u8::MAX))
}

/// An RGB picture out of the rows of an RGB format, `pixel` making R, G, B of `N` bytes.
fn unpack<const N: usize>(
    geometry: &Geometry,
    rows: &[u8],
    pixel: impl Fn([u8; N]) -> [u8; 3],
) -> RgbImage {
    let stride = geometry.y_stride as usize;
    RgbImage::from_fn(geometry.width, geometry.height, |x, y| {
        let start = y as usize * stride + x as usize * N;
        let bytes: Option<&[u8; N]> = rows.get(start..).and_then(<[u8]>::first_chunk);
        image::Rgb(bytes.map_or([0; 3], |&bytes| pixel(bytes)))
    })
}

/// Turns a frame as a client received it into RGB, for saving it as a picture.
///
/// `y` and `uv` are the planes from their first byte, with the strides (bytes) of `geometry`; what lies behind the last
/// visible byte may be missing. The samples are taken as BT.601, limited range.
///
/// # Errors
/// [`RenderError::Geometry`] for a geometry that cannot be, [`RenderError::PlaneTooSmall`] if a plane ends early.
pub fn to_rgb(geometry: &Geometry, y: &[u8], uv: &[u8]) -> Result<RgbImage, RenderError> {
    geometry.check(&[y.len(), uv.len()])?;
    let (blue, red) = match geometry.format {
        OutputFormat::Nv12 => (0, 1),
        OutputFormat::Nv21 => (1, 0),
        OutputFormat::Rgb565 => return Ok(unpack(geometry, y, from_rgb565)),
        OutputFormat::Bgr32 => return Ok(unpack(geometry, y, |[b, g, r, _]: [u8; 4]| [r, g, b])),
    };
    let (y_stride, uv_stride) = (geometry.y_stride as usize, geometry.uv_stride as usize);
    Ok(RgbImage::from_fn(
        geometry.width,
        geometry.height,
        |column, line| {
            let (column, line) = (column as usize, line as usize);
            let chroma = line / 2 * uv_stride + column / 2 * 2;
            let sample = [
                y[line * y_stride + column],
                uv[chroma + blue],
                uv[chroma + red],
            ];
            image::Rgb(ycbcr_to_rgb(sample))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rgb_formats_come_back_as_the_colours_they_hold() {
        let geometry = |format, y_stride| Geometry {
            format,
            width: 2,
            height: 2,
            y_stride,
            uv_stride: 0,
        };
        let bgr = [10, 20, 30, 0, 40, 50, 60, 0, 9, 9, 1, 2, 3, 0, 4, 5, 6, 0];
        let rgb = to_rgb(&geometry(OutputFormat::Bgr32, 10), &bgr, &[]).unwrap();
        assert_eq!(rgb.into_raw(), [30, 20, 10, 60, 50, 40, 3, 2, 1, 6, 5, 4]);
        let red_green = [0x00, 0xf8, 0xe0, 0x07];
        let rgb = to_rgb(
            &geometry(OutputFormat::Rgb565, 4),
            &red_green.repeat(2),
            &[],
        )
        .unwrap();
        assert_eq!(rgb.into_raw(), [255, 0, 0, 0, 255, 0].repeat(2));
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
