// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How fast frames are drawn, beside `memcpy` of the same bytes to the same place.
//!
//! `cargo bench -p tx-isp-emulator --bench render [-- WIDTHxHEIGHT]`
//!
//! Each round measures the three one after the other; a ratio is the median over the rounds.

use image::{Rgb, RgbImage};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tx_isp_picture::{FrameInfo, Geometry, OutputFormat, Planes, Renderer, Source};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

const ROUNDS: usize = 41;
const FRAMES_A_ROUND: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let size = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let size = size.as_deref().unwrap_or("1920x1080");
    let (width, height) = size
        .split_once('x')
        .ok_or("the size must be like 1920x1080")?;
    let (width, height): (u32, u32) = (width.parse()?, height.parse()?);

    let directory = tempfile::tempdir()?;
    let image = directory.path().join("image.png");
    RgbImage::from_fn(1600, 1200, texture).save(&image)?;
    let (kept, large) = (
        directory.path().join("kept.y4m"),
        directory.path().join("large.y4m"),
    );
    video(&kept, (width, height), 10)?;
    video(&large, (width, height), 100)?;
    let scaled = directory.path().join("scaled.y4m");
    video(&scaled, (width * 4 / 3, height * 4 / 3), 100)?;
    let sources = [
        ("bars", Source::Bars),
        ("gradient", Source::Gradient),
        ("noise", Source::Noise),
        ("image", Source::Image(image)),
        ("y4m, 10 frames (kept)", Source::Y4m(kept)),
        ("y4m, 100 frames (reread)", Source::Y4m(large)),
        ("y4m, 100 larger (scaled)", Source::Y4m(scaled)),
    ];

    println!(
        "{width}x{height} NV12, GB/s of the bytes written, medians of {ROUNDS} rounds of {FRAMES_A_ROUND} frames"
    );
    println!(
        "{:26}{:>9}{:>12}{:>9}   with/memcpy  with/without",
        "source", "with CRC", "without CRC", "memcpy"
    );
    for (name, source) in sources {
        measure(name, &source, width, height)?;
    }
    Ok(())
}

fn measure(name: &str, source: &Source, width: u32, height: u32) -> Result<(), Box<dyn Error>> {
    let geometry = Geometry {
        format: OutputFormat::Nv12,
        width,
        height,
        y_stride: width,
        uv_stride: width,
    };
    let y_bytes = width as usize * height.next_multiple_of(16) as usize;
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), y_bytes * 2)])?;
    let planes = Planes {
        y: memory.get_slice(GuestAddress(0), y_bytes)?,
        uv: memory.get_slice(GuestAddress(y_bytes as u64), y_bytes)?,
    };
    let frame_bytes = width as usize * height as usize * 3 / 2;
    let original = vec![0x55_u8; frame_bytes];
    let copy = memory.get_slice(GuestAddress(0), frame_bytes)?;

    let mut renderer = Renderer::open(source)?;
    let mut number = 0;
    let mut info = || {
        number += 1;
        let time = Duration::from_millis(40) * number;
        FrameInfo {
            number,
            time,
            channel: 0,
            sensor: "gc2053",
        }
    };
    for _ in 0..FRAMES_A_ROUND {
        renderer.render(&geometry, &info(), &planes)?;
    }

    let mut rounds: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(seconds(|| {
            renderer.render(&geometry, &info(), &planes).map(drop)
        })?);
        let without = || {
            renderer
                .render_without_checksum(&geometry, &info(), &planes)
                .map(drop)
        };
        rounds[1].push(seconds(without)?);
        rounds[2].push(seconds(|| {
            copy.copy_from(black_box(&original[..]));
            Ok::<_, std::convert::Infallible>(())
        })?);
    }
    let [with, without, memcpy] = &rounds;
    let ratio =
        |over: &[f64], under: &[f64]| median(over.iter().zip(under).map(|(o, u)| o / u).collect());
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let speed = |times: &[f64]| frame_bytes as f64 / median(times.to_vec()) / 1e9;
    println!(
        "{name:26}{:9.2}{:12.2}{:9.2}{:14.2}{:14.2}",
        speed(with),
        speed(without),
        speed(memcpy),
        ratio(memcpy, with),
        ratio(without, with)
    );
    Ok(())
}

/// Seconds that one frame takes.
fn seconds<E>(mut frame: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let start = Instant::now();
    for _ in 0..FRAMES_A_ROUND {
        frame()?;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(FRAMES_A_ROUND))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn texture(x: u32, y: u32) -> Rgb<u8> {
    let byte = |value: u32| value.to_le_bytes()[0];
    Rgb([byte(x * 3), byte(y * 5), byte(x * y)])
}

/// Writes a video of frames of a texture.
fn video(
    path: &std::path::Path,
    (width, height): (u32, u32),
    frames: u8,
) -> Result<(), Box<dyn Error>> {
    let (width, height) = (width as usize, height as usize);
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = y4m::encode(width, height, y4m::Ratio::new(25, 1)).write_header(file)?;
    let chroma = vec![100; width.div_ceil(2) * height.div_ceil(2)];
    for frame in 0..frames {
        let luma: Vec<u8> = (0..width * height)
            .map(|i| i.to_le_bytes()[0] ^ frame)
            .collect();
        encoder.write_frame(&y4m::Frame::new([&luma, &chroma, &chroma], None))?;
    }
    Ok(())
}
