// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A picture from an image file.

use super::format::Planar;
use super::scale::SIZES;
use super::{OpenError, is_decodable, scale};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};
use std::path::Path;

/// The most bytes that a decoder may ask for: the largest picture with 8 bytes a pixel, and its work.
const MAX_DECODER_BYTES: u64 = 512 << 20;

/// A decoded image in its own size, and in those that it was asked for last.
pub(super) struct Still {
    rgb: RgbImage,
    /// The size asked for last is at the end.
    scaled: Vec<((u32, u32), Planar)>,
}

impl Still {
    /// Reads and decodes the whole file; its kind is told from its content, its orientation is heeded.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let file = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        let image = |source| OpenError::Image {
            path: path.to_owned(),
            source,
        };
        let reader = ImageReader::open(path)
            .map_err(file)?
            .with_guessed_format()
            .map_err(file)?;
        let mut reader = reader;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(image)?;
        // The decoder's limit does not cover the picture itself, of which only the header is read so far.
        let (width, height) = decoder.dimensions();
        if !is_decodable(width, height) || decoder.total_bytes() > MAX_DECODER_BYTES {
            return Err(OpenError::TooLarge {
                path: path.to_owned(),
                width,
                height,
            });
        }
        let orientation = decoder.orientation().map_err(image)?;
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(image)?;
        decoded.apply_orientation(orientation);
        Ok(Self {
            rgb: decoded.into_rgb8(),
            scaled: Vec::new(),
        })
    }

    /// The image, stretched to a size (even) and converted with BT.601, limited range. Another exposure needs it
    /// in the same size again.
    pub(super) fn scaled(&mut self, width: u32, height: u32) -> Planar {
        let size = (width, height);
        let planar = match self.scaled.iter().position(|(of, _)| *of == size) {
            Some(at) => self.scaled.remove(at).1,
            None => Planar::of_rgb(&scale::rgb(&self.rgb, width, height)),
        };
        if self.scaled.len() == SIZES {
            self.scaled.remove(0);
        }
        self.scaled.push((size, planar.clone()));
        planar
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb};

    fn file(format: ImageFormat, keep: impl Fn(usize) -> usize) -> tempfile::NamedTempFile {
        let picture = RgbImage::from_fn(64, 48, |x, y| {
            if x < 32 {
                Rgb([255, 0, 0])
            } else {
                Rgb([0, 0, y.to_le_bytes()[0]])
            }
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        let bytes = bytes.into_inner();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes[..keep(bytes.len())]).unwrap();
        file
    }

    #[test]
    fn every_kind_of_image_is_scaled_and_converted() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Bmp,
            ImageFormat::Pnm,
            ImageFormat::WebP,
        ] {
            let file = file(format, |all| all);
            let planar = Still::open(file.path()).unwrap().scaled(128, 128);
            assert_eq!(
                (planar.y.len(), planar.cb.len(), planar.cr.len()),
                (128 * 128, 64 * 64, 64 * 64)
            );
            // Red is Y 81, Cb 90, Cr 240.
            let (y, cb, cr) = (
                planar.y[128 * 20 + 20],
                planar.cb[64 * 10 + 10],
                planar.cr[64 * 10 + 10],
            );
            assert!(
                y.abs_diff(81) < 4 && cb.abs_diff(90) < 4 && cr.abs_diff(240) < 4,
                "{format:?}: {y} {cb} {cr}"
            );
        }
    }

    #[test]
    fn a_size_that_was_asked_for_before_is_not_stretched_again() {
        let file = file(ImageFormat::Png, |all| all);
        let mut still = Still::open(file.path()).unwrap();
        let first = still.scaled(128, 128);
        // What was kept is what comes back: it is changed here to be told from a new one.
        still.scaled[0].1.y[0] ^= 1;
        assert_ne!(still.scaled(128, 128), first);
        for width in (16..).step_by(16).take(SIZES) {
            let _other = still.scaled(width, 16);
        }
        assert_eq!((still.scaled(128, 128), still.scaled.len()), (first, SIZES));
    }

    #[test]
    fn a_truncated_image_is_refused_by_name() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Bmp,
            ImageFormat::Pnm,
            ImageFormat::WebP,
        ] {
            let file = file(format, |all| all * 2 / 3);
            let message = Still::open(file.path())
                .err()
                .unwrap_or_else(|| panic!("{format:?} was taken"))
                .to_string();
            assert!(
                message.contains(&file.path().display().to_string()),
                "{message}"
            );
        }
    }

    /// A PNG of one bit a pixel, all black: a few hundred kilobytes for gigabytes.
    fn black_png(side: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        let small = vec![0; 64];
        image::ImageEncoder::write_image(encoder, &small, 8, 8, image::ExtendedColorType::L8)
            .unwrap();
        // Width and height stand behind signature, length and name; then comes the checksum of all.
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        let crc = crc32fast::hash(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&crc);
        bytes
    }

    #[test]
    fn a_picture_that_would_take_the_memory_is_refused_before_it_does() {
        let bombs = [
            black_png(60_000),
            black_png(16_384),
            b"P6 100000 100000 255\n".to_vec(),
            b"P6 16384 16384 65535\n".to_vec(),
        ];
        for bomb in bombs {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bomb).unwrap();
            let message = Still::open(file.path()).err().unwrap().to_string();
            let path = file.path().display().to_string();
            assert!(message.contains(&path), "{message}");
            assert!(message.contains("at most 16384 on a side"), "{message}");
        }
    }

    #[test]
    fn what_is_no_image_or_no_file_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no picture").unwrap();
        let message = Still::open(file.path()).err().unwrap().to_string();
        assert!(
            message.contains(&file.path().display().to_string()),
            "{message}"
        );
        let message = Still::open(Path::new("/nowhere/at.png"))
            .err()
            .unwrap()
            .to_string();
        assert!(
            message.starts_with("cannot read /nowhere/at.png: "),
            "{message}"
        );
    }
}
