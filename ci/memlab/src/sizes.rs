// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many bytes a camera's other parts need: the stock encoder, as Ingenic's library
//! computes it. (The ISP's own buffer is `tx_isp_alloc::noise_reduction`'s.)

use guest_protocol::camera::sizes::SIDE_STEP;
use tx_isp_abi::Size;

/// The number that the library gives a SoC (T31 1.4); `None` for one that it does not know.
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
/// 640x360, T31 5.4), and for every other size the straight line through them by the number of
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
    fn a_soc_has_the_librarys_number() {
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
