// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a zone's sums are packed into the words of a bank (T31 2c).

use super::zones::Zone;
use tx_isp_abi::statistics::{ADR_HISTOGRAM_OFFSET, ZONE_BYTES};

/// Bins of a block of ADR, of one of defog, and of ADR's whole picture.
const ADR_BINS: usize = 5;
const DEFOG_BINS: usize = 3;
const ADR_ALL_BINS: usize = 512;

pub(super) fn put_zones(
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

pub(super) fn exposure(zone: &Zone, [dark, saturated]: [u8; 2]) -> u128 {
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

pub(super) fn white_balance(zone: &Zone) -> u128 {
    let [r, g, b] = zone.colours;
    pack(&[(r, 21), (g, 21), (b, 21), (0, 21), (zone.pixels, 13)])
}

/// The frame's number has 8 bits, two in each of the first four zones.
pub(super) fn focus(zone: &Zone, index: usize, number: u32) -> u128 {
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

pub(super) fn dynamic_range(zone: &Zone) -> u128 {
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

pub(super) fn air_light(zone: &Zone) -> u128 {
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
pub(super) fn put_bins(bank: &mut [u8], histogram: &[u32; 256]) {
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
