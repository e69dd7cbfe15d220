// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame generator: what the sensor sees and the ISP made of it, straight into guest memory.
//!
//! A [`Renderer`] is opened for one [`Source`]. For each frame it writes the rows of a [`Geometry`] to the [`Planes`]
//! and returns the checksum of what a client will see. The way of the pixels:
//!
//! ```text
//! pattern, still, video ─ Planar (YCbCr 4:2:0) ─ format ─ cache (rows + checksums) ─┐
//!                                                      masks, stamp (overlay) ────┴─ render ─ guest memory
//! ```
//!
//! A [`View`] says which part of the sensor's picture that is, and how bright.
//!
//! Patterns keep a few rows and no frame; pictures from files are kept in the sizes asked for.

#![forbid(unsafe_code)]

mod checksum;
mod content;
mod format;
mod frame;
pub mod frame_overlay;
mod pattern;
mod permit;
mod plane;
mod render;
mod row_cache;
mod scale;
mod sensor;
mod source;
mod still;
mod to_rgb;
mod video;
mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod view_tests;

pub use format::OutputFormat;
pub use frame::{FrameInfo, Geometry, MAX_SIDE, Planes, RenderError, Rendered};
pub use permit::{CHUNK_BYTES, WritePermit};
pub use render::Renderer;
pub use sensor::{Line, RawLayout, SensorFrame};
pub use source::{ParseSourceError, Source};
pub use to_rgb::to_rgb;
pub use view::{Brightness, Mask, View};

use std::path::PathBuf;

/// The longest side of a picture from a file, in pixels.
pub const MAX_SOURCE_SIDE: u32 = 16_384;
/// The most pixels of a picture from a file: what it takes to decode one is bounded by a few hundred
/// MiB, whatever a file's header says.
pub const MAX_SOURCE_PIXELS: u64 = 1 << 25;

/// Whether a picture from a file is small enough to be decoded.
fn is_decodable(width: u32, height: u32) -> bool {
    width.max(height) <= MAX_SOURCE_SIDE
        && u64::from(width) * u64::from(height) <= MAX_SOURCE_PIXELS
}

/// A source that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no image that can be shown.
    #[error("cannot use {}: {source} (PNG, JPEG, BMP, PNM and WebP can be shown)", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// The picture is so large that it would take the host's memory.
    #[error("cannot use {}: it has {width}x{height} pixels; at most {MAX_SOURCE_SIDE} on a side and {MAX_SOURCE_PIXELS} in all can be shown", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The file is no video that can be shown.
    #[error("cannot use {}: {reason}", path.display())]
    Y4m {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
