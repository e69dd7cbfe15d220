// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options that several commands have, and how their values are read.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use guest_image::KernelChoice;
use testbed::config::{GuestConfig, Io};
use testbed::debug::DebugConfig;
use testbed::memory_layout::MemoryLayout;
use testbed::qemu::Carrier;
use tx_isp_abi::Size;
use tx_isp_abi::channel::{ChannelId, HEIGHT_STEP, MIN_SIZE, WIDTH_STEP};
use tx_isp_abi::format::{PixelFormat, nearest_size};
use tx_isp_abi::sensor::{GC2053, SENSORS, Sensor};
use tx_isp_alloc::Strategy;
use tx_isp_chip::behaviour::Behaviour;
use tx_isp_chip::faults::Fault;
use tx_isp_chip::{GuestErrorKind, Severity};
use tx_isp_emulator::sensor::ClockMode;

/// Which guest on which QEMU.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guest")]
pub struct GuestOptions {
    /// The guest's memory; its top 29M are the carve-out for frames
    #[arg(long, value_name = "SIZE", default_value = "128M")]
    pub memory: MemoryLayout,
    /// Debian's kernel, a small one that boots faster (built once), the same with lockdep, kmemleak
    /// and other checks, the small one of series 6.12 or of the newest release, or the path of a
    /// vmlinux inside its build folder
    #[arg(long, value_name = "debian|fast|debug|6.12|latest|PATH", default_value = "debian", value_parser = parse_kernel)]
    pub kernel: KernelChoice,
    /// The QEMU to run, instead of qemu-system-mipsel from PATH; debian-backports is Debian 13's newest,
    /// fetched once and kept in the cache
    #[arg(long, value_name = "PATH|debian-backports")]
    pub qemu: Option<PathBuf>,
    /// The virtual device that carries the ISP; auto takes the best one that this QEMU has
    #[arg(long, value_enum, default_value_t = Attach::Auto)]
    pub attach: Attach,
    /// Give the guest the vendor's device nodes (/dev/tx-isp and others), and what programs that are
    /// linked for a camera expect beside them
    #[arg(long)]
    pub vendor: bool,
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
    /// QEMU's vfio-user device: the chip at its own addresses, for anybody's driver.
    VfioUser,
}

/// What to look at, and what is to fail.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Debugging and faults")]
pub struct DebugOptions {
    /// End at the driver's first error, with =suspect also at what is probably one; buffers outside of the
    /// carve-out are an error, unless the client brings ordinary memory (--io userptr)
    #[arg(long, value_name = "SEVERITY", num_args = 0..=1, require_equals = true, default_missing_value = "error")]
    pub strict: Option<Severity>,
    /// A guest error that does not end a --strict run; repeatable
    #[arg(long, value_name = "ID")]
    pub allow: Vec<GuestErrorKind>,
    /// How the chip behaves where its behaviour is open, for example empty-fifo=last-address; repeatable.
    /// Without a known value all are listed
    #[arg(long, value_name = "NAME=VALUE")]
    pub behaviour: Vec<Behaviour>,
    /// Record each register access to this file, for the command trace
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write sensor tick, DMA, interrupt and dequeuing of each frame to this file, which Perfetto opens
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// A fault of the hardware, for example lost-frame:frame=10; repeatable (the command `faults --list` has all)
    #[arg(long, value_name = "KIND[:KEY=VALUE,…]")]
    pub fault: Vec<Fault>,
    /// Faults from a TOML file: seed = 1, faults = ["lost-frame:p=0.01"]
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Where the random numbers of random faults start
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl DebugOptions {
    /// As the testbed takes it.
    pub fn config(&self) -> DebugConfig {
        DebugConfig {
            strict: self.strict,
            allow: self.allow.clone(),
            behaviour: self.behaviour.clone(),
            trace: self.trace.clone(),
            timeline: self.timeline.clone(),
            fault: self.fault.clone(),
            faults: self.faults.clone(),
            seed: self.seed,
        }
    }
}

impl GuestOptions {
    /// As the testbed takes it.
    pub fn config(&self) -> GuestConfig {
        GuestConfig {
            memory: self.memory,
            kernel: self.kernel.clone(),
            qemu: self.qemu.clone(),
            attach: match self.attach {
                Attach::Auto => None,
                Attach::Generic => Some(Carrier::Generic),
                Attach::Gpio => Some(Carrier::Gpio),
                Attach::VfioUser => Some(Carrier::VfioUser),
            },
            vendor: self.vendor,
            yes: self.yes,
        }
    }
}

/// Reads a strategy by its name.
pub fn strategies() -> impl TypedValueParser<Value = Strategy> {
    let names = [
        ("driver", "The driver, as many as fit"),
        (
            "client",
            "The client, in a carve-out that it manages alone, as on the cameras",
        ),
        (
            "hybrid",
            "The driver, as many as it grants; the client may bring its own",
        ),
    ];
    let values = names.map(|(name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values)
        .map(|name| Strategy::from_name(&name).unwrap_or(Strategy::Hybrid))
}

/// Reads where buffers come from by its name.
pub fn ios() -> impl TypedValueParser<Value = Io> {
    let names = [
        ("mmap", "The driver (V4L2's MMAP)"),
        (
            "userptr",
            "The client's ordinary memory (USERPTR); the driver copies each frame into it",
        ),
        (
            "rmem",
            "The client's mapping of the whole carve-out (USERPTR)",
        ),
        (
            "dmabuf",
            "Blocks of the carve-out, shared as dma-bufs (DMABUF)",
        ),
    ];
    let values = names.map(|(name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).map(|name| match name.as_str() {
        "userptr" => Io::Userptr,
        "rmem" => Io::Rmem,
        "dmabuf" => Io::Dmabuf,
        _ => Io::Mmap,
    })
}

/// Reads the options of one command, as tests do.
#[cfg(test)]
pub fn parse<T: Args>(words: &[&str]) -> Result<T, String> {
    let command = T::augment_args(clap::Command::new("lab"));
    let words = ["lab"].iter().chain(words);
    command
        .try_get_matches_from(words)
        .and_then(|matches| T::from_arg_matches(&matches))
        .map_err(|error| error.to_string())
}

fn parse_kernel(text: &str) -> Result<KernelChoice, String> {
    if let Some(named) = KernelChoice::named(text) {
        return Ok(named);
    }
    if PathBuf::from(text).is_file() {
        return Ok(KernelChoice::Path(text.into()));
    }
    let names = KernelChoice::NAMED;
    let names: Vec<_> = names.iter().filter_map(KernelChoice::name).collect();
    Err(format!(
        "none of {}, and no file; a path must name a built vmlinux",
        names.join(", ")
    ))
}

/// Frames per second.
pub fn parse_rate(text: &str) -> Result<ClockMode, String> {
    match ClockMode::from_str(text) {
        Ok(mode @ (ClockMode::Rate(_) | ClockMode::Max | ClockMode::Sensor)) => Ok(mode),
        _ => Err(format!(
            "use frames per second from 1 to {}, max or sensor",
            tx_isp_emulator::sensor::MAX_RATE
        )),
    }
}

/// A channel of the chip.
pub fn parse_channel(text: &str) -> Result<ChannelId, String> {
    let number = text.parse().ok();
    let channel = number.and_then(|number| ChannelId::new(number).ok());
    channel.ok_or_else(|| "the chip has the channels 0, 1 and 2".to_owned())
}

/// A pixel format of the ISP.
pub fn parse_format(text: &str) -> Result<PixelFormat, String> {
    let mut formats = PixelFormat::ALL.into_iter();
    let found = formats.find(|format| format.name() == text.to_ascii_lowercase());
    found.ok_or_else(|| {
        let names = PixelFormat::ALL.map(PixelFormat::name);
        format!("the ISP writes {}", names.join(", "))
    })
}

/// A size that the channels can write with one of the sensors.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let numbers = text.split_once(['x', 'X']);
    let size = numbers
        .and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)));
    let Some(size) = size else {
        return Err("a size is two numbers with an x between, as in 1280x720".to_owned());
    };
    let [channel, ..] = ChannelId::ALL;
    let fits = |sensor: &Sensor| nearest_size(channel, sensor.size, size) == size;
    if SENSORS.iter().any(fits) {
        return Ok(size);
    }
    let nearest = nearest_size(channel, GC2053.size, size);
    Err(format!(
        "the ISP cannot write that; it takes widths from {} to {} in steps of {WIDTH_STEP}, heights \
         from {} to {} in steps of {HEIGHT_STEP}; the nearest is {nearest}",
        MIN_SIZE.width, GC2053.size.width, MIN_SIZE.height, GC2053.size.height,
    ))
}
