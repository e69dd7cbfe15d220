// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rows of each frame of a source in each size that is asked for, made once and kept.

use super::format::{OutputFormat, Planar};
use super::row_cache::{RowCache, RowOrder};
use super::scale::SIZES;
use super::still::Still;
use super::video::Video;
use super::view::{Brightness, View};
use super::{Geometry, OpenError, RenderError, Source, pattern};
use std::collections::HashMap;

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

/// What rows are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    format: OutputFormat,
    /// Size in pixels of the picture that the rows are cut from.
    full: (u32, u32),
    /// First pixel of a row.
    left: u32,
    /// Pixels in a row.
    width: u32,
    brightness: Brightness,
}

impl Wanted {
    /// What a geometry's view needs; its lines are chosen from the cache, so they do not matter.
    pub(super) const fn new(geometry: &Geometry, view: &View<'_>) -> Self {
        Self {
            format: geometry.format,
            full: view.full,
            left: view.left,
            width: geometry.width,
            brightness: view.brightness,
        }
    }
}

/// The rows of a source as they are wanted.
struct Prepared {
    wanted: Wanted,
    order: RowOrder,
    /// By frame in the file; only frame 0 for what is no video.
    frames: HashMap<usize, Vec<RowCache>>,
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
    pub(super) fn caches(
        &mut self,
        wanted: Wanted,
        number: u32,
    ) -> Result<(&[RowCache], RowOrder), RenderError> {
        match self.prepared.iter().position(|p| p.wanted == wanted) {
            Some(at) => self.prepared[at..].rotate_left(1),
            None => {
                if self.prepared.len() == SIZES {
                    self.prepared.remove(0);
                }
                self.prepared.push(Prepared {
                    wanted,
                    order: RowOrder::InOrder,
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
    ) -> Result<(&[RowCache], RowOrder), RenderError> {
        let count = match origin {
            Origin::Video(video) => video.frames(),
            _ => 1,
        };
        let index = number as usize % count;
        if !self.frames.contains_key(&index) {
            let (caches, order) = make(origin, self.wanted, index)?;
            let bytes: usize = caches.iter().map(RowCache::size).sum();
            if bytes.saturating_mul(count) > video_bytes {
                self.frames.clear();
            }
            self.frames.insert(index, caches);
            self.order = order;
        }
        Ok((&self.frames[&index], self.order))
    }
}

/// The rows of frame `index` of a source.
fn make(
    origin: &mut Origin,
    wanted: Wanted,
    index: usize,
) -> Result<(Vec<RowCache>, RowOrder), RenderError> {
    let Wanted {
        format,
        full: (width, height),
        brightness,
        ..
    } = wanted;
    let (left, pixels) = (wanted.left as usize, width as usize);
    let shapes = format.planes(wanted.width as usize, height as usize);
    let picture = |mut planar: Planar| {
        brightness.apply(&mut planar);
        let planes = format.pack(planar, pixels).into_iter().enumerate();
        let caches = planes.zip(&shapes).map(|((plane, bytes), shape)| {
            let [start, step] = [left, pixels].map(|pixels| format.bytes_of(plane, pixels));
            RowCache::new(bytes, start, shape.row_bytes, step, shape.rows)
        });
        (caches.collect(), RowOrder::InOrder)
    };
    let strip = |pattern: pattern::Pattern| pattern.caches(format, &shapes, left, brightness);
    Ok(match origin {
        Origin::Bars => strip(pattern::bars(pixels)),
        Origin::Gradient => strip(pattern::gradient(pixels)),
        Origin::Noise { seed } => strip(pattern::noise(pixels, *seed)),
        Origin::Still(still) => picture(still.scaled(width, height)),
        Origin::Video(video) => picture(video.scaled(index, width, height)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(width: u32) -> Wanted {
        let geometry = Geometry {
            format: OutputFormat::Nv12,
            width,
            height: 16,
            y_stride: width,
            uv_stride: width,
        };
        Wanted::new(&geometry, &View::whole(&geometry))
    }

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
                let (caches, order) = content.caches(whole(16), number).unwrap();
                let luma = [10, 20, 30][number as usize % 3];
                assert_eq!(
                    (caches[0].row(5).0, order),
                    (&[luma; 16][..], RowOrder::InOrder)
                );
            }
            assert_eq!(content.prepared[0].frames.len(), kept);
        }
    }

    #[test]
    fn the_size_that_was_not_drawn_for_longest_is_given_up() {
        let mut content = Content::open(&Source::Bars).unwrap();
        for width in [16, 32, 48, 64, 16, 80] {
            content.caches(whole(width), 0).unwrap();
        }
        let widths: Vec<u32> = content.prepared.iter().map(|p| p.wanted.width).collect();
        assert_eq!(widths, [48, 64, 16, 80]);
    }
}
