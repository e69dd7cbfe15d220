// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Image sensors as data. Adding a sensor is adding an entry to [`SENSORS`].

mod models;

pub use models::{GC2053, IMX307, JXF37, JXQ03, SENSORS};

use crate::Size;
use crate::gain;

/// The colour filters of a 2x2 block of pixels, first line first.
///
/// The values are those of the core's Bayer register (T31 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum BayerOrder {
    /// Red, green / green, blue.
    Rggb = 0,
    /// Blue, green / green, red.
    Bggr = 1,
    /// Green, red / blue, green.
    Grbg = 2,
    /// Green, blue / red, green.
    Gbrg = 3,
}

impl BayerOrder {
    /// The order of a picture that is turned about.
    #[must_use]
    pub const fn turned(self, flips: Flips) -> Self {
        let other_column = match self {
            Self::Rggb => Self::Grbg,
            Self::Grbg => Self::Rggb,
            Self::Bggr => Self::Gbrg,
            Self::Gbrg => Self::Bggr,
        };
        let across = if flips.horizontal { other_column } else { self };
        match (flips.vertical, across) {
            (false, order) => order,
            (true, Self::Rggb) => Self::Gbrg,
            (true, Self::Gbrg) => Self::Rggb,
            (true, Self::Bggr) => Self::Grbg,
            (true, Self::Grbg) => Self::Bggr,
        }
    }
}

/// Which ways a picture is turned about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flips {
    /// The first pixel of a line is the last one: mirrored.
    pub horizontal: bool,
    /// The first line is the last one: upside down.
    pub vertical: bool,
}

impl Flips {
    /// Both, one after the other.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            horizontal: self.horizontal != other.horizontal,
            vertical: self.vertical != other.vertical,
        }
    }
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
    /// MIPI clock of a lane in MHz.
    pub mipi_mhz: u32,
    /// Order of the colour filters, as the value of the core's Bayer register.
    pub bayer: BayerOrder,
    /// Bits of one raw pixel.
    pub bits_per_pixel: u32,
    /// What it sends around its active pixels.
    pub border: Border,
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
    /// How it is controlled.
    pub control: Control,
}

/// What a sensor sends around its active pixels, which the VIC cuts off (T31 2b.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// Pixels of a line as it is sent.
    pub line_pixels: u32,
    /// The first active pixel of a line.
    pub left: u32,
    /// The first active line.
    pub top: u32,
    /// It sends in the manner of Sony's: the VIC has a mode for that.
    pub sony: bool,
}

impl Border {
    /// Lines of `width` active pixels and nothing else.
    #[must_use]
    pub const fn none(width: u32) -> Self {
        Self {
            line_pixels: width,
            left: 0,
            top: 0,
            sony: false,
        }
    }
}

/// How many bits the numbers of a sensor's registers have. They go over the bus high byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressWidth {
    /// A byte.
    Bits8,
    /// Two bytes.
    Bits16,
}

impl AddressWidth {
    /// The bytes of a register's number that there are.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
        }
    }

    /// The largest number.
    #[must_use]
    pub const fn last(self) -> u16 {
        match self {
            Self::Bits8 => 0xff,
            Self::Bits16 => 0xffff,
        }
    }
}

/// What the exposure's registers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExposureCode {
    /// The lines of the exposure.
    Lines,
    /// The line of the frame at which it begins; it ends one line before the frame does.
    FirstLine,
}

impl ExposureCode {
    /// What the registers hold for so many lines in a frame of that length; also the lines for what they hold.
    #[must_use]
    pub const fn convert(self, value: u32, frame_length: u32) -> u32 {
        match self {
            Self::Lines => value,
            Self::FirstLine => frame_length.saturating_sub(value).saturating_sub(1),
        }
    }
}

/// The bits that turn a sensor's picture about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlipBits {
    /// The register that has them.
    pub register: u16,
    /// Mirrors the picture.
    pub horizontal: u8,
    /// Turns it upside down.
    pub vertical: u8,
}

/// A sensor's registers on I2C, each a byte. Pairs of registers are named high byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// 7-bit address on the bus.
    pub target: u8,
    /// Bits of a register's number.
    pub address_width: AddressWidth,
    /// Registers that tell the model, with their values.
    pub id: [(u16, u8); 2],
    /// Exposure time.
    pub exposure: [u16; 2],
    /// As what.
    pub exposure_code: ExposureCode,
    /// Frame length in lines (vts).
    pub frame_length: [u16; 2],
    /// Line length (hts) in units of `line_length_unit` pixel clocks.
    pub line_length: [u16; 2],
    /// Pixel clocks that one count of the line length stands for.
    pub line_length_unit: u32,
    /// Analogue gain: the code of [`gain::analogue`].
    pub analogue_gain: u16,
    /// Steps of that code in an octave.
    pub gain_steps: gain::Steps,
    /// Largest code of the analogue gain.
    pub max_analogue_gain: u8,
    /// Digital gain: the two bytes of [`gain::digital`]. `None` where the sensor has none of its own.
    pub digital_gain: Option<[u16; 2]>,
    /// What turns the picture about.
    pub flip: FlipBits,
    /// The exposure ends at least so many lines before the frame does.
    pub exposure_margin: u32,
    /// Exposure in lines after power-up.
    pub default_exposure: u32,
    /// Frames from writing exposure or gain to the first frame taken with it.
    pub delay: usize,
}

impl Sensor {
    /// Nanoseconds from one frame to the next: hts * vts / pixel clock (T31 2.10, 7.3).
    #[must_use]
    pub fn frame_period_ns(&self) -> u64 {
        self.period_ns(self.line_length, self.frame_length)
    }

    /// Nanoseconds from one frame to the next with another line length in pixel clocks and frame
    /// length in lines.
    #[must_use]
    pub fn period_ns(&self, line_length: u32, frame_length: u32) -> u64 {
        // Register values of 16 bits, in the units of the sensors here, fit 64 bits.
        let clocks = u64::from(line_length) * u64::from(frame_length);
        clocks.saturating_mul(1_000_000_000) / u64::from(self.pixel_clock)
    }

    /// The longest exposure in lines of a frame of that length.
    #[must_use]
    pub const fn max_exposure(&self, frame_length: u32) -> u32 {
        frame_length.saturating_sub(self.control.exposure_margin)
    }

    /// How much light a pixel shows, as 16.16 fixed point of that after power-up.
    #[must_use]
    pub fn light(&self, exposure: u32, analogue_gain: u8, digital_gain: [u8; 2]) -> u32 {
        let shutter = (u64::from(exposure) << 16) / u64::from(self.control.default_exposure);
        let analogue = gain::analogue(analogue_gain, self.control.gain_steps);
        let gains = [analogue, gain::digital(digital_gain)];
        let light = gains
            .into_iter()
            .fold(shutter, |light, gain| (light * u64::from(gain)) >> 16);
        u32::try_from(light).unwrap_or(u32::MAX)
    }

    /// The frame length in lines that gives `fps` frames per second, as the vendor's driver
    /// computes it: pixel clock / hts / fps, rounded down (T31 7.3).
    #[must_use]
    pub fn frame_length_for(&self, fps: u32) -> u32 {
        self.pixel_clock / self.line_length / fps.max(1)
    }
}

#[cfg(test)]
mod tests;
