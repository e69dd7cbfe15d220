// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What the driver counts of what goes wrong.

/// What went wrong since the driver was bound, and was dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Done entries with an address that the chip was not given; none was delivered.
    pub unmatched: u32,
    /// Buffers that the chip dropped without a word; they were queued again.
    pub dropped_buffers: u32,
    /// Frames delivered as damaged.
    pub damaged_frames: u32,
    /// Interrupts with an error of the core.
    pub core_errors: u32,
    /// Interrupts with an error of the VIC.
    pub vic_errors: u32,
    /// Resets of the VIC after its errors.
    pub vic_recoveries: u32,
    /// Times that the watchdog found frames whose interrupt never came.
    pub lost_interrupts: u32,
    /// Interrupt storms that were silenced.
    pub storms: u32,
    /// Resets of the whole ISP while channels streamed.
    pub restarts: u32,
    /// Stale addresses found in an input FIFO at a start.
    pub stale_addresses: u32,
    /// Failures of the bus behind which streams went on.
    pub recoveries: u32,
    /// Resets of the device that carries the registers.
    pub device_resets: u32,
    /// Buffers that never went back to their owners, since the hardware could not be kept from writing
    /// them.
    pub quarantined: u32,
}

/// Since when nothing has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watchdog {
    /// Frames completed so far, of all channels; wraps.
    pub(crate) frames: u32,
    /// Those of them that are intact; wraps.
    pub(crate) intact: u32,
    /// As many had come at the last check.
    pub(crate) frames_at_check: u32,
    pub(crate) intact_at_check: u32,
    /// Since when none has come that is intact.
    pub(crate) quiet_since_ns: Option<u64>,
    /// Whether the chip was read since then.
    pub(crate) has_asked: bool,
    /// Restarts since then.
    pub(crate) restarts: u32,
    /// Since when the bus fails.
    pub(crate) failing_since_ns: Option<u64>,
}

/// Error interrupts that were masked because they did not end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silenced {
    pub(crate) core: u32,
    pub(crate) vic: [u32; 2],
}

/// Errors of the VIC by their kind, as the vendor's driver counts them (T31 2a.2, row 2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VicErrors(pub [u32; 13]);

impl VicErrors {
    /// Bits of the first status that have a counter of their own, with its place.
    const OWN: [(u32, usize); 11] = [
        (10, 0),
        (14, 1),
        (18, 2),
        (19, 3),
        (20, 4),
        (21, 5),
        (22, 6),
        (23, 7),
        (24, 8),
        (28, 9),
        (9, 11),
    ];
    /// The second status's bit that has one.
    const CHANNEL_ID: (u32, usize) = (3, 10);
    /// Bits of the first status that share the last.
    const SHARED: u32 = 0xee03_b800;

    pub(crate) fn count(&mut self, [first, second]: [u32; 2]) {
        let mut add = |place: usize, more: u32| {
            if let Some(counter) = self.0.get_mut(place) {
                *counter = counter.wrapping_add(more);
            }
        };
        for (bit, place) in Self::OWN {
            add(place, first >> bit & 1);
        }
        let (bit, place) = Self::CHANNEL_ID;
        add(place, second >> bit & 1);
        add(12, (first & Self::SHARED).count_ones());
    }

    /// All of them.
    #[must_use]
    pub fn sum(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.wrapping_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::registers::Vic;

    #[test]
    fn every_error_of_the_vic_is_counted_in_one_place() {
        let mut errors = VicErrors::default();
        errors.count([!Vic::VIC_FRAME_DONE.mask(), 1 << 3]);
        let mut expected = [1; 13];
        expected[12] = 12;
        assert_eq!(errors.0, expected);
        assert_eq!(errors.sum(), 24);
        let mut one = VicErrors::default();
        one.count([1 << 21, 0]);
        assert_eq!((one.0[5], one.sum()), (1, 1));
    }
}
