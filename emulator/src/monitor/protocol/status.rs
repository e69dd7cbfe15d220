// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulator's state and counters, as `status` answers them.

use crate::sensor::ClockMode;
use serde::{Deserialize, Serialize};
use tx_isp_chip::Severity;

/// The emulator's state and what it has counted since its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Status {
    /// The emulator's version.
    pub version: String,
    /// Whether a VM is there.
    pub attach: AttachState,
    /// What drives the frame clock.
    #[schemars(with = "String")]
    pub clock: ClockMode,
    /// The sensor's name.
    pub sensor: String,
    /// The picture source, as `--source` takes it.
    pub source: String,
    /// Nanoseconds since the emulator's start; the base of all times in the frame log.
    pub uptime_ns: u64,
    /// True while VIC and core run, so that the sensor's frames have an effect.
    pub streaming: bool,
    /// The frame clock.
    pub frames: FrameCounts,
    /// Ticks of the frame clock that came while DMA still wrote the frame before; such frames are
    /// left out.
    pub late_ticks: u64,
    /// The output channels, by number.
    pub channels: Vec<ChannelStatus>,
    /// The DMA engine.
    pub dma: DmaStatus,
    /// The guest's requests.
    pub mailbox: MailboxStatus,
    /// The faults that were injected.
    #[serde(default)]
    pub faults: Vec<FaultStatus>,
    /// What went wrong so far: accesses to undefined registers, DMA outside of memory and the like.
    #[serde(rename = "findings")]
    pub guest_errors: Vec<GuestError>,
}

/// Whether a VM is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttachState {
    /// Waits for a VM to connect.
    Listening,
    /// A VM is connected.
    Connected,
}

/// Frames of the clock since the emulator's start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct FrameCounts {
    /// Frames that the chip took from the sensor.
    pub started: u64,
    /// Frames whose DMA is over, on all channels, whether or not there was anything to write.
    pub finished: u64,
}

/// An output channel since the chip was last powered: the start of the guest's driver.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct ChannelStatus {
    /// The channel, 0 to 2.
    pub channel: u32,
    /// CH_EN.
    pub enabled: bool,
    /// How often it was started: the number of the newest session, 0 before the first.
    pub session: u32,
    /// Frames written.
    pub frames_written: u64,
    /// Frames left out because no buffer was queued.
    pub starved: u64,
    /// Frames left out by frame-rate control.
    pub skipped: u64,
    /// Buffers that wait in the address FIFO.
    pub queued: u32,
    /// Frame log entries that made place for newer ones.
    #[serde(rename = "ledger_evicted")]
    pub frame_log_evicted: u64,
}

/// The DMA engine since the emulator's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DmaStatus {
    /// Pictures written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Frames that were interrupted and drawn again: the VM was paused or its memory map changed.
    #[serde(default)]
    pub revoked: u64,
    /// Seconds spent on writing them.
    pub busy_seconds: f64,
    /// `bytes / busy_seconds`; 0 before the first picture.
    pub bytes_per_second: f64,
}

/// The guest's requests since the emulator's start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct MailboxStatus {
    /// Requests answered.
    pub batches: u64,
    /// Register operations carried out in them.
    pub operations: u64,
    /// Requests that were refused as malformed.
    pub refused: u64,
    /// Event buffers handed to the guest.
    pub events: u64,
}

/// An injected fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FaultStatus {
    /// The fault, as `--fault` takes it.
    pub fault: String,
    /// How often it happened.
    pub fired: u32,
}

/// Something that went wrong, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GuestError {
    /// Its name in kebab-case.
    pub id: String,
    /// How bad it is: note, suspect or error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub severity: Option<Severity>,
    /// How often.
    pub count: u64,
    /// What happened the first time.
    pub first: String,
    /// What would be right, with the section of the reference.
    pub help: String,
    /// The register accesses before the first time, oldest first, decoded.
    #[serde(default)]
    pub before: Vec<String>,
}
