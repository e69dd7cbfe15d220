// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What it costs that a frame is not like the one before: another channel's size, another exposure.
//!
//! `cargo bench -p tx-isp-picture --bench changes`
//!
//! Each round draws the frames that change and the same number of frames that do not.

use image::{Rgb, RgbImage};
use std::error::Error;
use std::time::{Duration, Instant};
use tx_isp_picture::{
    Brightness, FrameInfo, Geometry, OutputFormat, Planes, Renderer, Source, View,
};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

const ROUNDS: usize = 15;
const FRAMES_A_ROUND: u32 = 12;
/// What the three channels write as they are set up first.
const SIZES: [(u32, u32); 3] = [(1920, 1080), (640, 360), (320, 192)];
const MEMORY: usize = 8 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let image = directory.path().join("image.png");
    RgbImage::from_fn(1600, 1200, texture).save(&image)?;

    println!("NV12, ms for each frame, medians of {ROUNDS} rounds of {FRAMES_A_ROUND} frames");
    let three = |number: u32| (SIZES[number as usize % 3], Brightness::NORMAL);
    let one = |number: u32| (SIZES[number as usize / 4 % 3], Brightness::NORMAL);
    show("bars, three sizes in turn", &Source::Bars, three, one)?;
    let exposures = |number: u32| (SIZES[0], Brightness((1 << 16) + number));
    let same = |_| (SIZES[0], Brightness::NORMAL);
    let source = Source::Image(image);
    show("image, each frame brighter", &source, exposures, same)?;
    Ok(())
}

type Setting = ((u32, u32), Brightness);

fn show(
    name: &str,
    source: &Source,
    changing: impl Fn(u32) -> Setting,
    steady: impl Fn(u32) -> Setting,
) -> Result<(), Box<dyn Error>> {
    let mut renderers = [Renderer::open(source)?, Renderer::open(source)?];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        let first = u32::try_from(round)? * FRAMES_A_ROUND;
        let [changing_times, steady_times] = &mut times;
        changing_times.push(draw(&mut renderers[0], first, &changing)?);
        steady_times.push(draw(&mut renderers[1], first, &steady)?);
    }
    let [changing, steady] = times.map(median);
    println!("{name:28}{changing:8.3}, without a change {steady:8.3}");
    Ok(())
}

/// Milliseconds that a frame takes.
fn draw(
    renderer: &mut Renderer,
    first: u32,
    setting: impl Fn(u32) -> Setting,
) -> Result<f64, Box<dyn Error>> {
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), MEMORY)])?;
    let mut spent = Duration::ZERO;
    for number in first..first + FRAMES_A_ROUND {
        let ((width, height), brightness) = setting(number);
        let geometry = Geometry {
            format: OutputFormat::Nv12,
            width,
            height,
            y_stride: width,
            uv_stride: width,
        };
        let view = View {
            brightness,
            ..View::whole(&geometry)
        };
        let frame = FrameInfo {
            number,
            time: Duration::from_millis(40) * number,
            channel: 0,
            sensor: "gc2053",
        };
        let y_bytes = width as usize * height as usize;
        let planes = Planes {
            y: memory.get_slice(GuestAddress(0), y_bytes)?,
            uv: memory.get_slice(GuestAddress(y_bytes as u64), y_bytes / 2)?,
        };
        let begin = Instant::now();
        renderer.render_view(&geometry, &view, &frame, &planes)?;
        spent += begin.elapsed();
    }
    Ok(spent.as_secs_f64() * 1e3 / f64::from(FRAMES_A_ROUND))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn texture(x: u32, y: u32) -> Rgb<u8> {
    let byte = |value: u32| value.to_le_bytes()[0];
    Rgb([byte(x * 3), byte(y * 5), byte(x * y)])
}
