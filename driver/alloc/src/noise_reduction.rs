// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! How much memory the temporal noise reduction wants for its frames ("ncubuf"), and its planes
//! (T31 5.2, 2b.8).

use tx_isp_abi::Size;

/// The vendor's parameter `isp_memopt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum MemoryOption {
    /// All planes.
    #[default]
    Full = 0,
    /// A third less: one reference plane, no model of the background.
    Saving = 1,
}

/// The planes of the buffer: bytes of each, and of a line in it.
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    /// A line of the luma plane.
    pub luma_stride: u32,
    /// The luma plane.
    pub luma: u32,
    /// A line of a reference plane.
    pub reference_stride: u32,
    /// A reference plane.
    pub reference: u32,
    /// A line of the chroma plane of the background.
    pub chroma_stride: u32,
    /// The chroma plane of the background.
    pub chroma: u32,
    /// A line of the smallest plane of the background.
    pub tiny_stride: u32,
    /// The smallest plane of the background.
    pub tiny: u32,
}

/// Rounds up to 8, in units of `unit` pixels.
const fn eights(pixels: u32, unit: u32) -> u32 {
    pixels.div_ceil(unit).next_multiple_of(8)
}

impl Planes {
    /// Those for a sensor of this size, at most 16383 pixels wide and high: see [`bytes`].
    #[must_use]
    pub const fn of(Size { width, height }: Size) -> Self {
        let luma_stride = eights(width, 1);
        let reference_stride = eights(width, 32);
        let chroma_stride = eights(width / 2, 1);
        let tiny_stride = eights(width / 32, 1);
        Self {
            luma_stride,
            luma: luma_stride * height,
            reference_stride,
            reference: reference_stride * (height.div_ceil(16) + 1),
            chroma_stride,
            chroma: chroma_stride * height,
            tiny_stride,
            tiny: tiny_stride * height / 32,
        }
    }
}

/// How many bytes GET_BUF asks for. None where no sensor is chosen.
#[must_use]
pub const fn bytes(size: Size, option: MemoryOption) -> u32 {
    if size.width == 0 || size.height == 0 || size.width > 16383 || size.height > 16383 {
        return 0;
    }
    let planes = Planes::of(size);
    let frames = planes.luma / 2 * 3;
    match option {
        MemoryOption::Full => {
            frames + 4 * planes.reference + planes.chroma + planes.chroma / 2 + planes.tiny
        }
        MemoryOption::Saving => frames + planes.reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_vendors_formula() {
        // T31 5.2, confirmed on hardware for 2304x1296.
        for (width, height, full, saving) in [
            (1280, 720, 2_081_860, 1_384_240),
            (1920, 1080, 4_685_424, 3_114_816),
            (2048, 1536, 7_105_792, 4_724_800),
            (2304, 1296, 6_744_996, 4_484_880),
            (2560, 1440, 8_327_120, 5_536_880),
            (2592, 1520, 8_902_612, 5_918_208),
        ] {
            let size = Size::new(width, height);
            assert_eq!(bytes(size, MemoryOption::Full), full, "{size}");
            assert_eq!(bytes(size, MemoryOption::Saving), saving, "{size}");
        }
    }

    #[test]
    fn without_a_sensor_nothing_is_needed() {
        for size in [Size::new(0, 0), Size::new(0, 1080), Size::new(u32::MAX, 1)] {
            assert_eq!(bytes(size, MemoryOption::Full), 0);
        }
    }
}
