// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensors that there are, one entry each.

use super::{AddressWidth, BayerOrder, Border, Control, ExposureCode, FlipBits, Sensor};
use crate::Size;
use crate::gain;

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
    control: SOI,
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
        line_length_unit: 4,
        default_exposure: 798,
        ..SOI
    },
};

/// How the JXF37 is controlled, and what other sensors of SOI have in common with it.
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
