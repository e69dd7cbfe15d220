// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A frame between the device and the DMA engine, and why frames cannot be stepped.

use super::permit::DmaPermit;
use crate::attach::GuestMemory;
use crate::frame_log::Record;
use crate::monitor::protocol::MAX_STEP_FRAMES;
use crate::sensor::ClockMode;
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip::{Frame, GuestErrorKind, RawOrStatistics};

/// A frame that the DMA engine is to write.
#[derive(Clone, Debug)]
pub struct StartedFrame {
    /// What to write.
    pub frame: Frame,
    /// When its first line arrived, since the emulator's start.
    pub start: Duration,
    /// Where to write it.
    pub memory: GuestMemory,
    /// The right to do so.
    pub permit: DmaPermit,
    pub(super) epoch: u64,
}

impl StartedFrame {
    /// The epoch and generation of the chip in which it began.
    pub(super) fn started_in(&self) -> (u64, u32) {
        (self.epoch, self.frame.generation())
    }
}

/// What the DMA engine did with a frame.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The permit ended before the frame was written: all of it counts as not written.
    pub revoked: bool,
    /// The pictures that were written.
    pub records: Vec<Record>,
    /// The channels that could not be written.
    pub failed: Vec<ChannelId>,
    /// What could not be written beside their pictures.
    pub lost: Vec<RawOrStatistics>,
    /// What the driver did wrong.
    pub guest_errors: Vec<(GuestErrorKind, String)>,
    /// Pictures written.
    pub pictures: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Time that it took to write them.
    pub busy: Duration,
}

/// Why frames cannot be stepped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The clock runs by itself.
    #[error("the clock is {0}, not stepped: start the emulator with --fps stepped")]
    NotStepped(ClockMode),
    /// No frame goes through.
    #[error("the guest does not stream: step when the driver has started the VIC and the core")]
    NotStreaming,
    /// The guest stopped in between.
    #[error("the guest stopped streaming after {done} of {asked} frames")]
    Stopped {
        /// Frames written.
        done: u32,
        /// Frames asked for.
        asked: u32,
    },
    /// Steps are taken one request after the other.
    #[error("a step is under way: ask again when it is over")]
    Busy,
    /// The number is no number of frames.
    #[error("cannot step {0} frames: use 1 to {MAX_STEP_FRAMES}")]
    BadCount(u32),
    /// DMA took too long.
    #[error("the frames were not written in time: {done} of {asked} are done")]
    Deadline {
        /// Frames written.
        done: u32,
        /// Frames asked for.
        asked: u32,
    },
}
