// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab stream`: streams frames from the emulated ISP through the guest, and verifies each.

use crate::output::{self, say};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use comfy_table::Table;
use guest_image::Progress;
use host_setup::invocation;
use testbed::bundle;
use testbed::capture::{self, CapturedFrame, StreamConfig, boot};
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::progress::Steps;
use testbed::report::Report;
use testbed::sensor::SensorConfig;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::FrameLayout;
use tx_isp_emulator::sensor::ClockMode;

use super::channels;
use super::stream_options::{Expect, StreamContext, StreamOptions, USUAL_FPS};
use crate::save::VideoFile;

/// The pictures of the first and the last frame.
const PICTURES: [&str; 2] = ["first.png", "last.png"];

/// `cargo lab stream`: true if every frame arrived and matched.
///
/// # Errors
/// If it could not begin.
pub fn command(options: &StreamOptions) -> Result<bool> {
    let pictures = options.pictures().map_err(anyhow::Error::msg)?;
    options.check_saved()?;
    check_outputs(options)?;
    options.check_io().map_err(anyhow::Error::msg)?;
    match pictures.as_slice() {
        [] => bail!("--channels names no channel"),
        [(_, size)] => {
            let frame = FrameLayout::new(options.format, *size);
            options
                .guest
                .memory
                .check_buffers(options.buffers, &frame)?;
        }
        _ => channels::check(options)?,
    }
    let scene = SensorConfig {
        model: options.sensor,
        source: options.source.clone(),
        fps: options.clock(),
    };
    let steps = Steps::new();
    if let Some(warning) = scene.check()? {
        steps.line(&format!("note: {warning}"));
    }
    let mut prepared = Prepared::new(&options.guest.config(), &steps)?;
    prepared.emulator_options = options
        .debug
        .config()
        .emulator_options(prepared.memory, options.io());
    let guest = boot(&prepared, &scene, &options.out, &steps)?;
    let context = StreamContext {
        options,
        prepared,
        scene,
        steps,
    };
    match pictures.as_slice() {
        [(channel, size)] => stream_one(context, guest, *channel, *size),
        several => channels::stream(&context, guest, several),
    }
}

/// Streams one channel, and shows it. Where no rate was asked for, the usual one is a proposal: if a busy
/// machine dropped frames and all else is well, the same is streamed by a clock that waits.
fn stream_one(
    mut context: StreamContext,
    guest: Guest,
    channel: ChannelId,
    size: Size,
) -> Result<bool> {
    let options = context.options;
    let mut report = take(&context, guest, channel, size)?;
    let may_be_slow = options.fps.is_none() && options.expectation() == Expect::Intact;
    if may_be_slow && is_only_slow(report.passed, report.frames_dropped, &report.problems) {
        let dropped = report.frames_dropped;
        context.steps.line(&format!(
            "note: {dropped} frames dropped, the machine is too busy for {USUAL_FPS} frames per second; \
             once more with --fps max"
        ));
        context.scene.fps = ClockMode::Max;
        check_outputs(options)?;
        let guest = boot(
            &context.prepared,
            &context.scene,
            &options.out,
            &context.steps,
        )?;
        report = take(&context, guest, channel, size)?;
        report.frames_dropped_before = Some(dropped);
    }
    if let Some(path) = &options.json {
        output::write_json(path, &report)?;
    }
    print(&report, &options.out);
    Ok(report.passed)
}

/// Whether every frame that was asked for came, and matched, but others were dropped between them. Dropped
/// frames are one problem, however many there are.
fn is_only_slow(passed: bool, dropped: u32, problems: &[String]) -> bool {
    !passed && dropped > 0 && problems.len() == 1
}

/// Streams one channel.
fn take(
    context: &StreamContext,
    mut guest: Guest,
    channel: ChannelId,
    size: Size,
) -> Result<Report> {
    let options = context.options;
    let config = StreamConfig {
        channel,
        size,
        format: options.format,
        buffers: options.buffers,
        frames: options.frames,
        checksum: true,
        keep: options.keep(),
        strategy: options.strategy,
        io: options.io(),
    };
    let clocks = options.debug.config().begin(&mut guest)?;
    let mut pictures = Pictures::new(options, &config)?;
    let capture = capture::run_with(&mut guest, &config, &context.steps, &mut |frame| {
        pictures.add(frame)
    })?;
    let mut report = Report::new(&context.prepared, &context.scene, &config, &guest, &capture);
    if capture.failure.is_none() {
        options
            .debug
            .config()
            .finish(&mut guest, clocks, [&capture.verifier])?;
        guest.power_off();
    }
    pictures.finish(options, &mut report)?;
    let expect = options.expectation();
    report.expected = expect.name();
    report.passed = expect.is_met(&report, &capture);
    Ok(report)
}

/// The pictures that a stream is to leave behind.
struct Pictures {
    video: Option<VideoFile>,
    /// Those that become files of their own, in order.
    single: Vec<CapturedFrame>,
    wanted: Vec<u32>,
}

impl Pictures {
    fn new(options: &StreamOptions, config: &StreamConfig) -> Result<Self> {
        let fps = match options.clock() {
            ClockMode::Rate(rate) => rate.get(),
            _ => USUAL_FPS.get(),
        };
        let video = options
            .save
            .as_ref()
            .map(|path| VideoFile::create(path, config.size, config.format, fps));
        let mut wanted = vec![0, config.frames - 1];
        wanted.extend(options.picture);
        Ok(Self {
            video: video.transpose()?,
            single: Vec::new(),
            wanted,
        })
    }

    fn add(&mut self, frame: CapturedFrame) -> Result<()> {
        if let Some(video) = &mut self.video {
            video.add(frame.picture.bytes())?;
        }
        if self.wanted.contains(&frame.frame.index) {
            self.single.push(frame);
        }
        Ok(())
    }

    /// Writes the single ones, and what is left of the video.
    fn finish(self, options: &StreamOptions, report: &mut Report) -> Result<()> {
        if let Some(video) = self.video {
            video.finish()?;
        }
        let last = options.frames - 1;
        for frame in &self.single {
            let index = frame.frame.index;
            let mut names = Vec::new();
            if index == 0 {
                names.push(PICTURES[0].to_owned());
            }
            if index == last {
                names.push(PICTURES[1].to_owned());
            }
            if options.picture == Some(index) {
                names.push(format!("frame-{index}.png"));
            }
            for name in names {
                let path = options.out.join(name);
                frame.picture.save(&path)?;
                report.add_picture(frame, path);
            }
        }
        Ok(())
    }
}

/// Makes sure that the results can be written, and that older ones are not taken for new ones.
fn check_outputs(options: &StreamOptions) -> Result<()> {
    fs::create_dir_all(&options.out)
        .with_context(|| format!("creating {}", options.out.display()))?;
    let pictures = PICTURES.map(|name| options.out.join(name));
    let debug = options.debug.config();
    let json = options.json.iter().filter(|path| **path != Path::new("-"));
    let files = pictures.iter().chain(json).chain(&options.save);
    for path in files.chain(debug.outputs()) {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            let told = || format!("{} cannot be written", path.display());
            fs::metadata(folder).with_context(told)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("replacing {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Shows it, and what to try next.
fn print(report: &Report, out: &Path) {
    say!("{}", table(report));
    for error in &report.guest_errors {
        say!(
            "guest error: {} ({} times), first: {}",
            error.id,
            error.count,
            error.first
        );
        say!("         {}", error.help);
    }
    for problem in &report.problems {
        say!("problem: {problem}");
    }
    for line in next_steps(report, out) {
        say!("{line}");
    }
}

fn table(report: &Report) -> Table {
    let mut table = testbed::table::table();
    for (name, value) in rows(report) {
        table.add_row([name, &value]);
    }
    table
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let seconds = |value: Option<f64>| or_none(value.map(|value| format!("{value:.2} s")));
    let mut rows = vec![
        (
            "result",
            match (report.passed, report.expected) {
                (true, "intact") => "all frames arrived and matched".to_owned(),
                (false, "intact") => "FAILED".to_owned(),
                (true, expected) => format!("{expected}, as expected"),
                (false, expected) => format!("NOT {expected}, as was expected"),
            },
        ),
        (
            "frames",
            format!(
                "{} asked, {} received, {} dropped, {} mismatched",
                report.frames_requested,
                report.frames_received,
                report.frames_dropped,
                report.checksum_mismatches
            ),
        ),
        (
            "picture",
            format!(
                "{}x{} {} of {}",
                report.width, report.height, report.format, report.source
            ),
        ),
        (
            "buffers",
            format!(
                "{} asked, {} granted, {} bytes each, {} under {}",
                report.buffers,
                or_none(report.buffers_granted.map(|count| count.to_string())),
                or_none(report.sizeimage.map(|bytes| bytes.to_string())),
                report.io,
                report.strategy
            ),
        ),
        (
            "frame rate",
            or_none(
                report
                    .fps
                    .map(|fps| format!("{fps:.2} fps (clock: {})", report.clock)),
            ),
        ),
        ("time to boot", seconds(Some(report.boot_seconds))),
        ("time to first frame", seconds(report.first_frame_seconds)),
        (
            "DMA",
            or_none(
                report
                    .dma_bytes
                    .zip(report.dma_bytes_per_second)
                    .map(|(bytes, rate)| format!("{bytes} bytes at {:.2} GB/s", rate / 1e9)),
            ),
        ),
        ("kernel", report.kernel.clone()),
        (
            "QEMU",
            format!("{}, ISP attached as {}", report.qemu_version, report.attach),
        ),
    ];
    if let Some(dropped) = report.frames_dropped_before {
        let text = format!("{dropped} dropped at {USUAL_FPS} fps: this machine was too busy");
        rows.push(("first", text));
    }
    for picture in &report.pictures {
        let stamp = picture.stamp.map(|number| format!(", stamped {number}"));
        let text = format!(
            "{} (sequence {}{})",
            picture.path.display(),
            picture.sequence,
            stamp.unwrap_or_default()
        );
        rows.push(("saved", text));
    }
    rows
}

fn next_steps(report: &Report, out: &Path) -> Vec<String> {
    if !report.passed {
        let logs = format!(
            "logs: {0}/console.log, {0}/emulator.log, {0}/qemu.log",
            out.display()
        );
        let wrong = report.checksum_mismatches + report.frames_with_error;
        let hint = too_busy(&report.clock, report.frames_dropped, wrong);
        return [logs].into_iter().chain(hint).collect();
    }
    let mut steps = vec!["try next:".to_owned()];
    let mut propose = |words: &str, what: &str| {
        steps.push(format!("  {} {words:<32}{what}", invocation::lab()));
    };
    if report.clock != "max" {
        propose("stream --fps max", "as fast as buffers come back");
    }
    if report.kernel.starts_with("debian") && bundle::current().is_none() {
        propose(
            "stream --kernel fast",
            "a smaller kernel, built once, that boots faster",
        );
    }
    propose("stream --source image:FILE", "your own picture");
    propose("shell", "the guest's console, with v4l2-ctl");
    steps
}

/// What helps where nothing is wrong but that frames were dropped: the sensor's clock does not wait for
/// a busy machine.
fn too_busy(clock: &str, dropped: u32, wrong: u32) -> Option<String> {
    (dropped > 0 && wrong == 0 && clock != "max").then(|| {
        format!(
            "nothing but dropped frames: a busy machine does not keep up with the sensor's clock ({clock}); `{} stream --fps max` takes frames as fast as buffers come back",
            invocation::lab()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{is_only_slow, too_busy};

    #[test]
    fn a_busy_machine_is_told_of_the_clock_that_waits() {
        let hint = too_busy("fps 25", 31, 0).unwrap();
        assert!(hint.contains("stream --fps max"), "{hint}");
        // A frame that is wrong is no matter of speed, and `max` waits already.
        assert_eq!(too_busy("fps 25", 31, 1), None);
        assert_eq!(too_busy("fps 25", 0, 0), None);
        assert_eq!(too_busy("max", 3, 0), None);
    }
    #[test]
    fn a_stream_is_taken_again_only_if_nothing_but_frames_between_others_is_missing() {
        let problems = ["2 frames were not received", "a checksum differs"].map(String::from);
        assert!(is_only_slow(false, 2, &problems[..1]));
        assert!(!is_only_slow(false, 2, &problems));
        assert!(!is_only_slow(false, 0, &problems[1..]));
        // Expected to be so.
        assert!(!is_only_slow(true, 2, &problems[..1]));
    }
}
