// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading the text format.

use super::Access;
use tx_isp_abi::PhysAddr;

/// A line that is no access, by its number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: {what}: {text:?}; a line is `R|W ADDRESS VALUE [@SECONDS] [# COMMENT]`, numbers in hexadecimal"
)]
pub struct ParseTraceError {
    /// The line's number, counted from 1.
    pub line: usize,
    what: &'static str,
    text: String,
}

/// KSEG0 and KSEG1 show the lowest 512 MiB again from here on (facts 1.1).
const KSEG0: u32 = 0x8000_0000;
const KSEG2: u32 = 0xc000_0000;
const PHYSICAL: u32 = 0x1fff_ffff;

/// Reads a trace.
///
/// # Errors
/// [`ParseTraceError`] at the first line that is neither access nor comment nor empty.
pub fn parse(text: &str) -> Result<Vec<Access>, ParseTraceError> {
    let mut accesses = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        let access = parse_access(content).map_err(|what| ParseTraceError {
            line: index + 1,
            what,
            text: line.to_owned(),
        })?;
        accesses.push(access);
    }
    Ok(accesses)
}

fn parse_access(content: &str) -> Result<Access, &'static str> {
    let (front, content) = match content.strip_prefix('[') {
        Some(rest) => {
            let (time, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
            (Some(seconds(time.trim()).ok_or("that is no time")?), rest)
        }
        None => (None, content),
    };
    let mut words = content.split_whitespace();
    let write = match words.next() {
        Some("R" | "r") => false,
        Some("W" | "w") => true,
        _ => return Err("neither R nor W"),
    };
    let address = words.next().and_then(hexadecimal);
    let address = address.ok_or("the address is no number of 32 bits")?;
    let value = words.next().and_then(hexadecimal);
    let value = value.ok_or("the value is no number of 32 bits")?;
    let back = match words.next() {
        Some(word) => {
            let time = word.strip_prefix('@').and_then(seconds);
            Some(time.ok_or("that is no time")?)
        }
        None => None,
    };
    if words.next().is_some() {
        return Err("there is more than an access");
    }
    let address = match address {
        KSEG0..KSEG2 => address & PHYSICAL,
        physical => physical,
    };
    if !address.is_multiple_of(4) {
        return Err("registers are at multiples of 4");
    }
    Ok(Access {
        at_ns: front.or(back),
        write,
        address: PhysAddr(address),
        value,
    })
}

fn hexadecimal(word: &str) -> Option<u32> {
    let digits = word.strip_prefix("0x").or(word.strip_prefix("0X"));
    let digits = digits.unwrap_or(word);
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Seconds with up to nine digits behind the point, as nanoseconds.
fn seconds(word: &str) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds: u64 = format!("{fraction:0<9}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_an_access_are_read() {
        let text = "# stock driver\n\nW 0x13309804 0x000f0001 @1.204519  # MSCA.CH_EN\n\
                    [   12.5] r b3309808 1\nR 0x13300000 0X54560031\n";
        let accesses = parse(text).unwrap();
        let told: Vec<String> = accesses.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "W 0x13309804 0x000f0001 @1.204519000",
                "R 0x13309808 0x00000001 @12.500000000",
                "R 0x13300000 0x54560031",
            ]
        );
        assert_eq!(parse(&told.join("\n")).unwrap(), accesses);
    }

    #[test]
    fn a_malformed_line_is_named() {
        for (line, what) in [
            ("X 0x13300000 0", "neither R nor W"),
            ("R 13300000g 0", "address"),
            ("R 0x13300000", "value"),
            ("R 0x133000000 0", "address"),
            ("R 0x13300001 0", "multiples of 4"),
            ("R 0x13300000 +1", "value"),
            ("R 0x13300000 0 @x", "no time"),
            ("R 0x13300000 0 1.5", "no time"),
            ("R 0x13300000 0 @1 2", "more than an access"),
            ("[1.0 R 0x13300000 0", "bracket"),
        ] {
            let error = parse(&format!("# one\nR 0x13300000 0\n{line}\n")).unwrap_err();
            assert_eq!(error.line, 3);
            let message = error.to_string();
            assert!(
                message.contains("line 3") && message.contains(what),
                "{message}"
            );
        }
    }
}
