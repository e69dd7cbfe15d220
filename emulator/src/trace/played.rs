// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What became of a trace that was played: the JSON of `cargo lab trace play`.

use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_chip::{Frame, Severity};

/// A read that gave another value than the trace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MismatchedRead {
    /// The line's number, counted from 1.
    pub line: usize,
    /// The register's physical address.
    pub address: u32,
    /// What the trace has.
    pub expected: u32,
    /// What the chip gave.
    pub got: u32,
}

/// A kind of mistake that the trace makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GuestError {
    /// Its name.
    pub id: String,
    /// How bad it is.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// How often it was made.
    pub count: u64,
    /// What happened the first time.
    pub first: String,
}

/// A picture that the chip would have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlayedFrame {
    /// The channel that wrote it.
    pub channel: u32,
    /// Physical address of its Y plane.
    pub y: u32,
    /// Physical address of its chroma plane; 0 for RGB, which has none.
    pub uv: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The frame's number, counted from 1 since the last reset of the ISP.
    pub frame: u32,
}

/// A raw picture that the VIC would have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlayedRawFrame {
    /// Physical address of its bank.
    pub address: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// Bits of a pixel, which takes two bytes.
    pub bits: u32,
    /// The frame's number, as a picture's.
    pub frame: u32,
}

/// Statistics that the core would have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlayedStatistics {
    /// What of.
    pub kind: &'static str,
    /// Which of the kind's banks.
    pub bank: usize,
    /// Physical address of the bank.
    pub address: u32,
    /// The frame's number, as a picture's.
    pub frame: u32,
}

/// A plane of the noise filter's store that the core would have left its mark in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlayedNoisePlane {
    /// What it holds.
    pub plane: &'static str,
    /// Its physical address.
    pub address: u32,
    /// Its length.
    pub bytes: u64,
    /// The frame's number, as a picture's.
    pub frame: u32,
}

/// What became of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Played {
    /// Registers read and written.
    pub accesses: u64,
    /// Reads that gave another value.
    pub mismatched_reads: Vec<MismatchedRead>,
    /// Mistakes.
    pub guest_errors: Vec<GuestError>,
    /// Pictures, in the order in which they were finished.
    pub frames: Vec<PlayedFrame>,
    /// Raw pictures, likewise.
    pub raw_frames: Vec<PlayedRawFrame>,
    /// Statistics, likewise.
    pub statistics: Vec<PlayedStatistics>,
    /// The noise filter's planes, likewise.
    pub noise_planes: Vec<PlayedNoisePlane>,
    /// The line at which a mistake ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<usize>,
}

impl Played {
    /// Whether every read gave what the trace has, and no mistake was an error.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.is_clean_but(|_| false)
    }

    /// As [`Played::is_clean`], where some mistakes, by their names, are allowed.
    #[must_use]
    pub fn is_clean_but(&self, allowed: impl Fn(&str) -> bool) -> bool {
        let is_error =
            |error: &GuestError| error.severity == Severity::Error && !allowed(&error.id);
        self.stopped_at.is_none()
            && self.mismatched_reads.is_empty()
            && !self.guest_errors.iter().any(is_error)
    }

    /// What a frame that is over has written beside its channels' pictures.
    pub(super) fn note_others(&mut self, frame: &Frame) {
        let number = frame.number;
        self.raw_frames.extend(frame.raw.map(|job| PlayedRawFrame {
            address: job.address.0,
            width: job.size.width,
            height: job.size.height,
            stride: job.stride,
            bits: job.bits,
            frame: number,
        }));
        let statistics = frame.statistics.iter();
        self.statistics
            .extend(statistics.map(|job| PlayedStatistics {
                kind: job.kind.id(),
                bank: job.bank,
                address: job.address.0,
                frame: number,
            }));
        let planes = frame.noise.iter();
        self.noise_planes
            .extend(planes.map(|plane| PlayedNoisePlane {
                plane: plane.name,
                address: plane.address.0,
                bytes: plane.bytes,
                frame: number,
            }));
    }
}
