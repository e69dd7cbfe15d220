// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs that everybody has, unchanged: what they store of a stream is what DMA wrote.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::RunEnd;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{FrameLayout, PixelFormat};

use testbed::guest::Guest;
use testbed::program::{ask, run};
use testbed::verify::FrameLog;

/// How many frames they store; fewer than they have buffers would hide a frame that comes twice.
const FRAMES: u32 = 6;
/// Where, in the guest's memory.
const FILE: &str = "/tmp/frames";
/// GStreamer starts slowly where every instruction is emulated.
const LIMIT: Duration = Duration::from_secs(3 * 60);
/// A height that is no multiple of 16, so that a client that looks for the chroma in the wrong place
/// finds other bytes.
const SIZE: Size = Size::new(640, 360);

/// One program.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// What it shows.
    pub name: &'static str,
    /// Stores [`FRAMES`] frames of [`SIZE`] in [`FILE`].
    command: fn(Size, u32) -> String,
    /// Bytes of a frame in its file.
    bytes: fn(&FrameLayout) -> u32,
}

/// All of them.
pub const CLIENTS: [Client; 3] = [
    Client {
        name: "v4l2-ctl --stream-mmap stores what DMA wrote",
        command: |size, frames| v4l2_ctl("mmap", size, frames),
        bytes: |layout| layout.sizeimage,
    },
    Client {
        name: "v4l2-ctl --stream-user stores what DMA wrote",
        command: |size, frames| v4l2_ctl("user", size, frames),
        bytes: |layout| layout.sizeimage,
    },
    Client {
        name: "GStreamer's v4l2src stores what DMA wrote",
        command: |size, frames| {
            format!(
                "GST_REGISTRY_FORK=no gst-launch-1.0 -q v4l2src device=/dev/video0 num-buffers={frames} \
                 ! video/x-raw,format=NV12,width={},height={} ! filesink location={FILE}",
                size.width, size.height
            )
        },
        bytes: |layout| layout.sizeimage,
    },
];

fn v4l2_ctl(memory: &str, size: Size, frames: u32) -> String {
    format!(
        "v4l2-ctl -d /dev/video0 --set-fmt-video=width={},height={},pixelformat=NV12 \
         --stream-{memory}=4 --stream-count={frames} --stream-to={FILE}",
        size.width, size.height
    )
}

impl Client {
    /// Runs it and compares each frame that it has stored.
    ///
    /// # Errors
    /// What it said if it failed, or which frame differs.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        let command = (self.command)(SIZE, FRAMES);
        let ran = run(guest, &["sh", "-c", &command], LIMIT)?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "`{command}` ended with {:?}:\n{}",
            ran.end,
            ran.said().trim()
        );
        let layout = FrameLayout::new(PixelFormat::Nv12, SIZE);
        let (width, height) = (SIZE.width.to_string(), SIZE.height.to_string());
        let bytes = (self.bytes)(&layout).to_string();
        let stored = ask(
            guest,
            &[
                "guest-agent",
                "checksum",
                FILE,
                "nv12",
                &width,
                &height,
                &bytes,
            ],
        )?;
        compare(&stored, guest)
    }
}

/// Each stored frame must be the one that DMA wrote under its number.
fn compare(stored: &str, guest: &mut Guest) -> Result<()> {
    let [channel, ..] = ChannelId::ALL;
    let mut frame_log = FrameLog::newest(channel);
    let mut count = 0;
    for (sequence, stored) in (0..).zip(stored.lines()) {
        let written = frame_log
            .entry(sequence, &mut guest.emulator.monitor)?
            .with_context(|| format!("DMA wrote no frame {sequence}"))?;
        let written = format!("{:08x}", written.crc32);
        ensure!(
            stored == written,
            "frame {sequence} is stored with the CRC-32 {stored}, DMA wrote {written}"
        );
        count += 1;
    }
    ensure!(count == FRAMES, "{count} frames are stored, not {FRAMES}");
    Ok(())
}
