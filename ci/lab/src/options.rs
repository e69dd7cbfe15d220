// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What users type.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use guest_image::KernelChoice;
use guest_protocol::message::Memory;
use tx_isp_abi::Size;
use tx_isp_abi::channel::{ChannelId, HEIGHT_STEP, MIN_SIZE, WIDTH_STEP};
use tx_isp_abi::format::{PixelFormat, nearest_size};
use tx_isp_abi::sensor::GC2053;
use tx_isp_driver::alloc::{self, MemoryKind};
use tx_isp_emulator::picture::Source;
use tx_isp_emulator::sensor::ClockMode;

use crate::bench::BenchOptions;
use crate::compliance::ComplianceOptions;
use crate::faults::FaultsOptions;
use crate::layout::MemoryLayout;
use crate::memory::{CompareOptions, MergeOptions, OomOptions, PlanOptions};
use crate::registers::RegistersOptions;
use crate::run::RunOptions;
use crate::sdk::SdkOptions;
use crate::sight::SightOptions;
use crate::tests_cmd::TestOptions;
use crate::trace::TraceCommand;

/// The most frames of one stream.
const MAX_FRAMES: i64 = 1_000_000;
/// The most buffers of a queue (VIDEO_MAX_FRAME).
const MAX_BUFFERS: i64 = 32;

/// Boots a MIPS guest with the emulated ISP and looks at what its driver delivers.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", bin_name = "cargo lab", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Streams frames from the emulated ISP and checks each one
    Stream(StreamOptions),
    /// Runs all tests: format, lints, host tests, and streams in the guest
    Test(TestOptions),
    /// Measures how fast everything is, beside yardsticks of the same run
    Bench(BenchOptions),
    /// Runs v4l2-compliance on each node of the driver
    Compliance(ComplianceOptions),
    /// Shows a camera that runs out of memory, and what each allocation strategy makes of it
    Oom(OomOptions),
    /// Computes the smallest carve-out that a camera needs
    Plan(PlanOptions),
    /// Compares the strategies over many cameras and carve-outs
    Compare(CompareOptions),
    /// Joins the finished cells of several `compare` runs
    Merge(MergeOptions),
    /// Runs the driver through each fault of the hardware, on the host or in a guest
    Faults(FaultsOptions),
    /// Records, shows and compares register traces
    Trace(TraceOptions),
    /// Prints the reference of the chip's registers
    Registers(RegistersOptions),
    /// Boots the same guest and gives its console
    Shell(ShellOptions),
    /// Boots the guest with files and modules of yours, runs a command in it, and ends as that ends
    Run(RunOptions),
    /// Prints what is needed to build modules and programs for the guest
    Sdk(SdkOptions),
    /// Says what this machine has and lacks
    Doctor(GuestOptions),
    /// Fetches and builds everything, and boots nothing
    Setup(GuestOptions),
}

/// What to do with register traces.
#[derive(Debug, Clone, Args)]
pub struct TraceOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: TraceCommand,
}

/// Which guest on which QEMU.
#[derive(Debug, Clone, Args)]
pub struct GuestOptions {
    /// The guest's memory; its top 29M are the carve-out for frames
    #[arg(long, value_name = "SIZE", default_value = "128M")]
    pub memory: MemoryLayout,
    /// Debian's kernel, a small one that boots faster (built once), the same with lockdep, kmemleak
    /// and other checks, or the path of a vmlinux inside its build folder
    #[arg(long, value_name = "debian|fast|debug|PATH", default_value = "debian", value_parser = parse_kernel)]
    pub kernel: KernelChoice,
    /// The QEMU to run, instead of qemu-system-mipsel from PATH
    #[arg(long, value_name = "PATH")]
    pub qemu: Option<PathBuf>,
    /// The virtual device that carries the ISP; auto takes the best one that this QEMU has
    #[arg(long, value_enum, default_value_t = Attach::Auto)]
    pub attach: Attach,
    /// Install missing host packages without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// How the ISP is to be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Attach {
    /// Generic if this QEMU can create it, else gpio.
    Auto,
    /// QEMU's generic vhost-user device.
    Generic,
    /// QEMU's vhost-user GPIO device.
    Gpio,
}

/// Who allocates the frame buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// The driver, as many as fit.
    Driver,
    /// The client, in a carve-out that it manages alone, as on the cameras.
    Client,
    /// The driver, as many as it grants; the client may bring its own.
    Hybrid,
}

/// Where the buffers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Io {
    /// The driver (V4L2's MMAP).
    Mmap,
    /// The client's ordinary memory (USERPTR); the driver copies each frame into it.
    Userptr,
    /// The client's mapping of the whole carve-out (USERPTR).
    Rmem,
    /// Blocks of the carve-out, shared as dma-bufs (DMABUF).
    Dmabuf,
}

impl Strategy {
    /// The value of the driver's control.
    #[must_use]
    pub const fn control(self) -> i32 {
        match self {
            Self::Driver => 0,
            Self::Client => 1,
            Self::Hybrid => 2,
        }
    }

    /// The strategy's name, as users type it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Client => "client",
            Self::Hybrid => "hybrid",
        }
    }

    /// Whether the driver takes such buffers under it.
    pub fn accepts(self, io: Io) -> bool {
        let kind = match io {
            Io::Mmap => MemoryKind::Mmap,
            Io::Userptr | Io::Rmem => MemoryKind::UserPtr,
            Io::Dmabuf => MemoryKind::DmaBuf,
        };
        alloc::Strategy::from_name(self.name()).is_some_and(|strategy| strategy.accepts(kind))
    }

    /// Where its clients' buffers come from.
    #[must_use]
    pub const fn io(self) -> Io {
        match self {
            Self::Driver | Self::Hybrid => Io::Mmap,
            Self::Client => Io::Rmem,
        }
    }
}

impl Io {
    /// What the guest's client is told.
    #[must_use]
    pub const fn memory(self) -> Memory {
        match self {
            Self::Mmap => Memory::Mmap,
            Self::Userptr => Memory::UserPtr,
            Self::Rmem => Memory::Rmem,
            Self::Dmabuf => Memory::DmaBuf,
        }
    }

    /// The name, as users type it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mmap => "mmap",
            Self::Userptr => "userptr",
            Self::Rmem => "rmem",
            Self::Dmabuf => "dmabuf",
        }
    }
}

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
    /// The sensor's frames per second; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max", default_value = "25", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// How many buffers the client asks for
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=MAX_BUFFERS))]
    pub buffers: u32,
    /// The pixel format: nv12, nv21, rgb565 or bgr32
    #[arg(long, value_name = "FORMAT", default_value = "nv12", value_parser = parse_format)]
    pub format: PixelFormat,
    /// Who allocates the frame buffers
    #[arg(long, value_enum, default_value_t = Strategy::Hybrid)]
    pub strategy: Strategy,
    /// Where the buffers come from, instead of the strategy's own way
    #[arg(long, value_enum)]
    pub io: Option<Io>,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Where pictures and logs go
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Write the result as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What to look at, and what is to fail.
    #[command(flatten)]
    pub sight: SightOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// The pictures' sizes where none is asked for, by channel: those of a camera's main and second stream,
/// and a small one.
const SIZES: [Size; ChannelId::COUNT] = [
    Size::new(1920, 1080),
    Size::new(640, 360),
    Size::new(320, 192),
];

impl StreamOptions {
    /// Where the buffers come from.
    pub fn io(&self) -> Io {
        self.io.unwrap_or(self.strategy.io())
    }

    /// Whether the strategy accepts buffers from there.
    ///
    /// # Errors
    /// If not, with the strategies that do.
    pub fn check_io(&self) -> Result<(), String> {
        let io = self.io();
        if self.strategy.accepts(io) {
            return Ok(());
        }
        let accepting = Strategy::value_variants()
            .iter()
            .filter(|strategy| strategy.accepts(io))
            .map(|strategy| format!("--strategy {}", strategy.name()));
        Err(format!(
            "--strategy {} refuses --io {}; it works with {}",
            self.strategy.name(),
            io.name(),
            accepting.collect::<Vec<_>>().join(" or ")
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
            let size = sizes.get(index).copied().unwrap_or(SIZES[channel.index()]);
            pictures.push((*channel, size));
        }
        Ok(pictures)
    }
}

/// How to run a guest for a person.
#[derive(Debug, Clone, Args)]
pub struct ShellOptions {
    /// The sensor's frames per second; max goes as fast as buffers come back
    #[arg(long, value_name = "N|max", default_value = "25", value_parser = parse_rate)]
    pub fps: ClockMode,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

fn parse_kernel(text: &str) -> Result<KernelChoice, String> {
    match text {
        "debian" => Ok(KernelChoice::Debian),
        "fast" => Ok(KernelChoice::Fast),
        "debug" => Ok(KernelChoice::Debug),
        path if PathBuf::from(path).is_file() => Ok(KernelChoice::Path(path.into())),
        _ => Err(
            "none of debian, fast and debug, and no file; a path must name a built vmlinux"
                .to_owned(),
        ),
    }
}

/// Frames per second.
pub fn parse_rate(text: &str) -> Result<ClockMode, String> {
    match ClockMode::from_str(text) {
        Ok(mode @ (ClockMode::Rate(_) | ClockMode::Max)) => Ok(mode),
        _ => Err(format!(
            "use frames per second from 1 to {}, or max",
            tx_isp_emulator::sensor::MAX_RATE
        )),
    }
}

fn parse_channel(text: &str) -> Result<ChannelId, String> {
    let number = text.parse().ok();
    let channel = number.and_then(|number| ChannelId::new(number).ok());
    channel.ok_or_else(|| "the chip has the channels 0, 1 and 2".to_owned())
}

fn parse_format(text: &str) -> Result<PixelFormat, String> {
    let mut formats = PixelFormat::ALL.into_iter();
    let found = formats.find(|format| format.name() == text.to_ascii_lowercase());
    found.ok_or_else(|| {
        let names = PixelFormat::ALL.map(PixelFormat::name);
        format!("the ISP writes {}", names.join(", "))
    })
}

/// A size that the channels can write with the emulated sensor.
fn parse_size(text: &str) -> Result<Size, String> {
    let numbers = text.split_once(['x', 'X']);
    let size = numbers
        .and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)));
    let Some(size) = size else {
        return Err("a size is two numbers with an x between, as in 1280x720".to_owned());
    };
    let [channel, ..] = ChannelId::ALL;
    let nearest = nearest_size(channel, GC2053.size, size);
    if nearest == size {
        return Ok(size);
    }
    Err(format!(
        "the ISP cannot write that; it takes widths from {} to {} in steps of {WIDTH_STEP}, heights \
         from {} to {} in steps of {HEIGHT_STEP}; the nearest is {nearest}",
        MIN_SIZE.width, GC2053.size.width, MIN_SIZE.height, GC2053.size.height,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn stream(words: &[&str]) -> Result<StreamOptions, String> {
        let words = ["lab", "stream"].iter().chain(words);
        match Options::try_parse_from(words) {
            Ok(Options {
                command: Command::Stream(options),
            }) => Ok(options),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_strategy_says_which_buffers_it_takes_before_anything_boots() {
        for (words, others) in [
            (["driver", "userptr"], "client or --strategy hybrid"),
            (["client", "mmap"], "driver or --strategy hybrid"),
        ] {
            let [strategy, io] = words;
            let words = ["lab", "stream", "--strategy", strategy, "--io", io];
            let Command::Stream(options) = Options::try_parse_from(words).unwrap().command else {
                panic!("that is a stream");
            };
            let error = options.check_io().unwrap_err();
            assert!(error.ends_with(others), "{error}");
        }
    }

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn nothing_typed_is_1080p_of_bars_at_25_frames_per_second() {
        let options = stream(&[]).unwrap();
        assert_eq!((options.frames, options.buffers), (100, 4));
        let [main, ..] = ChannelId::ALL;
        assert_eq!(options.pictures().unwrap(), [(main, Size::new(1920, 1080))]);
        assert_eq!(options.fps.to_string(), "fps 25");
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
            (["--fps", "0"], "from 1 to 240, or max"),
            (["--fps", "stepped"], "from 1 to 240, or max"),
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
