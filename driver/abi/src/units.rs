// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ranges of physical memory, and how people write them: `SIZE@BASE`, as on the kernel's command line.

use core::fmt;
use core::num::IntErrorKind;
use core::str::FromStr;

use crate::PhysAddr;

/// A range of physical memory; it is not empty, and ends below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    /// First byte.
    pub base: PhysAddr,
    /// Length in bytes.
    pub bytes: u32,
}

/// Why a text is no range of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseRangeError {
    /// Not of the form `SIZE@BASE`.
    NoBase,
    /// The size is no number.
    Size,
    /// The base is no number.
    Base,
    /// Zero bytes.
    Empty,
    /// The end is not below 4 GiB.
    End,
}

/// Why a text is no number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseBytesError {
    /// It is no number.
    Syntax,
    /// It is not below 4 GiB.
    TooLarge,
}

impl fmt::Display for ParseRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::NoBase => "there is no @",
            Self::Size => "the size is no number",
            Self::Base => "the base is no number",
            Self::Empty => "it is empty",
            Self::End => "it ends beyond 4G",
        };
        write!(f, "{what}; use SIZE@BASE, for example 29M@0x6300000")
    }
}

impl core::error::Error for ParseRangeError {}

impl PhysRange {
    /// The address behind its last byte.
    #[must_use]
    pub fn end(self) -> u64 {
        u64::from(self.base.0) + u64::from(self.bytes)
    }

    /// Whether `bytes` from `start` on lie in it as a whole.
    #[must_use]
    pub fn holds(self, start: PhysAddr, bytes: u64) -> bool {
        let end = u64::from(start.0) + bytes;
        start >= self.base && end <= self.end()
    }
}

impl fmt::Display for PhysRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}@{:#010x}", self.bytes, self.base.0)
    }
}

impl FromStr for PhysRange {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Self, ParseRangeError> {
        let (bytes, base) = text.split_once('@').ok_or(ParseRangeError::NoBase)?;
        let number = |text, syntax| {
            parse_bytes(text).map_err(|error| match error {
                ParseBytesError::Syntax => syntax,
                ParseBytesError::TooLarge => ParseRangeError::End,
            })
        };
        let bytes = number(bytes, ParseRangeError::Size)?;
        let base = number(base, ParseRangeError::Base)?;
        if bytes == 0 {
            return Err(ParseRangeError::Empty);
        }
        if base.checked_add(bytes).is_none() {
            return Err(ParseRangeError::End);
        }
        Ok(Self {
            base: PhysAddr(base),
            bytes,
        })
    }
}

/// A number of bytes as the kernel's memparse() reads it: decimal or 0x…, with a suffix K, M or G for
/// powers of 1024.
///
/// # Errors
/// [`ParseBytesError`].
pub fn parse_bytes(text: &str) -> Result<u32, ParseBytesError> {
    let (last, _) = text
        .char_indices()
        .next_back()
        .ok_or(ParseBytesError::Syntax)?;
    let (digits, shift) = match &text[last..] {
        "k" | "K" => (&text[..last], 10),
        "m" | "M" => (&text[..last], 20),
        "g" | "G" => (&text[..last], 30),
        _ => (text, 0),
    };
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((digits, 10), |digits| (digits, 16));
    // The parser of numbers would take a sign.
    if digits.starts_with('+') {
        return Err(ParseBytesError::Syntax);
    }
    let number = u32::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => ParseBytesError::TooLarge,
        _ => ParseBytesError::Syntax,
    })?;
    number
        .checked_mul(1 << shift)
        .ok_or(ParseBytesError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_range_is_written_as_on_the_kernels_command_line() {
        let range: PhysRange = "29M@0x6300000".parse().unwrap();
        assert_eq!((range.base.0, range.bytes), (0x630_0000, 29 << 20));
        assert_eq!("0x1d00000@103809024".parse(), Ok(range));
        assert_eq!("29696k@0X6300000".parse(), Ok(range));
        assert_eq!(range.to_string().parse(), Ok(range));
    }

    #[test]
    fn what_is_no_range_is_told_with_an_example() {
        use ParseRangeError::{Base, Empty, End, NoBase, Size};
        for (text, error) in [
            ("29M", NoBase),
            ("@0", Size),
            ("big@0", Size),
            ("-1@0", Size),
            ("+1@0", Size),
            ("29MB@0", Size),
            ("4G@0", End),
            ("99999999999@0", End),
            ("1M@", Base),
            ("1M@x", Base),
            ("0@0", Empty),
            ("2M@0xfff00000", End),
            // The byte behind the last one has no address.
            ("1M@0xfff00000", End),
            ("1Mé@0", Size),
        ] {
            assert_eq!(text.parse::<PhysRange>(), Err(error), "{text}");
        }
        assert!(NoBase.to_string().contains("29M@0x6300000"));
    }

    #[test]
    fn a_plane_must_lie_inside_as_a_whole() {
        let range: PhysRange = "1M@0x100000".parse().unwrap();
        assert!(range.holds(PhysAddr(0x10_0000), 0x10_0000));
        assert!(!range.holds(PhysAddr(0x0f_ffff), 2));
        assert!(!range.holds(PhysAddr(0x1f_ffff), 2));
        assert!(!range.holds(PhysAddr(u32::MAX), u64::from(u32::MAX)));
    }
}
