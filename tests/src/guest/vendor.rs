// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's front: `vendor-client` (tests/guest/vendor-client) behaves as the vendor's library does,
//! and says what is not as it should be. Its frames are compared with what DMA wrote.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::RunEnd;
use testbed::guest::Guest;
use testbed::program::run;
use testbed::verify::FrameLog;
use tx_isp_abi::channel::ChannelId;

use super::health::log_is_clean;
use super::lifecycle::pool_is_whole;

/// The longest takes a minute or two on a busy machine.
const LIMIT: Duration = Duration::from_secs(6 * 60);

/// Something that the program tries.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// What it shows.
    pub name: &'static str,
    arguments: &'static [&'static str],
    /// How many frames of each of its two channels it tells of.
    frames: usize,
}

const fn attempt(name: &'static str, arguments: &'static [&'static str]) -> Attempt {
    Attempt {
        name,
        arguments,
        frames: 0,
    }
}

/// The highest number that is looked for.
const GAPS: u32 = 500;
/// Frames of each channel that are compared.
const FRAMES: usize = 30;

/// All of them.
pub const TRIES: [Attempt; 9] = [
    attempt("what the library reads of the SoC is there", &["registers"]),
    attempt("every wrong call has the vendor's error", &["errors"]),
    Attempt {
        name: "two channels stream what DMA wrote, in the library's order",
        arguments: &["stream", "30"],
        frames: FRAMES,
    },
    attempt(
        "LISTEN_BUF tells of each frame once, and hears signals",
        &["signal"],
    ),
    attempt("REQBUFS at its edges, and 64 buffers in order", &["counts"]),
    attempt("tuning, encoder, files and caches", &["nodes"]),
    attempt(
        "a second process reaches nothing of the first's",
        &["processes"],
    ),
    attempt("channels start again and again", &["restart", "60"]),
    attempt("clients are killed at any moment", &["kill", "12"]),
];

impl Attempt {
    /// Runs the program and looks at what it says.
    ///
    /// # Errors
    /// What it found wrong, which frame differs, or what is left behind.
    pub fn check(self, guest: &mut Guest) -> Result<()> {
        let mut command = vec!["vendor-client"];
        command.extend(self.arguments);
        let ran = run(guest, &command, LIMIT)?;
        ensure!(
            ran.end == RunEnd::Exit(0),
            "{} ended with {:?}:\n{}",
            command.join(" "),
            ran.end,
            ran.said().trim()
        );
        if self.frames > 0 {
            compare(&ran.said(), self.frames, guest)?;
        }
        pool_is_whole(guest)?;
        log_is_clean(guest)
    }
}

/// Each frame that a channel got must be one that DMA wrote, in the same order.
fn compare(said: &str, frames: usize, guest: &mut Guest) -> Result<()> {
    for channel in [ChannelId::ALL[0], ChannelId::ALL[1]] {
        let got: Vec<u32> = said
            .lines()
            .filter_map(|line| checksum(line, channel))
            .collect();
        ensure!(
            got.len() == frames,
            "channel {channel}: {} of {frames} frames were told of",
            got.len()
        );
        let mut log = FrameLog::newest(channel);
        // Numbers that DMA left out are gaps: frames for which there was no buffer.
        let mut numbers = 0..GAPS;
        for (number, checksum) in got.iter().enumerate() {
            loop {
                let next = numbers.next().with_context(|| {
                    format!("channel {channel}: DMA did not write frame {number} as it was got")
                })?;
                let written = log.entry(next, &mut guest.emulator.monitor)?;
                if written.is_some_and(|written| written.crc32 == *checksum) {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The checksum in a line of the program's about a frame of that channel.
fn checksum(line: &str, channel: ChannelId) -> Option<u32> {
    let mut words = line.strip_prefix("frame ")?.split(' ');
    let of_channel = words.next()?.parse() == Ok(channel.number());
    let _address = words.next()?;
    let checksum = u32::from_str_radix(words.next()?, 16).ok()?;
    of_channel.then_some(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frames_line_names_channel_address_and_checksum() {
        let line = "frame 1 0x06d44f00 89abcdef";
        assert_eq!(checksum(line, ChannelId::ALL[1]), Some(0x89ab_cdef));
        assert_eq!(checksum(line, ChannelId::ALL[0]), None);
        assert_eq!(checksum("pool 1 0x6d44f00", ChannelId::ALL[1]), None);
    }
}
