// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `cargo lab stream` can be asked for, on one channel or on several.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use testbed::capture::{Capture, Keep};
use testbed::config::Io;
use testbed::guest_failure::GuestFailure;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::report::Report;
use testbed::sensor::SensorConfig;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::format::nearest_size;
use tx_isp_abi::sensor::{GC2053, SENSORS, Sensor};
use tx_isp_alloc::Strategy;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::{
    DebugOptions, GuestOptions, ios, parse_channel, parse_format, parse_rate, parse_size,
    strategies,
};
use crate::save;

/// The most frames of one stream.
const MAX_FRAMES: i64 = 1_000_000;
/// The sensor's rate where none is asked for.
pub const USUAL_FPS: NonZeroU32 = NonZeroU32::new(25).unwrap();
/// The most buffers of a queue (VIDEO_MAX_FRAME).
const MAX_BUFFERS: i64 = 32;

/// How to stream.
#[derive(Debug, Clone, Args)]
pub struct StreamOptions {
    /// How many frames to take
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=MAX_FRAMES))]
    pub frames: u32,
    /// The picture's size in pixels; one for each of --channels
    #[arg(long, value_name = "WxH,…", value_delimiter = ',', value_parser = parse_size)]
    pub size: Vec<Size>,
    /// The chip's channels that stream at the same time, of 0, 1 and 2
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0", value_parser = parse_channel)]
    pub channels: Vec<ChannelId>,
    /// Frames per second; max goes as fast as buffers come back, sensor as the sensor's registers say.
    /// Without it 25, and once more with max where a busy machine drops frames
    #[arg(long, value_name = "N|max|sensor", value_parser = parse_rate)]
    pub fps: Option<ClockMode>,
    /// How many buffers the client asks for
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=MAX_BUFFERS))]
    pub buffers: u32,
    /// The pixel format: nv12, nv21, rgb565 or bgr32
    #[arg(long, value_name = "FORMAT", default_value = "nv12", value_parser = parse_format)]
    pub format: PixelFormat,
    /// Who allocates the frame buffers
    #[arg(long, value_name = "WHO", default_value = "hybrid", value_parser = strategies())]
    pub strategy: Strategy,
    /// Where the buffers come from, instead of the strategy's own way
    #[arg(long, value_name = "WHERE", value_parser = ios())]
    pub io: Option<Io>,
    /// The sensor in front of the ISP: gc2053, jxf37, jxq03 (2304x1296) or imx307 (12 bits)
    #[arg(long, value_name = "NAME", default_value = GC2053.name, value_parser = tx_isp_emulator::sensor::by_name)]
    pub sensor: &'static Sensor,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Save all frames as the guest received them: .y4m for players, .yuv for the frames' own bytes
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Save the picture of this frame, counted from 0, beside those of the first and the last
    #[arg(long, value_name = "N")]
    pub picture: Option<u32>,
    /// What is to come of it: every frame intact; degraded where the hardware misbehaves, as frames that
    /// are missing or marked but none that is wrong; or failed. Degraded if faults are injected, else intact
    #[arg(long, value_enum, value_name = "WHAT")]
    pub expect: Option<Expect>,
    /// Where pictures and logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What to look at, and what is to fail.
    #[command(flatten)]
    pub debug: DebugOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// What is to come of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// Every frame arrives and matches, and nothing is found wrong.
    Intact,
    /// The stream comes to its end, and no frame is delivered as good that is not.
    Degraded,
    /// The client is told that it fails.
    Failed,
}

impl Expect {
    /// For reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }

    /// Whether that came of it.
    pub fn is_met(self, report: &Report, capture: &Capture) -> bool {
        match self {
            Self::Intact => report.passed,
            Self::Degraded => capture.failure.is_none() && report.checksum_mismatches == 0,
            Self::Failed => matches!(capture.failure, Some(GuestFailure::Guest(_))),
        }
    }
}

/// The pictures' sizes where none is asked for, by channel: those of a camera's main and second stream,
/// and a small one.
const SIZES: [Size; ChannelId::COUNT] = [
    Size::new(1920, 1080),
    Size::new(640, 360),
    Size::new(320, 192),
];

impl StreamOptions {
    /// What drives the sensor.
    pub fn clock(&self) -> ClockMode {
        self.fps.unwrap_or(ClockMode::Rate(USUAL_FPS))
    }

    /// What is to come of it.
    pub fn expectation(&self) -> Expect {
        let faults = !self.debug.fault.is_empty() || self.debug.faults.is_some();
        let usual = if faults {
            Expect::Degraded
        } else {
            Expect::Intact
        };
        self.expect.unwrap_or(usual)
    }

    /// Which pictures come out of the guest.
    pub fn keep(&self) -> Keep {
        match self.picture {
            _ if self.save.is_some() => Keep::All,
            Some(number) => Keep::EndsAnd(number),
            None => Keep::Ends,
        }
    }

    /// Checks what is to be saved.
    pub fn check_saved(&self) -> Result<()> {
        if let Some(path) = &self.save {
            save::check(path, self.format)?;
        }
        if let Some(number) = self.picture.filter(|number| *number >= self.frames) {
            bail!(
                "--picture {number} is no frame: {} are taken, counted from 0",
                self.frames
            );
        }
        Ok(())
    }

    /// Where the buffers come from.
    pub fn io(&self) -> Io {
        self.io.unwrap_or(Io::of(self.strategy))
    }

    /// Whether the strategy accepts buffers from there.
    ///
    /// # Errors
    /// If not, with the strategies that do.
    pub fn check_io(&self) -> Result<(), String> {
        let io = self.io();
        if self.strategy.accepts(io.kind()) {
            return Ok(());
        }
        let accepting = Strategy::ALL
            .into_iter()
            .filter(|strategy| strategy.accepts(io.kind()))
            .map(|strategy| format!("--strategy {}", strategy.name()));
        Err(format!(
            "--strategy {} refuses --io {}; it works with {}",
            self.strategy.name(),
            io.name(),
            accepting.collect::<Vec<_>>().join(" or ")
        ))
    }

    /// The size of a channel's pictures where none is asked for.
    fn usual_size(&self, channel: ChannelId) -> Size {
        match channel.number() {
            0 => nearest_size(channel, self.sensor.size, self.sensor.size),
            _ => SIZES[channel.index()],
        }
    }

    /// Whether the sensor has pictures of that size.
    fn check_size(&self, channel: ChannelId, size: Size) -> Result<(), String> {
        let fits = |sensor: &Sensor| nearest_size(channel, sensor.size, size) == size;
        if fits(self.sensor) {
            return Ok(());
        }
        let others = SENSORS.iter().filter(|sensor| fits(sensor));
        let others: Vec<String> = others
            .map(|sensor| format!("--sensor {}", sensor.name))
            .collect();
        let nearest = nearest_size(channel, self.sensor.size, size);
        Err(format!(
            "--size {size}: a {} has {} pixels, the nearest on channel {channel} is {nearest}{}",
            self.sensor.name,
            self.sensor.size,
            if others.is_empty() {
                String::new()
            } else {
                format!("; or use {}", others.join(" or "))
            }
        ))
    }

    /// Every channel with its picture's size.
    ///
    /// # Errors
    /// If the sizes are not as many as the channels, or a channel is named twice or cannot write its
    /// size.
    pub fn pictures(&self) -> Result<Vec<(ChannelId, Size)>, String> {
        let (channels, sizes) = (&self.channels, &self.size);
        if !sizes.is_empty() && sizes.len() != channels.len() {
            return Err(format!(
                "--size has {} sizes for {} channels: give one for each of --channels, or none",
                sizes.len(),
                channels.len()
            ));
        }
        let mut pictures: Vec<(ChannelId, Size)> = Vec::new();
        for (index, channel) in channels.iter().enumerate() {
            if pictures.iter().any(|(other, _)| other == channel) {
                return Err(format!("--channels names channel {channel} twice"));
            }
            let size = sizes
                .get(index)
                .copied()
                .unwrap_or(self.usual_size(*channel));
            self.check_size(*channel, size)?;
            pictures.push((*channel, size));
        }
        Ok(pictures)
    }
}

/// What a stream has around it, beside its guest.
pub struct StreamContext<'a> {
    /// What the user asked for.
    pub options: &'a StreamOptions,
    /// What the guest was booted with.
    pub prepared: Prepared,
    /// What its camera sees.
    pub scene: SensorConfig,
    /// Where progress is shown.
    pub steps: Steps,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Attach, parse};
    use guest_image::KernelChoice;

    fn stream(words: &[&str]) -> Result<StreamOptions, String> {
        parse(words)
    }

    #[test]
    fn a_strategy_says_which_buffers_it_takes_before_anything_boots() {
        for (words, others) in [
            (["driver", "userptr"], "client or --strategy hybrid"),
            (["client", "mmap"], "driver or --strategy hybrid"),
        ] {
            let [strategy, io] = words;
            let options = stream(&["--strategy", strategy, "--io", io]).unwrap();
            let error = options.check_io().unwrap_err();
            assert!(error.ends_with(others), "{error}");
        }
    }

    #[test]
    fn nothing_typed_is_1080p_of_bars_at_25_frames_per_second() {
        let options = stream(&[]).unwrap();
        assert_eq!((options.frames, options.buffers), (100, 4));
        let [main, ..] = ChannelId::ALL;
        assert_eq!(options.pictures().unwrap(), [(main, Size::new(1920, 1080))]);
        assert_eq!(options.fps, None);
        assert_eq!(options.clock().to_string(), "fps 25");
        assert_eq!(options.format, PixelFormat::Nv12);
        assert_eq!(options.source, Source::Bars);
        assert_eq!(options.guest.memory.total_mib(), 128);
        assert_eq!(options.guest.kernel, KernelChoice::Debian);
        assert_eq!(options.guest.attach, Attach::Auto);
    }

    #[test]
    fn a_size_that_cannot_be_comes_with_the_nearest() {
        let error = stream(&["--size", "1000x700"]).unwrap_err();
        assert!(error.contains("the nearest is 992x700"), "{error}");
        let error = stream(&["--size", "4000x3000"]).unwrap_err();
        assert!(error.contains("the nearest is 1920x1080"), "{error}");
        let error = stream(&["--size", "big"]).unwrap_err();
        assert!(error.contains("as in 1280x720"), "{error}");
        assert_eq!(
            stream(&["--size", "640x360"]).unwrap().size,
            [Size::new(640, 360)]
        );
    }

    #[test]
    fn a_larger_sensor_has_larger_pictures() {
        let error = stream(&["--size", "2304x1296"])
            .unwrap()
            .pictures()
            .unwrap_err();
        assert!(
            error.contains("1920x1080") && error.contains("--sensor jxq03"),
            "{error}"
        );
        let large = stream(&["--sensor", "jxq03"]).unwrap();
        assert_eq!(large.pictures().unwrap()[0].1, Size::new(2304, 1296));
        let error = stream(&["--sensor", "ov2735"]).unwrap_err();
        assert!(
            error.contains("use gc2053, jxf37, jxq03, imx307"),
            "{error}"
        );
    }

    #[test]
    fn each_channel_has_a_size() {
        let pictures = |words: &[&str]| stream(words).unwrap().pictures();
        let all = pictures(&["--channels", "0,1,2"]).unwrap();
        let sizes: Vec<Size> = all.iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes, SIZES);
        let asked = pictures(&["--channels", "2,0", "--size", "640x480,1280x720"]).unwrap();
        assert_eq!(asked[0], (ChannelId::ALL[2], Size::new(640, 480)));
        let error = pictures(&["--channels", "0,1", "--size", "640x480"]).unwrap_err();
        assert!(error.contains("1 sizes for 2 channels"), "{error}");
        let error = pictures(&["--channels", "1,1"]).unwrap_err();
        assert!(error.contains("channel 1 twice"), "{error}");
    }

    #[test]
    fn wrong_values_say_what_is_right() {
        for (words, right) in [
            (["--format", "yuyv"], "nv12, nv21, rgb565, bgr32"),
            (["--fps", "0"], "from 1 to 240, max or sensor"),
            (["--fps", "stepped"], "from 1 to 240, max or sensor"),
            (
                ["--source", "plaid"],
                "use bars, gradient, noise, image:FILE or y4m:FILE",
            ),
            (["--buffers", "33"], "1..=32"),
            (["--frames", "0"], "1..=1000000"),
            (["--memory", "32M"], "64M"),
            (["--kernel", "no/such/vmlinux"], "built vmlinux"),
            (["--attach", "pci"], "generic"),
            (["--channels", "3"], "0, 1 and 2"),
        ] {
            let error = stream(&words).unwrap_err();
            assert!(error.contains(right), "{words:?}: {error}");
        }
    }
}
