// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A frame to be drawn: its size and strides, what its overlay says, and why it could not be drawn.

use super::format::OutputFormat;
use std::path::PathBuf;
use std::time::Duration;
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

/// Largest width and height that are drawn, in pixels: more than any sensor of the chip gives.
pub const MAX_SIDE: u32 = 8192;

/// What is to be drawn where in the planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// The bytes that a pixel becomes.
    pub format: OutputFormat,
    /// Width in pixels, even, at most [`MAX_SIDE`].
    pub width: u32,
    /// Height in lines, even, at most [`MAX_SIDE`].
    pub height: u32,
    /// Bytes from one row of the first plane to the next; at least a row's bytes. What lies between is not written.
    pub y_stride: u32,
    /// Likewise for the second plane.
    pub uv_stride: u32,
}

impl Geometry {
    /// Checks the numbers against each other and against the bytes that each plane has.
    pub(super) fn check(&self, sizes: &[usize]) -> Result<(), RenderError> {
        let Self { width, height, .. } = *self;
        let refused = |reason: String| {
            Err(RenderError::Geometry {
                format: self.format,
                width,
                height,
                reason,
            })
        };
        for (side, name) in [(width, "width"), (height, "height")] {
            if side == 0 || side % 2 != 0 || side > MAX_SIDE {
                return refused(format!("the {name} must be even, from 2 to {MAX_SIDE}"));
            }
        }
        let shapes = self.format.planes(width as usize, height as usize);
        for (((shape, stride), size), plane) in
            shapes.iter().zip(self.strides()).zip(sizes).zip(PLANES)
        {
            if stride < shape.row_bytes {
                return refused(format!(
                    "the {plane} stride is {stride} bytes, a row has {}",
                    shape.row_bytes
                ));
            }
            // Both factors come from 32-bit numbers and MAX_SIDE, so this fits 64 bits.
            let needed = stride as u64 * (shape.rows as u64 - 1) + shape.row_bytes as u64;
            if (*size as u64) < needed {
                return Err(RenderError::PlaneTooSmall {
                    plane,
                    size: *size,
                    needed,
                    geometry: *self,
                    stride,
                });
            }
        }
        Ok(())
    }

    pub(super) fn strides(&self) -> [usize; 2] {
        [self.y_stride as usize, self.uv_stride as usize]
    }
}

/// Names of the planes for messages.
const PLANES: [&str; 2] = ["Y", "UV"];

/// What the stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo<'a> {
    /// The frame's number. It also chooses the picture: a frame is a function of its number.
    pub number: u32,
    /// Time since the stream began.
    pub time: Duration,
    /// The channel.
    pub channel: u8,
    /// The sensor's name, may be empty.
    pub sensor: &'a str,
}

/// Where a frame goes: guest memory from the first byte of each plane. It may be longer than the plane.
#[derive(Clone, Debug)]
pub struct Planes<'a, B: BitmapSlice = ()> {
    /// The first plane, the only one of RGB.
    pub y: VolatileSlice<'a, B>,
    /// The second plane; left alone where the format has none.
    pub uv: VolatileSlice<'a, B>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Bytes written.
    pub bytes: u64,
    /// CRC-32 (IEEE) of the visible bytes: the rows of the first plane from the top, then those of the second, each
    /// without what the stride adds. Padding lines between the planes are neither written nor covered.
    pub crc32: u32,
}

/// Why a frame was not drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// A geometry that cannot be.
    #[error("cannot draw {format} {width}x{height}: {reason}")]
    Geometry {
        /// The format asked for.
        format: OutputFormat,
        /// The width in pixels.
        width: u32,
        /// The height in lines.
        height: u32,
        /// What must be different.
        reason: String,
    },
    /// The memory of a plane ends before the plane does. Nothing was written.
    #[error("the {plane} plane has {size} bytes, {needed} are needed for {} {}x{} with a stride of {stride}",
        geometry.format, geometry.width, geometry.height)]
    PlaneTooSmall {
        /// Which plane.
        plane: &'static str,
        /// Its bytes.
        size: usize,
        /// The bytes it should have at least.
        needed: u64,
        /// What was to be drawn.
        geometry: Geometry,
        /// The plane's stride in bytes.
        stride: usize,
    },
    /// A frame of a video could no longer be read.
    #[error("cannot read frame {frame} of {}: {source}", path.display())]
    ReadFrame {
        /// The file.
        path: PathBuf,
        /// The frame in the file, from 0.
        frame: usize,
        /// Why.
        source: std::io::Error,
    },
    /// A picture from a file could not be stretched.
    #[error("cannot scale {}x{} to {}x{}: {reason}", from.0, from.1, to.0, to.1)]
    Scale {
        /// Size of the original in pixels.
        from: (u32, u32),
        /// Size asked for in pixels.
        to: (u32, u32),
        /// Why.
        reason: String,
    },
    /// The right to write to memory ended before the frame did.
    #[error("the right to write to memory was taken back")]
    Revoked,
    /// Guest memory could not be written.
    #[error("cannot write to the plane: {0}")]
    Memory(#[from] vm_memory::VolatileMemoryError),
}
