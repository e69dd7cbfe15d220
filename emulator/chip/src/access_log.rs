// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The last register accesses, for reports: cheap to keep, decoded only when somebody asks.

use std::fmt;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::{BLOCKS, RegisterId};

/// How many different accesses are kept.
const KEPT: usize = 16;

/// A register access, as often as it came in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedAccess {
    /// Whether it was a write.
    pub write: bool,
    /// The register's address.
    pub address: PhysAddr,
    /// The value read or written.
    pub value: u32,
    /// How often it came in a row: a poll is one entry.
    pub times: u32,
}

impl fmt::Display for LoggedAccess {
    /// For example `W 0x13309804 0x000f0001 MSCA.CH_EN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.write { 'W' } else { 'R' };
        write!(f, "{kind} {} {:#010x} ", self.address, self.value)?;
        f.write_str(&register_name(self.address))?;
        if self.times > 1 {
            write!(f, " ({} times)", self.times)?;
        }
        Ok(())
    }
}

/// A register's block and name, with the channel's number where the block is a channel's: for example
/// `MSCA_CH1.Y_ADDR_CLR`; `?` where none is defined.
#[must_use]
pub fn register_name(address: PhysAddr) -> String {
    let block = BLOCKS
        .iter()
        .find(|block| block.offset_of(address).is_some());
    match (RegisterId::decode(address), block) {
        (Some(RegisterId::Channel(channel, register)), Some(block)) => {
            format!("{}{channel}.{}", block.name, register.describe().name)
        }
        (Some(id), Some(block)) => format!("{}.{}", block.name, id.describe().name),
        _ => "?".to_owned(),
    }
}

/// The last [`KEPT`] accesses.
#[derive(Clone, Debug)]
pub(super) struct AccessLog {
    ring: [LoggedAccess; KEPT],
    /// How many entries were made so far.
    made: usize,
}

impl Default for AccessLog {
    fn default() -> Self {
        let none = LoggedAccess {
            write: false,
            address: PhysAddr(0),
            value: 0,
            times: 0,
        };
        Self {
            ring: [none; KEPT],
            made: 0,
        }
    }
}

impl AccessLog {
    pub(super) fn note(&mut self, write: bool, address: PhysAddr, value: u32) {
        let last = &mut self.ring[self.made.wrapping_sub(1) % KEPT];
        if last.times > 0 && (last.write, last.address, last.value) == (write, address, value) {
            last.times = last.times.saturating_add(1);
            return;
        }
        self.ring[self.made % KEPT] = LoggedAccess {
            write,
            address,
            value,
            times: 1,
        };
        self.made = self.made.wrapping_add(1);
    }

    pub(super) fn oldest_first(&self) -> Vec<LoggedAccess> {
        (0..KEPT)
            .map(|offset| self.ring[(self.made.wrapping_add(offset)) % KEPT])
            .filter(|access| access.times > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sixteen_are_kept_in_order() {
        let mut access_log = AccessLog::default();
        assert!(access_log.oldest_first().is_empty());
        (0..20).for_each(|value| access_log.note(true, PhysAddr(0x1330_9804), value));
        let values: Vec<u32> = access_log.oldest_first().iter().map(|a| a.value).collect();
        assert_eq!(values, (4..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_poll_is_one_entry_and_names_its_register() {
        let mut access_log = AccessLog::default();
        access_log.note(true, PhysAddr(0x1330_9a9c), 1);
        (0..3001).for_each(|_| access_log.note(false, PhysAddr(0x1330_9808), 1));
        access_log.note(false, PhysAddr(0x1234_0000), 0);
        let texts: Vec<String> = access_log
            .oldest_first()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "W 0x13309a9c 0x00000001 MSCA_CH1.Y_ADDR_CLR",
                "R 0x13309808 0x00000001 MSCA.CH_STAT (3001 times)",
                "R 0x12340000 0x00000000 ?",
            ]
        );
    }
}
