// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads and stores of any width as accesses of 32-bit registers.
//!
//! A load of less than a word reads the register once and gives the bytes asked for; one that crosses
//! into the next register reads both. A store of less than a word leaves the other bytes of a register
//! that keeps what is written as they are, and writes zeros to those of any other: there a bit written
//! is a deed, and one that nobody wrote must not be done (assumption; the reference knows word accesses
//! alone).

use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::{Access, RegisterId};

/// Bytes of a register.
const WORD: u64 = 4;
const WORD_BYTES: usize = 4;

/// Where words are read and written.
pub trait Words {
    /// Reads a register.
    fn read(&mut self, address: PhysAddr) -> u32;
    /// Writes a register.
    fn write(&mut self, address: PhysAddr, value: u32);
}

/// Reads `data.len()` bytes from `address` on.
pub fn load(words: &mut impl Words, address: PhysAddr, data: &mut [u8]) {
    let mut at = u64::from(address.0);
    let mut rest = data;
    while !rest.is_empty() {
        let (register, skip, count) = part(at, rest.len());
        let bytes = words.read(register).to_le_bytes();
        let (now, later) = rest.split_at_mut(count);
        for (to, from) in now.iter_mut().zip(bytes.iter().skip(skip)) {
            *to = *from;
        }
        rest = later;
        at += count as u64;
    }
}

/// Writes `data` from `address` on.
pub fn store(words: &mut impl Words, address: PhysAddr, data: &[u8]) {
    let mut at = u64::from(address.0);
    let mut rest = data;
    while !rest.is_empty() {
        let (register, skip, count) = part(at, rest.len());
        let whole = count == WORD_BYTES;
        let before = match whole || !keeps_its_value(register) {
            true => 0,
            false => words.read(register),
        };
        let mut bytes = before.to_le_bytes();
        let (now, later) = rest.split_at(count);
        for (to, from) in bytes.iter_mut().skip(skip).zip(now) {
            *to = *from;
        }
        words.write(register, u32::from_le_bytes(bytes));
        rest = later;
        at += count as u64;
    }
}

/// The register at an address, the byte in it, and how many of `length` bytes are in it.
fn part(at: u64, length: usize) -> (PhysAddr, usize, usize) {
    let skip = usize::try_from(at % WORD).unwrap_or(0);
    let register = u32::try_from(at - at % WORD).unwrap_or(!3);
    (PhysAddr(register), skip, length.min(WORD_BYTES - skip))
}

fn keeps_its_value(register: PhysAddr) -> bool {
    RegisterId::decode(register).is_some_and(|id| id.describe().access == Access::ReadWrite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tx_isp_abi::registers::{Core, Vic};

    #[derive(Default)]
    struct Log(Vec<(char, u32, u32)>);

    impl Words for Log {
        fn read(&mut self, address: PhysAddr) -> u32 {
            let value = 0x4433_2211_u32.wrapping_add(address.0 & 0xff);
            self.0.push(('R', address.0, value));
            value
        }

        fn write(&mut self, address: PhysAddr, value: u32) {
            self.0.push(('W', address.0, value));
        }
    }

    fn loaded<const N: usize>(address: u32) -> ([u8; N], usize) {
        let mut log = Log::default();
        let mut data = [0; N];
        load(&mut log, PhysAddr(address), &mut data);
        (data, log.0.len())
    }

    #[test]
    fn loads_of_every_width_read_a_register_once() {
        assert_eq!(loaded(0x1330_0000), ([0x11, 0x22, 0x33, 0x44], 1));
        assert_eq!(loaded(0x1330_0002), ([0x33, 0x44], 1));
        assert_eq!(loaded(0x1330_0001), ([0x22], 1));
        // The vendor's library loads a word at an odd address.
        assert_eq!(loaded(0x1330_0001), ([0x22, 0x33, 0x44, 0x15], 2));
    }

    #[test]
    fn a_narrow_store_keeps_the_rest_only_where_it_is_kept() {
        let keeps = Vic::FrameSize.address();
        let deed = Core::IrqClear.address();
        let mut log = Log::default();
        store(&mut log, PhysAddr(keeps.0 + 1), &[0xaa]);
        let before = 0x4433_2211_u32.wrapping_add(keeps.0 & 0xff);
        let after = before & !0xff00 | 0xaa00;
        assert_eq!(log.0, [('R', keeps.0, before), ('W', keeps.0, after)]);
        let mut log = Log::default();
        store(&mut log, PhysAddr(deed.0 + 1), &[0x10]);
        assert_eq!(log.0, [('W', deed.0, 0x1000)]);
        let mut log = Log::default();
        store(&mut log, keeps, &[1, 2, 3, 4]);
        assert_eq!(log.0, [('W', keeps.0, 0x0403_0201)]);
    }
}
