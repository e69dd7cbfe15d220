// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The PCI function's configuration space: 256 bytes, of which the guest may change a few.

use tx_isp_abi::pci::{CLASS, DEVICE, VENDOR, WINDOW_BYTES};

/// Its length in bytes.
pub const BYTES: usize = 256;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const CLASS_CODE: usize = 0x09;
const BAR0: usize = 0x10;
const SUBSYSTEM: usize = 0x2c;
const INTERRUPT_LINE: usize = 0x3c;
const INTERRUPT_PIN: usize = 0x3d;

/// Memory and bus master, and what forbids interrupts.
const COMMAND_WRITABLE: u16 = 0x0406;
const INTERRUPT_DISABLE: u16 = 0x0400;
/// The line is high.
const INTERRUPT_STATUS: u16 = 0x0008;
const PIN_A: u8 = 1;

/// The space.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: [u8; BYTES],
    writable: [u8; BYTES],
}

impl ConfigSpace {
    /// After power-up.
    pub fn new() -> Self {
        let mut space = Self {
            bytes: [0; BYTES],
            writable: [0; BYTES],
        };
        space.set(0, &VENDOR.to_le_bytes());
        space.set(2, &DEVICE.to_le_bytes());
        space.set(CLASS_CODE, &CLASS.to_le_bytes()[..3]);
        space.set(SUBSYSTEM, &VENDOR.to_le_bytes());
        space.set(SUBSYSTEM + 2, &DEVICE.to_le_bytes());
        space.set(INTERRUPT_PIN, &[PIN_A]);
        space.allow(COMMAND, &COMMAND_WRITABLE.to_le_bytes());
        // The lowest writable bit of a BAR tells its length.
        space.allow(BAR0, &(!(WINDOW_BYTES - 1)).to_le_bytes());
        space.allow(INTERRUPT_LINE, &[0xff]);
        space
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn allow(&mut self, at: usize, bits: &[u8]) {
        self.writable[at..at + bits.len()].copy_from_slice(bits);
    }

    /// Reads from an offset on; zeros behind the end.
    pub fn read(&self, offset: u64, data: &mut [u8], line: bool) {
        let mut bytes = self.bytes;
        if line {
            bytes[STATUS] |= INTERRUPT_STATUS.to_le_bytes()[0];
        }
        let from = usize::try_from(offset).unwrap_or(BYTES).min(BYTES);
        let mut there = bytes.iter().skip(from);
        for byte in data {
            *byte = there.next().copied().unwrap_or(0);
        }
    }

    /// Writes from an offset on what may be written.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let from = usize::try_from(offset).unwrap_or(BYTES).min(BYTES);
        let places = self.bytes.iter_mut().zip(&self.writable).skip(from);
        for ((byte, mask), value) in places.zip(data) {
            *byte = *byte & !mask | value & mask;
        }
    }

    /// Whether the guest has forbidden interrupts.
    pub fn forbids_interrupts(&self) -> bool {
        let command = u16::from_le_bytes([self.bytes[COMMAND], self.bytes[COMMAND + 1]]);
        command & INTERRUPT_DISABLE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(space: &ConfigSpace, offset: u64) -> u32 {
        let mut data = [0; 4];
        space.read(offset, &mut data, false);
        u32::from_le_bytes(data)
    }

    #[test]
    fn the_window_tells_its_length_and_keeps_its_place() {
        let mut space = ConfigSpace::new();
        assert_eq!(word(&space, 0), 0x7131_1234);
        assert_eq!(word(&space, 8), 0x0480_0000);
        space.write(0x10, &[0xff; 4]);
        assert_eq!(word(&space, 0x10), 0xfc00_0000);
        space.write(0x10, &0x1000_0000_u32.to_le_bytes());
        assert_eq!(word(&space, 0x10), 0x1000_0000);
        space.write(0, &[0xff; 4]);
        assert_eq!(word(&space, 0), 0x7131_1234);
    }

    #[test]
    fn the_line_is_seen_in_the_status_and_accesses_behind_the_end_do_nothing() {
        let mut space = ConfigSpace::new();
        let mut status = [0; 2];
        space.read(6, &mut status, true);
        assert_eq!(status, [8, 0]);
        space.write(254, &[1; 8]);
        let mut data = [7; 4];
        space.read(u64::MAX - 1, &mut data[..2], false);
        assert_eq!(data, [0, 0, 7, 7]);
        assert!(!space.forbids_interrupts());
        space.write(5, &[4]);
        assert!(space.forbids_interrupts());
    }
}
