// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab stream --channels 0,1,2`: several channels at the same time, as on a camera.

use crate::output::{self, say};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::AllocationPolicy;
use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_alloc::Strategy;
use tx_isp_emulator::monitor::protocol::{GuestError, Status};

use super::stream_options::{StreamContext, StreamOptions};
use memlab::text::table;
use testbed::camera_client::{Run, channels_setup, run as run_camera};
use testbed::guest::Guest;

/// Everything that is known about the streams. The names are those of the JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether every frame of every channel arrived and matched and nothing was found wrong.
    passed: bool,
    problems: Vec<String>,
    #[serde(rename = "findings")]
    guest_errors: Vec<GuestError>,
    channels: Vec<ChannelReport>,
    source: String,
    /// What drove the frame clock.
    clock: String,
    strategy: String,
    dma_bytes: u64,
    /// While DMA wrote, not over the whole stream.
    dma_bytes_per_second: f64,
    boot_seconds: f64,
    attach: String,
    qemu_version: String,
    kernel: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChannelReport {
    channel: u32,
    width: u32,
    height: u32,
    buffers: u32,
    buffers_granted: u32,
    frames_requested: u32,
    frames_received: u32,
    /// Sequence numbers that the client never saw.
    frames_dropped: u32,
    checksum_mismatches: u32,
    /// Frames per second by the buffers' time stamps.
    fps: Option<f64>,
}

/// Makes sure that several channels can be streamed as asked.
///
/// # Errors
/// If not.
pub fn check(options: &StreamOptions) -> Result<()> {
    ensure!(
        !options.format.is_rgb(),
        "only one of the chip's channels can write RGB at a time: name one alone, as in \
         `--channels 1 --format {}`",
        options.format
    );
    ensure!(
        options.format == PixelFormat::Nv12 && options.io.is_none(),
        "several channels stream in NV12, with buffers of the strategy's own kind: leave --format and --io out"
    );
    Ok(())
}

/// Streams all of `pictures` at once; true if every frame of each arrived and matched.
///
/// # Errors
/// If it could not begin.
pub fn stream(
    context: &StreamContext,
    mut guest: Guest,
    pictures: &[(ChannelId, Size)],
) -> Result<bool> {
    let options = context.options;
    let report = run(context, &mut guest, pictures)?;
    guest.power_off();
    report.print(&options.out);
    if let Some(path) = &options.json {
        output::write_json(path, &report)?;
    }
    Ok(report.passed)
}

fn run(
    context: &StreamContext,
    guest: &mut Guest,
    pictures: &[(ChannelId, Size)],
) -> Result<Report> {
    let options = context.options;
    let setup = channels_setup(context.prepared.memory, pictures, options.buffers);
    let policy = match options.strategy {
        Strategy::Driver => AllocationPolicy::Driver,
        Strategy::Client => AllocationPolicy::Client,
        Strategy::Hybrid => AllocationPolicy::HybridReserve,
    };
    let clocks = options.debug.config().begin(guest)?;
    let run = context.steps.step(
        "stream",
        || run_camera(guest, &setup, policy, options.frames, 1),
        |run| {
            format!(
                "{} channels in {:.1} s",
                pictures.len(),
                run.time.as_secs_f64()
            )
        },
    )?;
    options
        .debug
        .config()
        .finish(guest, clocks, run.verified.values())?;
    let status = guest
        .emulator
        .monitor
        .status()
        .context("asking the emulator")?;
    Ok(Report::new(context, &run, status, guest))
}

impl Report {
    fn new(context: &StreamContext, run: &Run, status: Status, guest: &Guest) -> Self {
        let StreamContext {
            options,
            prepared,
            scene,
            ..
        } = context;
        let mut problems = run.problems(options.frames);
        if let Some(refused) = &run.report.refused {
            problems.push(format!(
                "no memory: {} bytes for {}",
                refused.bytes, refused.owner
            ));
        }
        problems.extend(
            status
                .guest_errors
                .iter()
                .map(|error| format!("the emulator found the driver doing: {}", error.id)),
        );
        let channels = run.report.queues.iter().map(|queue| {
            let verifier = run.verified.get(&queue.id);
            ChannelReport {
                channel: queue.id,
                width: queue.width,
                height: queue.height,
                buffers: queue.requested,
                buffers_granted: queue.granted,
                frames_requested: options.frames,
                frames_received: verifier.map_or(0, |verifier| verifier.received),
                frames_dropped: verifier.map_or(0, |verifier| verifier.dropped),
                checksum_mismatches: verifier.map_or(0, |verifier| verifier.mismatched),
                fps: verifier.and_then(|verifier| verifier.fps()),
            }
        });
        Self {
            passed: problems.is_empty(),
            problems,
            channels: channels.collect(),
            guest_errors: status.guest_errors,
            source: scene.source.to_string(),
            clock: scene.fps.to_string(),
            strategy: options.strategy.name().to_owned(),
            dma_bytes: status.dma.bytes,
            dma_bytes_per_second: status.dma.bytes_per_second,
            boot_seconds: guest.boot_time.as_secs_f64(),
            attach: prepared.carrier.to_string(),
            qemu_version: prepared.qemu.version.clone(),
            kernel: prepared.image.kernel_label.clone(),
        }
    }

    fn print(&self, out: &Path) {
        let mut table = table(&[
            "channel",
            "picture",
            "buffers",
            "received",
            "dropped",
            "mismatched",
            "rate",
        ]);
        for channel in &self.channels {
            table.add_row([
                channel.channel.to_string(),
                format!("{}x{}", channel.width, channel.height),
                format!("{}/{}", channel.buffers_granted, channel.buffers),
                format!("{}/{}", channel.frames_received, channel.frames_requested),
                channel.frames_dropped.to_string(),
                channel.checksum_mismatches.to_string(),
                channel
                    .fps
                    .map_or_else(|| "-".to_owned(), |fps| format!("{fps:.2} fps")),
            ]);
        }
        say!("{table}");
        say!(
            "{} bytes by DMA at {:.2} GB/s; {}, QEMU {}, {} attachment; boot {:.2} s",
            self.dma_bytes,
            self.dma_bytes_per_second / 1e9,
            self.kernel,
            self.qemu_version,
            self.attach,
            self.boot_seconds
        );
        for problem in &self.problems {
            say!("problem: {problem}");
        }
        if self.passed {
            say!("all frames of all channels arrived and matched");
        } else {
            say!(
                "FAILED; logs: {0}/console.log, {0}/emulator.log",
                out.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn check_words(words: &[&str]) -> Result<(), String> {
        let words = [&["--channels", "0,1"], words].concat();
        let options: StreamOptions = parse(&words)?;
        check(&options).map_err(|error| error.to_string())
    }

    #[test]
    fn rgb_is_for_one_channel_alone() {
        assert_eq!(check_words(&[]), Ok(()));
        let error = check_words(&["--format", "rgb565"]).unwrap_err();
        assert!(error.contains("`--channels 1 --format rgb565`"), "{error}");
        let error = check_words(&["--format", "nv21"]).unwrap_err();
        assert!(error.contains("in NV12"), "{error}");
    }
}
