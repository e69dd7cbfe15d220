// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a client can set at the camera, seen in the pictures that come; several channels at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::AllocationPolicy;
use image::{Luma, RgbImage};
use testbed::camera_client;
use testbed::capture::StreamConfig;
use testbed::config::Io;
use testbed::guest::Guest;
use testbed::memory_layout::MemoryLayout;
use testbed::picture::Picture;
use testbed::program::ask;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;

use super::streams::{ALLOCATIONS, STREAMS, main_stream};
use super::suite::Running;

/// Enough for a control to have its effect, which takes two frames, and for every buffer to go round.
const FRAMES: u32 = 10;
/// The sensor's whole picture.
const WHOLE: Size = Size::new(1920, 1080);
/// The part that is cut out of it, below the stamp, and where it begins.
const PART: Size = Size::new(640, 360);
const PART_AT: (usize, usize) = (720, 600);
/// Lines of the part's picture that its stamp may cover, and of the whole one.
const STAMP_LINES: usize = 60;
const WHOLE_STAMP_LINES: u32 = 160;

/// Pictures on all channels at once: together they fit into the carve-out.
const AT_ONCE: [Size; ChannelId::COUNT] = [WHOLE, Size::new(640, 360), Size::new(320, 192)];

/// Controls and how much light they give, of that after power-up: an exposure of 705 lines and a gain of
/// 256 parts of 256. A frame has room for twice that exposure.
const LIGHTS: [(&str, f64); 4] = [
    ("exposure=1410,gain=256", 2.0),
    ("exposure=705,gain=512", 2.0),
    ("exposure=352,gain=256", 352.0 / 705.0),
    ("exposure=705,gain=256", 1.0),
];
/// Ways round, the last one as it was.
const FLIPS: [(bool, bool); 4] = [(true, false), (false, true), (true, true), (false, false)];

/// How far from that the pictures may be: gain has steps of up to 3 %, and pixels are whole numbers.
const LIGHT_ERROR: f64 = 0.04;
/// Y of black.
const BLACK: f64 = 16.0;

/// Fails if the emulator has found anything since its start.
fn no_guest_errors(guest: &mut Guest) -> Result<()> {
    let status = guest.emulator.monitor.status();
    let guest_errors = status.context("asking the emulator")?.guest_errors;
    let told = guest_errors
        .iter()
        .map(|error| format!("{}: {}", error.id, error.first));
    ensure!(
        guest_errors.is_empty(),
        "{}",
        told.collect::<Vec<_>>().join("\n")
    );
    Ok(())
}

impl Running {
    /// Every format, and every kind of buffers but the client's own memory: where that is in one piece
    /// the driver lets DMA write to it, and outside of the carve-out that is a guest error.
    pub fn strictly(&mut self) -> Result<()> {
        for (size, format) in STREAMS {
            self.stream(&main_stream(size, format, FRAMES))?;
        }
        for (strategy, io) in ALLOCATIONS {
            if io != Io::Userptr {
                let config = StreamConfig {
                    strategy,
                    io,
                    ..main_stream(PART, PixelFormat::Nv12, FRAMES)
                };
                self.stream(&config)?;
            }
        }
        no_guest_errors(&mut self.guest)
    }

    /// The last of some frames, all of which arrived as written.
    fn picture(&mut self, size: Size) -> Result<Picture> {
        let outcome = self.stream(&main_stream(size, PixelFormat::Nv12, FRAMES))?;
        let last = outcome.pictures.into_iter().next_back();
        Ok(last.context("no picture came")?.picture)
    }

    /// Sets exposure and gain, and measures what light the pictures have.
    ///
    /// # Errors
    /// If that is not as much as they say.
    pub fn lights(&mut self) -> Result<()> {
        let device = self.guest.camera(main_channel())?;
        let normal = mean_light(&self.picture(WHOLE)?)?;
        for (controls, expected) in LIGHTS {
            ask(
                &mut self.guest,
                &["v4l2-ctl", "-d", &device, "--set-ctrl", controls],
            )?;
            let light = mean_light(&self.picture(WHOLE)?)? / normal;
            ensure!(
                (light / expected - 1.0).abs() <= LIGHT_ERROR,
                "{controls} gives {light:.3} of the light, not {expected:.3}"
            );
        }
        Ok(())
    }

    /// Mirrors the picture and turns it upside down.
    ///
    /// # Errors
    /// If a pixel is not on the other side.
    pub fn flips(&mut self) -> Result<()> {
        let device = self.guest.camera(main_channel())?;
        let plain = self.picture(WHOLE)?;
        for (horizontal, vertical) in FLIPS {
            let controls = format!(
                "horizontal_flip={},vertical_flip={}",
                u8::from(horizontal),
                u8::from(vertical)
            );
            ask(
                &mut self.guest,
                &["v4l2-ctl", "-d", &device, "--set-ctrl", &controls],
            )?;
            let turned = self.picture(WHOLE)?;
            is_turned(&plain, &turned, horizontal, vertical).context(controls)?;
        }
        Ok(())
    }

    /// Selects a part of the picture.
    ///
    /// # Errors
    /// If something else comes.
    pub fn selection(&mut self) -> Result<()> {
        let device = self.guest.camera(main_channel())?;
        let whole = self.picture(WHOLE)?;
        let format = format!(
            "width={},height={},pixelformat=NV12",
            PART.width, PART.height
        );
        ask(
            &mut self.guest,
            &["v4l2-ctl", "-d", &device, "--set-fmt-video", &format],
        )?;
        let (left, top) = PART_AT;
        let of = |left, top, size: Size| {
            let (width, height) = (size.width, size.height);
            format!("target=crop,left={left},top={top},width={width},height={height}")
        };
        let select = of(left, top, PART);
        ask(
            &mut self.guest,
            &["v4l2-ctl", "-d", &device, "--set-selection", &select],
        )?;
        let part = self.picture(PART)?;
        ask(
            &mut self.guest,
            &[
                "v4l2-ctl",
                "-d",
                &device,
                "--set-selection",
                &of(0, 0, WHOLE),
            ],
        )?;
        is_part(&whole, &part)
    }
}

const fn main_channel() -> ChannelId {
    let [main, ..] = ChannelId::ALL;
    main
}

/// A dark picture of which no two parts are alike.
pub fn draw(path: &Path) -> Result<()> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let grey = |x: u32, y: u32| {
        let slope = 24 + x / 32 + y / 36;
        u8::try_from(slope + (x * 7 + y * 13) % 11).unwrap_or(u8::MAX)
    };
    RgbImage::from_fn(WHOLE.width, WHOLE.height, |x, y| {
        image::Rgb([grey(x, y); 3])
    })
    .save(path)
    .with_context(|| format!("writing {}", path.display()))
}

/// How far from black the lower half of a picture is in the middle.
fn mean_light(picture: &Picture) -> Result<f64> {
    let luma = picture.luma().context("the picture has no luma")?;
    let below = luma.height() / 2..luma.height();
    let count = f64::from(luma.width()) * f64::from(luma.height() / 2);
    let lines = below.flat_map(|y| (0..luma.width()).map(move |x| (x, y)));
    let sum: f64 = lines
        .map(|(x, y)| f64::from(luma.get_pixel(x, y).0[0]))
        .sum();
    Ok(sum / count - BLACK)
}

/// Fails unless `part` is what `whole` shows at its place, but for the stamp.
fn is_part(whole: &Picture, part: &Picture) -> Result<()> {
    let whole = whole.luma().context("the whole picture has no luma")?;
    let part = part.luma().context("the part has no luma")?;
    let (left, top) = PART_AT;
    let (left, top) = (u32::try_from(left)?, u32::try_from(top)?);
    let first = u32::try_from(STAMP_LINES)?;
    for y in first..part.height() {
        for x in 0..part.width() {
            let (Luma([want]), Luma([got])) =
                (whole.get_pixel(left + x, top + y), part.get_pixel(x, y));
            ensure!(
                want == got,
                "pixel {x}, {y} of the part is {got}, in the whole it is {want}"
            );
        }
    }
    Ok(())
}

/// Fails unless each byte of Y in `turned` is where it belongs if `plain` is turned about so, but for the stamps.
fn is_turned(plain: &Picture, turned: &Picture, horizontal: bool, vertical: bool) -> Result<()> {
    let plain = plain.luma().context("the plain picture has no luma")?;
    let turned = turned.luma().context("the turned picture has no luma")?;
    let (width, height) = turned.dimensions();
    for y in WHOLE_STAMP_LINES..height - WHOLE_STAMP_LINES {
        for x in 0..width {
            let from = if horizontal { width - 1 - x } else { x };
            let line = if vertical { height - 1 - y } else { y };
            let (Luma([want]), Luma([got])) = (plain.get_pixel(from, line), turned.get_pixel(x, y));
            ensure!(
                want == got,
                "pixel {x}, {y} is {got}, at {from}, {line} it was {want}"
            );
        }
    }
    Ok(())
}

/// Streams on all channels at once.
///
/// # Errors
/// If a frame is missing or is not what DMA wrote.
pub fn three_channels(guest: &mut Guest, memory: MemoryLayout) -> Result<()> {
    let pictures: Vec<(ChannelId, Size)> = ChannelId::ALL.into_iter().zip(AT_ONCE).collect();
    let setup = camera_client::channels_setup(memory, &pictures, 3);
    let run = camera_client::run(guest, &setup, AllocationPolicy::HybridReserve, FRAMES, 1)?;
    let problems = run.problems(FRAMES);
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    let good = run.verified.values().filter(|verifier| {
        (verifier.received, verifier.dropped, verifier.mismatched) == (FRAMES, 0, 0)
    });
    let count = good.count();
    ensure!(
        count == pictures.len(),
        "{count} of the channels brought all frames:\n{}",
        run.report
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::GrayImage;

    fn picture(size: Size, luma: impl Fn(u32, u32) -> u8) -> Picture {
        let luma = GrayImage::from_fn(size.width, size.height, |x, y| Luma([luma(x, y)]));
        let mut bytes = luma.into_raw();
        bytes.resize(bytes.len() / 2 * 3, 128);
        Picture::new(size, PixelFormat::Nv12, bytes).unwrap()
    }

    fn pattern(x: u32, y: u32) -> u8 {
        u8::try_from((x * 3 + y * 5) % 200).unwrap()
    }

    #[test]
    fn only_the_part_at_its_place_is_the_part() {
        let (left, top) = (720, 600);
        let whole = picture(WHOLE, pattern);
        let part = picture(PART, |x, y| {
            if y < 60 {
                0
            } else {
                pattern(left + x, top + y)
            }
        });
        is_part(&whole, &part).unwrap();
        let beside = picture(PART, |x, y| pattern(left + 2 + x, top + y));
        assert!(is_part(&whole, &beside).is_err());
    }

    #[test]
    fn only_what_is_turned_about_is_turned() {
        let plain = picture(PART, pattern);
        let mirrored = picture(PART, |x, y| pattern(PART.width - 1 - x, y));
        is_turned(&plain, &mirrored, true, false).unwrap();
        is_turned(&plain, &plain, false, false).unwrap();
        assert!(is_turned(&plain, &mirrored, false, false).is_err());
        assert!(is_turned(&plain, &mirrored, true, true).is_err());
    }

    #[test]
    fn light_is_the_distance_from_black() {
        let dark = mean_light(&picture(PART, |_, y| if y < 180 { 235 } else { 66 })).unwrap();
        assert!((dark - 50.0).abs() < 1e-9);
    }

    #[test]
    fn the_test_picture_is_dark_enough_for_twice_the_light() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("still.png");
        draw(&path).unwrap();
        let drawn = image::open(path).unwrap().into_luma8();
        assert_eq!((drawn.width(), drawn.height()), (1920, 1080));
        // Y is 16 to 235 for 0 to 255: twice the distance of 125 from black is still below white.
        assert!(
            drawn
                .pixels()
                .all(|Luma([value])| (20..=125).contains(value))
        );
    }
}
