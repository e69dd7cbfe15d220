// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pictures that came out of the guest.

use std::path::Path;

use anyhow::{Context, Result};
use tx_isp_abi::Size;
use tx_isp_abi::format::{FrameLayout, PixelFormat};
use tx_isp_emulator::picture::{Geometry, OutputFormat, stamp, to_rgb};

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

    /// Bytes of the first plane, which for RGB is the only one.
    fn first_plane_bytes(&self) -> usize {
        let bytes = self.size.width * self.size.height * self.format.bytes_per_pixel();
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// CRC-32 of its bytes.
    pub fn checksum(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// The frame number that is drawn into it, if one can be read; it is read from luma only.
    pub fn stamp(&self) -> Option<u32> {
        if self.format.is_rgb() {
            return None;
        }
        let side = |pixels: u32| usize::try_from(pixels).ok();
        let (width, height) = (side(self.size.width)?, side(self.size.height)?);
        stamp::read(&self.bytes, width, width, height)
    }

    /// Saves it as PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
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
        to_rgb(&geometry, luma, chroma)
            .context("converting a picture")?
            .save(path)
            .with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
