// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many bytes a camera's client needs for what, as Ingenic's library and driver compute it.

use tx_isp_abi::Size;
use tx_isp_abi::format::{FrameLayout, PixelFormat};

/// Frame buffers of the driver are mapped, so each takes whole pages and starts at one.
pub const PAGE: u32 = 4096;

/// The library rounds both sides up to this before it computes a frame's bytes (facts 6.2).
const SIDE_STEP: u32 = 16;

/// Bytes of the ISP's own buffer ("ncubuf": reference frames and maps of the noise filter) for a
/// sensor of `sensor` pixels (facts 5.2). `isp_memopt` keeps fewer of them.
#[must_use]
pub fn ncubuf(sensor: Size, isp_memopt: bool) -> u64 {
    let (width, height) = (u64::from(sensor.width), u64::from(sensor.height));
    let lines = height << 3;
    let luma = width.div_ceil(8) * lines;
    let nv12 = luma * 3 / 2;
    let map = width.div_ceil(32).div_ceil(8) * ((height.div_ceil(16) + 1) << 3);
    if isp_memopt {
        return nv12 + map;
    }
    let chroma = (width / 2).div_ceil(8) * lines;
    let tiny = ((width >> 5).div_ceil(8) * lines) >> 5;
    nv12 + 4 * map + chroma + chroma / 2 + tiny
}

/// Bytes of an NV12 frame as the library computes them: both sides in multiples of 16 (facts 6.2).
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

/// Bytes of one frame in a client's own pool: the larger of the two (facts 4.4).
#[must_use]
pub fn frame_in_pool(size: Size, sizeimage: u32) -> u64 {
    frame_of_library(size).max(sizeimage.into())
}

/// Bytes of one of the driver's buffers in the carve-out; `None` for absurd sizes.
#[must_use]
pub fn frame_in_pages(sizeimage: u32) -> Option<u32> {
    sizeimage.checked_next_multiple_of(PAGE)
}

/// Bytes of each buffer that an extension channel takes from the heap, by the SoC's number (facts 1.4).
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

/// Bytes of the table that an extension channel keeps of its buffers (facts 1.4).
#[must_use]
pub fn extension_table(buffers: u32) -> u32 {
    buffers.saturating_add(3).saturating_mul(4)
}

/// The number that the library gives a SoC (facts 1.4); `None` for one that it does not know.
#[must_use]
pub fn cpu_id(soc: &str) -> Option<i32> {
    Some(match soc {
        "T10" => 0,
        "T20" => 3,
        "T20X" => 4,
        "T30" => 5,
        "T21" => 0xd,
        "T31L" => 0xf,
        // A plain "T31" is read as the N: all T31 have the same sizes.
        "T31" | "T31N" => 0x10,
        "T31X" => 0x11,
        "T31A" => 0x12,
        "T31AL" => 0x13,
        "T31ZL" => 0x14,
        "T31ZC" => 0x15,
        "T31LC" => 0x16,
        "T31ZX" => 0x17,
        _ => return None,
    })
}

/// What a channel's encoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoder {
    /// Bytes of each of its two stream buffers.
    pub stream: u32,
    /// Bytes of its reference and reconstructed frames and motion vectors.
    pub frames: u32,
    /// Whether this was seen on a camera, rather than drawn as a line through what was.
    pub known: bool,
}

/// The stock library's encoder for a picture of that size: the two that a log has (1920x1080 and
/// 640x360, facts 5.4), and for every other size the straight line through them by the number of
/// 16x16 blocks, which is an estimate.
#[must_use]
pub fn stock_encoder(size: Size) -> Encoder {
    let blocks = |size: Size| {
        u64::from(size.width.div_ceil(SIDE_STEP)) * u64::from(size.height.div_ceil(SIDE_STEP))
    };
    let (small, large) = (Size::new(640, 360), Size::new(1920, 1080));
    let of = |at_small: u32, at_large: u32| {
        let (here, from, to) = (blocks(size), blocks(small), blocks(large));
        let rise = u64::from(at_large - at_small);
        let line = u64::from(at_small) + here * rise / (to - from);
        let bytes = line.saturating_sub(from * rise / (to - from));
        u32::try_from(bytes.next_multiple_of(256)).unwrap_or(u32::MAX)
    };
    match size {
        size if size == large => Encoder {
            stream: 949_248,
            frames: 6_815_744,
            known: true,
        },
        size if size == small => Encoder {
            stream: 199_808,
            frames: 886_528,
            known: true,
        },
        _ => Encoder {
            stream: of(199_808, 949_248),
            frames: of(886_528, 6_815_744),
            known: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_isps_buffer_is_that_of_the_vendors_table() {
        // Facts 5.2.
        for (width, height, whole, saving) in [
            (1280, 720, 2_081_860, 1_384_240),
            (1920, 1080, 4_685_424, 3_114_816),
            (2048, 1536, 7_105_792, 4_724_800),
            (2304, 1296, 6_744_996, 4_484_880),
            (2560, 1440, 8_327_120, 5_536_880),
            (2592, 1520, 8_902_612, 5_918_208),
        ] {
            let sensor = Size::new(width, height);
            assert_eq!(ncubuf(sensor, false), whole, "{sensor}");
            assert_eq!(ncubuf(sensor, true), saving, "{sensor}");
        }
    }

    #[test]
    fn a_pools_frame_is_the_larger_of_two_opinions() {
        let hd = Size::new(1920, 1080);
        assert_eq!(frame_of_library(hd), 3_133_440);
        // A driver that counts 1080 lines (facts 6.3, T20).
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
        // Facts 1.4, the whole table.
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
        assert_eq!(cpu_id("T31X"), Some(17));
        assert_eq!(cpu_id("T99"), None);
    }

    #[test]
    fn an_estimate_passes_through_what_is_known() {
        let known = stock_encoder(Size::new(1920, 1080));
        assert_eq!(
            (known.stream, known.frames, known.known),
            (949_248, 6_815_744, true)
        );
        let between = stock_encoder(Size::new(960, 540));
        assert!(!between.known);
        assert!(between.stream > 199_808 && between.stream < 949_248);
        assert!(between.frames > 886_528 && between.frames < 6_815_744);
        // The same macroblocks as the known one, another size: the line meets it, rounded.
        let almost = stock_encoder(Size::new(1920, 1088));
        assert_eq!(almost.frames, 6_815_744);
        assert_eq!(almost.stream, 949_248);
        assert!(stock_encoder(Size::new(128, 128)).stream > 0);
    }
}
