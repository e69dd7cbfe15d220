// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The camera's carve-out, the only memory that frames may be written to: `SIZE@BASE`, as the
//! kernel's `rmem=` has it.

use std::fmt;
use std::str::FromStr;
use tx_isp_abi::PhysAddr;

/// The memory that frames may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarveOut {
    /// Its first byte.
    pub base: PhysAddr,
    /// Its length.
    pub bytes: u32,
}

/// A text that is no carve-out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no carve-out: {what}; use SIZE@BASE, for example 29M@0x6300000")]
pub struct ParseCarveOutError {
    text: String,
    what: &'static str,
}

impl CarveOut {
    /// Whether `bytes` from `start` on lie in it as a whole.
    #[must_use]
    pub fn holds(self, start: PhysAddr, bytes: u64) -> bool {
        let end = u64::from(start.0) + bytes;
        start >= self.base && end <= u64::from(self.base.0) + u64::from(self.bytes)
    }
}

impl fmt::Display for CarveOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}@{}", self.bytes, self.base)
    }
}

impl FromStr for CarveOut {
    type Err = ParseCarveOutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |what| ParseCarveOutError {
            text: text.to_owned(),
            what,
        };
        let (bytes, base) = text.split_once('@').ok_or_else(|| error("there is no @"))?;
        let bytes = number(bytes).ok_or_else(|| error("the size is no number below 4G"))?;
        let base = number(base).ok_or_else(|| error("the base is no number below 4G"))?;
        if bytes == 0 {
            return Err(error("it is empty"));
        }
        if base.checked_add(bytes - 1).is_none() {
            return Err(error("it ends beyond 4G"));
        }
        Ok(Self {
            base: PhysAddr(base),
            bytes,
        })
    }
}

/// A number in decimal or with 0x, with K, M or G behind it for powers of 1024.
fn number(text: &str) -> Option<u32> {
    let (digits, shift) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 10),
        (at, 'm' | 'M') => (&text[..at], 20),
        (at, 'g' | 'G') => (&text[..at], 30),
        _ => (text, 0),
    };
    let value: u32 = match digits.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    value.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carve_out_is_written_as_on_the_kernels_command_line() {
        let carve_out: CarveOut = "29M@0x6300000".parse().unwrap();
        assert_eq!((carve_out.base.0, carve_out.bytes), (0x0630_0000, 29 << 20));
        assert_eq!("0x1d00000@103809024".parse(), Ok(carve_out));
        assert_eq!(carve_out.to_string().parse(), Ok(carve_out));
    }

    #[test]
    fn what_is_no_carve_out_is_told_with_an_example() {
        for (text, what) in [
            ("29M", "no @"),
            ("0@0", "empty"),
            ("big@0", "size"),
            ("4G@0", "size"),
            ("1M@x", "base"),
            ("2M@0xfff00000", "beyond 4G"),
            ("@", "size"),
        ] {
            let message = text.parse::<CarveOut>().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
            assert!(message.contains("29M@0x6300000"), "{message}");
        }
    }

    #[test]
    fn a_plane_must_lie_inside_as_a_whole() {
        let carve_out: CarveOut = "1M@0x100000".parse().unwrap();
        assert!(carve_out.holds(PhysAddr(0x10_0000), 0x10_0000));
        assert!(!carve_out.holds(PhysAddr(0x0f_ffff), 2));
        assert!(!carve_out.holds(PhysAddr(0x1f_ffff), 2));
        assert!(!carve_out.holds(PhysAddr(u32::MAX), u64::from(u32::MAX)));
    }
}
