// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests of parts of pictures, RGB formats, masks and light, in memory.

use super::*;
use proptest::prelude::*;
use std::time::Duration;
use tx_isp_abi::sensor::Flips;
use vm_memory::VolatileSlice;

const FORMATS: [OutputFormat; 4] = [
    OutputFormat::Nv12,
    OutputFormat::Nv21,
    OutputFormat::Rgb565,
    OutputFormat::Bgr32,
];

fn info(number: u32) -> FrameInfo<'static> {
    FrameInfo {
        number,
        time: Duration::ZERO,
        channel: 0,
        sensor: "gc2053",
    }
}

/// A drawn frame without gaps: its planes and its RGB.
fn draw(
    source: &Source,
    format: OutputFormat,
    size: (u32, u32),
    view: Option<&View<'_>>,
) -> (Rendered, Vec<u8>, image::RgbImage) {
    let bytes = |pixels: u32| u32::try_from(format.bytes_of(0, pixels as usize)).unwrap();
    let geometry = Geometry {
        format,
        width: size.0,
        height: size.1,
        y_stride: bytes(size.0),
        uv_stride: bytes(size.0),
    };
    let first = (geometry.y_stride * size.1) as usize;
    let planar = format.planes(2, 2).len() == 2;
    let mut memory = vec![0; if planar { first * 3 / 2 } else { first }];
    let (y, uv) = memory.split_at_mut(first);
    let planes = Planes {
        y: VolatileSlice::from(y),
        uv: VolatileSlice::from(uv),
    };
    let mut renderer = Renderer::open(source).unwrap();
    let rendered = match view {
        Some(view) => renderer.render_view(&geometry, view, &info(3), &planes),
        None => renderer.render(&geometry, &info(3), &planes),
    };
    let rendered = rendered.unwrap();
    assert_eq!(rendered.crc32, crc32fast::hash(&memory));
    assert_eq!(rendered.bytes, memory.len() as u64);
    let rgb = to_rgb(&geometry, &memory[..first], &memory[first..]).unwrap();
    (rendered, memory, rgb)
}

const fn view(full: (u32, u32), left: u32, top: u32) -> View<'static> {
    View {
        full,
        left,
        top,
        flips: Flips {
            horizontal: false,
            vertical: false,
        },
        brightness: Brightness::NORMAL,
        masks: &[],
    }
}

/// Each pixel of the lines in the middle, which no stamp reaches, is where it belongs in a picture that is turned about.
#[test]
fn a_view_turned_about_has_every_pixel_on_the_other_side() {
    let (size, full) = ((320, 240), (640, 360));
    let ways = [(true, false), (false, true), (true, true)];
    for source in [Source::Bars, Source::Gradient, Source::Noise] {
        for format in FORMATS {
            let plain = view(full, 100, 80);
            let (_, _, want) = draw(&source, format, size, Some(&plain));
            for (horizontal, vertical) in ways {
                let turned = View {
                    flips: Flips {
                        horizontal,
                        vertical,
                    },
                    ..plain
                };
                let (_, _, got) = draw(&source, format, size, Some(&turned));
                for y in 110..130 {
                    for x in 0..size.0 {
                        let from = if horizontal { size.0 - 1 - x } else { x };
                        let line = if vertical { size.1 - 1 - y } else { y };
                        assert_eq!(
                            got.get_pixel(x, y),
                            want.get_pixel(from, line),
                            "{source:?} {format} {x}, {y} {horizontal} {vertical}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_plain_view_is_the_picture_itself() {
    for format in FORMATS {
        let size = (320, 240);
        let whole = view(size, 0, 0);
        let plain = draw(&Source::Gradient, format, size, None);
        assert_eq!(draw(&Source::Gradient, format, size, Some(&whole)), plain);
    }
}

#[test]
fn a_part_is_what_the_whole_picture_has_there() {
    let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    let colour = |x: u32, y: u32| image::Rgb([x, y, x ^ y].map(|v| v.to_le_bytes()[0]));
    image::RgbImage::from_fn(320, 240, colour)
        .save(file.path())
        .unwrap();
    let sources = [
        Source::Bars,
        Source::Gradient,
        Source::Noise,
        Source::Image(file.path().to_owned()),
    ];
    let (left, top, width, height) = (66, 82, 128, 130);
    // The stamp of a part this small ends above its line 26; that of the whole above `top`.
    for source in sources {
        for format in FORMATS {
            let whole = draw(&source, format, (320, 240), None).2;
            let window = view((320, 240), left, top);
            let part = draw(&source, format, (width, height), Some(&window)).2;
            for (x, y) in (26..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let (here, there) = (part.get_pixel(x, y), whole.get_pixel(left + x, top + y));
                // The converter for saving NV12 rounds by the place in a row.
                let equal = here.0.iter().zip(there.0).all(|(a, b)| a.abs_diff(b) <= 2);
                assert!(equal, "{source} {format} at {x}, {y}: {here:?} {there:?}");
            }
        }
    }
}

#[test]
fn masks_are_painted_in_their_order_and_below_the_stamp() {
    let mask = |left, top, width, height, colour| Mask {
        left,
        top,
        width,
        height,
        colour,
    };
    // BT.601 red, then green over its right half; black over the stamp's place.
    let masks = [
        mask(100, 100, 40, 20, [81, 90, 240]),
        mask(120, 100, 40, 20, [145, 54, 34]),
        mask(0, 0, 320, 10, [235, 128, 128]),
    ];
    for format in FORMATS {
        let masked = View {
            masks: &masks,
            ..view((320, 240), 0, 0)
        };
        let (_, bytes, rgb) = draw(&Source::Bars, format, (320, 240), Some(&masked));
        let close = |x, y, colour: [u8; 3]| {
            let pixel = rgb.get_pixel(x, y).0;
            assert!(
                pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 8),
                "{format} {x},{y}: {pixel:?}"
            );
        };
        for (x, y) in [(100, 100), (119, 119), (100, 119)] {
            close(x, y, [255, 0, 0]);
        }
        for (x, y) in [(120, 100), (159, 119)] {
            close(x, y, [0, 255, 0]);
        }
        let clear = draw(&Source::Bars, format, (320, 240), None).2;
        for (x, y) in [(99, 110), (160, 110), (130, 99), (130, 120)] {
            assert_eq!(
                rgb.get_pixel(x, y),
                clear.get_pixel(x, y),
                "{format} {x},{y}"
            );
        }
        if format == OutputFormat::Nv12 {
            assert_eq!(frame_overlay::read(&bytes, 320, 320, 240), Some(3));
        }
        close(310, 5, [255; 3]);
    }
}

#[test]
fn more_light_makes_the_picture_brighter_but_not_the_stamp() {
    let lit = |gain| View {
        brightness: Brightness(gain),
        ..view((320, 240), 0, 0)
    };
    let mean = |view: &View<'_>| {
        let (_, bytes, _) = draw(
            &Source::Gradient,
            OutputFormat::Nv12,
            (320, 240),
            Some(view),
        );
        assert_eq!(frame_overlay::read(&bytes, 320, 320, 240), Some(3));
        let luma = &bytes[320 * 40..320 * 240];
        luma.iter().map(|&y| usize::from(y)).sum::<usize>() / luma.len()
    };
    let means = [0, 1 << 15, 1 << 16, 3 << 15, 4 << 16].map(|gain| mean(&lit(gain)));
    assert!(means.is_sorted_by(|a, b| a < b), "{means:?}");
    assert_eq!(means[0], 16, "no light is black");
}

#[test]
fn a_part_outside_of_the_picture_is_refused() {
    let mut renderer = Renderer::open(&Source::Bars).unwrap();
    let geometry = Geometry {
        format: OutputFormat::Bgr32,
        width: 128,
        height: 128,
        y_stride: 512,
        uv_stride: 0,
    };
    let mut memory = vec![7; 512 * 128];
    let planes = Planes {
        y: VolatileSlice::from(&mut memory[..]),
        uv: VolatileSlice::from(&mut [][..]),
    };
    for (full, left, top) in [
        ((128, 128), 2, 0),
        ((128, 128), 0, u32::MAX - 1),
        ((256, 256), 1, 0),
        ((255, 256), 0, 0),
        ((9000, 256), 0, 0),
    ] {
        let view = view(full, left, top);
        let refused = renderer.render_view(&geometry, &view, &info(0), &planes);
        assert!(
            matches!(refused, Err(RenderError::Geometry { .. })),
            "{view:?}"
        );
    }
    assert!(memory.iter().all(|&byte| byte == 7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// The checksum is that of the bytes in memory, whatever is drawn (asserted by `draw`), and the
    /// same twice.
    #[test]
    fn any_view_has_the_right_checksum(
        half_width in 52u32..120, half_height in 3u32..90, left in 0u32..40, top in 0u32..40, gain in 0u32..(4 << 16),
        rectangle: [u8; 4], turned: [bool; 2], kind in 0usize..3, format in 0usize..4,
    ) {
        let [x, y, width, height] = rectangle.map(u32::from);
        let masks = [Mask { left: x, top: y, width, height, colour: [50, 60, 70] }];
        let size = (half_width * 2, half_height * 2);
        let view = View {
            full: (size.0 + 80, size.1 + 80),
            left: left * 2,
            top: top * 2,
            flips: Flips { horizontal: turned[0], vertical: turned[1] },
            brightness: Brightness(gain),
            masks: &masks,
        };
        let source = [Source::Bars, Source::Gradient, Source::Noise][kind].clone();
        let format = FORMATS[format];
        let first = draw(&source, format, size, Some(&view));
        prop_assert_eq!(first, draw(&source, format, size, Some(&view)));
    }
}
