// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics of the sensor's picture, in the banks' layout (facts 2.9, `tx_isp_abi::statistics`).

use tx_isp_abi::statistics::{
    BANK_BYTES, GRID, GRID_OFFSET, HISTOGRAM_OFFSET, Kind, LINE_STEP, PIXEL_STEP, ZONES,
    ZONES_ACROSS, ZONES_DOWN, ZONES_OFFSET,
};
use tx_isp_picture::{Line, RenderError, Renderer, SensorFrame};

const ACROSS: usize = ZONES_ACROSS as usize;
const DOWN: usize = ZONES_DOWN as usize;
const BYTES: usize = BANK_BYTES as usize;

/// What is summed up in a zone.
#[derive(Clone, Copy, Debug, Default)]
struct Zone {
    pixels: u32,
    luma: u32,
    colours: [u32; 3],
    sharpness: u32,
}

/// Statistics of one frame.
#[derive(Debug)]
pub struct Statistics {
    number: u32,
    zones: Vec<Zone>,
    histogram: [u32; 256],
}

impl Statistics {
    /// Looks at a frame once for all of `kinds`.
    ///
    /// # Errors
    /// As [`Renderer::scan`].
    pub fn of(
        renderer: &mut Renderer,
        frame: &SensorFrame,
        kinds: &[Kind],
    ) -> Result<Self, RenderError> {
        let mut statistics = Self {
            number: frame.number,
            zones: vec![Zone::default(); ZONES],
            histogram: [0; 256],
        };
        let height = frame.size.1 as usize;
        renderer.scan(frame, LINE_STEP as usize, |line| {
            let first = (line.number * DOWN / height) * ACROSS;
            let (zones, histogram) = (
                &mut statistics.zones[first..first + ACROSS],
                &mut statistics.histogram,
            );
            add_line(line, zones, histogram, kinds);
        })?;
        Ok(statistics)
    }

    /// The bytes of a bank.
    #[must_use]
    pub fn bank(&self, kind: Kind) -> Vec<u8> {
        let mut bank = vec![0; BYTES];
        put(&mut bank, 0, &[self.number]);
        put(&mut bank, GRID_OFFSET, &[GRID]);
        for (index, zone) in self.zones.iter().enumerate() {
            let at = ZONES_OFFSET + index * kind.zone_bytes();
            match kind {
                Kind::Exposure => {
                    let mean = zone.luma.checked_div(zone.pixels).unwrap_or(0);
                    let mean = u16::try_from(mean).unwrap_or(u16::MAX);
                    bank[at..at + 2].copy_from_slice(&mean.to_le_bytes());
                }
                Kind::WhiteBalance => {
                    let [r, g, b] = zone.colours;
                    put(&mut bank, at, &[r, g, b, zone.pixels]);
                }
                Kind::Focus => put(&mut bank, at, &[zone.sharpness]),
            }
        }
        if kind == Kind::Exposure {
            put(&mut bank, HISTOGRAM_OFFSET, &self.histogram);
        }
        bank
    }
}

fn add_line(line: Line<'_>, zones: &mut [Zone], histogram: &mut [u32; 256], kinds: &[Kind]) {
    let width = line.luma.len();
    for (index, zone) in zones.iter_mut().enumerate() {
        let (start, end) = (index * width / ACROSS, (index + 1) * width / ACROSS);
        for x in (start..end).step_by(PIXEL_STEP as usize) {
            let luma = line.luma[x];
            zone.pixels += 1;
            zone.luma += u32::from(luma);
            histogram[usize::from(luma)] += 1;
            if kinds.contains(&Kind::Focus)
                && let Some(next) = line.luma.get(x + 1)
            {
                zone.sharpness += u32::from(luma.abs_diff(*next));
            }
            if kinds.contains(&Kind::WhiteBalance) {
                for (sum, value) in zone.colours.iter_mut().zip(line.rgb(x)) {
                    *sum += u32::from(value);
                }
            }
        }
    }
}

fn put(bank: &mut [u8], at: usize, words: &[u32]) {
    for (place, word) in bank[at..].chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::statistics::mean_luma;
    use tx_isp_picture::{Brightness, Source};

    fn statistics(source: &Source, light: u32) -> Statistics {
        let frame = SensorFrame {
            size: (1920, 1080),
            number: 7,
            brightness: Brightness(light),
        };
        let mut renderer = Renderer::open(source).unwrap();
        Statistics::of(&mut renderer, &frame, &Kind::ALL).unwrap()
    }

    fn word(bank: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bank[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn the_bars_are_found_in_zones_and_histogram() {
        let statistics = statistics(&Source::Bars, 1 << 16);
        let bank = statistics.bank(Kind::Exposure);
        assert_eq!(
            (bank.len(), word(&bank, 0), word(&bank, 4)),
            (4096, 7, 0x000f_000f)
        );
        // The first zone lies in the white bar, the last one in the black one.
        assert_eq!(bank[0x10..0x12], [235, 0]);
        assert_eq!(bank[0x10 + 224 * 2..][..2], [16, 0]);
        // Each bar has an eighth of the 270 lines of 960 pixels that are looked at.
        for luma in [235, 210, 170, 145, 106, 81, 41, 16] {
            assert_eq!(word(&bank, 0x800 + 4 * luma), 270 * 120);
        }
        assert_eq!(
            mean_luma(&bank),
            Some((235 + 210 + 170 + 145 + 106 + 81 + 41 + 16) / 8)
        );

        let bank = statistics.bank(Kind::WhiteBalance);
        let zone = |index: usize| [0, 4, 8, 12].map(|at| word(&bank, 0x10 + index * 16 + at));
        let [r, g, b, pixels] = zone(0);
        assert_eq!((r, g, b), (255 * pixels, 255 * pixels, 255 * pixels));
        let [r, g, b, pixels] = zone(10);
        assert!(
            r > 200 * pixels && g < 30 * pixels && b < 60 * pixels,
            "{r} {g} {b} {pixels}"
        );
    }

    #[test]
    fn noise_is_sharper_than_bars_and_grey_on_the_whole() {
        let sharpness = |source| {
            let bank = statistics(&source, 1 << 16).bank(Kind::Focus);
            (0..225)
                .map(|zone| u64::from(word(&bank, 0x10 + zone * 4)))
                .sum::<u64>()
        };
        let bars = sharpness(Source::Bars);
        assert!(sharpness(Source::Noise) > 50 * bars, "{bars}");
    }

    #[test]
    fn half_the_light_is_half_as_far_from_black() {
        let mean = |light| {
            let bank = statistics(&Source::Bars, light).bank(Kind::Exposure);
            mean_luma(&bank).unwrap()
        };
        let (half, whole) = (mean(1 << 15), mean(1 << 16));
        assert!(
            (half - 16).abs_diff((whole - 16) / 2) <= 1,
            "{half} {whole}"
        );
    }
}
