// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A frame on its way through the chip.

use crate::faults::Effects;
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::sensor::{BayerOrder, Flips};
use tx_isp_abi::statistics::{Kind, Zones};
use tx_isp_abi::{PhysAddr, Size};

/// A frame between its first and its last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The number that the done FIFOs will report, counted from 1 since the last reset.
    pub number: u32,
    /// What to write, at most one job per channel.
    pub jobs: Vec<DmaJob>,
    /// The raw picture to write.
    pub raw: Option<RawJob>,
    /// The statistics to write, at most one of each kind.
    pub statistics: Vec<StatisticsJob>,
    /// The planes of the noise filter's store, which the frame leaves its mark in.
    pub noise: Vec<NoisePlane>,
    /// The time from the first frame to this one by the sensor's own clock, whatever drives ours, so
    /// that the same frame is the same picture in each run.
    pub time: Duration,
    /// The sensor's light as 16.16 fixed point; 0x10000 is that after power-up.
    pub light: u32,
    /// Which ways the sensor turns it about.
    pub flips: Flips,
    /// What injected faults do to it.
    pub effects: Effects,
    /// It got lost on its way: its end raises nothing.
    pub(super) lost: bool,
    /// How often the chip had been reset when the frame began.
    pub(super) generation: u32,
}

impl Frame {
    /// The chip's [`generation`](super::Chip::generation) when it began: it is over when the chip's is
    /// another.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether it got lost on its way: nothing follows its first line.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether anything goes to memory.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.jobs.is_empty() || self.raw.is_some() || !self.statistics.is_empty()
    }
}

/// One picture to be written to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaJob {
    /// The channel that writes.
    pub channel: ChannelId,
    /// How often the channel had been enabled; the first time is 1.
    pub session: u32,
    /// The picture's format.
    pub format: PixelFormat,
    /// The picture's size in pixels.
    pub size: Size,
    /// Where it lies in the sensor's picture.
    pub window: Window,
    /// Painted over it.
    pub masks: [Option<MaskRectangle>; 4],
    /// Physical address of the Y plane.
    pub y: PhysAddr,
    /// Physical address of the chroma plane; 0 for RGB, which has none.
    pub uv: PhysAddr,
    /// Bytes from one line of Y to the next.
    pub y_stride: u32,
    /// Bytes from one line of chroma to the next.
    pub uv_stride: u32,
    /// Lines of the sensor's picture that have come when its last one is out.
    pub last_line: u32,
}

/// A raw picture to be written to memory: the sensor's from its top left corner on, each pixel in 16 bits (T31
/// 2.7, 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawJob {
    /// Physical address of the bank.
    pub address: PhysAddr,
    /// Size in pixels.
    pub size: Size,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// Order of the colour filters.
    pub bayer: BayerOrder,
    /// Bits of a pixel.
    pub bits: u32,
}

/// Statistics to be written to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticsJob {
    /// What of.
    pub kind: Kind,
    /// Which of the kind's banks.
    pub bank: usize,
    /// Physical address of the bank.
    pub address: PhysAddr,
    /// Where AE's dark pixels end and its saturated ones begin.
    pub thresholds: [u8; 2],
    /// How the picture is divided.
    pub zones: Zones,
}

/// A plane of the noise filter's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoisePlane {
    /// What it holds.
    pub name: &'static str,
    /// Physical address.
    pub address: PhysAddr,
    /// Length.
    pub bytes: u64,
}

/// What a frame writes beside the channels' pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawOrStatistics {
    /// Its raw picture.
    Raw,
    /// One of its statistics.
    Statistics(Kind),
}

/// A part of the sensor's picture in the scale of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size in pixels that all of the sensor's picture would have.
    pub full: Size,
    /// First pixel of a line of it, even.
    pub left: u32,
    /// First line of it, even.
    pub top: u32,
    /// Which ways that part is turned about, by the sensor or by the channel.
    pub flips: Flips,
}

/// A rectangle of one colour, in pixels of the picture that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskRectangle {
    /// First pixel of a line.
    pub left: u32,
    /// First line.
    pub top: u32,
    /// Size; it may reach beyond the picture.
    pub size: Size,
    /// Y, Cb, Cr.
    pub colour: [u8; 3],
}
