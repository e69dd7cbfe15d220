// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which bytes of a buffer are the picture, and their checksum.

use tx_isp_abi::format::PixelFormat;

/// Where the visible lines of a picture lie in its buffer: one plane of RGB, or one of luma and one
/// of chroma.
///
/// The chroma begins right behind the luma, as V4L2 has it, or behind a multiple of 16 lines, as the
/// vendor's driver has it (T31 6.2): that of a 1080 line picture behind line 1088.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planes {
    /// Visible bytes of a line; one line of interleaved chroma has as many as one of luma.
    row_bytes: usize,
    /// Bytes from one line to the next.
    stride: usize,
    /// Lines of the first plane.
    lines: usize,
    /// Bytes from the buffer's start to the chroma, which has half as many lines; `None` for RGB.
    chroma_offset: Option<usize>,
}

/// Heights of luma planes count in multiples of this many lines (T31 6.2).
const LINE_STEP: usize = 16;

/// The picture does not fit into its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a picture that ends at byte {needed} does not fit a buffer of {length}")]
pub struct BufferTooShort {
    /// Bytes that the picture needs.
    pub needed: usize,
    /// Bytes that the buffer has.
    pub length: usize,
}

impl Planes {
    /// The planes of a picture of `width` by `height` pixels (both even) with `bytesperline` bytes
    /// from one line to the next; `None` if the lines would overlap or the numbers are absurd.
    #[must_use]
    pub fn new(format: PixelFormat, width: u32, height: u32, bytesperline: u32) -> Option<Self> {
        let row_bytes = usize::try_from(width.checked_mul(format.bytes_per_pixel())?).ok()?;
        let stride = usize::try_from(bytesperline).ok()?;
        let lines = usize::try_from(height).ok()?;
        let aligned_luma = stride.checked_mul(lines.checked_next_multiple_of(LINE_STEP)?)?;
        let fits = stride >= row_bytes && row_bytes > 0 && lines > 0;
        // The end of the chroma must be a number too.
        aligned_luma.checked_mul(2)?;
        fits.then_some(Self {
            row_bytes,
            stride,
            lines,
            chroma_offset: (!format.is_rgb()).then_some(stride * lines),
        })
    }

    /// The same with the chroma behind a multiple of 16 lines.
    #[must_use]
    pub fn with_aligned_chroma(mut self) -> Self {
        let aligned_luma = self.stride * self.lines.next_multiple_of(LINE_STEP);
        self.chroma_offset = self.chroma_offset.map(|_| aligned_luma);
        self
    }

    /// Bytes from a plane's start to behind the last visible one of so many lines.
    const fn plane_bytes(&self, lines: usize) -> usize {
        lines.saturating_sub(1) * self.stride + self.row_bytes
    }

    /// Lines of the chroma plane, if there is one.
    fn chroma_lines(&self) -> usize {
        self.chroma_offset.map_or(0, |_| self.lines / 2)
    }

    /// Bytes from the buffer's start to behind the last visible one.
    #[must_use]
    pub fn end(&self) -> usize {
        match self.chroma_offset {
            Some(offset) => offset + self.plane_bytes(self.chroma_lines()),
            None => self.plane_bytes(self.lines),
        }
    }

    /// How many bytes are visible: 3 for every 2 pixels, or those of the RGB format for each.
    #[must_use]
    pub fn visible_bytes(&self) -> usize {
        self.row_bytes * (self.lines + self.chroma_lines())
    }

    /// The visible parts of `buffer` in order, each as long as it can be: a plane without padding
    /// is one part, else every line is.
    ///
    /// # Errors
    /// [`BufferTooShort`] if the picture does not fit.
    pub fn visible<'a>(
        &self,
        buffer: &'a [u8],
    ) -> Result<impl Iterator<Item = &'a [u8]> + use<'a>, BufferTooShort> {
        let too_short = BufferTooShort {
            needed: self.end(),
            length: buffer.len(),
        };
        let buffer = buffer.get(..self.end()).ok_or(too_short)?;
        let (first, chroma) = buffer.split_at(self.chroma_offset.unwrap_or(buffer.len()));
        // What lies between the planes is no picture; the last line of a plane may lack its padding.
        let first = &first[..self.plane_bytes(self.lines)];
        let (piece, step) = if self.stride == self.row_bytes {
            (usize::MAX, usize::MAX)
        } else {
            (self.row_bytes, self.stride)
        };
        let parts = move |plane: &'a [u8]| {
            plane
                .chunks(step)
                .map(move |row| &row[..piece.min(row.len())])
        };
        Ok(parts(first).chain(parts(chroma)))
    }

    /// The CRC-32 (IEEE) of the visible bytes in order.
    ///
    /// # Errors
    /// [`BufferTooShort`] if the picture does not fit.
    pub fn checksum(&self, buffer: &[u8]) -> Result<u32, BufferTooShort> {
        let mut hasher = crc32fast::Hasher::new();
        self.visible(buffer)?.for_each(|part| hasher.update(part));
        Ok(hasher.finalize())
    }

    /// The visible bytes without gaps: lines of luma, then lines of chroma; or lines of RGB.
    ///
    /// # Errors
    /// [`BufferTooShort`] if the picture does not fit.
    pub fn pack(&self, buffer: &[u8]) -> Result<Vec<u8>, BufferTooShort> {
        let mut packed = Vec::with_capacity(self.visible_bytes());
        self.visible(buffer)?
            .for_each(|part| packed.extend_from_slice(part));
        Ok(packed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chroma_begins_behind_the_luma_or_a_multiple_of_sixteen_lines() {
        let planes = Planes::new(PixelFormat::Nv12, 1920, 1080, 1920).unwrap();
        assert_eq!(planes.chroma_offset, Some(2_073_600));
        assert_eq!(planes.visible_bytes(), 3_110_400);
        assert_eq!(planes.end(), 3_110_400);
        let aligned = planes.with_aligned_chroma();
        assert_eq!(aligned.chroma_offset, Some(2_088_960));
        assert_eq!(aligned.visible_bytes(), 3_110_400);
        assert_eq!(aligned.end(), 2_088_960 + 1920 * 540);
        let rgb = Planes::new(PixelFormat::Bgr32, 640, 360, 2560).unwrap();
        assert_eq!(rgb.with_aligned_chroma(), rgb);
    }

    #[test]
    fn rgb_is_one_plane_of_its_pixels_bytes() {
        // 4x2 with 2 bytes of padding on each line.
        let planes = Planes::new(PixelFormat::Rgb565, 4, 2, 10).unwrap();
        let mut buffer = vec![0xee; 20];
        buffer[..8].copy_from_slice(b"12345678");
        buffer[10..18].copy_from_slice(b"9abcdefg");
        assert_eq!(planes.pack(&buffer).unwrap(), b"123456789abcdefg");
        assert_eq!(planes.end(), 18);
        assert!(planes.checksum(&buffer[..17]).is_err());
        let planes = Planes::new(PixelFormat::Bgr32, 640, 360, 2560).unwrap();
        assert_eq!(planes.visible_bytes(), 921_600);
        assert_eq!(planes.end(), 921_600);
        assert_eq!(Planes::new(PixelFormat::Bgr32, 640, 360, 2559), None);
    }

    #[test]
    fn only_visible_bytes_count() {
        // 4x2 with 2 bytes of padding on each line, chroma behind line 16.
        let planes = Planes::new(PixelFormat::Nv12, 4, 2, 6)
            .unwrap()
            .with_aligned_chroma();
        let mut buffer = vec![0xee; 6 * 17];
        buffer[..4].copy_from_slice(b"1234");
        buffer[6..10].copy_from_slice(b"5678");
        buffer[96..100].copy_from_slice(b"9abc");
        assert_eq!(planes.pack(&buffer).unwrap(), b"123456789abc");
        assert_eq!(
            planes.checksum(&buffer).unwrap(),
            crc32fast::hash(b"123456789abc")
        );
        // The last line's padding may be missing, its last byte may not.
        assert_eq!(planes.pack(&buffer[..100]).unwrap(), b"123456789abc");
        let error = planes.checksum(&buffer[..99]).unwrap_err();
        assert_eq!((error.needed, error.length), (100, 99));
    }

    #[test]
    fn absurd_shapes_are_refused() {
        assert_eq!(Planes::new(PixelFormat::Nv12, 640, 360, 639), None);
        assert_eq!(Planes::new(PixelFormat::Nv12, 0, 360, 0), None);
        assert_eq!(Planes::new(PixelFormat::Nv12, 640, 0, 640), None);
        assert_eq!(Planes::new(PixelFormat::Bgr32, u32::MAX, 2, u32::MAX), None);
    }

    proptest! {
        #[test]
        fn padding_never_changes_the_checksum(
            width in 1u32..40, half in 1u32..20, padding in 0u32..9, fill: u8, aligned: bool,
        ) {
            let (width, height) = (width * 2, half * 2);
            let tight = Planes::new(PixelFormat::Nv12, width, height, width).unwrap();
            let padded = Planes::new(PixelFormat::Nv12, width, height, width + padding).unwrap();
            let padded = if aligned { padded.with_aligned_chroma() } else { padded };
            let picture: Vec<u8> = (0..tight.visible_bytes()).map(|n| n.to_le_bytes()[0]).collect();
            let place = |planes: &Planes| {
                let mut buffer = vec![fill; planes.end()];
                let luma = planes.lines;
                for (row, bytes) in picture.chunks(planes.row_bytes).enumerate() {
                    let start = if row < luma {
                        row * planes.stride
                    } else {
                        planes.chroma_offset.unwrap() + (row - luma) * planes.stride
                    };
                    buffer[start..start + bytes.len()].copy_from_slice(bytes);
                }
                buffer
            };
            let expected = crc32fast::hash(&picture);
            prop_assert_eq!(tight.checksum(&place(&tight)).unwrap(), expected);
            prop_assert_eq!(padded.checksum(&place(&padded)).unwrap(), expected);
            prop_assert_eq!(padded.pack(&place(&padded)).unwrap(), picture);
        }
    }
}
