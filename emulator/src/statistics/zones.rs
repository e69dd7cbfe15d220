// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The zones that statistics divide a picture into, and what is summed up in each.

use tx_isp_abi::statistics::{PIXEL_STEP, Zones};
use tx_isp_picture::Line;

/// Bright enough to count as a bright pixel of AF (assumption).
const BRIGHT: u8 = 235;
/// What counts stand for (T31 2c).
pub(super) const HALF_PIXELS: u32 = 2;
pub(super) const PIXELS: u32 = 1;

/// What is summed up in a zone or block.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) pixels: u32,
    pub(super) luma: u32,
    pub(super) colours: [u32; 3],
    pub(super) sharpness: u32,
    pub(super) bright: u32,
    pub(super) histogram: [u32; 256],
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
pub(super) struct Grid {
    pub(super) divided: Zones,
    pub(super) colours: bool,
    zones: Vec<Zone>,
}

impl Grid {
    pub(super) fn new(divided: Zones) -> Self {
        let count = divided.rows.count() * divided.columns.count();
        Self {
            divided,
            colours: false,
            zones: vec![Zone::default(); count],
        }
    }

    pub(super) fn add(&mut self, line: Line<'_>) {
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
    pub(super) fn counted(&self, unit: u32) -> impl Iterator<Item = Zone> {
        let columns = || self.divided.columns.zones();
        let rows = self.divided.rows.zones();
        let areas = rows.flat_map(move |(top, bottom)| {
            columns().map(move |(left, right)| (bottom - top) * (right - left) / (unit * unit))
        });
        let zones = self.zones.iter().zip(areas);
        zones.map(|(zone, area)| zone.scaled_to(area))
    }

    pub(super) fn histogram(&self) -> [u32; 256] {
        let mut all = [0; 256];
        for zone in self.counted(HALF_PIXELS) {
            for (sum, count) in all.iter_mut().zip(zone.histogram) {
                *sum += count;
            }
        }
        all
    }
}
