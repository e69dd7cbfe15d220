// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames, row by row, from the source into memory.

use super::checksum::{EMPTY, RowAppender};
use super::content::{Content, Wanted};
use super::format::{OutputFormat, PlaneShape};
use super::frame::{FrameInfo, Geometry, Planes, RenderError, Rendered};
use super::frame_overlay::Overlay;
use super::permit::{Unlimited, WritePermit};
use super::plane::Plane;
use super::view::View;
use super::{OpenError, Source};
use std::sync::Arc;
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

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
        let (caches, order) = self.content.caches(wanted, frame.number)?;
        let patches = view.patches(geometry);
        let overlay = Overlay::new(format, width as usize, height as usize, frame);

        let mut rendered = Rendered {
            bytes: 0,
            crc32: EMPTY,
        };
        let parts = self
            .shapes
            .iter()
            .zip(caches)
            .zip(targets.into_iter().zip(geometry.strides()));
        for (index, (((shape, appender), cache), (target, stride))) in parts.enumerate() {
            let (shape, frame) = (*shape, frame.number);
            let plane = Plane {
                index,
                shape,
                appender,
                cache,
                order,
                frame,
                target,
                permit: &*self.permit,
                stride,
                top: view.top as usize / shape.lines_per_row,
                upside_down: view.flips.vertical,
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
