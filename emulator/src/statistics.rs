// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics of the sensor's picture, in the banks' layout (T31 2c, `tx_isp_abi::statistics`).

mod banks;
mod zones;

use banks::{air_light, dynamic_range, exposure, focus, put_bins, put_zones, white_balance};
use tx_isp_abi::statistics::{BLOCKS_OFFSET, HISTOGRAM_BYTES, Kind, LINE_STEP, Zones};
use tx_isp_picture::{RenderError, Renderer, SensorFrame};
use zones::{Grid, HALF_PIXELS, PIXELS};

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
