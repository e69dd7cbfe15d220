// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Gains of a sensor: register codes and the factors that they stand for.

/// 2 to the power of n sixteenths, as 16.16 fixed point.
const SIXTEENTHS: [u32; 16] = [
    65_536, 68_438, 71_468, 74_632, 77_936, 81_386, 84_990, 88_752, 92_682, 96_785, 101_070,
    105_545, 110_218, 115_098, 120_194, 125_515,
];

/// 2 to the power of n twentieths, as 16.16 fixed point.
const TWENTIETHS: [u32; 20] = [
    65_536, 67_847, 70_240, 72_717, 75_281, 77_936, 80_684, 83_530, 86_475, 89_525, 92_682, 95_950,
    99_334, 102_837, 106_464, 110_218, 114_105, 118_129, 122_295, 126_607,
];

/// Steps of a sensor's analogue gain in an octave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Sixteen.
    Sixteenths,
    /// Twenty: 0.3 dB each.
    Twentieths,
}

impl Steps {
    const fn factors(self) -> &'static [u32] {
        match self {
            Self::Sixteenths => &SIXTEENTHS,
            Self::Twentieths => &TWENTIETHS,
        }
    }
}

/// Octaves beyond which 32 bits do not hold the factor.
const MAX_OCTAVES: usize = 15;

/// The digital gain's bytes for a factor of 1.
pub const DIGITAL_UNITY: [u8; 2] = [1, 0];

/// The analogue gain of a code as 16.16 fixed point: equal steps of an octave (assumption, after the
/// logarithmic table of T31 7.3).
#[must_use]
pub const fn analogue(code: u8, steps: Steps) -> u32 {
    let factors = steps.factors();
    let (code, in_octave) = (code as usize, factors.len());
    let octaves = code / in_octave;
    let octaves = if octaves > MAX_OCTAVES {
        MAX_OCTAVES
    } else {
        octaves
    };
    let factor = factors[code % in_octave] as u64;
    // At most 125515 << 14 fits 32 bits; a code of 240 and more is cut off there.
    let scaled = factor << octaves;
    if scaled > u32::MAX as u64 {
        u32::MAX
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "compared with the limit")]
        {
            scaled as u32
        }
    }
}

/// The largest code whose gain is at most `factor` (16.16), at most `max`.
#[must_use]
pub fn analogue_code(factor: u32, max: u8, steps: Steps) -> u8 {
    let fits = |code: &u8| analogue(*code, steps) <= factor;
    (0..=max).rev().find(fits).unwrap_or(0)
}

/// The digital gain of its two bytes as 16.16 fixed point: a whole part, and a fraction in the upper 6
/// bits of the second byte.
#[must_use]
pub const fn digital([whole, fraction]: [u8; 2]) -> u32 {
    (whole as u32) << 16 | (fraction as u32 >> 2) << 10
}

/// The bytes of the largest digital gain that is at most `factor` (16.16).
#[must_use]
pub fn digital_bytes(factor: u32) -> [u8; 2] {
    let [.., whole, fraction, _] = factor.to_be_bytes();
    match factor >> 24 {
        0 => [whole, fraction & 0xfc],
        _ => [u8::MAX, 0xfc],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octaves_steps_double_the_analogue_gain() {
        let analogue = |code| super::analogue(code, Steps::Sixteenths);
        assert_eq!(analogue(0), 1 << 16);
        assert_eq!(analogue(16), 2 << 16);
        assert_eq!(analogue(48), 8 << 16);
        for code in 0..239 {
            assert!(analogue(code) < analogue(code + 1), "{code}");
        }
        // 2 to the power of 444864 / 65536 is 110.5 (T31 7.3).
        assert_eq!(analogue(108) >> 16, 107);
        // 458752 / 65536 octaves are the most of the vendor's IMX307.
        let twentieths = |code| super::analogue(code, Steps::Twentieths);
        assert_eq!(twentieths(140), 128 << 16);
        for code in 0..255 {
            assert!(twentieths(code) < twentieths(code + 1), "{code}");
        }
    }

    #[test]
    fn codes_and_factors_go_both_ways() {
        for steps in [Steps::Sixteenths, Steps::Twentieths] {
            for code in 0..=108 {
                assert_eq!(analogue_code(analogue(code, steps), 108, steps), code);
            }
            assert_eq!(analogue_code(0, 108, steps), 0);
            assert_eq!(analogue_code(u32::MAX, 108, steps), 108);
        }
        assert_eq!(digital(DIGITAL_UNITY), 1 << 16);
        assert_eq!(digital([2, 0x80]), 5 << 15);
        assert_eq!(digital_bytes(5 << 15), [2, 0x80]);
        assert_eq!(digital_bytes(u32::MAX), [255, 0xfc]);
    }
}
