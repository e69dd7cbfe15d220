// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The carve-out on the kernel command line, in the vendor's syntax: `rmem=SIZE@BASE`, for example
//! `rmem=29M@0x6300000` on a Wyze Cam v3 (facts 5.1).

use tx_isp_abi::PhysAddr;

/// A range of physical memory that Linux does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarveOut {
    /// First byte.
    pub base: PhysAddr,
    /// Length in bytes.
    pub bytes: u32,
}

/// The `rmem=` on the command line cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RmemError {
    /// Not of the form `SIZE@BASE`.
    Syntax,
    /// Zero bytes, or the end lies beyond 4 GiB.
    Range,
}

/// The carve-out that `command_line` gives; `Ok(None)` where it gives none. As on the cameras, the
/// last one counts.
///
/// # Errors
/// [`RmemError`] for a value that is no range.
pub fn parse(command_line: &str) -> Result<Option<CarveOut>, RmemError> {
    command_line
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix("rmem="))
        .next_back()
        .map(parse_range)
        .transpose()
}

fn parse_range(text: &str) -> Result<CarveOut, RmemError> {
    let (bytes, base) = text.split_once('@').ok_or(RmemError::Syntax)?;
    let bytes = parse_number(bytes)?;
    let base = parse_number(base)?;
    if bytes == 0 || base.checked_add(bytes).is_none() {
        return Err(RmemError::Range);
    }
    Ok(CarveOut {
        base: PhysAddr(base),
        bytes,
    })
}

/// A number as the kernel's memparse() reads it: decimal or 0x…, with a suffix K, M or G.
fn parse_number(text: &str) -> Result<u32, RmemError> {
    let (digits, shift) = match text.as_bytes().last().ok_or(RmemError::Syntax)? {
        b'k' | b'K' => (&text[..text.len() - 1], 10),
        b'm' | b'M' => (&text[..text.len() - 1], 20),
        b'g' | b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => digits.parse(),
    };
    let number = number.map_err(|_| RmemError::Syntax)?;
    number.checked_mul(1 << shift).ok_or(RmemError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cameras_boot_arguments_are_understood() {
        for (text, base, bytes) in [
            (
                "mem=99M@0x0 rmem=29M@0x6300000 console=ttyS1",
                0x630_0000,
                30_408_704,
            ),
            ("rmem=15644K@0x30B9000", 0x30b_9000, 16_019_456),
            ("rmem=22544384@0x2a80000", 0x2a8_0000, 22_544_384),
            ("rmem=1M@0 rmem=2m@16M", 0x100_0000, 2 << 20),
        ] {
            let carve_out = CarveOut {
                base: PhysAddr(base),
                bytes,
            };
            assert_eq!(parse(text), Ok(Some(carve_out)), "{text}");
        }
        assert_eq!(parse("mem=99M@0x0 console=ttyS0 ispmem=8M@0"), Ok(None));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "rmem=",
            "rmem=29M",
            "rmem=29M@",
            "rmem=@0",
            "rmem=x@0",
            "rmem=29MB@0",
            "rmem=-1@0",
        ] {
            assert_eq!(parse(text), Err(RmemError::Syntax), "{text}");
        }
        for text in ["rmem=0@0x100000", "rmem=1M@0xffffffff", "rmem=8G@0"] {
            assert_eq!(parse(text), Err(RmemError::Range), "{text}");
        }
    }
}
