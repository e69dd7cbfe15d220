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

impl ParseTraceError {
    pub(super) fn new(line: usize, what: &'static str, text: &str) -> Self {
        Self {
            line,
            what,
            text: text.to_owned(),
        }
    }
}

/// KSEG0 and KSEG1 show the lowest 512 MiB again from here on (T31 1.1).
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
        if is_mmiotrace_note(content) {
            continue;
        }
        let access = parse_mmiotrace(content)
            .or_else(|| parse_qemu(content))
            .map_or_else(|| parse_access(content), Ok);
        let access = access.map_err(|what| ParseTraceError::new(index + 1, what, line))?;
        accesses.push(access);
    }
    Ok(accesses)
}

/// Lines of the kernel's mmiotrace that are no access.
fn is_mmiotrace_note(content: &str) -> bool {
    let notes = ["VERSION", "LSPCI", "PCIDEV", "MAP", "UNMAP", "MARK"];
    let first = content.split_whitespace().next();
    first.is_some_and(|word| notes.contains(&word))
}

/// An access as the kernel's mmiotrace prints it: `R|W WIDTH SECONDS MAP-ID ADDRESS VALUE PC PID`.
fn parse_mmiotrace(content: &str) -> Option<Access> {
    let words: Vec<&str> = content.split_whitespace().collect();
    let [kind @ ("R" | "W"), "4", at, _, address, value, _, _] = *words.as_slice() else {
        return None;
    };
    Some(Access {
        at_ns: Some(seconds(at)?),
        write: kind == "W",
        address: physical(hexadecimal(address)?)?,
        value: hexadecimal(value)?,
    })
}

/// An access as QEMU's memory_region_ops trace events print it.
fn parse_qemu(content: &str) -> Option<Access> {
    let at = content.find("memory_region_ops_")?;
    let (event, fields) = content[at..].split_once(' ')?;
    let words: Vec<&str> = fields.split_whitespace().collect();
    let field = |name: &str| {
        let place = words.iter().position(|word| *word == name)?;
        hexadecimal(words.get(place + 1)?)
    };
    (field("size") == Some(4)).then_some(())?;
    Some(Access {
        at_ns: None,
        write: event == "memory_region_ops_write",
        address: physical(field("addr")?)?,
        value: field("value")?,
    })
}

/// A register's physical address; `None` inside a word.
fn physical(address: u32) -> Option<PhysAddr> {
    let address = match address {
        KSEG0..KSEG2 => address & PHYSICAL,
        physical => physical,
    };
    address.is_multiple_of(4).then_some(PhysAddr(address))
}

pub(super) fn parse_access(content: &str) -> Result<Access, &'static str> {
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
    let address = physical(address).ok_or("registers are at multiples of 4")?;
    Ok(Access {
        at_ns: front.or(back),
        write,
        address,
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
    fn the_kernels_and_qemus_traces_are_read() {
        let text = "VERSION 20070824\nMAP 1.0 1 0x13300000 0xc0a00000 0x100000 0x0 0\n\
                    W 4 12.500000 1 0x13309804 0xf0001 0x0 0\nR 4 12.6 1 0xb3309808 0x1 0x0 0\n\
                    1234@1700000000.123456:memory_region_ops_write cpu 0 mr 0x55aa addr 0x133e0000 value 0x1 size 4 name 'isp'\n\
                    memory_region_ops_read cpu 0 mr 0x55aa addr 0x133e01e0 value 0x0 size 4\n";
        let told: Vec<String> = parse(text)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "W 0x13309804 0x000f0001 @12.500000000",
                "R 0x13309808 0x00000001 @12.600000000",
                "W 0x133e0000 0x00000001",
                "R 0x133e01e0 0x00000000",
            ]
        );
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
