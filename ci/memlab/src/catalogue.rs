// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The cameras: one file each, in `ci/cameras`.

mod values;

use std::fs;
use std::path::{Path, PathBuf};

use crate::basis::Basis;
use crate::sizes;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tx_isp_abi::Size;
use tx_isp_abi::units::PhysRange;

use self::values::{is_extension, optional_range, range, size, zero_or_one};
use testbed::prepare::repository;
pub use values::{Bytes, Ncubuf, parse_bytes, parse_range, parse_size};

/// Where the catalogue is, in the project.
const FOLDER: &str = "ci/cameras";

/// SoCs for which the library's table has no number (T31 1.4).
const WITHOUT_NUMBER: [&str; 4] = ["T23", "T40", "T41", "unknown"];

/// A camera, as its file says it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraFile {
    /// Its name for people.
    pub name: String,
    /// Its SoC, as in `T31X`.
    pub soc: String,
    /// All of its RAM.
    pub ram: Bytes,
    /// What Linux has.
    #[serde(deserialize_with = "range")]
    pub mem: PhysRange,
    /// What the ISP's driver of a T20 has.
    #[serde(default, deserialize_with = "optional_range")]
    pub ispmem: Option<PhysRange>,
    /// The carve-out.
    #[serde(deserialize_with = "range")]
    pub rmem: PhysRange,
    /// The sensor's pixels.
    #[serde(deserialize_with = "size")]
    pub sensor: Size,
    /// The driver's parameter of that name: 0 or 1.
    #[serde(deserialize_with = "zero_or_one")]
    pub isp_memopt: bool,
    /// The ISP's own buffer, where the formula does not hold.
    #[serde(default)]
    pub ncubuf: Ncubuf,
    /// Where all of this is known from.
    pub basis: Basis,
    /// Whether the client gives its pools of frames back when it disables their channels.
    #[serde(default)]
    pub frees_pools: bool,
    /// What the client takes first.
    #[serde(default, rename = "block")]
    pub blocks: Vec<BlockEntry>,
    /// Its channels, in the order of their enabling.
    #[serde(rename = "channel")]
    pub channels: Vec<ChannelEntry>,
    /// What it takes last.
    #[serde(default)]
    pub late: Vec<BlockEntry>,
}

/// A channel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelEntry {
    /// Its number.
    pub id: u32,
    /// Whether the library makes its frames, from another channel's.
    #[serde(default, rename = "type", deserialize_with = "is_extension")]
    pub extension: bool,
    /// Its picture.
    #[serde(deserialize_with = "size")]
    pub size: Size,
    /// How many buffers it asks for (nrVBs).
    pub buffers: u32,
    /// What its encoder takes before.
    #[serde(default, rename = "block")]
    pub blocks: Vec<BlockEntry>,
}

/// One block or several of the same length.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockEntry {
    /// Whose.
    pub owner: String,
    /// Its length, if known.
    pub bytes: Option<u32>,
    /// Else: which of the stock encoder's, for the channel's size.
    pub stock: Option<Stock>,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// Whether it is taken anew at each enabling of its channel and never given back.
    #[serde(default)]
    pub leaks: bool,
}

/// A block of the stock library's encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stock {
    /// A stream buffer.
    Stream,
    /// Reference and reconstructed frames and motion vectors.
    Frames,
}

fn one() -> u32 {
    1
}

impl CameraFile {
    /// Reads a camera's file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Understands a camera's file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let camera: Self = toml::from_str(text)?;
        camera.cpu_id()?;
        camera.basis.check(&camera.numbers())?;
        for entry in camera.entries() {
            if entry.bytes.is_some() == entry.stock.is_some() {
                bail!(
                    "block {:?} needs either bytes = NUMBER or stock = \"stream\" or \"frames\"",
                    entry.owner
                );
            }
        }
        for entry in camera.blocks.iter().chain(&camera.late) {
            if entry.leaks {
                bail!(
                    "block {:?} belongs to no channel and cannot leak with each enabling of it",
                    entry.owner
                );
            }
            if entry.stock.is_some() {
                bail!(
                    "block {:?} belongs to no channel and needs bytes = NUMBER",
                    entry.owner
                );
            }
        }
        for (index, channel) in camera.channels.iter().enumerate() {
            if camera.channels[..index]
                .iter()
                .any(|other| other.id == channel.id)
            {
                bail!("channel {} is there twice", channel.id);
            }
            if channel.buffers == 0 {
                bail!("channel {} needs at least 1 buffer", channel.id);
            }
        }
        Ok(camera)
    }

    /// The names of its numbers, as its basis marks them.
    #[must_use]
    pub fn numbers(&self) -> Vec<String> {
        let mut names: Vec<String> = ["ram", "mem"].map(str::to_owned).into();
        names.extend(self.ispmem.map(|_| "ispmem".to_owned()));
        names.extend(["rmem", "sensor", "isp_memopt"].map(str::to_owned));
        if let Ncubuf::Bytes(_) = self.ncubuf {
            names.push("ncubuf".to_owned());
        }
        for channel in &self.channels {
            let of_channel = |what| format!("channel {} {what}", channel.id);
            names.extend(["size", "buffers"].map(of_channel));
        }
        for entry in self.entries() {
            if !names.contains(&entry.owner) {
                names.push(entry.owner.clone());
            }
        }
        names
    }

    fn entries(&self) -> impl Iterator<Item = &BlockEntry> {
        let of_channels = self.channels.iter().flat_map(|channel| &channel.blocks);
        self.blocks.iter().chain(of_channels).chain(&self.late)
    }

    /// The SoC's number, -1 where the library knows none.
    ///
    /// # Errors
    /// For a SoC of which nothing is known at all.
    pub fn cpu_id(&self) -> Result<i32> {
        match sizes::cpu_id(&self.soc) {
            Some(id) => Ok(id),
            None if WITHOUT_NUMBER.contains(&self.soc.as_str()) => Ok(-1),
            None => bail!(
                "there is no SoC {:?}; use a name like T20, T31X or T31L, one of {WITHOUT_NUMBER:?}",
                self.soc
            ),
        }
    }
}

/// Where the catalogue is.
///
/// # Errors
/// If the project is not found.
pub fn folder() -> Result<PathBuf> {
    Ok(repository()?.join(FOLDER))
}

/// The names of all cameras in a folder, sorted.
///
/// # Errors
/// If it cannot be read.
pub fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The camera of that name in the catalogue, or of that file.
///
/// # Errors
/// If there is none; the message has those that there are.
pub fn find(name: &str) -> Result<CameraFile> {
    let as_path = Path::new(name);
    if as_path.extension().is_some() {
        return CameraFile::read(as_path);
    }
    let folder = folder()?;
    let path = folder.join(format!("{name}.toml"));
    if !path.is_file() {
        bail!(
            "there is no camera {name}; there are {}, or name a file that ends in .toml",
            names(&folder)?.join(", ")
        );
    }
    CameraFile::read(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::Mark;

    const MINIMAL: &str = r#"
        name = "x"
        soc = "T31X"
        ram = "64M"
        mem = "42M"
        rmem = "22M@0x2a00000"
        sensor = "1920x1080"
        isp_memopt = 0
        basis = "made up"
        [[channel]]
        id = 0
        size = "1920x1080"
        buffers = 2
    "#;

    #[test]
    fn every_camera_of_the_catalogue_can_be_read() {
        let folder = folder().unwrap();
        let names = names(&folder).unwrap();
        assert!(names.len() >= 13, "{names:?}");
        for name in names {
            let camera = find(&name).unwrap();
            assert!(!camera.basis.text.is_empty(), "{name}");
            assert!(camera.basis.is_marked(), "{name}");
        }
    }

    /// T31 5.5: only the totals and the boot arguments are in the log.
    #[test]
    fn the_blocks_behind_the_logged_totals_are_marked_as_inferred() {
        let basis = find("wyze-v3").unwrap().basis;
        assert_eq!(basis.mark("rmem"), Some(Mark::Logged));
        for number in ["ncubuf", "osdDev", "enc0.stream", "channel 0 buffers"] {
            assert_eq!(basis.mark(number), Some(Mark::Inferred), "{number}");
        }
    }

    #[test]
    fn a_mark_names_a_number_of_the_file() {
        let marks = "basis.text = \"\"\nbasis.logged = [\"ispmem\"]";
        let text = MINIMAL.replace("basis = \"made up\"", marks);
        let error = CameraFile::parse(&text).unwrap_err().to_string();
        assert!(error.contains("no number \"ispmem\""), "{error}");
        assert!(error.contains("channel 0 buffers"), "{error}");
    }

    #[test]
    fn every_row_of_the_boot_argument_table_is_there() {
        // T31 5.1: bytes of rmem.
        for (name, bytes) in [
            ("wyze-v3", 30_408_704),
            ("wyze-pan-v2", 33_554_432),
            ("wyze-v2", 16_777_216),
            ("wyze-v2-thingino", 23_068_672),
            ("wyze-outdoor", 50_331_648),
            ("openmiko-t20", 25_165_824),
            ("xiaofang", 16_019_456),
            ("cinnado", 22_544_384),
            ("xiaomi-mjsxj03hl", 23_068_672),
            ("jooan-a6m", 19_922_944),
            ("wuuk", 52_428_800),
            ("thingino-32m", 10 << 20),
            ("thingino-64m", 23 << 20),
            ("thingino-128m", 29 << 20),
            ("thingino-256m", 64 << 20),
            ("t41-24m", 24 << 20),
            ("t41-30m", 30 << 20),
        ] {
            assert_eq!(u64::from(find(name).unwrap().rmem.bytes), bytes, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        CameraFile::parse(MINIMAL).unwrap();
        for (from, to, right) in [
            ("22M@0x2a00000", "22M@", "as in 29M@0x6300000"),
            ("\"64M\"", "\"lots\"", "as in 29M"),
            ("1920x1080", "1920", "as in 1920x1080"),
            ("isp_memopt = 0", "isp_memopt = 2", "0 or 1, not 2"),
            ("T31X", "T99", "a name like T20"),
            ("basis", "bases", "bases"),
            ("buffers = 2", "buffers = 0", "at least 1 buffer"),
            (
                "buffers = 2",
                "buffers = 2\ntype = \"soft\"",
                "\"phy\" or \"ext\"",
            ),
            (
                "buffers = 2",
                "buffers = 2\n[[channel.block]]\nowner = \"e\"",
                "either bytes = NUMBER or stock",
            ),
            (
                "basis",
                "ncubuf = \"some\"\nbasis",
                "\"formula\" or \"none\"",
            ),
        ] {
            let text = MINIMAL.replacen(from, to, 1);
            let error = format!("{:#}", CameraFile::parse(&text).unwrap_err());
            assert!(error.contains(right), "{from} -> {to}: {error}");
        }
        let error = find("no-such-camera").unwrap_err().to_string();
        assert!(error.contains("wyze-v3"), "{error}");
    }
}
