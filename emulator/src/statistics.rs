// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics of the sensor's picture, in the banks' layout (T31 2c, `tx_isp_abi::statistics`).

use tx_isp_abi::statistics::{
    ADR_HISTOGRAM_OFFSET, BLOCKS_OFFSET, HISTOGRAM_BYTES, Kind, LINE_STEP, PIXEL_STEP, ZONE_BYTES,
    Zones,
};
use tx_isp_picture::{Line, RenderError, Renderer, SensorFrame};

/// Bright enough to count as a bright pixel of AF (assumption).
const BRIGHT: u8 = 235;
/// Bins of a block of ADR, of one of defog, and of ADR's whole picture.
const ADR_BINS: usize = 5;
const DEFOG_BINS: usize = 3;
const ADR_ALL_BINS: usize = 512;

/// What is summed up in a zone or block.
#[derive(Clone, Debug)]
struct Zone {
    pixels: u32,
    luma: u32,
    colours: [u32; 3],
    sharpness: u32,
    bright: u32,
    histogram: [u32; 256],
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            pixels: 0,
            luma: 0,
            colours: [0; 3],
            sharpness: 0,
            bright: 0,
            histogram: [0; 256],
        }
    }
}

impl Zone {
    /// The same sums if all of its `area` had been looked at.
    fn scaled_to(&self, area: u32) -> Self {
        let scale = |sum: u32| {
            let all = (u64::from(sum) * u64::from(area)).checked_div(self.pixels.into());
            all.and_then(|all| u32::try_from(all).ok()).unwrap_or(0)
        };
        Self {
            pixels: scale(self.pixels),
            luma: scale(self.luma),
            colours: self.colours.map(scale),
            sharpness: scale(self.sharpness),
            bright: scale(self.bright),
            histogram: self.histogram.map(scale),
        }
    }
}

/// A picture divided into zones, of which only some pixels are looked at.
#[derive(Debug)]
struct Grid {
    divided: Zones,
    colours: bool,
    zones: Vec<Zone>,
}

impl Grid {
    fn new(divided: Zones) -> Self {
        let count = divided.rows.count() * divided.columns.count();
        Self {
            divided,
            colours: false,
            zones: vec![Zone::default(); count],
        }
    }

    fn add(&mut self, line: Line<'_>) {
        let row = u32::try_from(line.number).ok();
        let Some(row) = row.and_then(|number| self.divided.rows.find(number)) else {
            return;
        };
        let width = line.luma.len();
        let columns = &self.divided.columns;
        let zones = &mut self.zones[row * columns.count()..];
        for (zone, (start, end)) in zones.iter_mut().zip(columns.zones()) {
            let start = (start as usize).min(width);
            let end = (end as usize).min(width);
            for x in (start..end).step_by(PIXEL_STEP as usize) {
                let luma = line.luma[x];
                zone.pixels += 1;
                zone.luma += u32::from(luma);
                zone.histogram[usize::from(luma)] += 1;
                zone.bright += u32::from(luma >= BRIGHT);
                if let Some(next) = line.luma.get(x + 1) {
                    zone.sharpness += u32::from(luma.abs_diff(*next));
                }
                if self.colours {
                    for (sum, value) in zone.colours.iter_mut().zip(line.rgb(x)) {
                        *sum += u32::from(value);
                    }
                }
            }
        }
    }

    /// The zones row by row, as if all of their pixels had been counted, of which `unit` times `unit` are one.
    fn counted(&self, unit: u32) -> impl Iterator<Item = Zone> {
        let columns = || self.divided.columns.zones();
        let rows = self.divided.rows.zones();
        let areas = rows.flat_map(move |(top, bottom)| {
            columns().map(move |(left, right)| (bottom - top) * (right - left) / (unit * unit))
        });
        let zones = self.zones.iter().zip(areas);
        zones.map(|(zone, area)| zone.scaled_to(area))
    }

    fn histogram(&self) -> [u32; 256] {
        let mut all = [0; 256];
        for zone in self.counted(HALF_PIXELS) {
            for (sum, count) in all.iter_mut().zip(zone.histogram) {
                *sum += count;
            }
        }
        all
    }
}

/// What counts stand for (T31 2c).
const HALF_PIXELS: u32 = 2;
const PIXELS: u32 = 1;

/// Statistics of one frame.
#[derive(Debug)]
pub struct Statistics {
    number: u32,
    /// One for each way in which a kind divides the picture.
    grids: Vec<Grid>,
}

impl Statistics {
    /// Looks at a frame once for all of `kinds`, each with its zones.
    ///
    /// # Errors
    /// As [`Renderer::scan`].
    pub fn of(
        renderer: &mut Renderer,
        frame: &SensorFrame,
        kinds: &[(Kind, Zones)],
    ) -> Result<Self, RenderError> {
        let mut grids: Vec<Grid> = Vec::new();
        for (kind, zones) in kinds {
            let known = grids.iter().position(|grid| grid.divided == *zones);
            let index = known.unwrap_or_else(|| {
                grids.push(Grid::new(*zones));
                grids.len() - 1
            });
            grids[index].colours |= matches!(kind, Kind::WhiteBalance | Kind::Defog);
        }
        renderer.scan(frame, LINE_STEP as usize, |line| {
            grids.iter_mut().for_each(|grid| grid.add(line));
        })?;
        Ok(Self {
            number: frame.number,
            grids,
        })
    }

    /// The bytes of a bank of a kind with its zones. `thresholds` divide AE's dark pixels from the others, and the others
    /// from the saturated ones.
    #[must_use]
    pub fn bank(&self, kind: Kind, zones: &Zones, thresholds: [u8; 2]) -> Vec<u8> {
        let mut bank = vec![0; kind.bank_bytes()];
        let Some(grid) = self.grids.iter().find(|grid| grid.divided == *zones) else {
            return bank;
        };
        match kind {
            Kind::Exposure | Kind::SecondExposure => {
                let zones = grid.counted(HALF_PIXELS);
                put_zones(&mut bank, zones, |_, zone| exposure(zone, thresholds));
            }
            Kind::ExposureHistogram | Kind::SecondHistogram => {
                let words = grid.histogram().map(|count| count.min(0x1f_ffff));
                for (place, word) in bank[..HISTOGRAM_BYTES].chunks_exact_mut(4).zip(words) {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            }
            Kind::WhiteBalance => {
                let zones = grid.counted(HALF_PIXELS);
                put_zones(&mut bank, zones, |_, zone| white_balance(zone));
            }
            Kind::Focus => {
                let zones = grid.counted(PIXELS);
                put_zones(&mut bank, zones, |index, zone| {
                    focus(zone, index, self.number)
                });
            }
            Kind::DynamicRange => {
                let blocks = grid.counted(HALF_PIXELS);
                put_zones(&mut bank[BLOCKS_OFFSET..], blocks, |_, zone| {
                    dynamic_range(zone)
                });
                put_bins(&mut bank, &grid.histogram());
            }
            Kind::Defog => {
                let blocks = grid.counted(HALF_PIXELS);
                put_zones(&mut bank[BLOCKS_OFFSET..], blocks, |_, zone| {
                    air_light(zone)
                });
            }
        }
        bank
    }
}

fn put_zones(
    bank: &mut [u8],
    zones: impl Iterator<Item = Zone>,
    fields: impl Fn(usize, &Zone) -> u128,
) {
    let places = bank.chunks_exact_mut(ZONE_BYTES);
    for (place, (index, zone)) in places.zip(zones.enumerate()) {
        place.copy_from_slice(&fields(index, &zone).to_le_bytes());
    }
}

/// Fields one behind the other, the lowest first: value and bits. What does not fit saturates.
fn pack(fields: &[(u32, u32)]) -> u128 {
    let mut packed = 0;
    let mut at = 0;
    for (value, bits) in fields {
        let most = u32::MAX >> (32 - bits);
        packed |= u128::from((*value).min(most)) << at;
        at += bits;
    }
    packed
}

fn exposure(zone: &Zone, [dark, saturated]: [u8; 2]) -> u128 {
    let mut sums = [0; 3];
    let mut counts = [0; 3];
    for (luma, count) in (0u8..=255).zip(zone.histogram) {
        let class = if luma < dark {
            0
        } else if luma > saturated {
            2
        } else {
            1
        };
        sums[class] += u32::from(luma) * count;
        counts[class] += count;
    }
    // There is no infrared.
    let [d, m, s] = sums;
    pack(&[
        (d, 21),
        (m, 21),
        (s, 21),
        (counts[0], 13),
        (counts[2], 13),
        (0, 21),
    ])
}

fn white_balance(zone: &Zone) -> u128 {
    let [r, g, b] = zone.colours;
    pack(&[(r, 21), (g, 21), (b, 21), (0, 21), (zone.pixels, 13)])
}

/// The frame's number has 8 bits, two in each of the first four zones.
fn focus(zone: &Zone, index: usize, number: u32) -> u128 {
    let part = if index < 4 {
        number >> (2 * index) & 3
    } else {
        0
    };
    let sharpness = zone.sharpness;
    pack(&[
        (sharpness, 22),
        (sharpness / 2, 22),
        (sharpness, 22),
        (sharpness / 2, 22),
        (zone.luma, 23),
        (0, 1),
        (zone.bright / 2, 14),
        (part, 2),
    ])
}

/// The zone's histogram in fewer bins of equal width.
fn bins<const N: usize>(zone: &Zone) -> [u32; N] {
    let mut bins = [0; N];
    for (luma, count) in zone.histogram.iter().enumerate() {
        bins[luma * N / 256] += count;
    }
    bins
}

fn dynamic_range(zone: &Zone) -> u128 {
    let [a, b, c, d, e]: [u32; ADR_BINS] = bins(zone);
    pack(&[
        (a, 16),
        (b, 16),
        (c, 16),
        (d, 16),
        (zone.luma, 28),
        (0, 4),
        (e, 16),
    ])
}

fn air_light(zone: &Zone) -> u128 {
    let [red, green, blue] = zone.colours.map(|sum| sum.min(0xff_ffff));
    let [a, b, c]: [u32; DEFOG_BINS] = bins(zone);
    pack(&[
        (blue, 24),
        (green, 24),
        (red & 0xfff, 12),
        (0, 4),
        (a, 16),
        (b, 16),
        (c, 16),
        (red >> 12, 12),
    ])
}

/// The whole picture in 512 bins of 21 bits, three in 8 bytes; luma has 8 bits, so every other one stays empty.
fn put_bins(bank: &mut [u8], histogram: &[u32; 256]) {
    let mut bins = [0; ADR_ALL_BINS];
    for (bin, count) in bins.iter_mut().step_by(2).zip(histogram) {
        *bin = *count;
    }
    let places = bank[ADR_HISTOGRAM_OFFSET..].chunks_exact_mut(8);
    for (place, bins) in places.zip(bins.chunks(3)) {
        let fields: Vec<(u32, u32)> = bins.iter().map(|bin| (*bin, 21)).collect();
        place.copy_from_slice(&pack(&fields).to_le_bytes()[..8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::Size;
    use tx_isp_abi::statistics::{ADR_BLOCKS, DEFOG_BLOCKS, GEOMETRY_WORDS, mean_luma};
    use tx_isp_picture::{Brightness, Source};

    const THRESHOLDS: [u8; 2] = [32, 220];

    /// A kind's zones where nothing is programmed.
    fn zones(kind: Kind) -> Zones {
        let blocks = match kind {
            Kind::DynamicRange => ADR_BLOCKS,
            Kind::Defog => DEFOG_BLOCKS,
            _ => [15, 15],
        };
        Zones::even(blocks, Size::new(1920, 1080))
    }

    impl Statistics {
        fn plain(&self, kind: Kind) -> Vec<u8> {
            self.bank(kind, &zones(kind), THRESHOLDS)
        }
    }

    fn statistics(source: &Source, light: u32) -> Statistics {
        statistics_of(source, light, &Kind::ALL.map(|kind| (kind, zones(kind))))
    }

    fn statistics_of(source: &Source, light: u32, kinds: &[(Kind, Zones)]) -> Statistics {
        let frame = SensorFrame {
            size: (1920, 1080),
            number: 0b10_01_11,
            flips: tx_isp_abi::sensor::Flips::default(),
            brightness: Brightness(light),
        };
        let mut renderer = Renderer::open(source).unwrap();
        Statistics::of(&mut renderer, &frame, kinds).unwrap()
    }

    fn word(bank: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bank[at..at + 4].try_into().unwrap())
    }

    /// A field of a zone as the vendor's parser takes it out of the words.
    fn field(bank: &[u8], zone: usize, lsb: u32, bits: u32) -> u32 {
        let at = zone * 16;
        let zone = u128::from_le_bytes(bank[at..at + 16].try_into().unwrap());
        u32::try_from(zone >> lsb & ((1 << bits) - 1)).unwrap()
    }

    #[test]
    fn the_bars_are_found_in_zones_and_histogram() {
        let statistics = statistics(&Source::Bars, 1 << 16);
        let bank = statistics.plain(Kind::Exposure);
        assert_eq!(bank.len(), 0x1000);
        // A zone has 64 times 36 half pixels. The first lies in the white bar, the last one in the black one.
        let pixels = 64 * 36;
        let zone = |index| {
            [(0, 21), (21, 21), (42, 21), (63, 13), (76, 13), (89, 21)]
                .map(|(lsb, bits)| field(&bank, index, lsb, bits))
        };
        assert_eq!(zone(0), [0, 0, 235 * pixels, 0, pixels, 0]);
        assert_eq!(zone(224), [16 * pixels, 0, 0, pixels, 0, 0]);
        // w1[9:0]:w0[31:21] is the middle.
        let middle = |index: usize| {
            let (w0, w1) = (word(&bank, index * 16), word(&bank, index * 16 + 4));
            (w1 & 0x3ff) << 11 | w0 >> 21
        };
        assert_eq!(middle(4), 170 * pixels);
        let histogram = statistics.plain(Kind::ExposureHistogram);
        assert_eq!(histogram.len(), 0x800);
        for luma in [235, 210, 170, 145, 106, 81, 41, 16] {
            assert_eq!(word(&histogram, 4 * luma), 540 * 120);
        }
        let mean = (235 + 210 + 170 + 145 + 106 + 81 + 41 + 16) / 8;
        assert_eq!(mean_luma(&histogram), Some(mean));

        let bank = statistics.plain(Kind::WhiteBalance);
        let zone = |index| {
            [(0, 21), (21, 21), (42, 21), (84, 13)]
                .map(|(lsb, bits)| field(&bank, index, lsb, bits))
        };
        assert_eq!(zone(0), [255 * pixels, 255 * pixels, 255 * pixels, pixels]);
        let [r, g, b, _] = zone(10);
        assert!(
            r > 200 * pixels && g < 30 * pixels && b < 60 * pixels,
            "{r} {g} {b}"
        );
    }

    #[test]
    fn noise_is_sharper_than_bars_and_the_frame_number_is_spread_over_zones() {
        let bank = |source| statistics(&source, 1 << 16).plain(Kind::Focus);
        let (bars, noise) = (bank(Source::Bars), bank(Source::Noise));
        let sharpness = |bank: &[u8]| {
            (0..225)
                .map(|zone| u64::from(field(bank, zone, 0, 22)))
                .sum::<u64>()
        };
        assert!(sharpness(&noise) > 50 * sharpness(&bars));
        assert_eq!(
            [0, 1, 2, 3].map(|zone| field(&bars, zone, 126, 2)),
            [0b11, 0b01, 0b10, 0]
        );
        // AF counts pixels.
        assert_eq!(field(&bars, 0, 88, 23), 235 * 128 * 72);
        assert_eq!(field(&bars, 0, 112, 14) << 1, 128 * 72);
    }

    /// Bars of 240 pixels; zones of odd numbers of half pixels, of which not all lines that are looked at are as many.
    #[test]
    fn zones_lie_where_they_are_programmed_and_their_mean_is_that_of_the_picture() {
        let mut words = [0; GEOMETRY_WORDS];
        words[0] = 0x3077_2003;
        words[1] = 0x0077_7801;
        words[5] = 0x0000_2317;
        let programmed = Zones::from_registers(&words, 2).unwrap();
        let kinds = [Kind::Exposure, Kind::WhiteBalance, Kind::Focus];
        let kinds = kinds.map(|kind| (kind, programmed));
        let statistics = statistics_of(&Source::Bars, 1 << 16, &kinds);
        let bank = statistics.bank(Kind::Exposure, &programmed, [0, 255]);
        // Columns of 1, 120 and 119 half pixels: the end of the first bar, and the second and third.
        for (zone, (area, mean)) in [(23, 235), (120 * 23, 210), (119 * 23, 170)]
            .into_iter()
            .enumerate()
        {
            assert_eq!(field(&bank, zone, 21, 21), area * mean, "zone {zone}");
        }
        let bank = statistics.bank(Kind::WhiteBalance, &programmed, [0, 255]);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6].map(|zone| field(&bank, zone, 84, 13)),
            [23, 120 * 23, 119 * 23, 35, 120 * 35, 119 * 35, 0]
        );
        let bank = statistics.bank(Kind::Focus, &programmed, [0, 255]);
        assert_eq!(field(&bank, 0, 88, 23), 235 * 2 * 46);
    }

    #[test]
    fn blocks_of_adr_and_defog_lie_behind_their_header() {
        let statistics = statistics(&Source::Bars, 1 << 16);
        let bank = statistics.plain(Kind::DynamicRange);
        // 120 times 90 half pixels of white, in the last of five bins.
        assert_eq!(word(&bank, 8 + 8), 235 * 120 * 90);
        assert_eq!([8, 12, 20].map(|at| word(&bank, at)), [0, 0, 120 * 90]);
        // Bin 32 is luma 16; three bins lie in 8 bytes.
        let group = u64::from_le_bytes(bank[0x308 + 80..0x308 + 88].try_into().unwrap());
        assert_eq!(group >> 42, 540 * 120);
        let bank = statistics.plain(Kind::Defog);
        let (w0, w1, w3) = (word(&bank, 8), word(&bank, 12), word(&bank, 20));
        let red = (w3 >> 16 & 0xfff) << 12 | w1 >> 16 & 0xfff;
        let green = (w1 & 0xffff) << 8 | w0 >> 24;
        assert_eq!((red, green), (w0 & 0xff_ffff, w0 & 0xff_ffff), "white");
        assert_eq!(w3 & 0xffff, red / 255, "in the last of three bins");
    }

    #[test]
    fn half_the_light_is_half_as_far_from_black() {
        let mean = |light| {
            let bank = statistics(&Source::Bars, light).plain(Kind::ExposureHistogram);
            mean_luma(&bank).unwrap()
        };
        let (half, whole) = (mean(1 << 15), mean(1 << 16));
        assert!(
            (half - 16).abs_diff((whole - 16) / 2) <= 1,
            "{half} {whole}"
        );
    }
}
