// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! How many bytes a picture's buffer takes, from its format's code alone: what negotiation counts with.

use tx_isp_abi::Size;

/// The vendor rounds width and height of NV12 and NV21 up to this (T31 6.2).
const ALIGNMENT: u32 = 16;

/// Bytes of a buffer for a picture of `size` pixels in the format of a V4L2 code (T31 6.2). An unknown
/// code counts as 4 bytes a pixel, the most that any format here takes. `u32::MAX` where the number
/// would be larger.
#[must_use]
pub fn buffer_bytes(fourcc: u32, size: Size) -> u32 {
    let pixels = u64::from(size.width) * u64::from(size.height);
    let rounded = |side: u32| u64::from(side).next_multiple_of(ALIGNMENT.into());
    let bytes = match &fourcc.to_le_bytes() {
        b"NV12" | b"NV21" => {
            (rounded(size.width).saturating_mul(rounded(size.height)) / 2).saturating_mul(3)
        }
        b"YUYV" | b"UYVY" | b"RGBP" => pixels.saturating_mul(2),
        b"RGB3" | b"BGR3" => pixels.saturating_mul(3),
        _ => pixels.saturating_mul(4),
    };
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tx_isp_abi::channel::{HEIGHT_STEP, WIDTH_STEP};
    use tx_isp_abi::format::{FrameLayout, PixelFormat};

    #[test]
    fn each_format_takes_what_the_vendor_computes() {
        let size = Size::new(1920, 1080);
        for (code, bytes) in [
            (b"NV12", 3_133_440),
            (b"NV21", 3_133_440),
            (b"YUYV", 4_147_200),
            (b"RGBP", 4_147_200),
            (b"RGB3", 6_220_800),
            (b"BGR4", 8_294_400),
            (b"????", 8_294_400),
        ] {
            assert_eq!(buffer_bytes(u32::from_le_bytes(*code), size), bytes);
        }
    }

    #[test]
    fn absurd_sizes_do_not_wrap() {
        let size = Size::new(u32::MAX, u32::MAX);
        for code in [*b"NV12", *b"YUYV", *b"RGB3", *b"????"] {
            assert_eq!(buffer_bytes(u32::from_le_bytes(code), size), u32::MAX);
        }
        assert_eq!(buffer_bytes(0, Size::new(0, 1080)), 0);
    }

    proptest! {
        #[test]
        fn the_estimate_is_what_the_drivers_own_formats_take(
            width in 1u32..162, height in 1u32..760, format in 0usize..PixelFormat::ALL.len(),
        ) {
            let size = Size::new(width * WIDTH_STEP, height * HEIGHT_STEP);
            let format = PixelFormat::ALL[format];
            let layout = FrameLayout::new(format, size);
            prop_assert_eq!(buffer_bytes(format.fourcc(), size), layout.sizeimage);
        }
    }
}
