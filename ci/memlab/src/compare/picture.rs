// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The heat map as a picture: a panel for each strategy, memory to the right, cameras downwards.

use std::io::Cursor;

use anyhow::{Context, Result};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_6X10;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use image::{ImageFormat, Rgb, RgbImage};

use super::answer::{axis, present};
use super::cell::{Cell, Grade};
use crate::text;

const TILE: u32 = 16;
const LINE: u32 = 14;
const MARGIN: u32 = 12;
/// A character of the font, in pixels.
const CHARACTER: u32 = 6;
/// Every how many columns a length is written below them.
const LABEL_EVERY: usize = 4;

const INK: Rgb888 = Rgb888::new(0x20, 0x20, 0x20);

/// A picture that shapes can be drawn on.
struct Canvas(RgbImage);

impl OriginDimensions for Canvas {
    fn size(&self) -> embedded_graphics::geometry::Size {
        embedded_graphics::geometry::Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(point, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else {
                continue;
            };
            if x < self.0.width() && y < self.0.height() {
                self.0
                    .put_pixel(x, y, Rgb([colour.r(), colour.g(), colour.b()]));
            }
        }
        Ok(())
    }
}

impl Canvas {
    fn point(x: u32, y: u32) -> Point {
        let number = |pixels| i32::try_from(pixels).unwrap_or(i32::MAX);
        Point::new(number(x), number(y))
    }

    fn tile(&mut self, x: u32, y: u32, grade: Grade) {
        let [red, green, blue] = grade.colour();
        let size = embedded_graphics::geometry::Size::new(TILE - 1, TILE - 1);
        let style = PrimitiveStyle::with_fill(Rgb888::new(red, green, blue));
        let Ok(()) = Rectangle::new(Self::point(x, y), size)
            .into_styled(style)
            .draw(self);
    }

    fn write(&mut self, x: u32, y: u32, text: &str) {
        let style = MonoTextStyle::new(&FONT_6X10, INK);
        let text = Text::with_baseline(text, Self::point(x, y), style, Baseline::Top);
        let Ok(_) = text.draw(self);
    }
}

fn pixels(count: usize, each: u32) -> u32 {
    u32::try_from(count)
        .unwrap_or(u32::MAX)
        .saturating_mul(each)
}

/// The picture, as the bytes of a PNG file.
///
/// # Errors
/// If it cannot be encoded.
pub fn png(cells: &[Cell]) -> Result<Vec<u8>> {
    let lengths = axis(cells, |cell| cell.key.rmem);
    let rows = axis(cells, |cell| cell.key.row());
    let panels = present(cells);
    let label = rows.iter().map(String::len).max().unwrap_or(0);
    let left = MARGIN * 2 + pixels(label, CHARACTER);
    let panel_height = LINE * 3 + pixels(rows.len(), TILE);
    let legend = pixels(Grade::ALL.len(), TILE + 2);
    let widest = Grade::ALL.map(|grade| grade.meaning().len());
    let words = pixels(widest.into_iter().max().unwrap_or(0), CHARACTER) + TILE;
    let width = (left + pixels(lengths.len(), TILE)).max(words + MARGIN) + MARGIN * 4;
    let height = MARGIN * 2 + pixels(panels.len(), panel_height) + legend;
    let mut canvas = Canvas(RgbImage::from_pixel(width, height, Rgb([0xff; 3])));
    let mut top = MARGIN;
    for policy in panels {
        canvas.write(MARGIN, top, &text::strategy(policy));
        let below = top + LINE + pixels(rows.len(), TILE);
        for (line, row) in rows.iter().enumerate() {
            canvas.write(MARGIN, top + LINE + pixels(line, TILE) + 3, row);
        }
        for cell in cells.iter().filter(|cell| cell.key.policy == policy) {
            let column = lengths.binary_search(&cell.key.rmem).unwrap_or(0);
            let line = rows.binary_search(&cell.key.row()).unwrap_or(0);
            let (x, y) = (left + pixels(column, TILE), top + LINE + pixels(line, TILE));
            canvas.tile(x, y, cell.grade());
        }
        for (column, length) in lengths.iter().enumerate().step_by(LABEL_EVERY) {
            canvas.write(left + pixels(column, TILE), below + 2, &text::mib(*length));
        }
        top += panel_height;
    }
    for grade in Grade::ALL {
        canvas.tile(MARGIN, top, grade);
        canvas.write(MARGIN + TILE + 4, top + 3, grade.meaning());
        top += TILE + 2;
    }
    let mut bytes = Cursor::new(Vec::new());
    canvas
        .0
        .write_to(&mut bytes, ImageFormat::Png)
        .context("encoding the heat map")?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;
    use guest_protocol::camera::AllocationPolicy;

    #[test]
    fn every_cell_has_a_tile_of_its_colour() {
        let cells = AllocationPolicy::ALL.map(|policy| cell("wyze-v3", policy));
        let picture = image::load_from_memory(&png(&cells).unwrap())
            .unwrap()
            .to_rgb8();
        let count = |grade: Grade| {
            let colour = Rgb(grade.colour());
            picture.pixels().filter(|pixel| **pixel == colour).count()
        };
        // A tile is 15 x 15 pixels; one more is in the legend.
        assert_eq!(count(Grade::Fails), 3 * 225);
        assert_eq!(count(Grade::Blunt), 2 * 225);
        assert_eq!(count(Grade::Full), 225);
    }
}
