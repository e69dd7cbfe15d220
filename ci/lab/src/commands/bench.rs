// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab bench`: how fast it is, each figure beside a yardstick of the same rounds.
//!
//! Times of a busy or slow machine say little; a ratio of two things that were measured in turns on
//! the same machine holds. So every question is asked in rounds, and in each round what is measured
//! and its yardstick follow each other.

mod again;
mod buffers;
mod client;
mod cpu;
mod dma;
mod edit;
mod figures;
mod host;
mod latency;
mod mailbox;
mod rate;
mod report;
mod start;
mod vivid;

use crate::output::{self, say};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use guest_image::{GuestImage, KernelChoice, Progress, Workshop};
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::GuestOptions;
use figures::Row;
use report::{Answer, Report};
use testbed::guest::Guest;
use testbed::guest_error::GuestError;
use testbed::prepare::{Prepared, repository};
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;

/// The most rounds.
const MAX_ROUNDS: i64 = 1000;
/// The chip's channel that is measured.
const MAIN: ChannelId = ChannelId::ALL[0];
/// The size that most questions are about.
const FULL_HD: Size = Size::new(1920, 1080);

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
    /// How long a whole `cargo lab stream` takes when everything is prepared
    Again,
}

impl Question {
    /// The name as it is typed and as it is in the JSON object.
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    fn title(self) -> &'static str {
        match self {
            Self::Dma => "DMA into shared guest memory, 1080p NV12",
            Self::Rate => {
                "frames per second in the guest, as fast as buffers come back (--fps max)"
            }
            Self::Buffers => "ways of allocating four buffers, 1080p NV12, --fps max, untouched",
            Self::Cpu => {
                "host processor time per 1080p NV12 frame, QEMU and emulator together, beside vivid"
            }
            Self::Start => "from QEMU's start to the first frame",
            Self::Edit => "from an edited line of the driver to the first frame of the new module",
            Self::Mailbox => "register accesses through the mailbox while 1080p NV12 streams",
            Self::Again => "the whole of `cargo lab stream`",
        }
    }

    fn ask(self, bench: &Bench<'_>) -> Result<Vec<Row>> {
        match self {
            Self::Dma => dma::measure(bench),
            Self::Rate => rate::measure(bench),
            Self::Buffers => buffers::measure(bench),
            Self::Cpu => cpu::measure(bench),
            Self::Start => start::measure(bench),
            Self::Edit => edit::measure(bench),
            Self::Mailbox => mailbox::measure(bench),
            Self::Again => again::measure(bench),
        }
    }
}

/// What every question needs.
struct Bench<'a> {
    options: &'a BenchOptions,
    repository: &'a Path,
    prepared: &'a Prepared,
    steps: &'a Steps,
}

/// Asks the questions that were asked for; true if all could be answered, whatever the answers are.
///
/// # Errors
/// If nothing could be asked at all, or the user ended it.
pub fn command(options: &BenchOptions) -> Result<bool> {
    let repository = repository()?;
    let steps = Steps::new();
    let prepared = Prepared::new(&options.guest.config(), &steps)?;
    let bench = Bench {
        options,
        repository: &repository,
        prepared: &prepared,
        steps: &steps,
    };
    let mut report = Report::new(&prepared, options.rounds);
    if let Some(warning) = report.machine.warning() {
        steps.line(&format!("note: {warning}"));
    }
    for question in Question::value_variants() {
        if !options.only.is_empty() && !options.only.contains(question) {
            continue;
        }
        steps.start(&format!("bench: {}", question.name()));
        let answer = match question.ask(&bench) {
            Ok(rows) => {
                steps.finish(&format!("{} rounds", options.rounds));
                Answer::new(*question, rows)
            }
            Err(error) => {
                steps.fail();
                if matches!(error.downcast_ref(), Some(GuestError::Interrupted)) {
                    return Err(error);
                }
                Answer::failed(*question, &error)
            }
        };
        answer.print();
        report.answers.push(answer);
    }
    report.machine.end();
    say!("{}", report.ending());
    if let Some(path) = &options.json {
        output::write_json(path, &report)?;
    }
    Ok(report.is_complete())
}

impl Bench<'_> {
    /// The rounds, shown as they go by. Ends when the user wants it.
    fn rounds(&self, mut round: impl FnMut() -> Result<()>) -> Result<()> {
        for number in 0..self.options.rounds {
            let total = Some(self.options.rounds.into());
            self.steps.advance(number.into(), total, "rounds");
            round()?;
            if testbed::interrupt::requested() {
                return Err(GuestError::Interrupted.into());
            }
        }
        Ok(())
    }

    /// A guest with bars at a frame rate; `name` is for its logs.
    fn boot(&self, prepared: &Prepared, fps: ClockMode, name: &str) -> Result<Guest> {
        let scene = SensorConfig {
            source: Source::Bars,
            fps,
        };
        let logs = self.options.out.join(name);
        Guest::boot(prepared, &scene, &logs, &|text| self.steps.line(text))
    }

    /// The kernels that are compared with each other: the one that was asked for, and whichever of
    /// Debian's and the fast one can be had without building it.
    fn kernels(&self) -> Result<Vec<Kernel>> {
        let asked = &self.options.guest.kernel;
        let mut kernels = vec![Kernel {
            choice: asked.clone(),
            image: self.prepared.image.clone(),
        }];
        let workshop = Workshop::new(self.repository)?;
        for other in [KernelChoice::Debian, KernelChoice::Fast] {
            let at_hand = other == KernelChoice::Debian || has_fast_kernel(workshop.cache_dir());
            if other != *asked && at_hand {
                kernels.push(Kernel {
                    image: edit::prepare_quietly(self, self.repository, &other)?,
                    choice: other,
                });
            }
        }
        Ok(kernels)
    }
}

/// A kernel to compare.
struct Kernel {
    choice: KernelChoice,
    image: GuestImage,
}

impl Kernel {
    fn name(&self) -> &str {
        match self.choice {
            KernelChoice::Debian => "Debian's kernel",
            KernelChoice::Fast => "fast kernel",
            KernelChoice::Debug => "debug kernel",
            KernelChoice::Path(_) => &self.image.kernel_label,
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
fn clock(fps: u32) -> ClockMode {
    fps.try_into().map_or(ClockMode::Max, ClockMode::Rate)
}

/// How much of a time each of `count` has, in seconds.
fn each(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() / f64::from(count.max(1))
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
