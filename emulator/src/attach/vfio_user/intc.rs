// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The SoC's interrupt controller: 64 level-triggered sources, a mask for each, one output. Its registers
//! are those that all SoCs of this family have had since the JZ4770.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};

/// Its first register's address (T31 1.1).
const BASE: u32 = 0x1000_1000;
/// From one bank of 32 sources to the next.
const BANK_BYTES: u32 = 0x20;
const BANKS: usize = 2;

/// What the sources are, unmasked or not.
const SOURCE: u32 = 0x00;
/// The mask: a source whose bit is set is not heard.
const MASK: u32 = 0x04;
/// Sets bits of the mask.
const MASK_SET: u32 = 0x08;
/// Clears bits of the mask.
const MASK_CLEAR: u32 = 0x0c;
/// The sources that are heard.
const PENDING: u32 = 0x10;

/// The ISP core's source (T31 1.2).
const ISP: u32 = 29;
/// The VIC's source (T31 1.2).
const VIC: u32 = 30;

/// The controller.
#[derive(Clone, Debug)]
pub struct Intc {
    mask: [u32; BANKS],
    sources: [u32; BANKS],
}

impl Default for Intc {
    /// After power-up: nothing is heard.
    fn default() -> Self {
        Self {
            mask: [u32::MAX; BANKS],
            sources: [0; BANKS],
        }
    }
}

impl Intc {
    /// Whether an address is one of its registers.
    pub fn has(address: PhysAddr) -> bool {
        locate(address).is_some()
    }

    /// The levels of the ISP's lines.
    pub fn set_lines(&mut self, lines: u32) {
        let bit = |line: u32, source: u32| u32::from(lines & line != 0) << source;
        self.sources[0] = bit(LINE_CORE, ISP) | bit(LINE_VIC, VIC);
    }

    /// The output's level.
    pub fn output(&self) -> bool {
        (0..BANKS).any(|bank| self.pending(bank) != 0)
    }

    /// Reads a register.
    pub fn read(&self, address: PhysAddr) -> u32 {
        match locate(address) {
            Some((bank, SOURCE)) => self.sources[bank],
            Some((bank, MASK)) => self.mask[bank],
            Some((bank, PENDING)) => self.pending(bank),
            _ => 0,
        }
    }

    /// Writes a register.
    pub fn write(&mut self, address: PhysAddr, value: u32) {
        match locate(address) {
            Some((bank, MASK)) => self.mask[bank] = value,
            Some((bank, MASK_SET)) => self.mask[bank] |= value,
            Some((bank, MASK_CLEAR)) => self.mask[bank] &= !value,
            _ => {}
        }
    }

    fn pending(&self, bank: usize) -> u32 {
        self.sources[bank] & !self.mask[bank]
    }
}

/// Bank and offset in it of a register.
fn locate(address: PhysAddr) -> Option<(usize, u32)> {
    let offset = address.0.checked_sub(BASE)?;
    let bank = usize::try_from(offset / BANK_BYTES).ok()?;
    let register = offset % BANK_BYTES;
    (bank < BANKS && register <= PENDING && register.is_multiple_of(4)).then_some((bank, register))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(offset: u32) -> PhysAddr {
        PhysAddr(BASE + offset)
    }

    #[test]
    fn a_source_is_heard_when_its_mask_is_cleared() {
        let mut intc = Intc::default();
        intc.set_lines(LINE_CORE | LINE_VIC);
        assert_eq!(intc.read(at(SOURCE)), 0x6000_0000);
        assert!(!intc.output());
        intc.write(at(MASK_CLEAR), 1 << 30);
        assert!(intc.output());
        assert_eq!(intc.read(at(PENDING)), 1 << 30);
        intc.write(at(MASK_SET), 1 << 30);
        assert!(!intc.output());
        intc.write(at(MASK_CLEAR), 1 << 29);
        intc.set_lines(LINE_VIC);
        assert!(!intc.output());
    }

    #[test]
    fn both_banks_have_their_registers() {
        let mut intc = Intc::default();
        intc.write(at(BANK_BYTES + MASK), 0x1234);
        assert_eq!(intc.read(at(BANK_BYTES + MASK)), 0x1234);
        assert_eq!(intc.read(at(MASK)), u32::MAX);
        assert!(!Intc::has(at(0x40)) && !Intc::has(at(0x14)) && Intc::has(at(0x30)));
    }
}
