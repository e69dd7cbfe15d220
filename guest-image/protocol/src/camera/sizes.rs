// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many bytes a camera's client needs for what, as Ingenic's library and driver compute it.

use tx_isp_abi::Size;
use tx_isp_abi::format::{FrameLayout, PixelFormat};

/// Frame buffers of the driver are mapped, so each takes whole pages and starts at one.
pub const PAGE: u32 = 4096;

/// The library rounds both sides up to this before it computes a frame's bytes (T31 6.2).
pub const SIDE_STEP: u32 = 16;

/// Bytes of an NV12 frame as the library computes them: both sides in multiples of 16 (T31 6.2).
#[must_use]
pub fn frame_of_library(size: Size) -> u64 {
    let side = |pixels: u32| u64::from(pixels).next_multiple_of(u64::from(SIDE_STEP));
    // Both sides are multiples of 16, so nothing is lost by halving first.
    (side(size.width) / 2 * 3).saturating_mul(side(size.height))
}

/// Bytes of an NV12 frame as the driver counts them (sizeimage); `None` for absurd sizes.
#[must_use]
pub fn frame_of_driver(size: Size) -> Option<u32> {
    // Beyond this FrameLayout's numbers would not fit 32 bits.
    let reasonable = frame_of_library(size) <= u64::from(u32::MAX) / 2;
    reasonable.then(|| FrameLayout::new(PixelFormat::Nv12, size).sizeimage)
}

/// Bytes of one frame in a client's own pool: the larger of the two (T31 4.4).
#[must_use]
pub fn frame_in_pool(size: Size, sizeimage: u32) -> u64 {
    frame_of_library(size).max(sizeimage.into())
}

/// Bytes of one of the driver's buffers in the carve-out; `None` for absurd sizes.
#[must_use]
pub fn frame_in_pages(sizeimage: u32) -> Option<u32> {
    sizeimage.checked_next_multiple_of(PAGE)
}

/// Bytes of each buffer that an extension channel takes from the heap, by the SoC's number (T31 1.4).
#[must_use]
pub fn extension_buffer(cpu_id: i32) -> u32 {
    match cpu_id {
        0..=2 => 28_320,
        3..=5 => 36_160,
        6..=10 => 54_496,
        11..=14 => 36_160,
        15..=23 => 54_496,
        _ => 4000,
    }
}

/// Bytes of the table that an extension channel keeps of its buffers (T31 1.4).
#[must_use]
pub fn extension_table(buffers: u32) -> u32 {
    buffers.saturating_add(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pools_frame_is_the_larger_of_two_opinions() {
        let hd = Size::new(1920, 1080);
        assert_eq!(frame_of_library(hd), 3_133_440);
        // A driver that counts 1080 lines (T31 6.3, T20).
        assert_eq!(frame_in_pool(hd, 3_110_400), 3_133_440);
        // A width that is no multiple of 16: the library rounds it up, the driver does not.
        let odd = Size::new(1000, 700);
        assert_eq!(frame_of_driver(odd), Some(1000 * 704 * 3 / 2));
        assert_eq!(frame_in_pool(odd, 1000 * 704 * 3 / 2), 1008 * 704 * 3 / 2);
        assert_eq!(frame_in_pages(353_280), Some(356_352));
        assert_eq!(frame_of_driver(Size::new(u32::MAX, u32::MAX)), None);
    }

    #[test]
    fn extension_buffers_follow_the_socs_number() {
        // T31 1.4, the whole table.
        for (ids, bytes) in [
            (-2..=-1, 4000),
            (0..=2, 28_320),
            (3..=5, 36_160),
            (6..=10, 54_496),
            (11..=14, 36_160),
            (15..=23, 54_496),
            (24..=25, 4000),
        ] {
            for id in ids {
                assert_eq!(extension_buffer(id), bytes, "id {id}");
            }
        }
        assert_eq!(extension_table(4), 28);
    }
}
