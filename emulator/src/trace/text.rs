// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading the text format.

use std::fmt;
use std::time::Duration;

use super::Access;
use super::foreign::parse_foreign;
use super::numbers::{hexadecimal, in_efuse, physical, seconds};
use tx_isp_abi::PhysAddr;

/// A line of a trace that is no comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A register is read or written.
    Access(Access),
    /// A register is read, whatever it gives.
    AnyRead(PhysAddr),
    /// Frames pass.
    Frames(u32),
    /// Time passes.
    Wait(Duration),
}

impl fmt::Display for Step {
    /// As [`parse_steps`] reads it, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(access) => access.fmt(f),
            Self::AnyRead(address) => write!(f, "R {address} *"),
            Self::Frames(count) => write!(f, "F {count}"),
            Self::Wait(time) => write!(f, "U {}", time.as_micros()),
        }
    }
}

/// A line that is no step, by its number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: {what}: {text:?}; a line is `R|W ADDRESS VALUE [@SECONDS] [# COMMENT]`, in hexadecimal, `R ADDRESS *`, `F FRAMES` or `U MICROSECONDS`"
)]
pub struct ParseTraceError {
    /// The line's number, counted from 1.
    pub line: usize,
    what: &'static str,
    text: String,
}

impl ParseTraceError {
    fn new(line: usize, what: &'static str, text: &str) -> Self {
        Self {
            line,
            what,
            text: text.to_owned(),
        }
    }
}

/// The most frames that one line lets pass: some seconds' work.
const MAX_FRAMES: u32 = 1_000_000;

/// Reads the accesses of a trace: without frames and time that pass, and without reads of any value.
///
/// # Errors
/// As [`parse_steps`].
pub fn parse(text: &str) -> Result<Vec<Access>, ParseTraceError> {
    let steps = parse_steps(text)?.into_iter();
    let accesses = steps.filter_map(|(_, step)| match step {
        Step::Access(access) => Some(access),
        Step::AnyRead(_) | Step::Frames(_) | Step::Wait(_) => None,
    });
    Ok(accesses.collect())
}

/// Reads a trace: each step with its line's number, counted from 1.
///
/// # Errors
/// [`ParseTraceError`] at the first line that is neither step nor comment nor empty.
pub fn parse_steps(text: &str) -> Result<Vec<(usize, Step)>, ParseTraceError> {
    let mut steps = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        let step = match parse_foreign(content) {
            Some(access) => access.map(|access| access.map(Step::Access)),
            None => parse_step(content).map(Some),
        };
        let step = step.map_err(|what| ParseTraceError::new(index + 1, what, line))?;
        steps.extend(step.map(|step| (index + 1, step)));
    }
    Ok(steps)
}

fn parse_step(content: &str) -> Result<Step, &'static str> {
    let mut words = content.split_whitespace();
    let number = |word: Option<&str>| {
        let number = word.and_then(|word| word.parse::<u32>().ok());
        number.ok_or("the count is no decimal number of 32 bits")
    };
    let step = match (words.next(), words.next()) {
        (Some("F" | "f"), count) => match number(count)? {
            count @ 0..=MAX_FRAMES => Step::Frames(count),
            _ => return Err("one line lets at most 1000000 frames pass"),
        },
        (Some("U" | "u"), count) => Step::Wait(Duration::from_micros(number(count)?.into())),
        (Some("R" | "r"), Some(address)) if words.next() == Some("*") => {
            if words.next().is_some() {
                return Err("there is more than an access");
            }
            let access = parse_access(&format!("R {address} 0"))?;
            return Ok(Step::AnyRead(access.address));
        }
        _ => return parse_access(content).map(Step::Access),
    };
    match words.next() {
        None => Ok(step),
        Some(_) => Err("there is more than a count"),
    }
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
        _ => return Err("none of R, W, F and U"),
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
    let efuse = in_efuse(address).filter(|_| !write);
    let address = physical(address).or(efuse);
    let address = address.ok_or("registers are at multiples of 4")?;
    Ok(Access {
        at_ns: front.or(back),
        write,
        address,
        value,
    })
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

    fn told(text: &str) -> Vec<String> {
        let accesses = parse(text).unwrap();
        accesses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn steps_are_shown_as_they_are_read_and_only_accesses_have_values() {
        let text = "R 0x13300000 *\nF 3\nU 100\nW 0x13300008 0x00000001";
        let steps = parse_steps(text).unwrap();
        let shown: Vec<String> = steps.iter().map(|(_, step)| step.to_string()).collect();
        assert_eq!(shown.join("\n"), text);
        assert_eq!(told(text), ["W 0x13300008 0x00000001"]);
    }

    /// As the kernel's `Documentation/trace/mmiotrace.rst` describes it, with an access of another device.
    #[test]
    fn the_kernels_mmiotrace_is_read() {
        let text = "VERSION 20070824\n\
                    PCIDEV 0090 12347131 a 10000000 0 0 0 0 0 0 4000000 0 0 0 0 0 0 tx-isp\n\
                    MAP 183.340216 1 0x13300000 0xc0a00000 0x100000 0xc0004000 0\n\
                    W 4 183.340220 1 0x13309804 0xf0001 0xc0004010 0\n\
                    R 4 183.340301 1 0x13309808 0x1 0xc0004020 0\n\
                    R 1 183.340400 2 0xfed00001 0x7f 0xc0004030 0\n\
                    UNKNOWN 183.340410 2 0xfed00010 0f,b6,00 0xc0004040 0\n\
                    MARK 183.340500 stream off\nMARK 0.000000 Lost 12 events.\n\
                    UNMAP 183.340600 1 0xc0004050 0\n";
        assert_eq!(
            told(text),
            [
                "W 0x13309804 0x000f0001 @183.340220000",
                "R 0x13309808 0x00000001 @183.340301000",
            ]
        );
    }

    /// As QEMU's `contrib` plugin `mem` prints it, for all memory, and its trace events.
    #[test]
    fn qemus_traces_are_read() {
        let plugin = "insn_vaddr,insn_symbol,mem_vaddr,mem_hwaddr,access_size,access_type,mem_value\n\
                      0x80104a2c,memcpy,0x8fc01000,0xfc01000,32,store,0x00000000\n\
                      0xc0012340,,0xb3309804,0x13309804,32,store,0x000f0001\n\
                      0xc0012344,poll, with a comma,0xc0a01808,0x13309808,32,load,0x00000001\n\
                      0x80104a30,memcpy,0x8fc01004,0xfc01004,8,load,0x12\n";
        assert_eq!(
            told(plugin),
            ["W 0x13309804 0x000f0001", "R 0x13309808 0x00000001"]
        );
        let events = "1234@1700000000.123456:memory_region_ops_write cpu 0 mr 0x55aa addr 0x133e0000 value 0x1 size 4 name 'isp'\n\
                      memory_region_ops_read cpu 0 mr 0x55aa addr 0x133e01e0 value 0x0 size 4\n\
                      memory_region_ops_read cpu 0 mr 0x55ab addr 0x180003f8 value 0x60 size 1 name 'serial'\n";
        assert_eq!(
            told(events),
            [
                "W 0x133e0000 0x00000001 @1700000000.123456000",
                "R 0x133e01e0 0x00000000",
            ]
        );
    }

    #[test]
    fn an_access_of_a_register_that_is_not_one_of_a_word_is_named() {
        for (line, what) in [
            ("R 2 1.5 1 0x13300000 0x31 0x0 0", "with 4 bytes"),
            ("W 4 1.5 1 0x13300002 0x31 0x0 0", "multiples of 4"),
            (
                "UNKNOWN 1.5 1 0x13300000 0f,b6,00 0x0 0",
                "did not understand",
            ),
            ("0x0,,0xb3300000,0x13300000,8,load,0x31", "with 4 bytes"),
            ("0x0,,0xb3300000,0x13300000,32,load,0x100000000", "value"),
        ] {
            let message = parse(line).unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn a_malformed_line_is_named() {
        for (line, what) in [
            ("X 0x13300000 0", "none of R, W, F and U"),
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
