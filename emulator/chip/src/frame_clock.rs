// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip's own time: when the sensor's first lines come, and the frame that passes.

use super::frame::{Frame, RawOrStatistics};
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;

/// What decides when the sensor begins a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Line length, frame length and clock of the sensor; no frame is shorter than this.
    Sensor(Duration),
    /// A frame begins once in this time, whatever the sensor is set to.
    Every(Duration),
    /// The sensor waits until it is told to ([`Chip::frame_start`](super::Chip::frame_start)).
    #[default]
    OnDemand,
}

/// What a step in time has brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame's first line: what is to be drawn. [`Chip::frame_written`](super::Chip::frame_written) tells that
    /// it was.
    FirstLine(Frame),
    /// The last line of some channels' pictures.
    LastLine {
        /// The frame's number.
        number: u32,
        /// The channels, by their bits.
        channels: u32,
        /// It was the frame's last line, too.
        over: bool,
        /// A fault lets its interrupt reach nobody.
        interrupt_lost: bool,
    },
}

/// What became of what a frame writes.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The channels that could not be written, by their bits.
    pub(super) failed: u32,
    /// What else could not.
    pub(super) lost: Vec<RawOrStatistics>,
}

/// A frame between its first and its last line.
#[derive(Clone, Debug)]
pub(super) struct OpenFrame {
    pub(super) frame: Frame,
    pub(super) began: Duration,
    /// When the last line of each channel's picture comes, if it has not come yet.
    pub(super) channel_ends: [Option<Duration>; ChannelId::COUNT],
    /// When the sensor's last line comes.
    pub(super) end: Duration,
    /// Set by whoever draws.
    pub(super) written: Option<Written>,
    /// One of its ends has come.
    pub(super) ended: bool,
}

impl OpenFrame {
    /// The first of the ends that are still to come.
    fn next_end(&self) -> Duration {
        let channels = self.channel_ends.iter().flatten().copied();
        channels.fold(self.end, Duration::min)
    }

    /// The first of the ends after `now`.
    fn next_end_after(&self, now: Duration) -> Option<Duration> {
        let channels = self.channel_ends.iter().flatten().copied();
        let ends = channels.chain([self.end]);
        ends.filter(|end| *end > now).min()
    }
}

/// Where in its frame the chip is.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameClock {
    pub(super) now: Duration,
    pub(super) pace: Pace,
    /// When the sensor sent its last first line; power-up counts as one.
    pub(super) last_first: Duration,
    pub(super) open: Option<OpenFrame>,
    /// Frames that began while the one before was not written yet.
    pub(super) late: u64,
}

impl FrameClock {
    /// When the frame's next end is acted upon: not before it was written.
    pub(super) fn end_due(&self) -> Option<Duration> {
        let open = self.open.as_ref()?;
        open.written.as_ref()?;
        Some(open.next_end().max(self.now))
    }

    /// When somebody should look whether the open frame was written.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let open = self.open.as_ref()?;
        self.end_due().or_else(|| open.next_end_after(self.now))
    }

    /// A frame that nobody will end.
    pub(super) fn drop_frame(&mut self) {
        self.open = None;
    }

    /// Whether `frame` is the one that passes.
    pub(super) fn is_open(&self, frame: &Frame) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|open| {
            (open.frame.number, open.frame.generation) == (frame.number, frame.generation)
        })
    }
}
