// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames, row by row, from the source into memory.

use super::checksum::{EMPTY, RowAppender};
use super::content::{Content, Wanted};
use super::format::{OutputFormat, PlaneShape};
use super::permit::{Unlimited, WritePermit};
use super::plane::Plane;
use super::stamp::Overlay;
use super::view::View;
use super::{OpenError, Source};
use std::path::PathBuf;
use std::sync::Arc;
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

    fn strides(&self) -> [usize; 2] {
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
    /// A conversion between RGB and YCbCr failed.
    #[error("cannot convert the colours: {0}")]
    Convert(String),
    /// The right to write to memory ended before the frame did.
    #[error("the right to write to memory was taken back")]
    Revoked,
    /// Guest memory could not be written.
    #[error("cannot write to the plane: {0}")]
    Memory(#[from] vm_memory::VolatileMemoryError),
}

/// Draws frames of one source. It keeps the rows of the geometries it drew last, so one renderer serves all channels.
pub struct Renderer {
    pub(super) content: Content,
    shapes: Vec<(PlaneShape, RowAppender)>,
    shaped_for: Option<(OutputFormat, u32, u32)>,
    scratch: Vec<u8>,
    pub(super) permit: Arc<dyn WritePermit>,
}

impl Renderer {
    /// Opens a source; files are checked.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what is wrong with it.
    pub fn open(source: &Source) -> Result<Self, OpenError> {
        let content = Content::open(source)?;
        Ok(Self {
            content,
            shapes: Vec::new(),
            shaped_for: None,
            scratch: Vec::new(),
            permit: Arc::new(Unlimited),
        })
    }

    /// The same renderer with another seed for noise.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.content.set_seed(seed);
        self
    }

    /// What follows is written only while `permit` holds; before this is called, always.
    pub fn write_under(&mut self, permit: Arc<dyn WritePermit>) {
        self.permit = permit;
    }

    /// What is wrong with the source but does not keep it from being shown, for the operator.
    pub fn warning(&self) -> Option<String> {
        self.content.warning()
    }

    /// Draws a frame into memory. The same source, seed, geometry and frame give the same bytes.
    ///
    /// # Errors
    /// [`RenderError`]; nothing is written when the geometry is refused or a file cannot be read.
    /// [`RenderError::Revoked`] comes in the middle of it.
    pub fn render<B: BitmapSlice>(
        &mut self,
        geometry: &Geometry,
        frame: &FrameInfo<'_>,
        planes: &Planes<'_, B>,
    ) -> Result<Rendered, RenderError> {
        self.render_rows::<B, true>(geometry, &View::whole(geometry), frame, planes)
    }

    /// As [`Self::render`], but only the part of the picture that `view` shows, in its light and under its masks.
    ///
    /// # Errors
    /// As [`Self::render`]; a view that does not lie in its picture is a [`RenderError::Geometry`].
    pub fn render_view<B: BitmapSlice>(
        &mut self,
        geometry: &Geometry,
        view: &View<'_>,
        frame: &FrameInfo<'_>,
        planes: &Planes<'_, B>,
    ) -> Result<Rendered, RenderError> {
        view.check(geometry)?;
        self.render_rows::<B, true>(geometry, view, frame, planes)
    }

    /// [`Self::render`] without the checksum (it says 0), to measure what the checksum costs.
    #[doc(hidden)]
    pub fn render_without_checksum<B: BitmapSlice>(
        &mut self,
        geometry: &Geometry,
        frame: &FrameInfo<'_>,
        planes: &Planes<'_, B>,
    ) -> Result<Rendered, RenderError> {
        self.render_rows::<B, false>(geometry, &View::whole(geometry), frame, planes)
    }

    fn render_rows<B: BitmapSlice, const CHECKSUM: bool>(
        &mut self,
        geometry: &Geometry,
        view: &View<'_>,
        frame: &FrameInfo<'_>,
        planes: &Planes<'_, B>,
    ) -> Result<Rendered, RenderError> {
        let targets = [&planes.y, &planes.uv];
        geometry.check(&targets.map(VolatileSlice::len))?;
        let Geometry {
            format,
            width,
            height,
            ..
        } = *geometry;
        self.shape(format, width, height);
        let wanted = Wanted::new(geometry, view);
        let (sheets, walk) = self.content.sheets(wanted, frame.number)?;
        let patches = view.patches(geometry);
        let overlay = Overlay::new(format, width as usize, height as usize, frame);

        let mut rendered = Rendered {
            bytes: 0,
            crc32: EMPTY,
        };
        let parts = self
            .shapes
            .iter()
            .zip(sheets)
            .zip(targets.into_iter().zip(geometry.strides()));
        for (index, (((shape, appender), sheet), (target, stride))) in parts.enumerate() {
            let (shape, frame) = (*shape, frame.number);
            let plane = Plane {
                index,
                shape,
                appender,
                sheet,
                walk,
                frame,
                target,
                permit: &*self.permit,
                stride,
                top: view.top as usize / shape.lines_per_row,
            };
            rendered.bytes += shape.row_bytes as u64 * shape.rows as u64;
            if !patches.is_empty() {
                let scratch = &mut self.scratch;
                rendered.crc32 =
                    plane.draw_masked::<CHECKSUM>(&overlay, &patches, scratch, rendered.crc32)?;
                continue;
            }
            let stamped =
                plane.draw_stamped::<CHECKSUM>(&overlay, &mut self.scratch, rendered.crc32)?;
            rendered.crc32 = plane.draw_plain::<CHECKSUM>(overlay.rows(index), stamped)?;
        }
        Ok(rendered)
    }

    /// Prepares what depends on the size of the planes alone.
    fn shape(&mut self, format: OutputFormat, width: u32, height: u32) {
        if self.shaped_for == Some((format, width, height)) {
            return;
        }
        let shapes = format.planes(width as usize, height as usize);
        self.shapes = shapes
            .into_iter()
            .map(|shape| (shape, RowAppender::new(shape.row_bytes)))
            .collect();
        self.shaped_for = Some((format, width, height));
    }
}
