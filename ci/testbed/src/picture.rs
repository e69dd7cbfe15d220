// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pictures that came out of the guest.

use std::path::Path;

use anyhow::{Context, Result};
use image::imageops::grayscale;
use image::{GrayImage, RgbImage};
use tx_isp_abi::Size;
use tx_isp_abi::format::{FrameLayout, PixelFormat};
use tx_isp_picture::{Geometry, OutputFormat, frame_overlay, to_rgb};

/// The visible bytes of a frame: lines of luma, then lines of chroma, without gaps; for RGB its lines.
#[derive(Debug, Clone)]
pub struct Picture {
    size: Size,
    format: PixelFormat,
    bytes: Vec<u8>,
}

impl Picture {
    /// A picture of these bytes; `None` if they are too few.
    pub fn new(size: Size, format: PixelFormat, bytes: Vec<u8>) -> Option<Self> {
        let picture = Self {
            size,
            format,
            bytes,
        };
        let visible = usize::try_from(FrameLayout::new(format, size).visible_bytes()).ok()?;
        (picture.bytes.len() >= visible).then_some(picture)
    }

    /// Its bytes: lines of luma, then lines of chroma, or lines of RGB, without gaps.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the first plane, which for RGB is the only one.
    fn first_plane_bytes(&self) -> usize {
        let bytes = self.size.width * self.size.height * self.format.bytes_per_pixel();
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Its luma; `None` for RGB.
    pub fn luma(&self) -> Option<GrayImage> {
        let luma = self.bytes.get(..self.first_plane_bytes())?.to_vec();
        let planar = !self.format.is_rgb();
        planar.then(|| GrayImage::from_raw(self.size.width, self.size.height, luma))?
    }

    /// CRC-32 of its bytes.
    pub fn checksum(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// The frame number that is drawn into it, if one can be read: from luma, or from the grey of RGB.
    pub fn stamp(&self) -> Option<u32> {
        let grey;
        let luma: &[u8] = if self.format.is_rgb() {
            grey = grayscale(&self.to_rgb().ok()?);
            &grey
        } else {
            &self.bytes
        };
        let side = |pixels: u32| usize::try_from(pixels).ok();
        let (width, height) = (side(self.size.width)?, side(self.size.height)?);
        frame_overlay::read(luma, width, width, height)
    }

    /// Saves it as PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.to_rgb()?
            .save(path)
            .with_context(|| format!("writing {}", path.display()))
    }

    fn to_rgb(&self) -> Result<RgbImage> {
        let geometry = Geometry {
            format: match self.format {
                PixelFormat::Nv12 => OutputFormat::Nv12,
                PixelFormat::Nv21 => OutputFormat::Nv21,
                PixelFormat::Rgb565 => OutputFormat::Rgb565,
                PixelFormat::Bgr32 => OutputFormat::Bgr32,
            },
            width: self.size.width,
            height: self.size.height,
            y_stride: self.size.width * self.format.bytes_per_pixel(),
            uv_stride: self.size.width,
        };
        let (luma, chroma) = self.bytes.split_at(self.first_plane_bytes());
        to_rgb(&geometry, luma, chroma).context("converting a picture")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_picture::{FrameInfo, Planes, Renderer, Source};
    use vm_memory::VolatileSlice;

    #[test]
    fn a_picture_needs_all_its_bytes_and_becomes_a_png() {
        let size = Size::new(128, 128);
        let bytes = vec![128; 128 * 128 * 3 / 2];
        assert!(Picture::new(size, PixelFormat::Nv12, bytes[1..].to_vec()).is_none());
        let picture = Picture::new(size, PixelFormat::Nv21, bytes.clone()).unwrap();
        assert_eq!(picture.checksum(), crc32fast::hash(&bytes));
        assert_eq!(picture.stamp(), None);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        picture.save(&path).unwrap();
        assert_eq!(std::fs::read(path).unwrap()[1..4], *b"PNG");
    }

    #[test]
    fn the_stamp_of_every_format_is_read() {
        let size = Size::new(128, 128);
        let [width, height] = [size.width, size.height];
        for (format, output) in PixelFormat::ALL.into_iter().zip([
            OutputFormat::Nv12,
            OutputFormat::Nv21,
            OutputFormat::Rgb565,
            OutputFormat::Bgr32,
        ]) {
            let layout = FrameLayout::new(format, size);
            let geometry = Geometry {
                format: output,
                width,
                height,
                y_stride: layout.y_stride,
                uv_stride: width,
            };
            let mut bytes = vec![0; usize::try_from(layout.visible_bytes()).unwrap()];
            let first = usize::try_from(layout.y_stride * height).unwrap();
            let (luma, chroma) = bytes.split_at_mut(first);
            let planes = Planes {
                y: VolatileSlice::from(luma),
                uv: VolatileSlice::from(chroma),
            };
            let info = FrameInfo {
                number: 4711,
                time: std::time::Duration::ZERO,
                channel: 0,
                sensor: "",
            };
            let mut renderer = Renderer::open(&Source::Bars).unwrap();
            let rendered = renderer.render(&geometry, &info, &planes).unwrap();
            let picture = Picture::new(size, format, bytes).unwrap();
            assert_eq!(picture.stamp(), Some(4711), "{format}");
            assert_eq!(picture.checksum(), rendered.crc32, "{format}");
            // The last bar is black, the first white, whatever the order of the colours.
            let rgb = picture.to_rgb().unwrap();
            assert_eq!(rgb.get_pixel(127, 127).0, [0; 3], "{format}");
            assert!(
                rgb.get_pixel(0, 127).0.iter().all(|part| *part > 247),
                "{format}"
            );
            let yellow = rgb.get_pixel(20, 127).0;
            assert!(yellow[0] > 180 && yellow[2] < 60, "{format}: {yellow:?}");
        }
    }
}
