// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Gains of a sensor: register codes and the factors that they stand for.

/// 2 to the power of n sixteenths, as 16.16 fixed point.
const SIXTEENTHS: [u32; 16] = [
    65_536, 68_438, 71_468, 74_632, 77_936, 81_386, 84_990, 88_752, 92_682, 96_785, 101_070,
    105_545, 110_218, 115_098, 120_194, 125_515,
];

/// Steps of the analogue gain in an octave.
const STEPS: u8 = 16;
/// Octaves beyond which 32 bits do not hold the factor.
const MAX_OCTAVES: u8 = 15;

/// The digital gain's bytes for a factor of 1.
pub const DIGITAL_UNITY: [u8; 2] = [1, 0];

/// The analogue gain of a code as 16.16 fixed point: each step is a sixteenth of an octave (our
/// choice, after the logarithmic table of T31 7.3).
#[must_use]
pub const fn analogue(code: u8) -> u32 {
    let octaves = code / STEPS;
    let octaves = if octaves > MAX_OCTAVES {
        MAX_OCTAVES
    } else {
        octaves
    };
    let factor = SIXTEENTHS[(code % STEPS) as usize] as u64;
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
pub fn analogue_code(factor: u32, max: u8) -> u8 {
    let fits = |code: &u8| analogue(*code) <= factor;
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
    fn sixteen_steps_double_the_analogue_gain() {
        assert_eq!(analogue(0), 1 << 16);
        assert_eq!(analogue(16), 2 << 16);
        assert_eq!(analogue(48), 8 << 16);
        for code in 0..239 {
            assert!(analogue(code) < analogue(code + 1), "{code}");
        }
        // 2 to the power of 444864 / 65536 is 110.5 (T31 7.3).
        assert_eq!(analogue(108) >> 16, 107);
    }

    #[test]
    fn codes_and_factors_go_both_ways() {
        for code in 0..=108 {
            assert_eq!(analogue_code(analogue(code), 108), code);
        }
        assert_eq!(analogue_code(0, 108), 0);
        assert_eq!(analogue_code(u32::MAX, 108), 108);
        assert_eq!(digital(DIGITAL_UNITY), 1 << 16);
        assert_eq!(digital([2, 0x80]), 5 << 15);
        assert_eq!(digital_bytes(5 << 15), [2, 0x80]);
        assert_eq!(digital_bytes(u32::MAX), [255, 0xfc]);
    }
}
