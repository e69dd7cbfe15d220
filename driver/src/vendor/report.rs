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
/// Counters of the VIC's errors.
const VIC_COUNTERS: usize = 13;

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
        File::W00 => writeln!(to, "sensor registers: not served here"),
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
    writeln!(to, "ISP WDR Mode : Linear")?;
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

/// Frames and errors in all; then the vendor's counters, which this driver does not keep apart: all of
/// them are in the last, which the vendor has for what is none of the others.
fn vic<B: Bus>(to: &mut impl Write, isp: &Isp<B>, frames: u32) -> fmt::Result {
    let errors = isp.health().vic_errors;
    writeln!(to, " {frames}, {errors}")?;
    for counter in 0..VIC_COUNTERS {
        let value = if counter + 1 == VIC_COUNTERS {
            errors
        } else {
            0
        };
        write!(to, "{}{value}", if counter == 0 { "" } else { " " })?;
    }
    writeln!(to)
}
