// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The files below `/proc/jz/isp`, in the vendor's order (T31 2b.10). What is not modelled says 0.

use super::channel::{FrameChannel, State};
use super::front::Front;
use super::queue::Entry;
use crate::bus::{Bus, BusError};
use crate::isp::Isp;
use core::fmt::{self, Write};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, CsiHost};

/// What the vendor's driver calls itself (T31 3.1).
pub const VERSION: &str = "H20221206a";

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The core.
    M0,
    /// The frame channels.
    Fs,
    /// The sensors.
    W00,
    /// The CSI.
    W01,
    /// The VIC.
    W02,
}

impl File {
    /// Every file.
    pub const ALL: [Self; 5] = [Self::M0, Self::Fs, Self::W00, Self::W01, Self::W02];

    /// The file of that number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// Words of registers that a file shows, to be asked for before it is written.
///
/// # Errors
/// If the chip does not answer.
pub fn registers<B: Bus>(isp: &mut Isp<B>, file: File) -> Result<[u32; 3], BusError> {
    let addresses = match file {
        File::M0 => [Some(Core::TopBypass.address()), None, None],
        File::W01 => [
            Some(CsiHost::Errors1.address()),
            Some(CsiHost::Errors2.address()),
            Some(CsiHost::PhyState.address()),
        ],
        File::Fs | File::W00 | File::W02 => [None; 3],
    };
    let mut words = [0; 3];
    for (word, address) in words.iter_mut().zip(addresses) {
        if let Some(address) = address {
            *word = isp.bus_mut().read(address)?;
        }
    }
    Ok(words)
}

/// Writes a file. `frames` is how many frames the VIC has counted.
///
/// # Errors
/// Only those of `to`.
pub fn show<B: Bus>(
    to: &mut impl Write,
    file: File,
    front: &Front,
    isp: &Isp<B>,
    words: [u32; 3],
    frames: u32,
) -> fmt::Result {
    match file {
        File::M0 => core_file(to, front, isp, words[0]),
        File::Fs => {
            for id in ChannelId::ALL {
                channel(to, id, front.channel(id))?;
            }
            Ok(())
        }
        File::W00 => pins(to, front),
        File::W01 => csi(to, words),
        File::W02 => vic(to, isp, frames),
    }
}

fn core_file<B: Bus>(to: &mut impl Write, front: &Front, isp: &Isp<B>, top: u32) -> fmt::Result {
    writeln!(to, "****************** ISP INFO **********************")?;
    if !front.is_streaming() {
        return writeln!(to, "sensor doesn't work, please enable sensor");
    }
    let sensor = isp.sensor();
    let (numerator, denominator) = isp.frame_interval();
    let tuning = front.tuning();
    let number = |id| tuning.get(id).unwrap_or(0);
    writeln!(to, "Software Version : {VERSION}")?;
    writeln!(to, "SENSOR NAME : {}", sensor.name)?;
    writeln!(to, "SENSOR OUTPUT WIDTH : {}", sensor.size.width)?;
    writeln!(to, "SENSOR OUTPUT HEIGHT : {}", sensor.size.height)?;
    writeln!(to, "SENSOR OUTPUT FPS : {denominator} / {numerator}")?;
    writeln!(to, "SENSOR OUTPUT RAW PATTERN : {:?}", sensor.bayer)?;
    writeln!(to, "ISP Top Value : {top:#x}")?;
    let night = number(0x0800_00e1) != 0;
    writeln!(
        to,
        "ISP Runing Mode : {}",
        if night { "Night" } else { "Day" }
    )?;
    let asked = match front.wide_range() {
        true => " (asked for: the sensor is linear)",
        false => "",
    };
    writeln!(to, "ISP WDR Mode : Linear{asked}")?;
    writeln!(
        to,
        "SENSOR Integration Time : {} lines",
        sensor.control.default_exposure
    )?;
    writeln!(
        to,
        "SENSOR Max Integration Time : {} lines",
        sensor.max_exposure(sensor.frame_length)
    )?;
    for (name, id) in [
        ("Saturation", 0x0098_0902),
        ("Sharpness", 0x0098_091b),
        ("Contrast", 0x0098_0901),
        ("Brightness", 0x0098_0900),
        ("Antiflicker", 0x0098_0918),
        ("Mirror", 0x0098_0914),
        ("Flip", 0x0098_0915),
    ] {
        writeln!(to, "{name} : {}", number(id))?;
    }
    Ok(())
}

fn channel(to: &mut impl Write, id: ChannelId, channel: &FrameChannel) -> fmt::Result {
    let format = channel.format();
    let running = channel.state() == State::Running;
    writeln!(to, "################ framesource {id} ################")?;
    writeln!(
        to,
        "chan status: {}",
        if running { "running" } else { "stop" }
    )?;
    if channel.state() != State::Initialised && !running {
        return Ok(());
    }
    write!(to, "chan output pixformat: ")?;
    for byte in format.fourcc.to_le_bytes() {
        let shown = byte.is_ascii_graphic() || byte == b' ';
        write!(to, "{}", if shown { char::from(byte) } else { '?' })?;
    }
    writeln!(to)?;
    writeln!(
        to,
        "chan output resolution: {} * {}",
        format.width, format.height
    )?;
    match format.scaler_enable & 0xff {
        0 => writeln!(to, "chan scaler : disable")?,
        _ => writeln!(
            to,
            "chan scaler : enable, {} * {}",
            format.scaler_width, format.scaler_height
        )?,
    }
    let crop = &format.crop;
    match format.crop_enable & 0xff {
        0 => writeln!(to, "chan crop : disable")?,
        _ => writeln!(
            to,
            "chan crop : enable, top {} left {} {} * {}",
            crop.top, crop.left, crop.width, crop.height
        )?,
    }
    let queue = channel.queue();
    addresses(to, "queue", queue.waiting())?;
    addresses(to, "done", queue.done())?;
    writeln!(to, "the output buffers is: {}", queue.frames)?;
    writeln!(to, "the losted buffers is: {}", queue.lost)?;
    for (index, entry) in queue.entries().iter().enumerate() {
        writeln!(
            to,
            "buffer {index}: state {} qcnt {} dqcnt {}",
            entry.state as u8, entry.queued, entry.dequeued
        )?;
    }
    Ok(())
}

fn addresses<'a>(
    to: &mut impl Write,
    name: &str,
    entries: impl Iterator<Item = &'a Entry> + Clone,
) -> fmt::Result {
    write!(
        to,
        "the state of buffers is: {name} {}:",
        entries.clone().count()
    )?;
    for entry in entries {
        write!(to, " {:#010x}", entry.address())?;
    }
    writeln!(to)
}

/// The words that GPIO_INIT and SET_GPIO_STATE handed over. The sensor's registers are read and written by
/// ioctl.
fn pins(to: &mut impl Write, front: &Front) -> fmt::Result {
    write!(to, "pins:")?;
    for pair in front.pins().chunks_exact(2) {
        write!(to, " {:#x}", u16::from_le_bytes([pair[0], pair[1]]))?;
    }
    writeln!(to)
}

/// The error words where there are any, then the state of the link.
fn csi(to: &mut impl Write, [error_1, error_2, state]: [u32; 3]) -> fmt::Result {
    if error_1 != 0 {
        writeln!(to, "{error_1:#010x}")?;
    }
    if error_2 != 0 {
        writeln!(to, "{error_2:#010x}")?;
    }
    writeln!(to, "{state:#010x}")
}

/// Frames and errors in all, then the errors by their kind.
fn vic<B: Bus>(to: &mut impl Write, isp: &Isp<B>, frames: u32) -> fmt::Result {
    let errors = isp.vic_errors();
    writeln!(to, " {frames}, {}", errors.sum())?;
    for (place, count) in errors.0.iter().enumerate() {
        write!(to, "{}{count}", if place == 0 { "" } else { " " })?;
    }
    writeln!(to)
}

/// What a client writes to a file of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Raw pictures: without a second carve-out (`ispmem`) the vendor's driver takes the words and does
    /// nothing.
    Capture,
    /// The buffers of a channel: they are what isp-fs shows.
    Buffers,
    /// Frames that are delivered early, which there are none here.
    EarlyFrames,
}

impl Command {
    /// Reads what was written to `file` (T31 2b.9, 2b.10); `None` for what nobody knows there.
    #[must_use]
    pub fn parse(file: File, text: &str) -> Option<Self> {
        let word = text.split_ascii_whitespace().next()?;
        match (file, word) {
            (File::W02, "snapraw" | "saveraw") => Some(Self::Capture),
            (File::M0, "get_vb") => Some(Self::Buffers),
            (File::M0, "set_ch0_pdq_time" | "set_ch0_pdq_inter" | "set_ch0_pdq_vlines") => {
                Some(Self::EarlyFrames)
            }
            _ => None,
        }
    }

    /// What becomes of it.
    #[must_use]
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::Capture => {
                "there is no second carve-out (ispmem) for raw pictures: none is taken"
            }
            Self::Buffers => "/proc/jz/isp/isp-fs has the buffers",
            Self::EarlyFrames => "no frame is delivered before its last line: the value is ignored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_know_their_own_words() {
        assert_eq!(
            Command::parse(File::W02, "snapraw 3\n"),
            Some(Command::Capture)
        );
        assert_eq!(Command::parse(File::M0, "get_vb"), Some(Command::Buffers));
        let early = Command::parse(File::M0, "set_ch0_pdq_time 5");
        assert_eq!(early, Some(Command::EarlyFrames));
        for (file, text) in [
            (File::M0, "snapraw 3"),
            (File::Fs, "get_vb"),
            (File::W02, " "),
        ] {
            assert_eq!(Command::parse(file, text), None, "{text}");
        }
    }
}
