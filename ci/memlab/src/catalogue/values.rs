// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the values of a camera's file are written.

use serde::{Deserialize, Deserializer};
use tx_isp_abi::Size;
use tx_isp_abi::units::{self, PhysRange};

/// A length in bytes, written with or without K, M or G.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// A range as the kernel's command line has it; without a base it begins at 0.
///
/// # Errors
/// If it is none.
pub fn parse_range(text: &str) -> Result<PhysRange, String> {
    let range = match text.contains('@') {
        true => text.parse(),
        false => format!("{text}@0").parse(),
    };
    range.map_err(|_| {
        format!("{text:?} is no range of memory; write SIZE@BASE, as in 29M@0x6300000")
    })
}

/// A length as the kernel's command line has it.
///
/// # Errors
/// If it is none.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    match units::parse_bytes(text) {
        Ok(bytes) if bytes > 0 => Ok(bytes.into()),
        _ => Err(format!(
            "{text:?} is no size of memory; write a number of bytes, or with K or M, as in 29M"
        )),
    }
}

/// A picture's size as users write it.
///
/// # Errors
/// If it is none.
pub fn parse_size(text: &str) -> Result<Size, String> {
    let sides = text.split_once(['x', 'X']);
    let size = sides.and_then(|(width, height)| {
        let (width, height) = (width.parse().ok()?, height.parse().ok()?);
        (width > 0 && height > 0).then_some(Size::new(width, height))
    });
    size.ok_or_else(|| format!("{text:?} is no size; write WIDTHxHEIGHT, as in 1920x1080"))
}

pub(super) fn range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PhysRange, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_range(&text).map_err(serde::de::Error::custom)
}

pub(super) fn optional_range<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PhysRange>, D::Error> {
    range(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_bytes(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// How long the ISP's own buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ncubuf {
    /// As the formula says (T31 5.2).
    #[default]
    Formula,
    /// There is none in the carve-out.
    None,
    /// As a log says, for the file's own sensor and isp_memopt.
    Bytes(u32),
}

impl<'de> Deserialize<'de> for Ncubuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Bytes(u32),
            Word(String),
        }
        let expected = "ncubuf is a number of bytes, \"formula\" or \"none\"";
        match Either::deserialize(deserializer) {
            Ok(Either::Bytes(bytes)) => Ok(Self::Bytes(bytes)),
            Ok(Either::Word(word)) if word == "formula" => Ok(Self::Formula),
            Ok(Either::Word(word)) if word == "none" => Ok(Self::None),
            _ => Err(serde::de::Error::custom(expected)),
        }
    }
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_size(&text).map_err(serde::de::Error::custom)
}

pub(super) fn zero_or_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match u8::deserialize(deserializer)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(serde::de::Error::custom(format!(
            "isp_memopt is 0 or 1, not {other}"
        ))),
    }
}

pub(super) fn is_extension<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "phy" => Ok(false),
        "ext" => Ok(true),
        other => Err(serde::de::Error::custom(format!(
            "a channel's type is \"phy\" or \"ext\", not {other:?}"
        ))),
    }
}
