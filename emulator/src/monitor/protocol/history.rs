// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What has happened, page by page: pictures that were written, interrupts that were told.

use serde::{Deserialize, Serialize};

/// The most entries of the frame log in one response.
pub const MAX_FRAME_LOG_ENTRIES: usize = 4096;

/// Entries of the frame log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameLogPage {
    /// The channel that was asked for.
    pub channel: u32,
    /// The session that was asked for or is the newest; 0 if the channel never started.
    pub session: u32,
    /// At most [`MAX_FRAME_LOG_ENTRIES`].
    pub entries: Vec<FrameLogEntry>,
    /// True if there are more behind these: ask again from the last sequence number plus one.
    pub more: bool,
    /// Entries of the channel, of any session, that made place for newer ones.
    pub evicted: u64,
}

/// A picture that DMA has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameLogEntry {
    /// The channel, 0 to 2.
    pub channel: u32,
    /// The channel's session.
    pub session: u32,
    /// The frame's number as the done FIFO's STATS_NUM tells it; wraps.
    pub frame: u32,
    /// The frame's number less that of the session's first entry.
    pub sequence: u32,
    /// Bytes written: the visible part of all planes.
    pub bytes: u64,
    /// CRC-32 (IEEE) over the visible lines of Y, then of UV, without padding.
    pub crc32: u32,
    /// Physical address of the Y plane.
    pub y_address: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// `nv12` or `nv21`.
    pub format: String,
    /// When the first line of the frame arrived, in nanoseconds since the emulator's start.
    pub start_ns: u64,
    /// When its last byte was written, in nanoseconds since the emulator's start.
    pub done_ns: u64,
}

/// Interrupts, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InterruptPage {
    /// At most [`MAX_FRAME_LOG_ENTRIES`].
    pub entries: Vec<InterruptEntry>,
    /// True if there are more behind these.
    pub more: bool,
}

/// The guest was told of interrupt lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InterruptEntry {
    /// When, in nanoseconds since the emulator's start.
    pub at_ns: u64,
    /// The lines: 1 the core's, 2 the VIC's.
    pub lines: u32,
    /// When QEMU was signalled, in nanoseconds since the emulator's start; `null` where the guest still had
    /// another interrupt to look at, or has not looked at this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signalled_ns: Option<u64>,
    /// When the guest's first look at what is pending arrived after that: a read of the pending register of
    /// the interrupt controller, or of the core's or the VIC's interrupt status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ns: Option<u64>,
}
