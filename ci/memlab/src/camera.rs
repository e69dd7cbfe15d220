// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A camera with the user's changes: its memory's layout, checked, and its client's requests.

use crate::basis::Basis;
use crate::sizes;
use anyhow::{Context, Result, bail};
use guest_image::GuestImage;
use guest_protocol::camera::sizes::PAGE;
use guest_protocol::camera::{Block, Channel, Cycles, Setup};
use testbed::memory_layout::MemoryLayout;
use tx_isp_abi::units::PhysRange;
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_alloc::noise_reduction::{self, MemoryOption};

use crate::catalogue::{BlockEntry, CameraFile, ChannelEntry, Ncubuf, Stock};

const MIB: u64 = 1 << 20;

/// Linux cannot do with less: the smallest recorded camera leaves it 22 MiB (T31 5.1); the limit
/// itself is an assumption.
const LEAST_FOR_LINUX: u64 = 16 * MIB;

/// Buffers of a queue (videobuf2's limit).
const MAX_BUFFERS: u32 = 32;

/// What the user wants otherwise than the camera's file has it.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The carve-out's length in bytes.
    pub rmem: Option<u64>,
    /// Whether the driver saves memory for the ISP.
    pub memopt: Option<bool>,
    /// The first channel's size.
    pub main: Option<Size>,
    /// The second channel's size.
    pub sub: Option<Size>,
    /// Buffers of the first channel.
    pub main_buffers: Option<u32>,
    /// Buffers of the second channel.
    pub sub_buffers: Option<u32>,
    /// The ISP's own buffer.
    pub ncubuf: Option<Ncubuf>,
}

/// A camera as it is to be looked at.
#[derive(Debug, Clone)]
pub struct Camera {
    /// The name that the user gave.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where what is known of it comes from.
    pub basis: Basis,
    /// All of its RAM in bytes.
    pub ram: u64,
    /// What Linux has.
    pub mem: PhysRange,
    /// The carve-out.
    pub rmem: PhysRange,
    /// The sensor's pixels.
    pub sensor: Size,
    /// Whether the driver saves memory for the ISP.
    pub memopt: bool,
    /// What the client asks for.
    pub setup: Setup,
    /// Whether the client gives its pools of frames back when it disables their channels.
    pub frees_pools: bool,
    /// What the reader must know about the numbers.
    pub notes: Vec<String>,
}

impl Camera {
    /// The camera that a file describes, with changes.
    ///
    /// # Errors
    /// If its memory cannot be laid out, with the arithmetic.
    pub fn new(id: &str, file: &CameraFile, changes: &Changes) -> Result<Self> {
        let mut notes = Vec::new();
        let (mem, rmem) = lay_out(file, changes.rmem)
            .with_context(|| format!("{id}: the memory cannot be laid out"))?;
        let channels = changed_channels(file, changes)?;
        let sensor =
            channels
                .iter()
                .map(|channel| channel.size)
                .fold(file.sensor, |sensor: Size, size| {
                    Size::new(sensor.width.max(size.width), sensor.height.max(size.height))
                });
        if sensor != file.sensor {
            notes.push(format!(
                "a sensor of {sensor} is assumed: the scaler cannot enlarge the {} of this camera's",
                file.sensor
            ));
        }
        let memopt = changes.memopt.unwrap_or(file.isp_memopt);
        let setup = Setup {
            base: rmem.base.0,
            bytes: rmem.bytes,
            ncubuf: ncubuf(file, changes, sensor, memopt, &mut notes)?,
            blocks: blocks(&file.blocks, None)?,
            channels: channels
                .iter()
                .map(|channel| requests(channel, &mut notes))
                .collect::<Result<_>>()?,
            late: blocks(&file.late, None)?,
            cpu_id: file.cpu_id()?,
        };
        Ok(Self {
            id: id.to_owned(),
            name: file.name.clone(),
            basis: file.basis.clone(),
            ram: file.ram.0,
            mem,
            rmem,
            sensor,
            memopt,
            setup,
            frees_pools: file.frees_pools,
            notes,
        })
    }

    /// How a guest's memory is divided so that it is this camera's.
    ///
    /// # Errors
    /// If the machine has no room for that.
    pub fn memory(&self, image: &GuestImage) -> Result<MemoryLayout> {
        MemoryLayout::of_camera(self.ram, self.mem.bytes.into(), self.rmem, image)
    }

    /// Its channels enabled so many times.
    pub fn cycles(&self, most: u32) -> Cycles {
        Cycles {
            most,
            frees_pools: self.frees_pools,
        }
    }

    /// The same camera with a carve-out of another length; where it lies plays no part.
    ///
    /// # Errors
    /// If it is longer than 4 GiB.
    pub fn with_carve_out(&self, bytes: u64) -> Result<Setup> {
        Ok(Setup {
            base: 0,
            bytes: narrow(bytes)?,
            ..self.setup.clone()
        })
    }
}

fn narrow(bytes: u64) -> Result<u32> {
    u32::try_from(bytes).with_context(|| format!("{bytes} bytes are beyond 4 GiB"))
}

/// What Linux and the carve-out have. A carve-out of another length keeps the end of the file's one;
/// Linux gets the rest below, as boot arguments are changed on cameras: both together.
fn lay_out(file: &CameraFile, rmem: Option<u64>) -> Result<(PhysRange, PhysRange)> {
    let ram = file.ram.0;
    let (mut mem, mut ispmem, mut carve_out) = (file.mem, file.ispmem, file.rmem);
    if let Some(wanted) = rmem {
        let end = carve_out.end();
        let isp = ispmem.map_or(0, |range| range.bytes);
        let most = end.saturating_sub(u64::from(isp) + LEAST_FOR_LINUX);
        if wanted > most {
            bail!(
                "a carve-out of {wanted} bytes leaves Linux too little: {end} (end of rmem) - {isp} (ispmem) - \
                 {LEAST_FOR_LINUX} (least for Linux) = {most}"
            );
        }
        let base = narrow(end - wanted)?;
        carve_out = PhysRange {
            base: PhysAddr(base),
            bytes: narrow(wanted)?,
        };
        let end_of_linux = base - isp;
        if let Some(range) = &mut ispmem {
            range.base = PhysAddr(end_of_linux);
        }
        mem.bytes = end_of_linux.saturating_sub(mem.base.0);
    }
    if mem.bytes == 0 || carve_out.bytes == 0 {
        bail!("there must be a mem and an rmem of more than 0 bytes");
    }
    let mut parts = vec![("mem", mem)];
    parts.extend(ispmem.map(|range| ("ispmem", range)));
    parts.push(("rmem", carve_out));
    check(ram, &parts)?;
    Ok((mem, carve_out))
}

fn check(ram: u64, parts: &[(&str, PhysRange)]) -> Result<()> {
    for (index, (name, part)) in parts.iter().enumerate() {
        for (other_name, other) in &parts[..index] {
            if u64::from(part.base.0) < other.end() && u64::from(other.base.0) < part.end() {
                bail!(
                    "{other_name} and {name} overlap: {other_name} is {:#x} to {:#x}, {name} {:#x} to {:#x}",
                    other.base.0,
                    other.end(),
                    part.base.0,
                    part.end()
                );
            }
        }
    }
    let sum: u64 = parts.iter().map(|(_, part)| u64::from(part.bytes)).sum();
    if sum > ram {
        let terms: Vec<String> = parts
            .iter()
            .map(|(name, part)| format!("{} ({name})", part.bytes))
            .collect();
        bail!("{} = {sum}, more than {ram} (RAM)", terms.join(" + "));
    }
    for (name, part) in parts {
        if part.end() > ram {
            bail!(
                "{name} ends at {:#x} + {} = {:#x}, beyond {ram:#x} (RAM)",
                part.base.0,
                part.bytes,
                part.end()
            );
        }
        if *name == "mem" && u64::from(part.bytes) < LEAST_FOR_LINUX {
            bail!(
                "nothing is left for Linux: mem has {} bytes, {LEAST_FOR_LINUX} are needed",
                part.bytes
            );
        }
        if part.base.0 % PAGE != 0 || part.bytes % PAGE != 0 {
            bail!(
                "{name} must begin and end on a page of {PAGE} bytes: {} @ {:#x}",
                part.bytes,
                part.base.0
            );
        }
    }
    Ok(())
}

fn changed_channels(file: &CameraFile, changes: &Changes) -> Result<Vec<ChannelEntry>> {
    let mut channels = file.channels.clone();
    let wanted = [
        (changes.main, changes.main_buffers),
        (changes.sub, changes.sub_buffers),
    ];
    for (index, (size, buffers)) in wanted.into_iter().enumerate() {
        match channels.get_mut(index) {
            Some(channel) => {
                channel.size = size.unwrap_or(channel.size);
                channel.buffers = buffers.unwrap_or(channel.buffers);
                if channel.buffers == 0 || channel.buffers > MAX_BUFFERS {
                    bail!(
                        "a channel has 1 to {MAX_BUFFERS} buffers, not {}",
                        channel.buffers
                    );
                }
            }
            None if size.is_some() => bail!("this camera has no channel {index} to change"),
            None => {}
        }
    }
    Ok(channels)
}

/// The ISP's own buffer. What a log has counts for the sensor and setting of the log only.
fn ncubuf(
    file: &CameraFile,
    changes: &Changes,
    sensor: Size,
    memopt: bool,
    notes: &mut Vec<String>,
) -> Result<Option<u32>> {
    let logged = sensor == file.sensor && memopt == file.isp_memopt;
    match changes.ncubuf.unwrap_or(file.ncubuf) {
        Ncubuf::None => Ok(None),
        Ncubuf::Bytes(bytes) if logged || changes.ncubuf.is_some() => Ok(Some(bytes)),
        Ncubuf::Formula | Ncubuf::Bytes(_) => {
            let option = match memopt {
                true => MemoryOption::Saving,
                false => MemoryOption::Full,
            };
            let bytes = noise_reduction::bytes(sensor, option);
            if bytes == 0 {
                bail!("the ISP cannot take a sensor of {sensor}");
            }
            if matches!(file.ncubuf, Ncubuf::Bytes(_)) {
                notes.push(format!(
                    "ncubuf is the formula's {bytes}: the one in the camera's file is for {} with isp_memopt={}",
                    file.sensor,
                    u8::from(file.isp_memopt)
                ));
            }
            Ok(Some(bytes))
        }
    }
}

fn requests(entry: &ChannelEntry, notes: &mut Vec<String>) -> Result<Channel> {
    let stock = sizes::stock_encoder(entry.size);
    if !stock.known && entry.blocks.iter().any(|block| block.stock.is_some()) {
        notes.push(format!(
            "channel {}: the encoder's blocks for {} are an estimate ({} + 2 x {} bytes)",
            entry.id, entry.size, stock.frames, stock.stream
        ));
    }
    Ok(Channel {
        id: entry.id,
        extension: entry.extension,
        width: entry.size.width,
        height: entry.size.height,
        buffers: entry.buffers,
        blocks: blocks(&entry.blocks, Some(stock))?,
    })
}

fn blocks(entries: &[BlockEntry], stock: Option<sizes::Encoder>) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for entry in entries {
        let bytes = match (entry.bytes, entry.stock, stock) {
            (Some(bytes), ..) => bytes,
            (None, Some(Stock::Stream), Some(stock)) => stock.stream,
            (None, Some(Stock::Frames), Some(stock)) => stock.frames,
            _ => bail!("block {:?} has no length", entry.owner),
        };
        for _ in 0..entry.count {
            blocks.push(Block {
                owner: entry.owner.clone(),
                bytes,
                leaks: entry.leaks,
            });
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn camera(name: &str, changes: &Changes) -> Result<Camera> {
        Camera::new(name, &catalogue::find(name)?, changes)
    }

    #[test]
    fn every_camera_of_the_catalogue_can_be_laid_out() {
        for name in catalogue::names(&catalogue::folder().unwrap()).unwrap() {
            camera(&name, &Changes::default()).unwrap();
        }
    }

    #[test]
    fn the_carve_out_grows_downwards_and_linux_gets_the_rest() {
        let changes = Changes {
            rmem: Some(40 << 20),
            ..Changes::default()
        };
        let wyze = camera("wyze-v3", &changes).unwrap();
        assert_eq!(wyze.mem.bytes, 88 << 20);
        assert_eq!((wyze.rmem.base.0, wyze.rmem.end()), (88 << 20, 128 << 20));
        // Between them lies what a T20's ISP has.
        let t20 = camera("wyze-v2", &changes).unwrap();
        assert_eq!((t20.mem.bytes, t20.rmem.base.0), (80 << 20, 88 << 20));
    }

    #[test]
    fn impossible_layouts_are_refused_with_the_arithmetic() {
        let file = |mem: &str, rmem: &str| {
            let mut file = catalogue::find("wyze-v3").unwrap();
            file.mem = catalogue::parse_range(mem).unwrap();
            file.rmem = catalogue::parse_range(rmem).unwrap();
            let error = Camera::new("x", &file, &Changes::default()).unwrap_err();
            format!("{error:#}")
        };
        for (mem, rmem, right) in [
            (
                "100M@0",
                "29M@0x6300000",
                "mem is 0x0 to 0x6400000, rmem 0x6300000 to 0x8000000",
            ),
            (
                "99M@0",
                "30M@0x6300000",
                "103809024 (mem) + 31457280 (rmem) = 135266304, more than 134217728 (RAM)",
            ),
            ("64M@0", "29M@0x6400000", "beyond 0x8000000 (RAM)"),
            ("8M@0", "29M@0x6300000", "nothing is left for Linux"),
            ("99M@0", "30408705@0x62fffff", "overlap"),
            ("98M@0", "30408705@0x62fffff", "page of 4096"),
        ] {
            let error = file(mem, rmem);
            assert!(error.contains(right), "{mem} {rmem}: {error}");
        }
        let changes = Changes {
            rmem: Some(120 << 20),
            ..Changes::default()
        };
        let error = format!("{:#}", camera("wyze-v3", &changes).unwrap_err());
        assert!(error.contains("= 117440512"), "{error}");
    }

    #[test]
    fn a_logged_buffer_counts_for_what_was_logged() {
        let bytes = |changes| camera("wyze-v3", &changes).unwrap().setup.ncubuf;
        assert_eq!(bytes(Changes::default()), Some(7_056_896));
        let memopt = Changes {
            memopt: Some(true),
            ..Changes::default()
        };
        assert_eq!(bytes(memopt), Some(3_114_816));
        let larger = Changes {
            main: Some(Size::new(2304, 1296)),
            ..Changes::default()
        };
        assert_eq!(bytes(larger.clone()), Some(6_744_996));
        let notes = camera("wyze-v3", &larger).unwrap().notes;
        assert!(
            notes
                .iter()
                .any(|note| note.contains("2304x1296 is assumed")),
            "{notes:?}"
        );
        assert!(
            notes.iter().any(|note| note.contains("an estimate")),
            "{notes:?}"
        );
        let formula = Changes {
            ncubuf: Some(Ncubuf::Formula),
            ..Changes::default()
        };
        assert_eq!(bytes(formula), Some(4_685_424));
    }
}
