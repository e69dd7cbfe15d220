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
    /// Frames found by the watchdog, whose interrupt never came.
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
