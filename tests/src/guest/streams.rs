// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Streams of which every frame must arrive as DMA wrote it.

use anyhow::{Result, ensure};
use testbed::capture::{self, Capture, Keep, StreamConfig};
use testbed::config::Io;
use testbed::progress::Steps;
use testbed::report::Report;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_alloc::Strategy;

use super::suite::Running;

/// Enough for every buffer to go round many times.
pub const FRAMES: u32 = 50;

/// The streams over each carrier.
pub const STREAMS: [(Size, PixelFormat); 4] = [
    (Size::new(1920, 1080), PixelFormat::Nv12),
    (Size::new(640, 360), PixelFormat::Nv12),
    (Size::new(1280, 720), PixelFormat::Nv21),
    (Size::new(640, 360), PixelFormat::Rgb565),
];

/// Who allocates the buffers, and where they come from: every way that is not the default.
pub const ALLOCATIONS: [(Strategy, Io); 4] = [
    (Strategy::Driver, Io::Mmap),
    (Strategy::Client, Io::Rmem),
    (Strategy::Hybrid, Io::Userptr),
    (Strategy::Hybrid, Io::Dmabuf),
];

/// What a stream's test is called.
#[must_use]
pub fn stream_name(size: Size, format: PixelFormat) -> String {
    format!("{FRAMES} frames of {size} {format} arrive as written")
}

/// A stream of the main channel, as most are.
#[must_use]
pub const fn main_stream(size: Size, format: PixelFormat, frames: u32) -> StreamConfig {
    let [channel, ..] = ChannelId::ALL;
    StreamConfig {
        channel,
        size,
        format,
        buffers: 4,
        frames,
        checksum: true,
        keep: Keep::Ends,
        strategy: Strategy::Hybrid,
        io: Io::of(Strategy::Hybrid),
    }
}

impl Running {
    /// One stream that must be as it was asked for.
    ///
    /// # Errors
    /// What was otherwise.
    pub fn stream(&mut self, config: &StreamConfig) -> Result<Capture> {
        let Self {
            guest,
            prepared,
            sensor,
            ..
        } = self;
        let capture = capture::run(guest, config, &Steps::silent())?;
        let mut report = Report::new(prepared, sensor, config, guest, &capture);
        for frame in &capture.pictures {
            report.check_picture(frame);
        }
        ensure!(
            !capture.pictures.is_empty(),
            "no picture came out of the guest"
        );
        ensure!(report.passed, "{}", report.problems.join("\n"));
        Ok(capture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_streams_differ() {
        let mut names = STREAMS
            .map(|(size, format)| stream_name(size, format))
            .to_vec();
        names.dedup();
        assert_eq!(names.len(), STREAMS.len());
        assert_eq!(names[1], "50 frames of 640x360 nv12 arrive as written");
    }
}
