// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The carve-out on the kernel command line, in the vendor's syntax: `rmem=SIZE@BASE`, for example
//! `rmem=29M@0x6300000` on a Wyze Cam v3 (T31 5.1).

use tx_isp_abi::units::ParseRangeError;

/// A range of physical memory that Linux does not see.
pub use tx_isp_abi::units::PhysRange as CarveOut;

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
    text.parse().map_err(|error| match error {
        ParseRangeError::NoBase | ParseRangeError::Size | ParseRangeError::Base => {
            RmemError::Syntax
        }
        ParseRangeError::Empty | ParseRangeError::End => RmemError::Range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::PhysAddr;

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
