// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The values of `/dev/isp-m0`'s controls (T31 3.5).
//!
//! No picture depends on most of them here, mirror and flip aside: what is set is kept and read back. Controls that are no
//! number, and those that nobody knows, are accepted and do nothing, as the vendor's driver accepts them.

use tx_isp_abi::sensor::Flips;

/// The sensor's frame rate: frames in the upper half, seconds in the lower.
pub const FRAME_RATE: u32 = 0x0800_00e0;
/// The mean of each zone of the exposure statistics: as many words as there are zones, behind a pointer.
pub const AE_ZONES: u32 = 0x0800_0030;
/// Their histogram: 256 words behind a pointer.
pub const AE_HISTOGRAM: u32 = 0x0800_0031;
/// The picture's mean brightness.
pub const AE_LUMA: u32 = 0x0800_0033;

/// The value of [`FRAME_RATE`] for frames that come every so many seconds, a fraction: a whole number of
/// frames in a second, or hundredths.
#[must_use]
pub fn frame_rate((numerator, denominator): (u32, u32)) -> u32 {
    let numerator = numerator.max(1);
    if denominator % numerator == 0 {
        return (denominator / numerator).min(0xffff) << 16 | 1;
    }
    let hundredths = u64::from(denominator) * 100 / u64::from(numerator);
    u32::try_from(hundredths).unwrap_or(0xffff).min(0xffff) << 16 | 100
}

/// The picture mirrored, and upside down: those of the whole ISP, not of the sensor.
const MIRROR: u32 = 0x0098_0914;
const FLIP: u32 = 0x0098_0915;

/// Controls that are a number, with their value at the start.
const NUMBERS: [(u32, u32); 16] = [
    // Brightness, contrast, saturation, sharpness: in the middle.
    (0x0098_0900, 128),
    (0x0098_0901, 128),
    (0x0098_0902, 128),
    (0x0098_091b, 128),
    // Mirror, flip, mains frequency: off.
    (MIRROR, 0),
    (FLIP, 0),
    (0x0098_0918, 0),
    // Bypass, frozen firmware, shading.
    (0x0800_0164, 0),
    (0x0800_0165, 0),
    (0x0800_0166, 0),
    // Day; noise reduction in time and space; hue; defog and dynamic range.
    (0x0800_00e1, 0),
    (0x0800_0085, 128),
    (0x0800_0086, 128),
    (0x0800_0101, 128),
    (0x0800_0039, 128),
    (0x0800_00a2, 128),
];

/// The controls' values.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    values: [u32; NUMBERS.len()],
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            values: NUMBERS.map(|(_, value)| value),
        }
    }
}

impl Tuning {
    fn place(id: u32) -> Option<usize> {
        NUMBERS.iter().position(|(known, _)| *known == id)
    }

    /// The value of a control that is a number.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<u32> {
        Self::place(id).map(|place| self.values[place])
    }

    /// Keeps the value of a control that is a number; whether it is one.
    pub fn set(&mut self, id: u32, value: u32) -> bool {
        let place = Self::place(id);
        if let Some(place) = place {
            self.values[place] = value;
        }
        place.is_some()
    }

    /// Which ways the ISP turns pictures about, if `id` is one of the controls that say so.
    #[must_use]
    pub fn output_flips(&self, id: u32) -> Option<Flips> {
        let is_on = |id| self.get(id).is_some_and(|value| value != 0);
        [MIRROR, FLIP].contains(&id).then(|| Flips {
            horizontal: is_on(MIRROR),
            vertical: is_on(FLIP),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_rate_is_frames_over_seconds() {
        assert_eq!(frame_rate((1, 25)), 25 << 16 | 1);
        assert_eq!(frame_rate((2200 * 1418, 78_000_000)), 2500 << 16 | 100);
        assert_eq!(frame_rate((0, 30)), 30 << 16 | 1);
    }

    #[test]
    fn numbers_are_kept_and_everything_else_is_not() {
        let mut tuning = Tuning::default();
        assert_eq!(tuning.get(0x98_0900), Some(128));
        assert!(tuning.set(0x98_0900, 70));
        assert_eq!(tuning.get(0x98_0900), Some(70));
        assert_eq!(tuning.get(AE_ZONES), None);
        assert!(!tuning.set(0x0800_0123, 1));
        assert_eq!(tuning.output_flips(0x98_0900), None);
        assert!(tuning.set(FLIP, 1));
        let flips = tuning.output_flips(MIRROR).unwrap();
        assert_eq!((flips.horizontal, flips.vertical), (false, true));
    }
}
