// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Image sensors as data. Adding a sensor is adding an entry to [`SENSORS`].

use crate::Size;

/// The colour filters of a 2x2 block of pixels, first line first.
///
/// The vendor's driver looks the Bayer register's value, 0 to 3, up by the media bus code
/// (facts 2.1). Which value means which order is not recorded: the numbering is our choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum BayerOrder {
    /// Red, green / green, blue.
    Rggb = 0,
    /// Green, red / blue, green.
    Grbg = 1,
    /// Green, blue / red, green.
    Gbrg = 2,
    /// Blue, green / green, red.
    Bggr = 3,
}

/// What the ISP and the frame clock need to know of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Model name as the vendor's drivers write it.
    pub name: &'static str,
    /// Active pixels.
    pub size: Size,
    /// MIPI data lanes.
    pub lanes: u32,
    /// Order of the colour filters, as the value of the core's Bayer register.
    pub bayer: BayerOrder,
    /// Bits of one raw pixel.
    pub bits_per_pixel: u32,
    /// Pixel clock in Hz.
    pub pixel_clock: u32,
    /// Line length in pixel clocks (hts).
    pub line_length: u32,
    /// Frame length in lines at the default rate (vts).
    pub frame_length: u32,
    /// Slowest frame rate in frames per second.
    pub min_fps: u32,
    /// Fastest frame rate in frames per second.
    pub max_fps: u32,
}

impl Sensor {
    /// Nanoseconds from one frame to the next: hts * vts / pixel clock (facts 2.10, 7.3).
    #[must_use]
    pub fn frame_period_ns(&self) -> u64 {
        u64::from(self.line_length) * u64::from(self.frame_length) * 1_000_000_000
            / u64::from(self.pixel_clock)
    }

    /// The frame length in lines that gives `fps` frames per second, as the vendor's driver
    /// computes it: pixel clock / hts / fps, rounded down (facts 7.3).
    #[must_use]
    pub fn frame_length_for(&self, fps: u32) -> u32 {
        self.pixel_clock / self.line_length / fps.max(1)
    }
}

/// GalaxyCore GC2053 in its 78 MHz mode, 25 frames per second (facts 7.3).
pub const GC2053: Sensor = Sensor {
    name: "gc2053",
    size: Size::new(1920, 1080),
    lanes: 2,
    bayer: BayerOrder::Rggb,
    bits_per_pixel: 10,
    pixel_clock: 78_000_000,
    line_length: 2200,
    frame_length: 1418,
    min_fps: 5,
    max_fps: 40,
};

/// Every sensor that can be chosen by name.
pub const SENSORS: &[Sensor] = &[GC2053];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gc2053_runs_at_25_frames_per_second() {
        // 2200 * 1418 / 78 MHz = 39.995 ms (facts 7.3).
        assert_eq!(GC2053.frame_period_ns(), 39_994_871);
        assert_eq!(GC2053.frame_length_for(30), 0x49d);
        assert_eq!(GC2053.frame_length_for(25), 0x58a);
    }
}
