// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What changes while a frame passes: line positions, counters, states (T31 2a.1, 2a.3).

use super::Chip;
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, Msca, Vic};

/// LIVE_C8 while streaming.
const STREAMING_C8: u32 = 0x0010_0000;

impl Chip {
    /// Whether a frame is between its first and its last line.
    pub(super) const fn is_in_frame(&self) -> bool {
        self.frame_clock.open.is_some()
    }

    /// From a frame's first line to its last: its visible lines at the sensor's pace (T31 2.10).
    #[must_use]
    pub fn readout_time(&self) -> Duration {
        let lines = self.sensor.size.height;
        let period = self.frame_interval();
        let length = self.sensor_model.frame_lines().max(1);
        period.saturating_mul(lines) / length
    }

    /// Line and pixel of the sensor's picture, as fractions of its height and width in 16.16; a frame that
    /// has ended stands at its end.
    pub(super) fn progress(&self) -> (u32, u32) {
        let Some(open) = &self.frame_clock.open else {
            let height = if self.frame_number == 0 {
                0
            } else {
                self.sensor.size.height
            };
            return (height, 0);
        };
        let elapsed = self.now().saturating_sub(open.began).as_nanos();
        let lines = u128::from(self.sensor.size.height);
        let readout = open.end.saturating_sub(open.began).as_nanos().max(1);
        let line = (elapsed * lines / readout).min(lines.saturating_sub(1));
        let line_ns = (readout / lines.max(1)).max(1);
        let width = u128::from(self.sensor.size.width);
        let pixel = elapsed % line_ns * width / line_ns;
        let word = |value| u32::try_from(value).unwrap_or(u32::MAX);
        (word(line), word(pixel))
    }

    /// As [`Self::progress`], of what a channel's scaler makes of it.
    pub(super) fn channel_progress(&self, index: usize) -> (u32, u32) {
        let (line, pixel) = self.progress();
        let size = self.scaler(ChannelId::ALL[index]).scaled();
        let sensor = self.sensor.size;
        (
            line * size.height / sensor.height.max(1),
            pixel * size.width / sensor.width.max(1),
        )
    }

    /// A live register of the multi-scaler; `None` for one that is none.
    pub(super) fn msca_live(&self, register: Msca) -> Option<u32> {
        let (line, pixel) = self.progress();
        let at = |line: u32, pixel: u32| line << 16 | pixel & 0xffff;
        let scaled = |index: usize| {
            let (line, pixel) = self.channel_progress(index);
            at(line, pixel)
        };
        Some(match register {
            Msca::InputPoint => at(line, pixel),
            Msca::ChannelPoint0 => scaled(0),
            Msca::ChannelPoint1 => scaled(1),
            Msca::ChannelPoint2 => scaled(2),
            Msca::FrameCounter => self.frame_number,
            Msca::LiveC8 if self.is_streaming() => STREAMING_C8,
            _ => return None,
        })
    }

    /// STATUS_60 and STATUS_64 read 1 while streaming.
    pub(super) fn core_live(&self, register: Core) -> Option<u32> {
        matches!(register, Core::Status60 | Core::Status64)
            .then(|| u32::from(self.is_streaming() && self.core_is_active()))
    }

    /// The VIC's state word: 0 while a frame comes in.
    pub(super) fn vic_live(&self) -> u32 {
        if self.is_in_frame() {
            0
        } else {
            Vic::State120.describe().reset
        }
    }
}
