// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensor's picture before the ISP: line by line for statistics, and as raw pixels.

use super::content::Wanted;
use super::format::{OutputFormat, ycbcr_to_rgb};
use super::frame::{Geometry, RenderError, Rendered};
use super::permit;
use super::render::Renderer;
use super::row_cache::RowPosition;
use super::view::{Brightness, View};
use tx_isp_abi::sensor::{BayerOrder, Flips};
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

/// Which picture of the sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorFrame {
    /// Width and height in pixels, both even.
    pub size: (u32, u32),
    /// The frame's number.
    pub number: u32,
    /// Its light.
    pub brightness: Brightness,
    /// Which ways it is turned about.
    pub flips: Flips,
}

/// How a raw picture lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawLayout {
    /// Order of the colour filters.
    pub order: BayerOrder,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Bits of a pixel, 8 to 16; it takes two bytes.
    pub bits: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
}

/// A line of the sensor's picture.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number, from 0.
    pub number: usize,
    /// Y of each pixel.
    pub luma: &'a [u8],
    /// Cb and Cr in turn, for two pixels each.
    pub chroma: &'a [u8],
}

impl Line<'_> {
    /// R, G, B of a pixel.
    #[inline]
    #[must_use]
    pub fn rgb(&self, x: usize) -> [u8; 3] {
        let pair = x / 2 * 2;
        ycbcr_to_rgb([self.luma[x], self.chroma[pair], self.chroma[pair + 1]])
    }
}

impl Renderer {
    /// Shows every `step`-th line of the sensor's picture to `see`. There is no stamp on it.
    ///
    /// # Errors
    /// [`RenderError`] for a size that cannot be, or a file that cannot be read.
    pub fn scan(
        &mut self,
        frame: &SensorFrame,
        step: usize,
        mut see: impl FnMut(Line<'_>),
    ) -> Result<(), RenderError> {
        let (width, height) = frame.size;
        let geometry = Geometry {
            format: OutputFormat::Nv12,
            width,
            height,
            y_stride: width,
            uv_stride: width,
        };
        let view = View {
            brightness: frame.brightness,
            flips: frame.flips,
            ..View::whole(&geometry)
        };
        geometry.check(&[usize::MAX; 2])?;
        let wanted = Wanted::new(&geometry, &view);
        let (caches, order) = self.content.caches(wanted, frame.number)?;
        let row = |plane: usize, row: usize| {
            let lines_per_row = plane + 1;
            let row = match frame.flips.vertical {
                true => height as usize / lines_per_row - 1 - row,
                false => row,
            };
            let place = RowPosition {
                frame: frame.number,
                plane,
                row,
                lines_per_row,
            };
            caches[plane].row(order.row(place, caches[plane].rows())).0
        };
        for number in (0..height as usize).step_by(step.max(1)) {
            see(Line {
                number,
                luma: row(0, number),
                chroma: row(1, number / 2),
            });
        }
        Ok(())
    }

    /// Writes the sensor's picture from its top left corner on as raw pixels of two bytes, little endian. The
    /// checksum covers the pixels without what the stride adds.
    ///
    /// # Errors
    /// As [`Self::scan`]; and where the memory ends too early, after what fitted was written.
    pub fn render_raw<B: BitmapSlice>(
        &mut self,
        frame: &SensorFrame,
        layout: &RawLayout,
        target: &VolatileSlice<'_, B>,
    ) -> Result<Rendered, RenderError> {
        let RawLayout {
            order,
            size,
            bits,
            stride,
        } = *layout;
        let more = bits.clamp(8, 16) - 8;
        let (width, height) = (size.0.min(frame.size.0), size.1.min(frame.size.1));
        let mut hasher = crc32fast::Hasher::new();
        let mut row = Vec::new();
        let mut written = Ok(());
        let permit = self.permit.clone();
        self.scan(frame, 1, |line| {
            if line.number >= height as usize || written.is_err() {
                return;
            }
            row.clear();
            for x in 0..width as usize {
                let value = u16::from(line.rgb(x)[colour(order, x, line.number)]);
                // 8 bits become more, white stays white.
                row.extend((value << more | value >> (8 - more)).to_le_bytes());
            }
            hasher.update(&row);
            written = permit::copy(&*permit, target, line.number * stride as usize, &row);
        })?;
        written?;
        Ok(Rendered {
            bytes: u64::from(width) * u64::from(height) * 2,
            crc32: hasher.finalize(),
        })
    }
}

/// Which of R, G, B a pixel sees.
fn colour(order: BayerOrder, x: usize, y: usize) -> usize {
    const R: usize = 0;
    const G: usize = 1;
    const B: usize = 2;
    let block = match order {
        BayerOrder::Rggb => [R, G, G, B],
        BayerOrder::Grbg => [G, R, B, G],
        BayerOrder::Gbrg => [G, B, R, G],
        BayerOrder::Bggr => [B, G, G, R],
    };
    block[y % 2 * 2 + x % 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    const BARS: SensorFrame = SensorFrame {
        size: (64, 32),
        number: 0,
        brightness: Brightness::NORMAL,
        flips: Flips {
            horizontal: false,
            vertical: false,
        },
    };

    const fn layout(order: BayerOrder, stride: u32) -> RawLayout {
        RawLayout {
            order,
            size: (64, 4),
            bits: 10,
            stride,
        }
    }

    #[test]
    fn every_stepth_line_is_shown_without_a_stamp() {
        let mut renderer = Renderer::open(&Source::Bars).unwrap();
        let mut seen = Vec::new();
        let frame = SensorFrame {
            size: (320, 240),
            ..BARS
        };
        renderer
            .scan(&frame, 100, |line| {
                assert_eq!((line.luma.len(), line.chroma.len()), (320, 320));
                assert_eq!(line.rgb(0), [255; 3], "the first bar is white");
                seen.push(line.number);
            })
            .unwrap();
        assert_eq!(seen, [0, 100, 200]);
    }

    #[test]
    fn raw_pixels_have_the_colour_of_their_filter() {
        let mut renderer = Renderer::open(&Source::Bars).unwrap();
        // In the sixth of eight bars: red, through the filters of the first two lines.
        for (order, red_at) in [
            (BayerOrder::Rggb, (0, 0)),
            (BayerOrder::Grbg, (1, 0)),
            (BayerOrder::Gbrg, (0, 1)),
            (BayerOrder::Bggr, (1, 1)),
        ] {
            let mut memory = vec![0xee; 200 * 32];
            let target = VolatileSlice::from(&mut memory[..]);
            let rendered = renderer
                .render_raw(&BARS, &layout(order, 200), &target)
                .unwrap();
            let pixel = |x: usize, y: usize| {
                let at = y * 200 + (40 + x) * 2;
                u16::from_le_bytes([memory[at], memory[at + 1]])
            };
            for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let is_red = (x, y) == red_at;
                assert_eq!(
                    pixel(x, y) > 900,
                    is_red,
                    "{order:?} {x},{y}: {}",
                    pixel(x, y)
                );
                assert!(is_red || pixel(x, y) < 100);
            }
            let pixels: Vec<u8> = memory
                .chunks(200)
                .take(4)
                .flat_map(|line| line[..128].to_vec())
                .collect();
            assert_eq!(
                rendered,
                Rendered {
                    bytes: 512,
                    crc32: crc32fast::hash(&pixels)
                }
            );
            assert!(memory[128..200].iter().all(|&byte| byte == 0xee));
            assert!(memory[4 * 200..].iter().all(|&byte| byte == 0xee));
        }
    }

    #[test]
    fn raw_pixels_are_not_written_beyond_the_memory() {
        let mut renderer = Renderer::open(&Source::Bars).unwrap();
        let mut memory = [0; 100];
        let target = VolatileSlice::from(&mut memory[..]);
        let refused = renderer.render_raw(&BARS, &layout(BayerOrder::Rggb, 128), &target);
        assert!(matches!(refused, Err(RenderError::Memory(_))));
    }

    #[test]
    fn twelve_bits_are_four_times_ten_and_white_stays_white() {
        let mut renderer = Renderer::open(&Source::Bars).unwrap();
        let mut first = |bits| {
            let mut memory = [0; 128 * 4];
            let target = VolatileSlice::from(&mut memory[..]);
            let layout = RawLayout {
                bits,
                ..layout(BayerOrder::Rggb, 128)
            };
            renderer.render_raw(&BARS, &layout, &target).unwrap();
            u16::from_le_bytes([memory[0], memory[1]])
        };
        assert_eq!(
            [8, 10, 12, 16].map(&mut first),
            [0xff, 0x3ff, 0xfff, 0xffff]
        );
    }

    #[test]
    fn lines_of_a_picture_that_is_turned_about_come_the_other_way_round() {
        let mut renderer = Renderer::open(&Source::Gradient).unwrap();
        let mut lines = |flips| {
            let mut seen = Vec::new();
            let frame = SensorFrame { flips, ..BARS };
            let see = |line: Line<'_>| {
                seen.push((0..64).map(|x| line.rgb(x)).collect::<Vec<_>>());
            };
            renderer.scan(&frame, 1, see).unwrap();
            seen
        };
        let plain = lines(Flips::default());
        let mut turned = lines(Flips {
            horizontal: true,
            vertical: true,
        });
        assert_ne!(plain, turned);
        turned.reverse();
        turned.iter_mut().for_each(|line| line.reverse());
        assert_eq!(plain, turned);
    }
}
