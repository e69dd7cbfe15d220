// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's front: `vendor-client` (tests/guest/vendor-client) behaves as the vendor's library does,
//! and says what is not as it should be. Its frames are compared with what DMA wrote.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::camera::{AllocationPolicy, Cycles, Setup};
use guest_protocol::message::RunEnd;
use memlab::camera::Camera;
use memlab::{catalogue, predict, vendor};
use testbed::camera_client;
use testbed::guest::Guest;
use testbed::program::run;
use testbed::verify::FrameLog;
use tx_isp_abi::channel::ChannelId;
use tx_isp_alloc::negotiation::Margin;

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

/// Where the carve-out of the guest is that the tests share.
const WYZE_V3_BASE: u32 = 0x630_0000;
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
    attempt(
        "channels start again a thousand times",
        &["restart", "1000"],
    ),
    attempt("clients are killed at any moment", &["kill", "20"]),
];

/// At the sensor's rate: the channel of an encoder that keeps its frames runs without any buffer.
pub const BOUND: Attempt = attempt(
    "an encoder that gives no frame back keeps nothing from ending",
    &["bound", "20"],
);

impl Attempt {
    /// Runs the program and looks at what it says.
    ///
    /// # Errors
    /// What it found wrong, which frame differs, or what is left behind.
    pub fn check(self, guest: &mut Guest) -> Result<()> {
        let said = client(guest, self.arguments)?;
        if self.frames > 0 {
            compare(&said, self.frames, guest)?;
        }
        pool_is_whole(guest)?;
        log_is_clean(guest)
    }
}

/// Runs the program, which must end well, and gives what it says.
fn client(guest: &mut Guest, arguments: &[&str]) -> Result<String> {
    let mut command = vec!["vendor-client"];
    command.extend(arguments);
    let ran = run(guest, &command, LIMIT)?;
    ensure!(
        ran.end == RunEnd::Exit(0),
        "{} ended with {:?}:\n{}",
        command.join(" "),
        ran.end,
        ran.said().trim()
    );
    Ok(ran.said())
}

/// How long the stuck channel stays so, in reads of its state, which are a millisecond apart.
const STUCK: &str = "stuck-channel:channel=1,times=1200";

/// A channel does not stop for more than a second: the other's frames come on meanwhile.
///
/// # Errors
/// What was held up.
pub fn stop_holds_nobody_up(guest: &mut Guest) -> Result<()> {
    guest.emulator.monitor.clear_faults()?;
    guest.emulator.monitor.inject(STUCK.parse()?)?;
    let said = client(guest, &["stuck", "1000"]);
    guest.emulator.monitor.clear_faults()?;
    said?;
    pool_is_whole(guest)?;
    log_is_clean(guest)
}

/// With `quirks=vendor` the vendor's faults are there.
///
/// # Errors
/// Which is not.
pub fn quirks(guest: &mut Guest) -> Result<()> {
    guest.reload_module_with("vendor=on quirks=vendor")?;
    client(guest, &["quirks"])?;
    pool_is_whole(guest)?;
    guest.reload_module_with("vendor=on")?;
    log_is_clean(guest)
}

/// An answer of the driver's, and what becomes of an unmodified library.
#[derive(Debug, Clone, Copy)]
pub struct Negotiation {
    /// The driver's parameters.
    parameters: &'static str,
    /// What the library says, in order.
    said: &'static [&'static str],
}

const STREAMS: &str = "library streams";

/// Every answer that a driver has, with a client that behaves as the library does: two channels, four and
/// two buffers (driver/VENDOR.md has the table).
pub const NEGOTIATIONS: [Negotiation; 14] = [
    Negotiation {
        parameters: "",
        said: &[
            "ncubuf 4685424",
            "channel 0: 4 of 4 buffers queued, frames come",
            STREAMS,
        ],
    },
    Negotiation {
        parameters: "isp_memopt=1",
        said: &["ncubuf 3114816", STREAMS],
    },
    // What must stay free is less than twice what is asked for.
    Negotiation {
        parameters: "reserve=24000000",
        said: &["ncubuf 3114816", STREAMS],
    },
    Negotiation {
        parameters: "strategy=client reserve=24000000",
        said: &["ncubuf 4685424", STREAMS],
    },
    Negotiation {
        parameters: "answers=get-buf=0",
        said: &["library ended in AddSensor: a block of 0 bytes"],
    },
    Negotiation {
        parameters: "answers=get-buf=40000000",
        said: &["library ended in AddSensor: no memory for ncubuf"],
    },
    Negotiation {
        parameters: "answers=get-buf=error",
        said: &["library ended in AddSensor: GET_BUF: Bad address"],
    },
    Negotiation {
        parameters: "answers=get-buf=-1570608",
        said: &["library ended in AddSensor: SET_BUF: Bad address"],
    },
    Negotiation {
        parameters: "answers=sizeimage=-65536",
        said: &[
            "pool 0 12533760",
            "channel 0: 4 of 4 buffers queued, frames come",
            STREAMS,
        ],
    },
    Negotiation {
        parameters: "answers=sizeimage=+65536",
        said: &["pool 0 12795904", STREAMS],
    },
    Negotiation {
        parameters: "answers=reqbufs=-1",
        said: &[
            "pool 0 12533760",
            "library ended in EnableChn: Insufficient buffer memory",
        ],
    },
    Negotiation {
        parameters: "answers=reqbufs=+2",
        said: &["channel 0: 4 of 4 buffers queued, frames come", STREAMS],
    },
    Negotiation {
        parameters: "answers=reqbufs=error",
        said: &["library ended in EnableChn: REQBUFS: Cannot allocate memory"],
    },
    Negotiation {
        parameters: "answers=qbuf=1",
        said: &["channel 0: 1 of 4 buffers queued, frames come", STREAMS],
    },
];

impl Negotiation {
    /// What it is about.
    #[must_use]
    pub fn name(&self) -> String {
        let last = self.said.last().unwrap_or(&"");
        format!("a library and \"{}\": {last}", self.parameters)
    }

    /// Loads the driver so, and runs the client that behaves as the library does.
    ///
    /// # Errors
    /// What became of it otherwise.
    pub fn check(&self, guest: &mut Guest) -> Result<()> {
        guest.reload_module_with(&format!("vendor=on {}", self.parameters))?;
        let said = client(guest, &["library", "5", "1920x1080:4", "640x360:2"])?;
        let mut lines = said.lines();
        for expected in self.said {
            ensure!(
                lines.any(|line| line == *expected),
                "it does not say \"{expected}\" in its place:\n{}",
                said.trim()
            );
        }
        pool_is_whole(guest)?;
        log_is_clean(guest)
    }
}

/// Cameras whose clients are run through both fronts, in the guest of a Wyze Cam v3: one fails as that
/// camera does, one streams in all of its memory, one in 22 MiB with less for the noise reduction, one
/// without an encoder in 16 MiB, one whose pools have no room there.
pub const CAMERAS: [&str; 5] = [
    "wyze-v3",
    "wyze-v3-stock",
    "t31-22m-memopt",
    "t31-frames-only",
    "t31-16m",
];
/// Frames of each of their channels.
const CAMERA_FRAMES: u32 = 4;

/// Runs a camera's client through V4L2's nodes and through the vendor's: each block lies where it was
/// computed, to the byte, and the same request is refused.
///
/// # Errors
/// What was different.
pub fn same_blocks(camera: &str, guest: &mut Guest) -> Result<()> {
    let camera = Camera::new(camera, &catalogue::find(camera)?, &Default::default())?;
    let setup = Setup {
        base: WYZE_V3_BASE,
        ..camera.setup
    };
    let who = AllocationPolicy::Client;
    let computed = predict(&setup, who, Margin::default())?;
    vendor::load(guest, &setup)?;
    for (front, run) in [
        (
            "V4L2",
            camera_client::run(guest, &setup, who, CAMERA_FRAMES, 1)?,
        ),
        (
            "vendor",
            vendor::attempt(guest, &setup, CAMERA_FRAMES, Cycles::ONE)?,
        ),
    ] {
        ensure!(
            run.report == computed,
            "{front}:\n{}computed:\n{computed}",
            run.report
        );
        let problems = run.problems(CAMERA_FRAMES);
        ensure!(problems.is_empty(), "{front}: {}", problems.join("\n"));
    }
    pool_is_whole(guest)?;
    log_is_clean(guest)
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
