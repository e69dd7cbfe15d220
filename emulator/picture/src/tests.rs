// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests of whole frames in memory.

use super::*;
use pattern::BARS;
use proptest::prelude::*;
use std::time::Duration;
use vm_memory::VolatileSlice;

/// What memory holds before a frame is drawn.
const UNTOUCHED: u8 = 0xa5;

/// Memory for a frame, as a driver lays it out: UV begins where a height rounded up to 16 lines would end.
struct Buffer {
    geometry: Geometry,
    bytes: Vec<u8>,
}

impl Buffer {
    fn new(format: OutputFormat, width: u32, height: u32, y_pad: u32, uv_pad: u32) -> Self {
        let geometry = Geometry {
            format,
            width,
            height,
            y_stride: width + y_pad,
            uv_stride: width + uv_pad,
        };
        let lines = height.next_multiple_of(16);
        let size = geometry.y_stride * lines + geometry.uv_stride * lines / 2 + 64;
        Self {
            geometry,
            bytes: vec![UNTOUCHED; size as usize],
        }
    }

    fn uv_start(&self) -> usize {
        (self.geometry.y_stride * self.geometry.height.next_multiple_of(16)) as usize
    }

    fn render(
        &mut self,
        renderer: &mut Renderer,
        frame: &FrameInfo<'_>,
    ) -> Result<Rendered, RenderError> {
        let (geometry, uv_start) = (self.geometry, self.uv_start());
        let (y, uv) = self.bytes.split_at_mut(uv_start);
        renderer.render(
            &geometry,
            frame,
            &Planes {
                y: VolatileSlice::from(y),
                uv: VolatileSlice::from(uv),
            },
        )
    }

    /// The ranges of the visible rows in their order.
    fn rows(&self) -> Vec<std::ops::Range<usize>> {
        let Geometry {
            width,
            height,
            y_stride,
            uv_stride,
            ..
        } = self.geometry;
        let row = |start: usize| start..start + width as usize;
        let y = (0..height).map(|line| row((line * y_stride) as usize));
        let uv = (0..height / 2).map(|line| row(self.uv_start() + (line * uv_stride) as usize));
        y.chain(uv).collect()
    }

    fn visible(&self) -> Vec<u8> {
        self.rows()
            .into_iter()
            .flat_map(|row| self.bytes[row].to_vec())
            .collect()
    }

    /// Whether all bytes outside of the visible rows are as they were.
    fn padding_is_untouched(&self) -> bool {
        let mut padding = self.bytes.clone();
        self.rows()
            .into_iter()
            .for_each(|row| padding[row].fill(UNTOUCHED));
        padding.iter().all(|&byte| byte == UNTOUCHED)
    }

    fn stamp(&self) -> Option<u32> {
        let Geometry {
            width,
            height,
            y_stride,
            ..
        } = self.geometry;
        frame_overlay::read(
            &self.bytes,
            y_stride as usize,
            width as usize,
            height as usize,
        )
    }
}

fn info(number: u32) -> FrameInfo<'static> {
    let time = Duration::from_millis(40) * number;
    FrameInfo {
        number,
        time,
        channel: 0,
        sensor: "gc2053",
    }
}

fn frame(source: &Source, format: OutputFormat, width: u32, height: u32, number: u32) -> Vec<u8> {
    let mut buffer = Buffer::new(format, width, height, 0, 0);
    buffer
        .render(&mut Renderer::open(source).unwrap(), &info(number))
        .unwrap();
    buffer.visible()
}

fn video(size: (usize, usize), frames: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut encoder = y4m::encode(size.0, size.1, y4m::Ratio::new(25, 1))
        .write_header(&file)
        .unwrap();
    let chroma = vec![90; size.0.div_ceil(2) * size.1.div_ceil(2)];
    for luma in frames {
        encoder
            .write_frame(&y4m::Frame::new(
                [&vec![*luma; size.0 * size.1], &chroma, &chroma],
                None,
            ))
            .unwrap();
    }
    file
}

#[test]
fn bars_are_these_bytes() {
    // Too small for the stamp: two pixels a bar.
    let y: Vec<u8> = BARS.iter().flat_map(|&[y, _, _]| [y, y]).collect();
    let uv: Vec<u8> = BARS.iter().flat_map(|&[_, cb, cr]| [cb, cr]).collect();
    let vu: Vec<u8> = BARS.iter().flat_map(|&[_, cb, cr]| [cr, cb]).collect();
    assert_eq!(
        y,
        [
            235, 235, 210, 210, 170, 170, 145, 145, 106, 106, 81, 81, 41, 41, 16, 16
        ]
    );
    let nv12 = [y.repeat(4), uv.repeat(2)].concat();
    let nv21 = [y.repeat(4), vu.repeat(2)].concat();
    assert_eq!(frame(&Source::Bars, OutputFormat::Nv12, 16, 4, 0), nv12);
    assert_eq!(frame(&Source::Bars, OutputFormat::Nv21, 16, 4, 0), nv21);
}

#[test]
fn a_1080p_frame_leaves_the_driver_s_padding_lines_alone() {
    let mut buffer = Buffer::new(OutputFormat::Nv12, 1920, 1080, 0, 0);
    assert_eq!(buffer.uv_start(), 2_088_960);
    let rendered = buffer
        .render(&mut Renderer::open(&Source::Gradient).unwrap(), &info(5))
        .unwrap();
    assert_eq!(
        rendered,
        Rendered {
            bytes: 3_110_400,
            crc32: crc32fast::hash(&buffer.visible())
        }
    );
    assert!(buffer.padding_is_untouched());
    assert_eq!(buffer.stamp(), Some(5));
}

#[test]
fn frames_follow_from_their_numbers_and_neighbours_differ() {
    for source in [Source::Bars, Source::Gradient, Source::Noise] {
        let draw = |number| frame(&source, OutputFormat::Nv12, 320, 240, number);
        assert_eq!(draw(7), draw(7), "{source}");
        assert_ne!(draw(7), draw(8), "{source}");
    }
}

#[test]
fn nearly_every_pixel_of_gradient_and_noise_changes_from_frame_to_frame() {
    for source in [Source::Gradient, Source::Noise] {
        let (one, two) = (
            frame(&source, OutputFormat::Nv12, 640, 360, 0),
            frame(&source, OutputFormat::Nv12, 640, 360, 1),
        );
        let changed = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        assert!(
            changed > one.len() * 9 / 10,
            "{source}: {changed} of {}",
            one.len()
        );
    }
}

#[test]
fn rows_of_noise_differ_within_a_frame_and_by_seed() {
    let mut buffer = Buffer::new(OutputFormat::Nv12, 128, 128, 0, 0);
    let mut draw = |renderer: Renderer| {
        let mut renderer = renderer;
        buffer.render(&mut renderer, &info(0)).unwrap();
        buffer.visible()
    };
    let one = draw(Renderer::open(&Source::Noise).unwrap().with_seed(1));
    let two = draw(Renderer::open(&Source::Noise).unwrap().with_seed(2));
    assert_ne!(one, two);
    let distinct: std::collections::HashSet<&[u8]> = one.chunks(128).collect();
    assert!(distinct.len() > 180, "{} of 192", distinct.len());
}

#[test]
fn a_video_begins_again_after_its_last_frame() {
    let file = video((64, 48), &[50, 100, 150]);
    let mut renderer = Renderer::open(&Source::Y4m(file.path().to_owned())).unwrap();
    assert_eq!(renderer.warning(), None);
    let mut buffer = Buffer::new(OutputFormat::Nv12, 320, 240, 8, 4);
    for number in [0, 1, 2, 3, 4, 3001, u32::MAX] {
        let rendered = buffer.render(&mut renderer, &info(number)).unwrap();
        let luma = [50, 100, 150][number as usize % 3];
        assert_eq!(buffer.bytes[328 * 200 + 100], luma, "frame {number}");
        assert_eq!(rendered.crc32, crc32fast::hash(&buffer.visible()));
        assert_eq!(buffer.stamp(), Some(number));
    }
}

#[test]
fn a_cut_off_video_plays_what_is_whole_and_warns() {
    let file = video((64, 48), &[50, 100]);
    let length = file.as_file().metadata().unwrap().len();
    file.as_file().set_len(length - 1).unwrap();
    let mut renderer = Renderer::open(&Source::Y4m(file.path().to_owned())).unwrap();
    assert!(
        renderer
            .warning()
            .unwrap()
            .contains("only 1 frames are shown")
    );
    let mut buffer = Buffer::new(OutputFormat::Nv12, 128, 128, 0, 0);
    buffer.render(&mut renderer, &info(1)).unwrap();
    assert_eq!(buffer.bytes[128 * 100 + 100], 50);
}

#[test]
fn an_image_fills_the_picture_at_every_size_in_turn() {
    let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    image::RgbImage::from_pixel(50, 30, image::Rgb([255, 0, 0]))
        .save(file.path())
        .unwrap();
    let mut renderer = Renderer::open(&Source::Image(file.path().to_owned())).unwrap();
    let sizes = [
        (128, 128),
        (640, 360),
        (1280, 720),
        (320, 240),
        (176, 144),
        (128, 128),
    ];
    for (number, (width, height)) in (0..).zip(sizes) {
        let mut buffer = Buffer::new(OutputFormat::Nv12, width, height, 0, 0);
        let rendered = buffer.render(&mut renderer, &info(number)).unwrap();
        assert_eq!(rendered.crc32, crc32fast::hash(&buffer.visible()));
        let rgb = to_rgb(
            &buffer.geometry,
            &buffer.bytes,
            &buffer.bytes[buffer.uv_start()..],
        )
        .unwrap();
        let corner = rgb.get_pixel(width - 1, height - 1).0;
        assert!(
            corner
                .iter()
                .zip([255, 0, 0])
                .all(|(a, b)| a.abs_diff(b) < 4),
            "{corner:?}"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let mut renderer = Renderer::open(&Source::Bars).unwrap();
    let mut refusal = |change: fn(&mut Buffer)| {
        let mut buffer = Buffer::new(OutputFormat::Nv12, 128, 128, 0, 0);
        change(&mut buffer);
        let message = buffer
            .render(&mut renderer, &info(0))
            .unwrap_err()
            .to_string();
        assert!(buffer.bytes.iter().all(|&byte| byte == UNTOUCHED));
        message
    };
    let even = "must be even, from 2 to 8192";
    assert_eq!(
        refusal(|b| b.geometry.width = 127),
        format!("cannot draw NV12 127x128: the width {even}")
    );
    assert_eq!(
        refusal(|b| b.geometry.height = 0),
        format!("cannot draw NV12 128x0: the height {even}")
    );
    assert_eq!(
        refusal(|b| b.geometry.width = 8194),
        format!("cannot draw NV12 8194x128: the width {even}")
    );
    assert_eq!(
        refusal(|b| b.geometry.uv_stride = 127),
        "cannot draw NV12 128x128: the UV stride is 127 bytes, a row has 128"
    );
    assert_eq!(
        refusal(|b| b.bytes.truncate(128 * 192 - 1)),
        "the UV plane has 8191 bytes, 8192 are needed for NV12 128x128 with a stride of 128"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_geometry_has_the_right_checksum_stamp_and_padding(
        width in 52u32..400, height in 3u32..150, y_pad in 0u32..70, uv_pad in 0u32..70, number: u32, kind in 0..3,
        nv21: bool,
    ) {
        let source = [Source::Bars, Source::Gradient, Source::Noise][usize::try_from(kind).unwrap()].clone();
        let format = if nv21 { OutputFormat::Nv21 } else { OutputFormat::Nv12 };
        let mut buffer = Buffer::new(format, width * 2, height * 2, y_pad, uv_pad);
        let rendered = buffer.render(&mut Renderer::open(&source).unwrap(), &info(number)).unwrap();
        prop_assert_eq!(rendered.bytes, u64::from(width * height * 6));
        prop_assert_eq!(rendered.crc32, crc32fast::hash(&buffer.visible()));
        prop_assert!(buffer.padding_is_untouched());
        prop_assert_eq!(buffer.stamp(), Some(number));
    }
}
