// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Image sensors as data. Adding a sensor is adding an entry to [`SENSORS`].

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

/// GalaxyCore GC2053 in its 78 MHz mode, 25 frames per second (T31 7.3).
pub const GC2053: Sensor = Sensor {
    name: "gc2053",
    size: Size::new(1920, 1080),
    lanes: 2,
    mipi_mhz: 600,
    bayer: BayerOrder::Rggb,
    bits_per_pixel: 10,
    border: Border::none(1920),
    pixel_clock: 78_000_000,
    line_length: 2200,
    frame_length: 1418,
    min_fps: 5,
    max_fps: 40,
    control: Control {
        target: 0x37,
        address_width: AddressWidth::Bits8,
        id: [(0xf0, 0x20), (0xf1, 0x53)],
        // Where exposure and digital gain are is public knowledge of this sensor, not part of the
        // reference; one register of analogue gain in place of the sensor's table is an assumption.
        exposure: [0x03, 0x04],
        exposure_code: ExposureCode::Lines,
        frame_length: [0x41, 0x42],
        line_length: [0x05, 0x06],
        line_length_unit: 2,
        analogue_gain: 0xb4,
        gain_steps: gain::Steps::Sixteenths,
        // 444864 / 65536 octaves are the most (T31 7.3), in steps of a sixteenth.
        max_analogue_gain: 108,
        digital_gain: Some([0xb1, 0xb2]),
        // Public knowledge of this sensor, too.
        flip: FlipBits {
            register: 0x17,
            horizontal: 1 << 0,
            vertical: 1 << 1,
        },
        exposure_margin: 8,
        // Half of what the default frame length allows (assumption).
        default_exposure: 705,
        delay: 2,
    },
};

/// SOI JXF37 in its MIPI mode of 25 frames per second: the timing, addresses and limits of the vendor's published sensor
/// driver. Its gain's codes are a straight line within an octave; the model takes those of [`gain::analogue`].
pub const JXF37: Sensor = Sensor {
    name: "jxf37",
    size: Size::new(1920, 1080),
    lanes: 2,
    mipi_mhz: 648,
    bayer: BayerOrder::Bggr,
    bits_per_pixel: 10,
    border: Border::none(1920),
    pixel_clock: 129_600_000,
    line_length: 3456,
    frame_length: 1500,
    min_fps: 5,
    max_fps: 30,
    control: Control {
        frame_length: [0x23, 0x22],
        line_length: [0x21, 0x20],
        line_length_unit: 2,
        default_exposure: 748,
        ..SOI
    },
};

/// SOI JXQ03, 2304x1296 at 25 frames per second: from the vendor's published sensor driver, as [`JXF37`].
pub const JXQ03: Sensor = Sensor {
    name: "jxq03",
    size: Size::new(2304, 1296),
    lanes: 2,
    mipi_mhz: 720,
    bayer: BayerOrder::Bggr,
    bits_per_pixel: 10,
    border: Border::none(2304),
    pixel_clock: 143_910_000,
    line_length: 3600,
    frame_length: 1600,
    min_fps: 5,
    max_fps: 30,
    control: Control {
        id: [(0x0a, 0x05), (0x0b, 0x07)],
        frame_length: [0x23, 0x22],
        line_length: [0x21, 0x20],
        line_length_unit: 4,
        default_exposure: 798,
        ..SOI
    },
};

/// What the sensors of SOI have in common.
const SOI: Control = Control {
    target: 0x40,
    address_width: AddressWidth::Bits8,
    id: [(0x0a, 0x0f), (0x0b, 0x37)],
    exposure: [0x02, 0x01],
    exposure_code: ExposureCode::Lines,
    frame_length: [0x23, 0x22],
    line_length: [0x21, 0x20],
    line_length_unit: 2,
    analogue_gain: 0x00,
    gain_steps: gain::Steps::Sixteenths,
    max_analogue_gain: 0x3f,
    digital_gain: None,
    flip: FlipBits {
        register: 0x12,
        horizontal: 1 << 5,
        vertical: 1 << 4,
    },
    exposure_margin: 4,
    default_exposure: 748,
    delay: 2,
};

/// Sony IMX307 with 12 bits on two lanes, 30 frames per second: timing, addresses and limits of the vendor's published
/// sensor driver. Its registers have numbers of 16 bits, low bytes first. One gain is both analogue and digital, in
/// steps of 0.3 dB, twenty of which the vendor's driver takes for an octave.
pub const IMX307: Sensor = Sensor {
    name: "imx307",
    size: Size::new(1920, 1080),
    lanes: 2,
    mipi_mhz: 445,
    bayer: BayerOrder::Rggb,
    bits_per_pixel: 12,
    border: Border {
        line_pixels: 1948,
        left: 12,
        top: 20,
        sony: true,
    },
    pixel_clock: 148_500_000,
    line_length: 4400,
    frame_length: 1125,
    min_fps: 10,
    max_fps: 30,
    control: Control {
        target: 0x1a,
        address_width: AddressWidth::Bits16,
        id: [(0x3008, 0xa0), (0x301e, 0xb2)],
        exposure: [0x3021, 0x3020],
        exposure_code: ExposureCode::FirstLine,
        frame_length: [0x3019, 0x3018],
        line_length: [0x301d, 0x301c],
        line_length_unit: 1,
        analogue_gain: 0x3014,
        gain_steps: gain::Steps::Twentieths,
        max_analogue_gain: 140,
        digital_gain: None,
        flip: FlipBits {
            register: 0x3007,
            horizontal: 1 << 1,
            vertical: 1 << 0,
        },
        exposure_margin: 2,
        // Half of what the default frame length allows (assumption).
        default_exposure: 561,
        delay: 2,
    },
};

/// Every sensor that can be chosen by name.
pub const SENSORS: &[Sensor] = &[GC2053, JXF37, JXQ03, IMX307];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gc2053_runs_at_25_frames_per_second() {
        // 2200 * 1418 / 78 MHz = 39.995 ms (T31 7.3).
        assert_eq!(GC2053.frame_period_ns(), 39_994_871);
        assert_eq!(GC2053.frame_length_for(30), 0x49d);
        assert_eq!(GC2053.frame_length_for(25), 0x58a);
        assert_eq!(GC2053.period_ns(2200, 0x49d), 33_310_256);
    }

    /// T31 7.3, 7.4, repeated on purpose.
    #[test]
    fn the_gc2053_is_controlled_as_the_reference_says() {
        let control = GC2053.control;
        assert_eq!(control.target, 0x37);
        assert_eq!(control.id, [(0xf0, 0x20), (0xf1, 0x53)]);
        assert_eq!(
            (control.line_length, control.frame_length),
            ([5, 6], [0x41, 0x42])
        );
        assert_eq!(0x44c * control.line_length_unit, GC2053.line_length);
        assert_eq!(GC2053.max_exposure(1418), 1410);
    }

    /// The timing registers of the vendor's tables: 0x6c0 and 0x5dc, 0x384 and 0x640.
    #[test]
    fn the_other_sensors_run_at_25_frames_per_second() {
        assert_eq!(0x6c0 * 2, JXF37.line_length);
        assert_eq!(JXF37.frame_period_ns(), 40_000_000);
        assert_eq!(0x384 * 4, JXQ03.line_length);
        assert_eq!(JXQ03.frame_period_ns(), 40_025_015);
    }

    /// VMAX is 0x465 and HMAX 0x1130 in the vendor's table: 30 frames per second.
    #[test]
    fn the_imx307_has_wide_addresses_and_counts_exposure_from_the_frames_end() {
        let control = IMX307.control;
        assert_eq!((0x1130, 0x465), (IMX307.line_length, IMX307.frame_length));
        assert_eq!(IMX307.frame_period_ns(), 33_333_333);
        assert_eq!(IMX307.frame_length_for(30), 1125);
        assert_eq!(control.address_width.bytes(), 2);
        assert_eq!(IMX307.max_exposure(1125), 1123);
        let first = control.exposure_code.convert(1123, 1125);
        assert_eq!(first, 1, "SHS1 is at least 1");
        assert_eq!(control.exposure_code.convert(first, 1125), 1123);
        assert_eq!(control.exposure_code.convert(2000, 1125), 0);
    }

    #[test]
    fn a_picture_turned_twice_has_its_order_again() {
        for order in [
            BayerOrder::Rggb,
            BayerOrder::Bggr,
            BayerOrder::Grbg,
            BayerOrder::Gbrg,
        ] {
            let ways = [(false, false), (true, false), (false, true), (true, true)];
            let turned = ways.map(|(horizontal, vertical)| {
                let flips = Flips {
                    horizontal,
                    vertical,
                };
                assert_eq!(order.turned(flips).turned(flips), order);
                assert_eq!(flips.and(flips), Flips::default());
                order.turned(flips)
            });
            for (index, one) in turned.iter().enumerate() {
                assert!(!turned[..index].contains(one), "{order:?}");
            }
        }
        let both = Flips {
            horizontal: true,
            vertical: true,
        };
        assert_eq!(BayerOrder::Rggb.turned(both), BayerOrder::Bggr);
    }

    #[test]
    fn every_sensor_is_consistent() {
        for sensor in SENSORS {
            let control = &sensor.control;
            let rate = |lines| sensor.pixel_clock / sensor.line_length / lines;
            assert!((sensor.min_fps..=sensor.max_fps).contains(&rate(sensor.frame_length)));
            assert!(sensor.frame_length >= sensor.size.height);
            assert!(control.default_exposure <= sensor.max_exposure(sensor.frame_length));
            assert_eq!(sensor.line_length % control.line_length_unit, 0);
            let light = sensor.light(control.default_exposure, 0, gain::DIGITAL_UNITY);
            assert_eq!(light, 1 << 16, "{} as it is after power-up", sensor.name);
            let registers = [control.exposure, control.frame_length, control.line_length];
            let last = control.address_width.last();
            assert!(registers.iter().flatten().all(|register| *register <= last));
            assert!(sensor.border.left + sensor.size.width <= sensor.border.line_pixels);
        }
    }

    #[test]
    fn light_follows_exposure_and_both_gains() {
        let light = |exposure, analogue, digital| GC2053.light(exposure, analogue, digital);
        assert_eq!(light(1410, 0, [1, 0]), 2 << 16);
        assert_eq!(light(705, 16, [1, 0]), 2 << 16);
        assert_eq!(light(705, 0, [2, 0x80]), 5 << 15);
        assert_eq!(light(0, 108, [15, 0xfc]), 0);
        assert_eq!(light(1410, 16, [2, 0]), 8 << 16);
    }
}
