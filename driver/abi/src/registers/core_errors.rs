// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the error bits of the core's status usually mean (T31 2.2, 8).

use super::Core;

/// All error bits: 3 to 9 (T31 2.2).
pub const CORE_ERRORS: u32 =
    Core::IRQ_ERROR_GROUP.mask() | Core::IRQ_OVERFLOW_0.mask() | Core::IRQ_OVERFLOW_1.mask();

/// What usually causes the errors of a core status, in a sentence; `None` where it has none. The detail word at 84c
/// is not decoded: nobody knows its bits.
#[must_use]
pub fn core_error_cause(status: u32) -> Option<&'static str> {
    let transient = Core::IRQ_START_TRANSIENT.is_set(status);
    let (first, second) = (
        Core::IRQ_OVERFLOW_0.is_set(status),
        Core::IRQ_OVERFLOW_1.is_set(status),
    );
    if second {
        Some(
            "usually an output format that the channel does not know: OUT_FMT takes 0, 1, 2 and 1f (T31 2.2, 2.4; 8, row 5)",
        )
    } else if first && transient {
        Some("seen once at a normal start, and harmless there (T31 2.2)")
    } else if first {
        Some("overflow: memory or scaler did not keep up; with WDR it starts a recovery (T31 2.2)")
    } else if status & CORE_ERRORS != 0 {
        Some("not documented; the vendor's driver counts these and goes on (T31 2.2)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_a_cause_and_a_frame_has_none() {
        for bit in 3..10 {
            assert!(core_error_cause(1 << bit).is_some(), "bit {bit}");
        }
        assert_eq!(core_error_cause(0xfc00_3007), None);
        assert!(core_error_cause(0x600).unwrap().contains("OUT_FMT"));
        assert!(core_error_cause(0x500).unwrap().contains("normal start"));
    }
}
