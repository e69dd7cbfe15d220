// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rows of each frame of a source in each size that is asked for, made once and kept.

use super::format::{OutputFormat, Planar};
use super::sheet::{Sheet, Walk};
use super::still::Still;
use super::video::Video;
use super::{OpenError, RenderError, Source, pattern};
use std::collections::HashMap;

/// How many sizes are kept: one for each channel and one more.
const SIZES: usize = 4;
/// Memory that the frames of a video may take in one size, in bytes. Of a longer video only the frame drawn last is
/// kept, as the others would be gone before their turn comes again.
const VIDEO_BYTES: usize = 128 << 20;

/// An open source.
enum Origin {
    Bars,
    Gradient,
    Noise { seed: u64 },
    Still(Still),
    Video(Video),
}

type Size = (OutputFormat, u32, u32);

/// The rows of a source in one size.
struct Prepared {
    size: Size,
    walk: Walk,
    /// By frame in the file; only frame 0 for what is no video.
    frames: HashMap<usize, Vec<Sheet>>,
}

/// A source with the rows that were made from it.
pub(super) struct Content {
    origin: Origin,
    /// The one used last is at the end.
    prepared: Vec<Prepared>,
    /// [`VIDEO_BYTES`].
    video_bytes: usize,
}

impl Content {
    /// Opens a source.
    pub(super) fn open(source: &Source) -> Result<Self, OpenError> {
        let origin = match source {
            Source::Bars => Origin::Bars,
            Source::Gradient => Origin::Gradient,
            Source::Noise => Origin::Noise { seed: 0 },
            Source::Image(path) => Origin::Still(Still::open(path)?),
            Source::Y4m(path) => Origin::Video(Video::open(path)?),
        };
        Ok(Self {
            origin,
            prepared: Vec::new(),
            video_bytes: VIDEO_BYTES,
        })
    }

    /// Changes the seed of noise.
    pub(super) fn set_seed(&mut self, new: u64) {
        if let Origin::Noise { seed } = &mut self.origin {
            *seed = new;
            self.prepared.clear();
        }
    }

    /// What is wrong with the source but does not keep it from being shown.
    pub(super) fn warning(&self) -> Option<String> {
        match &self.origin {
            Origin::Video(video) => video.warning(),
            _ => None,
        }
    }

    /// The rows of a frame, plane by plane, and their order.
    pub(super) fn sheets(
        &mut self,
        format: OutputFormat,
        width: u32,
        height: u32,
        number: u32,
    ) -> Result<(&[Sheet], Walk), RenderError> {
        let size = (format, width, height);
        match self.prepared.iter().position(|p| p.size == size) {
            Some(at) => self.prepared[at..].rotate_left(1),
            None => {
                if self.prepared.len() == SIZES {
                    self.prepared.remove(0);
                }
                self.prepared.push(Prepared {
                    size,
                    walk: Walk::InOrder,
                    frames: HashMap::new(),
                });
            }
        }
        let last = self.prepared.len() - 1;
        self.prepared[last].frame(&mut self.origin, number, self.video_bytes)
    }
}

impl Prepared {
    fn frame(
        &mut self,
        origin: &mut Origin,
        number: u32,
        video_bytes: usize,
    ) -> Result<(&[Sheet], Walk), RenderError> {
        let count = match origin {
            Origin::Video(video) => video.frames(),
            _ => 1,
        };
        let index = number as usize % count;
        if !self.frames.contains_key(&index) {
            let (sheets, walk) = make(origin, self.size, index)?;
            let bytes: usize = sheets.iter().map(Sheet::size).sum();
            if bytes.saturating_mul(count) > video_bytes {
                self.frames.clear();
            }
            self.frames.insert(index, sheets);
            self.walk = walk;
        }
        Ok((&self.frames[&index], self.walk))
    }
}

/// The rows of frame `index` of a source.
fn make(origin: &mut Origin, size: Size, index: usize) -> Result<(Vec<Sheet>, Walk), RenderError> {
    let (format, width, height) = size;
    let shapes = format.planes(width as usize, height as usize);
    let whole = |pixels: Planar| {
        let planes = format.pack(pixels).into_iter().zip(&shapes);
        planes
            .map(|(bytes, shape)| Sheet::new(bytes, shape.row_bytes, shape.row_bytes, shape.rows))
            .collect()
    };
    Ok(match origin {
        Origin::Bars => pattern::bars(width as usize).sheets(format, &shapes),
        Origin::Gradient => pattern::gradient(width as usize).sheets(format, &shapes),
        Origin::Noise { seed } => pattern::noise(width as usize, *seed).sheets(format, &shapes),
        Origin::Still(still) => (whole(still.scaled(width, height)?), Walk::InOrder),
        Origin::Video(video) => (whole(video.scaled(index, width, height)?), Walk::InOrder),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_video_is_read_again_and_a_short_one_is_kept() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let encoder = y4m::encode(16, 16, y4m::Ratio::new(25, 1));
        let mut encoder = encoder.write_header(&file).unwrap();
        for luma in [10, 20, 30] {
            let (y, chroma) = ([luma; 256], [128; 64]);
            let frame = y4m::Frame::new([&y, &chroma, &chroma], None);
            encoder.write_frame(&frame).unwrap();
        }
        // A frame takes 384 bytes and the checksums of its 24 rows.
        for (limit, kept) in [(3 * 480, 3), (3 * 480 - 1, 1)] {
            let mut content = Content::open(&Source::Y4m(file.path().to_owned())).unwrap();
            content.video_bytes = limit;
            for number in 0..7 {
                let (sheets, walk) = content.sheets(OutputFormat::Nv12, 16, 16, number).unwrap();
                let luma = [10, 20, 30][number as usize % 3];
                assert_eq!((sheets[0].row(5).0, walk), (&[luma; 16][..], Walk::InOrder));
            }
            assert_eq!(content.prepared[0].frames.len(), kept);
        }
    }

    #[test]
    fn the_size_that_was_not_drawn_for_longest_is_given_up() {
        let mut content = Content::open(&Source::Bars).unwrap();
        for width in [16, 32, 48, 64, 16, 80] {
            content.sheets(OutputFormat::Nv12, width, 16, 0).unwrap();
        }
        let widths: Vec<u32> = content.prepared.iter().map(|p| p.size.1).collect();
        assert_eq!(widths, [48, 64, 16, 80]);
    }
}
