// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What every question has: its options, guests and kernels.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use guest_image::host::{self, Needs};
use guest_image::{GuestImage, ImageBuilder, ImageRequest, KernelChoice, Progress, Silent};
use testbed::guest::Guest;
use testbed::guest_failure::GuestFailure;
use testbed::prepare::{Prepared, cargo};
use testbed::process;
use testbed::progress::Steps;
use testbed::qemu::Qemu;
use testbed::sensor::SensorConfig;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::GuestOptions;

/// Cargo only looks whether the emulator is as it should be.
const CARGO_LIMIT: Duration = Duration::from_secs(600);
/// The most rounds.
const MAX_ROUNDS: i64 = 1000;
/// The chip's channel that is measured.
pub const MAIN: ChannelId = ChannelId::ALL[0];
/// The size that most questions are about.
pub const FULL_HD: Size = Size::new(1920, 1080);

/// What to measure, and how often.
#[derive(Debug, Clone, Args)]
pub struct BenchOptions {
    /// Only these questions
    #[arg(long, value_name = "NAME,…", value_enum, value_delimiter = ',')]
    pub only: Vec<Question>,
    /// How often each thing is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MAX_ROUNDS))]
    pub rounds: u32,
    /// Where logs go
    #[arg(long, value_name = "DIR", default_value = "out/bench")]
    pub out: PathBuf,
    /// Write the figures as one JSON object to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// How fast the emulator writes pictures into guest memory, beside memcpy
    Dma,
    /// How many frames a second the guest takes
    Rate,
    /// How many frames a second come through the vendor's nodes, beside V4L2's
    Fronts,
    /// What each way of allocating costs: asking for buffers, and frames per second
    Buffers,
    /// How much processor time a frame costs the host, beside vivid
    Cpu,
    /// How long it takes from QEMU's start to the first frame
    Start,
    /// How long it takes from an edit of the driver to the first frame of the new one
    Edit,
    /// How long the driver waits for register accesses, and how many there are
    Mailbox,
    /// What loads, stores, interrupts and frames cost over vfio-user, beside the mailbox on the same QEMU
    Attachments,
    /// How long a whole `cargo lab stream` takes when everything is prepared
    Again,
}

impl Question {
    /// The name as it is typed and as it is in the JSON object.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Dma => "DMA into shared guest memory, 1080p NV12",
            Self::Rate => {
                "frames per second in the guest, as fast as buffers come back (--fps max)"
            }
            Self::Fronts => "the driver's two fronts, 1080p NV12, --fps max, untouched",
            Self::Buffers => "ways of allocating four buffers, 1080p NV12, --fps max, untouched",
            Self::Cpu => {
                "host processor time per 1080p NV12 frame, QEMU and emulator together, beside vivid"
            }
            Self::Start => "from QEMU's start to the first frame",
            Self::Edit => "from an edited line of the driver to the first frame of the new module",
            Self::Mailbox => "register accesses through the mailbox while 1080p NV12 streams",
            Self::Attachments => {
                "the chip at its own addresses (vfio-user) beside the mailbox, on one QEMU"
            }
            Self::Again => "the whole of `cargo lab stream`",
        }
    }
}

/// What every question needs.
pub struct Bench<'a> {
    pub options: &'a BenchOptions,
    pub repository: &'a Path,
    pub prepared: &'a Prepared,
    pub steps: &'a Steps,
}

impl Bench<'_> {
    /// The rounds, shown as they go by. Ends when the user wants it.
    pub fn rounds(&self, mut round: impl FnMut() -> Result<()>) -> Result<()> {
        for number in 0..self.options.rounds {
            let total = Some(self.options.rounds.into());
            self.steps.advance(number.into(), total, "rounds");
            round()?;
            if testbed::interrupt::requested() {
                return Err(GuestFailure::Interrupted.into());
            }
        }
        Ok(())
    }

    /// A guest with bars at a frame rate; `name` is for its logs.
    pub fn boot(&self, prepared: &Prepared, fps: ClockMode, name: &str) -> Result<Guest> {
        let scene = SensorConfig {
            source: Source::Bars,
            fps,
            ..SensorConfig::default()
        };
        let logs = self.options.out.join(name);
        Guest::boot(prepared, &scene, &logs, &|text| self.steps.line(text))
    }

    /// The kernels that are compared with each other: the one that was asked for, and whichever of
    /// Debian's and the fast one can be had without building it.
    pub fn kernels(&self) -> Result<Vec<Kernel>> {
        let asked = &self.options.guest.kernel;
        let mut kernels = vec![Kernel {
            choice: asked.clone(),
            image: self.prepared.image.clone(),
        }];
        let builder = ImageBuilder::new(self.repository)?;
        for other in [KernelChoice::Debian, KernelChoice::Fast] {
            let at_hand = other == KernelChoice::Debian || has_fast_kernel(builder.cache_dir());
            if other != *asked && at_hand {
                kernels.push(Kernel {
                    image: prepare_quietly(self, self.repository, &other)?,
                    choice: other,
                });
            }
        }
        Ok(kernels)
    }
}

/// A kernel to compare.
pub struct Kernel {
    pub choice: KernelChoice,
    pub image: GuestImage,
}

impl Kernel {
    pub fn name(&self) -> &str {
        match self.choice {
            KernelChoice::Debian => "Debian's kernel",
            KernelChoice::Fast => "fast kernel",
            KernelChoice::Debug => "debug kernel",
            KernelChoice::Lts | KernelChoice::Latest | KernelChoice::Path(_) => {
                &self.image.kernel_label
            }
        }
    }
}

/// Whether the fast kernel was built before. It takes minutes, so it is not built for a comparison.
fn has_fast_kernel(cache: &Path) -> bool {
    let kernels = cache.join("kernels").read_dir();
    kernels.into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("fast-") && entry.path().join("complete").exists()
    })
}

/// The clock of a rate; a rate that cannot be is the fastest.
pub fn clock(fps: u32) -> ClockMode {
    fps.try_into().map_or(ClockMode::Max, ClockMode::Rate)
}

/// How much of a time each of `count` has, in seconds.
pub fn each(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() / f64::from(count.max(1))
}

/// Does what `cargo lab stream` does before it boots, without showing it; with the driver, the
/// agent and the kernel's configuration of the project in `repository`.
///
/// # Errors
/// What could not be had.
pub fn prepare_quietly(
    bench: &Bench<'_>,
    repository: &Path,
    kernel: &KernelChoice,
) -> Result<GuestImage> {
    let options = &bench.options.guest;
    let needs = Needs {
        kernel: &options.kernel,
        qemu: options.qemu.is_none(),
    };
    host::install(&needs, bench.repository, &Silent, options.yes)?;
    Qemu::find(options.qemu.as_deref())?.choose(options.config().attach)?;
    check_emulator(bench.repository)?;
    let request = ImageRequest {
        kernel: kernel.clone(),
        ..ImageRequest::default()
    };
    let image = ImageBuilder::new(repository)?.prepare(&request, &Silent);
    image.context("preparing the guest's image")
}

fn check_emulator(repository: &Path) -> Result<()> {
    let mut command = cargo();
    command
        .current_dir(repository)
        .args(["build", "--quiet", "--release"])
        .args(["--package", "tx-isp-emulator", "--package", "lab"])
        .args(["--bin", "tx-isp-emulator"]);
    let mut said = String::new();
    let status = process::run(&mut command, CARGO_LIMIT, |line| {
        said.extend([line.text(), "\n"]);
    })
    .context("running cargo")?;
    ensure!(
        status.success(),
        "the emulator could not be built ({status}):\n{said}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn bench(words: &[&str]) -> Result<BenchOptions, String> {
        parse(words)
    }

    #[test]
    fn questions_are_chosen_by_name() {
        assert_eq!(bench(&[]).unwrap().only, []);
        let only = bench(&["--only", "dma,mailbox"]).unwrap().only;
        assert_eq!(only, [Question::Dma, Question::Mailbox]);
        let error = bench(&["--only", "speed"]).unwrap_err();
        assert!(error.contains("dma") && error.contains("again"), "{error}");
        assert!(bench(&["--rounds", "0"]).unwrap_err().contains("1..=1000"));
    }

    #[test]
    fn the_fast_kernel_is_there_when_it_is_complete() {
        let cache = tempfile::tempdir().unwrap();
        let kernel = cache.path().join("kernels/fast-0123");
        std::fs::create_dir_all(&kernel).unwrap();
        assert!(!has_fast_kernel(cache.path()));
        std::fs::write(kernel.join("complete"), "").unwrap();
        assert!(has_fast_kernel(cache.path()));
    }

    #[test]
    fn a_time_is_shared_by_all() {
        assert!((each(Duration::from_secs(3), 300) - 0.01).abs() < 1e-12);
        assert_eq!(clock(60).to_string(), "fps 60");
    }
}
