// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading the traces that other programs print.

use super::Access;
use super::numbers::{hexadecimal, hexadecimal_64, physical, seconds, unmapped};

/// What lies at the chip's registers (T31 1.1).
const REGISTERS: std::ops::Range<u64> = 0x1000_0000..0x1400_0000;

/// A line of another program's trace: the access, if it is one of a register. `None` for a line of this format.
///
/// | who prints it | a line |
/// |---|---|
/// | the kernel's mmiotrace | `R|W WIDTH SECONDS MAP-ID PHYSICAL VALUE PC PID`, and notes |
/// | QEMU's plugin `mem` with `print-accesses` | `PC,SYMBOL,VIRTUAL,PHYSICAL,BITS,load|store,VALUE` |
/// | QEMU's trace events `memory_region_ops_*` | `… cpu N mr P addr A value V size BYTES name 'N'` |
pub(super) fn parse_foreign(content: &str) -> Option<Result<Option<Access>, &'static str>> {
    parse_mmiotrace(content)
        .or_else(|| parse_plugin(content))
        .or_else(|| parse_event(content))
}

/// What another program told of an access.
struct Told<'a> {
    at_ns: Option<u64>,
    write: bool,
    bytes: u64,
    address: &'a str,
    value: &'a str,
}

impl Told<'_> {
    /// An access of a register; nothing where there are none.
    fn access(&self) -> Result<Option<Access>, &'static str> {
        let address = hexadecimal_64(self.address).ok_or("the address is no number")?;
        let address = u32::try_from(address).map_or(address, |low| u64::from(unmapped(low)));
        if !REGISTERS.contains(&address) {
            return Ok(None);
        }
        let address = u32::try_from(address).ok().and_then(physical);
        let address = address.ok_or("registers are at multiples of 4")?;
        if self.bytes != 4 {
            return Err("a register is read and written with 4 bytes");
        }
        let value = hexadecimal(self.value).ok_or("the value is no number of 32 bits")?;
        Ok(Some(Access {
            at_ns: self.at_ns,
            write: self.write,
            address,
            value,
        }))
    }
}

fn parse_mmiotrace(content: &str) -> Option<Result<Option<Access>, &'static str>> {
    let words: Vec<&str> = content.split_whitespace().collect();
    match *words.as_slice() {
        [
            "VERSION" | "LSPCI" | "PCIDEV" | "MAP" | "UNMAP" | "MARK",
            ..,
        ] => Some(Ok(None)),
        ["UNKNOWN", _, _, address, ..] => {
            let lost = hexadecimal_64(address).is_some_and(|at| REGISTERS.contains(&at));
            Some(if lost {
                Err("mmiotrace did not understand this access")
            } else {
                Ok(None)
            })
        }
        [kind @ ("R" | "W"), bytes, at, _, address, value, _, _] => {
            let told = Told {
                at_ns: Some(seconds(at)?),
                write: kind == "W",
                bytes: bytes.parse().ok()?,
                address,
                value,
            };
            Some(told.access())
        }
        _ => None,
    }
}

fn parse_plugin(content: &str) -> Option<Result<Option<Access>, &'static str>> {
    let fields: Vec<&str> = content.split(',').map(str::trim).collect();
    let [.., _, address, bits, kind, value] = *fields.as_slice() else {
        return None;
    };
    if (bits, kind) == ("access_size", "access_type") {
        return Some(Ok(None));
    }
    let told = Told {
        at_ns: None,
        write: match kind {
            "load" => false,
            "store" => true,
            _ => return None,
        },
        bytes: bits.parse::<u64>().ok()? / 8,
        address,
        value,
    };
    Some(told.access())
}

fn parse_event(content: &str) -> Option<Result<Option<Access>, &'static str>> {
    let (front, event) = content.split_once("memory_region_ops_")?;
    let (event, fields) = event.split_once(' ')?;
    let words: Vec<&str> = fields.split_whitespace().collect();
    let field = |name: &str| {
        let place = words.iter().position(|word| *word == name)?;
        words.get(place + 1).copied()
    };
    let time = front.rsplit_once('@').map(|(_, time)| time);
    let told = Told {
        at_ns: time.and_then(|time| seconds(time.trim_end_matches(':'))),
        write: match event {
            "write" => true,
            "read" => false,
            _ => return None,
        },
        bytes: field("size")?.parse().ok()?,
        address: field("addr")?,
        value: field("value")?,
    };
    Some(told.access())
}
