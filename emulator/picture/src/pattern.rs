// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The computed patterns, as strips of pixels that the rows are cut from.

use super::format::{OutputFormat, Planar, PlaneShape};
use super::row_cache::{RowCache, RowOrder, mix};
use super::view::Brightness;

/// A strip of pixels and how rows are cut from it.
pub(super) struct Pattern {
    /// One line of pixels.
    strip: Planar,
    /// Pixels from the start of one row to that of the next.
    step: usize,
    /// How many distinct rows there are.
    rows: usize,
    /// Which of them goes where.
    order: RowOrder,
}

impl Pattern {
    /// The strip in the bytes of a format, plane by plane, with rows that begin `left` pixels into
    /// it, and the order of the rows.
    pub(super) fn caches(
        mut self,
        format: OutputFormat,
        planes: &[PlaneShape],
        left: usize,
        brightness: Brightness,
    ) -> (Vec<RowCache>, RowOrder) {
        let (step, rows) = (self.step, self.rows);
        brightness.apply(&mut self.strip);
        let pixels = self.strip.y.len();
        let strips = format.pack(self.strip, pixels).into_iter().enumerate();
        let caches = strips
            .zip(planes)
            .map(|((plane, bytes), shape)| {
                let [start, step] = [left, step].map(|pixels| format.bytes_of(plane, pixels));
                RowCache::new(bytes, start, shape.row_bytes, step, rows)
            })
            .collect();
        (caches, self.order)
    }
}

/// Y, Cb, Cr of the bars from left to right: white, yellow, cyan, green, magenta, red, blue, black. The colours are
/// those of the chip's own colour bar generator (T31 2.7), the order is that of descending luma.
pub(super) const BARS: [[u8; 3]; 8] = [
    [0xeb, 0x80, 0x80],
    [0xd2, 0x10, 0x92],
    [0xaa, 0xa6, 0x10],
    [0x91, 0x36, 0x22],
    [0x6a, 0xca, 0xde],
    [0x51, 0x5a, 0xf0],
    [0x29, 0xf0, 0x6e],
    [0x10, 0x80, 0x80],
];

/// Eight upright bars of equal width (to the pixel pair).
pub(super) fn bars(width: usize) -> Pattern {
    let pairs = width / 2;
    let colours = (0..pairs).map(|pair| BARS[pair * BARS.len() / pairs]);
    Pattern {
        strip: strip_of_pairs(colours),
        step: 0,
        rows: 1,
        order: RowOrder::Still,
    }
}

/// A slanted ramp from black to white and from blue to red and back, one picture wide each way; it runs to the left as
/// the frames go by, so that neighbouring frames differ in nearly every pixel.
pub(super) fn gradient(width: usize) -> Pattern {
    let pairs = width / 2;
    let last = pairs.saturating_sub(1).max(1);
    let scaled = |from: usize, range: usize, at: usize| {
        u8::try_from(from + at * range / last).unwrap_or(u8::MAX)
    };
    // There and back is 2 * pairs; the row that starts last ends one picture later.
    let ramp = (0..3 * pairs).map(|pair| {
        let at = pair % (2 * pairs);
        let at = if at < pairs { at } else { 2 * pairs - 1 - at };
        [
            scaled(16, 219, at),
            scaled(16, 224, last - at.min(last)),
            scaled(16, 224, at),
        ]
    });
    Pattern {
        strip: strip_of_pairs(ramp),
        step: 2,
        rows: 2 * pairs,
        order: RowOrder::Scroll {
            per_frame: pairs / 32 + 1,
        },
    }
}

/// Pixels from the start of one row of noise to that of the next.
const NOISE_STEP: usize = 32;
/// Distinct rows of noise.
const NOISE_ROWS: usize = 2048;

/// Noise over all sample values. Each row is a window, drawn by chance for each row of each frame, into one run of
/// pseudo-random bytes of 64 KiB and a row's length.
pub(super) fn noise(width: usize, seed: u64) -> Pattern {
    let pixels = NOISE_STEP * (NOISE_ROWS - 1) + width;
    let strip = Planar {
        y: random_bytes(seed, 0, pixels),
        cb: random_bytes(seed, 1, pixels / 2),
        cr: random_bytes(seed, 2, pixels / 2),
    };
    Pattern {
        strip,
        step: NOISE_STEP,
        rows: NOISE_ROWS,
        order: RowOrder::Random { seed },
    }
}

fn random_bytes(seed: u64, stream: u64, count: usize) -> Vec<u8> {
    let start = mix(seed ^ mix(stream));
    let words = (0u64..).flat_map(|word| mix(start.wrapping_add(word)).to_le_bytes());
    words.take(count).collect()
}

/// A strip of pixel pairs of one colour each.
fn strip_of_pairs(colours: impl Iterator<Item = [u8; 3]>) -> Planar {
    let mut strip = Planar {
        y: Vec::new(),
        cb: Vec::new(),
        cr: Vec::new(),
    };
    for [y, cb, cr] in colours {
        strip.y.extend([y, y]);
        strip.cb.push(cb);
        strip.cr.push(cr);
    }
    strip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_an_eighth_of_the_width() {
        let strip = bars(64).strip;
        for (bar, [y, cb, cr]) in BARS.into_iter().enumerate() {
            assert_eq!(strip.y[bar * 8..][..8], [y; 8]);
            assert_eq!(strip.cb[bar * 4..][..4], [cb; 4]);
            assert_eq!(strip.cr[bar * 4..][..4], [cr; 4]);
        }
    }

    #[test]
    fn the_gradient_spans_the_limited_range_and_closes_its_circle() {
        let pattern = gradient(128);
        assert_eq!(pattern.strip.y.iter().min(), Some(&16));
        assert_eq!(pattern.strip.y.iter().max(), Some(&235));
        assert_eq!(pattern.strip.cb.iter().max(), Some(&240));
        assert_eq!(pattern.strip.y.len(), 3 * 128);
        // A row later than the last is the first again: the ramp repeats after `rows` steps.
        let period = pattern.rows * pattern.step;
        assert_eq!(pattern.strip.y[..128], pattern.strip.y[period..][..128]);
    }

    #[test]
    fn noise_uses_all_values_about_equally_and_depends_on_the_seed() {
        let one = noise(128, 1).strip;
        let mut seen = [0usize; 256];
        one.y.iter().for_each(|&y| seen[usize::from(y)] += 1);
        assert!(seen.iter().all(|&n| (150..400).contains(&n)), "{seen:?}");
        assert_eq!(one, noise(128, 1).strip);
        assert_ne!(one, noise(128, 2).strip);
        assert_ne!(one.cb, one.cr);
    }
}
