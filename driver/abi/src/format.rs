// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pixel formats, and the strides, plane offsets and buffer sizes that follow from them.

use crate::Size;
use crate::channel::{ChannelId, HEIGHT_STEP, MIN_SIZE, WIDTH_STEP};
use core::fmt;

/// A pixel format that a channel can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// A plane of Y, then a plane of interleaved Cb and Cr at half resolution.
    Nv12,
    /// As NV12 with Cr first.
    Nv21,
    /// 16 bits a pixel, little endian: 5 of red at the top, 6 of green, 5 of blue.
    Rgb565,
    /// 4 bytes a pixel: blue, green, red, alpha.
    Bgr32,
}

impl PixelFormat {
    /// Every format, in the order in which the driver enumerates them.
    pub const ALL: [Self; 4] = [Self::Nv12, Self::Nv21, Self::Rgb565, Self::Bgr32];

    /// The V4L2 code (T31 6.1).
    #[must_use]
    pub const fn fourcc(self) -> u32 {
        u32::from_le_bytes(match self {
            Self::Nv12 => *b"NV12",
            Self::Nv21 => *b"NV21",
            Self::Rgb565 => *b"RGBP",
            Self::Bgr32 => *b"BGR4",
        })
    }

    /// The format of a V4L2 code, if the ISP can write it.
    #[must_use]
    pub const fn from_fourcc(fourcc: u32) -> Option<Self> {
        let mut index = 0;
        while index < Self::ALL.len() {
            if fourcc == Self::ALL[index].fourcc() {
                return Some(Self::ALL[index]);
            }
            index += 1;
        }
        None
    }

    /// Whether the picture is RGB in one plane; the others have a plane of Y and one of chroma.
    #[must_use]
    pub const fn is_rgb(self) -> bool {
        matches!(self, Self::Rgb565 | Self::Bgr32)
    }

    /// Bytes of a pixel in the first plane, which for RGB is the only one.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> u32 {
        match self {
            Self::Nv12 | Self::Nv21 => 1,
            Self::Rgb565 => 2,
            Self::Bgr32 => 4,
        }
    }

    /// The value of the OUT_FMT register (T31 2.4).
    #[must_use]
    pub const fn out_fmt(self) -> u32 {
        match self {
            Self::Nv12 => 0,
            Self::Nv21 => 1,
            Self::Bgr32 => 2,
            Self::Rgb565 => 0x1f,
        }
    }

    /// The format of an OUT_FMT value, if the model can write it.
    #[must_use]
    pub const fn from_out_fmt(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::Nv12),
            1 => Some(Self::Nv21),
            2 => Some(Self::Bgr32),
            0x1f => Some(Self::Rgb565),
            _ => None,
        }
    }

    /// The name that users type: that of the register's value in lower case (T31 2.4).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nv12 => "nv12",
            Self::Nv21 => "nv21",
            Self::Rgb565 => "rgb565",
            Self::Bgr32 => "bgr32",
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a picture's chroma plane begins. It matters where the height is no multiple of 16 lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChromaStart {
    /// Right behind the last line of luma: V4L2's definition of NV12, which its clients compute with.
    #[default]
    Adjoining,
    /// Behind a multiple of 16 lines of luma: where the vendor's driver puts it, and its library and
    /// encoder look for it (T31 6.2).
    Aligned,
}

/// Where the planes of a picture lie in its buffer.
///
/// The height is rounded up to 16 lines in the buffer's size, as the vendor's driver and library do
/// (T31 6.2, 6.3): 1920x1080 NV12 takes 3133440 bytes, wherever the chroma plane begins. RGB has no
/// chroma plane and no further lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    /// The picture's size in pixels.
    pub size: Size,
    /// The picture's format.
    pub format: PixelFormat,
    /// Bytes from one line of the first plane to the next.
    pub y_stride: u32,
    /// Bytes from one line of the chroma plane to the next; 0 if there is none.
    pub uv_stride: u32,
    /// Bytes from the buffer's start to the chroma plane; 0 if there is none.
    pub uv_offset: u32,
    /// Bytes of the whole buffer.
    pub sizeimage: u32,
}

/// The heights of a buffer's planes count in multiples of this (T31 6.2).
const HEIGHT_ALIGNMENT: u32 = 16;

impl FrameLayout {
    /// The layout of a picture of `size` pixels, its chroma plane right behind that of luma.
    #[must_use]
    pub const fn new(format: PixelFormat, size: Size) -> Self {
        if format.is_rgb() {
            let stride = size.width * format.bytes_per_pixel();
            return Self {
                size,
                format,
                y_stride: stride,
                uv_stride: 0,
                uv_offset: 0,
                sizeimage: stride * size.height,
            };
        }
        Self {
            size,
            format,
            y_stride: size.width,
            uv_stride: size.width,
            uv_offset: size.width * size.height,
            sizeimage: aligned_luma(size) / 2 * 3,
        }
    }

    /// The same with the chroma plane at `start`; the same if there is none.
    #[must_use]
    pub const fn with_chroma(mut self, start: ChromaStart) -> Self {
        if !self.format.is_rgb() {
            self.uv_offset = match start {
                ChromaStart::Adjoining => self.size.width * self.size.height,
                ChromaStart::Aligned => aligned_luma(self.size),
            };
        }
        self
    }

    /// Bytes that the DMA engine writes for one picture: visible lines only, no padding.
    #[must_use]
    pub const fn visible_bytes(&self) -> u32 {
        let pixels = self.size.width * self.size.height;
        if self.format.is_rgb() {
            pixels * self.format.bytes_per_pixel()
        } else {
            pixels / 2 * 3
        }
    }
}

/// Bytes of the luma plane with its height rounded up.
const fn aligned_luma(size: Size) -> u32 {
    size.width * size.height.next_multiple_of(HEIGHT_ALIGNMENT)
}

/// What a channel that takes its picture from a sensor of `sensor` pixels can write, closest to
/// `wanted`: clamped to the channel's limits, never larger than the sensor (the scaler cannot
/// enlarge, T31 6.3), rounded down to the steps.
#[must_use]
pub fn nearest_size(channel: ChannelId, sensor: Size, wanted: Size) -> Size {
    let limit = channel.max_size();
    let width = wanted
        .width
        .clamp(MIN_SIZE.width, limit.width.min(sensor.width));
    let height = wanted
        .height
        .clamp(MIN_SIZE.height, limit.height.min(sensor.height));
    Size::new(
        width / WIDTH_STEP * WIDTH_STEP,
        height / HEIGHT_STEP * HEIGHT_STEP,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of T31 5.3 and 6.2, repeated on purpose.
    #[test]
    fn buffer_sizes_are_those_of_the_vendor() {
        for (width, height, sizeimage) in [
            (1920, 1080, 3_133_440),
            (1280, 720, 1_382_400),
            (960, 540, 783_360),
            (640, 480, 460_800),
            (640, 360, 353_280),
            (2304, 1296, 4_478_976),
            (2560, 1440, 5_529_600),
            (2592, 1520, 5_909_760),
        ] {
            let layout = FrameLayout::new(PixelFormat::Nv12, Size::new(width, height));
            assert_eq!(layout.sizeimage, sizeimage, "{width}x{height}");
        }
    }

    /// T31 6.2 for the vendor's place; V4L2's is the number of pixels.
    #[test]
    fn chroma_begins_where_v4l2_or_the_vendor_has_it() {
        for (width, height, adjoining, aligned) in [
            (1920, 1080, 2_073_600, 0x1f_e000),
            (640, 360, 230_400, 235_520),
            (1280, 720, 921_600, 921_600),
        ] {
            let layout = FrameLayout::new(PixelFormat::Nv12, Size::new(width, height));
            let vendors = layout.with_chroma(ChromaStart::Aligned);
            assert_eq!((layout.uv_offset, vendors.uv_offset), (adjoining, aligned));
            assert_eq!(vendors.with_chroma(ChromaStart::Adjoining), layout);
            assert_eq!(vendors.sizeimage, layout.sizeimage);
        }
    }

    #[test]
    fn rgb_pictures_lie_in_one_plane_without_padding() {
        let size = Size::new(640, 360);
        for (format, bytes) in [(PixelFormat::Rgb565, 2), (PixelFormat::Bgr32, 4)] {
            let layout = FrameLayout::new(format, size);
            assert_eq!(layout.y_stride, 640 * bytes);
            assert_eq!(layout.sizeimage, 640 * 360 * bytes);
            assert_eq!(layout.visible_bytes(), layout.sizeimage);
            assert_eq!((layout.uv_stride, layout.uv_offset), (0, 0));
            assert_eq!(layout.with_chroma(ChromaStart::Aligned), layout);
        }
    }

    #[test]
    fn formats_have_the_codes_of_the_public_header() {
        assert_eq!(PixelFormat::Nv12.fourcc(), 842_094_158);
        assert_eq!(PixelFormat::Nv21.fourcc(), 0x3132_564e);
        assert_eq!(PixelFormat::Rgb565.fourcc(), 0x5042_4752);
        assert_eq!(PixelFormat::Bgr32.fourcc(), 0x3452_4742);
        assert_eq!(
            PixelFormat::ALL.map(PixelFormat::out_fmt),
            [0, 1, 0x1f, 2],
            "T31 2.4"
        );
        for format in PixelFormat::ALL {
            assert_eq!(PixelFormat::from_fourcc(format.fourcc()), Some(format));
            assert_eq!(PixelFormat::from_out_fmt(format.out_fmt()), Some(format));
        }
        assert_eq!(PixelFormat::from_fourcc(0), None);
        assert_eq!(PixelFormat::from_out_fmt(7), None);
    }

    #[test]
    fn sizes_are_clamped_to_channel_and_sensor() {
        let sensor = Size::new(1920, 1080);
        let main = ChannelId::ALL[0];
        assert_eq!(nearest_size(main, sensor, Size::new(4000, 3000)), sensor);
        assert_eq!(nearest_size(main, sensor, Size::new(1, 1)), MIN_SIZE);
        assert_eq!(
            nearest_size(main, sensor, Size::new(645, 361)),
            Size::new(640, 360)
        );
        let large = Size::new(2592, 1520);
        assert_eq!(
            nearest_size(ChannelId::ALL[1], large, large),
            Size::new(1920, 1080)
        );
        assert_eq!(nearest_size(main, large, large), large);
    }
}
