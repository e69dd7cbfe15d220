// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The stamp: frame number and time drawn into the picture, for eyes and for programs.
//!
//! It stands in the top left corner on black. With the width and height of the picture in pixels and integer division,
//! all that a reader must know is
//!
//! ```text
//! cell = 2 * max(1, min(width / 320, height / 180))
//! ```
//!
//! and the strip, which is a line of 50 square cells of `cell` by `cell` pixels, each black (Y 16) or white (Y 235):
//!
//! ```text
//! cell n covers x = cell * (n + 1) .. cell * (n + 2), y = cell .. 2 * cell
//! n = 0       white   } the pair that shows that there is a strip, and what white and black are
//! n = 1       black   }
//! n = 2..34   the frame number, most significant bit first, white is 1
//! n = 34..50  the check, most significant bit first: the low 16 bits of the CRC-32 (IEEE) of the
//!             frame number's four bytes, most significant first
//! ```
//!
//! The strip has a black edge of one cell on all sides, so it takes 52 by 3 cells. In a picture narrower than 104 or
//! lower than 6 pixels there is no stamp at all. Below it, in letters `cell / 4` (at least 1) times 6 by 10 pixels,
//! stands the text `#000123 00:00:04.920 ch0 gc2053`: the frame number, the time (hours, minutes, seconds), the channel,
//! and the sensor's name if it has one. What does not fit into the width is left out from the end; if the height does
//! not suffice there is no text. The chroma of the box is neutral.

use super::format::{BLACK, OutputFormat, Planar, WHITE};
use super::frame::FrameInfo;
use embedded_graphics::{
    geometry::Point,
    image::GetPixel,
    mono_font::{MonoFont, ascii::FONT_6X10},
    pixelcolor::BinaryColor,
};
use std::fmt::Write;
use std::sync::LazyLock;

const FONT: MonoFont<'_> = FONT_6X10;
/// Size of a letter in pixels of the font.
const LETTER: (usize, usize) = (6, 10);
/// Letters in a row of the font's image.
const LETTERS_ACROSS: usize = 16;
/// Cells of the strip.
const CELLS: usize = 50;
/// Cells of the strip with its edges, across and down.
const BOX_CELLS: (usize, usize) = (CELLS + 2, 3);
/// White must be this much brighter than black for the strip to count as one.
const CONTRAST: usize = 64;

/// The 48 bits that stand for a frame number, most significant first: the number, then its check.
fn code(number: u32) -> u64 {
    let check = crc32fast::hash(&number.to_be_bytes()) & 0xffff;
    u64::from(number) << 16 | u64::from(check)
}

/// Where the parts of the stamp are in a picture of a certain size, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    cell: usize,
    letter_scale: usize,
    /// Letters that fit beside each other; 0 if there is no place for text.
    letters: usize,
}

impl Layout {
    /// The layout, or `None` where the strip does not fit.
    fn new(width: usize, height: usize) -> Option<Self> {
        let cell = 2 * (width / 320).min(height / 180).max(1);
        let letter_scale = (cell / 4).max(1);
        let (strip_width, strip_height) = (BOX_CELLS.0 * cell, BOX_CELLS.1 * cell);
        if width < strip_width || height < strip_height {
            return None;
        }
        let text_fits = height >= strip_height + LETTER.1 * letter_scale + cell;
        let letters = if text_fits {
            (width - 2 * cell) / (LETTER.0 * letter_scale)
        } else {
            0
        };
        Some(Self {
            cell,
            letter_scale,
            letters,
        })
    }
}

/// The text, as much of it as `letters` have place for.
fn text(frame: &FrameInfo<'_>, letters: usize) -> String {
    let ms = frame.time.as_millis();
    let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    let mut parts = vec![
        format!("#{:06}", frame.number),
        format!(" {h:02}:{m:02}:{s:02}.{:03}", ms % 1000),
        format!(" ch{}", frame.channel),
    ];
    if !frame.sensor.is_empty() {
        let mut name = String::from(" ");
        name.extend(
            frame
                .sensor
                .chars()
                .map(|c| if matches!(c, ' '..='~') { c } else { '?' }),
        );
        parts.push(name);
    }
    let mut text = String::new();
    for part in parts {
        if text.len() + part.len() > letters {
            break;
        }
        let _ = text.write_str(&part); // a String takes everything
    }
    text
}

/// Some neighbouring rows that all begin with the same bytes.
struct Band {
    /// The row behind the last of the band.
    end: usize,
    /// The bytes.
    bytes: Vec<u8>,
}

/// The stamp of one frame in the bytes of a format: what the first rows of each plane begin with.
pub(super) struct Overlay {
    planes: Vec<Vec<Band>>,
}

impl Overlay {
    /// The stamp for a picture of a size; nothing at all where it does not fit.
    pub(super) fn new(
        format: OutputFormat,
        width: usize,
        height: usize,
        frame: &FrameInfo<'_>,
    ) -> Self {
        let mut planes: Vec<Vec<Band>> = format
            .planes(width, height)
            .iter()
            .map(|_| Vec::new())
            .collect();
        let Some(layout) = Layout::new(width, height) else {
            return Self { planes };
        };
        let shapes = format.planes(width, height);
        let mut line = 0;
        for (lines, luma) in bands(layout, frame) {
            line += lines;
            let pixels = luma.len();
            let strips = format.pack(Planar::grey_strip(luma), pixels);
            for ((bands, shape), bytes) in planes.iter_mut().zip(&shapes).zip(strips) {
                let end = line / shape.lines_per_row;
                match bands.last_mut() {
                    Some(last) if last.bytes == bytes => last.end = end,
                    _ => bands.push(Band { end, bytes }),
                }
            }
        }
        Self { planes }
    }

    /// How many rows of a plane, from the top, the stamp reaches into.
    pub(super) fn rows(&self, plane: usize) -> usize {
        self.planes[plane].last().map_or(0, |last| last.end)
    }

    /// What row `row` of a plane begins with, and a number that equal neighbours share; `None` below the stamp.
    #[inline]
    pub(super) fn row(&self, plane: usize, row: usize) -> Option<(usize, &[u8])> {
        let bands = &self.planes[plane];
        if bands.last().is_none_or(|last| row >= last.end) {
            return None;
        }
        let band = bands.partition_point(|band| band.end <= row);
        Some((band, &bands[band].bytes))
    }
}

/// The lines of the box from the top: how many, and their luma. Their sum is even, as is their length.
fn bands(layout: Layout, frame: &FrameInfo<'_>) -> Vec<(usize, Vec<u8>)> {
    let Layout {
        cell,
        letter_scale,
        letters,
    } = layout;
    let text = text(frame, letters);
    let text_width = text.len() * LETTER.0 * letter_scale;
    let width = (BOX_CELLS.0 * cell).max(if text.is_empty() {
        0
    } else {
        text_width + 2 * cell
    });
    let black = vec![BLACK; width];

    let mut strip = black.clone();
    let bits = code(frame.number) | 1 << 49; // the pair: white, black
    for (n, pixels) in strip[cell..].chunks_exact_mut(cell).take(CELLS).enumerate() {
        if bits >> (CELLS - 1 - n) & 1 == 1 {
            pixels.fill(WHITE);
        }
    }
    let mut bands = vec![(cell, black.clone()), (cell, strip), (cell, black.clone())];
    if text.is_empty() {
        return bands;
    }
    for row in 0..LETTER.1 {
        let mut line = black.clone();
        let places = line[cell..].chunks_exact_mut(LETTER.0 * letter_scale);
        for (place, letter) in places.zip(text.bytes()) {
            let ink = glyph(letter)[row];
            for (x, pixels) in place.chunks_exact_mut(letter_scale).enumerate() {
                if ink >> x & 1 == 1 {
                    pixels.fill(WHITE);
                }
            }
        }
        bands.push((letter_scale, line));
    }
    bands.push((cell, black));
    bands
}

/// A letter from the top row down; bit n of a row is its pixel n from the left.
type Glyph = [u8; LETTER.1];

/// The picture of a letter. Looking into the font for each pixel of each frame would cost more than the rest of the
/// stamp, so all printable letters are taken from it once.
fn glyph(letter: u8) -> Glyph {
    static GLYPHS: LazyLock<Vec<Glyph>> = LazyLock::new(|| (b' '..=b'~').map(drawn).collect());
    let index = usize::from(letter.saturating_sub(b' '));
    GLYPHS.get(index).copied().unwrap_or_default()
}

/// A letter as the font has it.
fn drawn(letter: u8) -> Glyph {
    let index = FONT.glyph_mapping.index(char::from(letter));
    let (left, top) = (
        index % LETTERS_ACROSS * LETTER.0,
        index / LETTERS_ACROSS * LETTER.1,
    );
    let is_ink = |x: usize, y: usize| match (i32::try_from(left + x), i32::try_from(top + y)) {
        (Ok(x), Ok(y)) => FONT.image.pixel(Point::new(x, y)) == Some(BinaryColor::On),
        _ => false,
    };
    std::array::from_fn(|y| (0..LETTER.0).map(|x| u8::from(is_ink(x, y)) << x).sum())
}

/// The frame number that the strip in a picture says.
///
/// `y_plane` is the luma from its first byte, `stride` the bytes from one line to the next, `width` and `height` are in
/// pixels. Each cell is averaged and compared with the middle between the strip's own white and black, so a change of
/// brightness or some coding loss does no harm. `None` if there is no strip, its check does not fit, or the plane is
/// too short to hold it.
pub fn read(y_plane: &[u8], stride: usize, width: usize, height: usize) -> Option<u32> {
    let cell = Layout::new(width, height)?.cell;
    let brightness = |n: usize| -> Option<usize> {
        let x = cell.checked_mul(n + 1)?;
        let mut sum = 0;
        for line in cell..2 * cell {
            let start = line.checked_mul(stride)?.checked_add(x)?;
            sum += y_plane
                .get(start..start.checked_add(cell)?)?
                .iter()
                .map(|&y| usize::from(y))
                .sum::<usize>();
        }
        Some(sum / (cell * cell))
    };
    let (white, black) = (brightness(0)?, brightness(1)?);
    if white < black + CONTRAST {
        return None;
    }
    let mut bits = 0u64;
    for n in 2..CELLS {
        bits = bits << 1 | u64::from(2 * brightness(n)? > white + black);
    }
    let number = u32::try_from(bits >> 16).ok()?;
    (code(number) == bits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn info(number: u32) -> FrameInfo<'static> {
        FrameInfo {
            number,
            time: Duration::from_millis(3_723_045),
            channel: 1,
            sensor: "gc2053",
        }
    }

    /// The luma of a picture that is grey but for the stamp.
    fn stamped(width: usize, height: usize, stride: usize, frame: &FrameInfo<'_>) -> Vec<u8> {
        let overlay = Overlay::new(OutputFormat::Nv12, width, height, frame);
        let mut plane = vec![100; stride * height];
        for (row, line) in plane.chunks_exact_mut(stride).enumerate() {
            if let Some((_, bytes)) = overlay.row(0, row) {
                line[..bytes.len()].copy_from_slice(bytes);
            }
        }
        plane
    }

    #[test]
    fn the_number_can_be_read_back_at_all_sizes() {
        let sizes = [
            (104, 6),
            (128, 128),
            (128, 2048),
            (320, 240),
            (640, 360),
            (642, 482),
            (1280, 720),
            (1920, 1080),
        ];
        for (width, height) in
            sizes
                .into_iter()
                .chain([(2048, 128), (2304, 1296), (2560, 1440), (2624, 2048)])
        {
            for stride in [width, width + 1, width + 77] {
                for number in [0, 1, 0xdead_beef, u32::MAX] {
                    let plane = stamped(width, height, stride, &info(number));
                    assert_eq!(
                        read(&plane, stride, width, height),
                        Some(number),
                        "{width}x{height}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_dim_and_noisy_strip_can_still_be_read() {
        let mut plane = stamped(640, 360, 640, &info(77));
        plane
            .iter_mut()
            .enumerate()
            .for_each(|(i, y)| *y = *y / 2 + u8::from(i % 3 == 0) * 20);
        assert_eq!(read(&plane, 640, 640, 360), Some(77));
    }

    #[test]
    fn a_picture_without_or_with_a_damaged_strip_says_nothing() {
        assert_eq!(read(&[100; 640 * 360], 640, 640, 360), None);
        assert_eq!(read(&[], 640, 640, 360), None);
        assert_eq!(read(&[0; 100], 10, 10, 10), None);
        assert_eq!(read(&[0; 100], usize::MAX, 640, 360), None);
        let mut plane = stamped(640, 360, 640, &info(77));
        for line in 4..8 {
            plane[line * 640 + 4 * 20..][..4].fill(WHITE); // one bit that was 0
        }
        assert_eq!(read(&plane, 640, 640, 360), None);
    }

    #[test]
    fn text_is_left_out_from_the_end() {
        let full = "#000007 01:02:03.045 ch1 gc2053";
        assert_eq!(text(&info(7), 31), full);
        assert_eq!(text(&info(7), 30), full[..24]);
        assert_eq!(text(&info(7), 20), full[..20]);
        assert_eq!(text(&info(7), 7), "#000007");
        assert_eq!(text(&info(7), 6), "");
        assert_eq!(
            text(
                &FrameInfo {
                    sensor: "",
                    ..info(7)
                },
                99
            ),
            full[..24]
        );
        assert_eq!(
            text(
                &FrameInfo {
                    sensor: "böse\n",
                    ..info(7)
                },
                99
            ),
            format!("{} b?se?", &full[..24])
        );
        // The smallest picture of the chip has place for number and time.
        assert_eq!(Layout::new(128, 128).map(|l| l.letters), Some(20));
    }

    #[test]
    fn a_picture_too_small_for_the_strip_stays_clean() {
        for (width, height) in [(102, 128), (128, 4), (16, 16)] {
            assert_eq!(
                stamped(width, height, width, &info(7)),
                vec![100; width * height]
            );
        }
    }

    #[test]
    fn the_text_is_drawn_in_white_on_black() {
        // A 1 in 6x10 at scale 1 begins at the second letter; its stem is the middle column.
        let plane = stamped(128, 128, 128, &info(111_111));
        let letter = |row: usize| -> String {
            let start = (6 + row) * 128 + 2 + LETTER.0;
            plane[start..][..LETTER.0]
                .iter()
                .map(|&y| if y == WHITE { '#' } else { '.' })
                .collect()
        };
        let drawn: Vec<String> = (0..LETTER.1).map(letter).collect();
        let one = [
            "......", "..#...", ".##...", "#.#...", "..#...", "..#...", "..#...", "#####.",
            "......", "......",
        ];
        assert_eq!(drawn, one);
        assert!(
            plane[..128 * 18]
                .chunks(128)
                .all(|l| l[..104].iter().all(|y| [BLACK, WHITE].contains(y)))
        );
    }
}
