// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What client libraries read of the SoC's registers through `/dev/mem` (T31 4.6).
//!
//! Where the ISP is behind a mailbox there are no registers to be mapped. A page of what they would say
//! is made instead, when it is mapped: words that the chip has are asked of it, a few that belong to
//! blocks outside of the ISP are constants that a running camera could show, the rest are zeros. What is
//! written there goes nowhere.

use crate::bus::{Bus, BusError};
use crate::isp::Isp;
use tx_isp_abi::PhysAddr;

/// Bytes of a page.
pub const PAGE: u32 = 4096;

/// Where a word comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The chip has it.
    Chip,
    /// A block that is not modelled has it.
    Constant(u32),
}

use Source::{Chip, Constant};

/// Multiplier 100, both dividers 1: a word that can be divided by (T31 4.6).
const PLL: u32 = 100 << 20 | 1 << 14 | 1 << 11 | 1 << 8;
/// Pin 8 of port B is an interrupt input: the library leaves the SD clock's drive strength alone.
const PIN_8: u32 = 1 << 8;

/// The words that are not zero.
const WORDS: [(u32, Source); 11] = [
    // Clocks.
    (0x1000_0010, Constant(PLL)),
    (0x1000_0014, Constant(PLL)),
    (0x1000_00e0, Constant(PLL)),
    (0x1000_0020, Chip),
    (0x1000_0028, Chip),
    (0x1000_0034, Chip),
    // Port B.
    (0x1001_1010, Constant(PIN_8)),
    // The SoC's id and its variant.
    (0x1300_002c, Chip),
    (0x1354_0230, Chip),
    (0x1354_0238, Chip),
    // The core's id.
    (0x1330_0000, Chip),
];

/// The SoC's registers: first byte and the one behind the last (T31 1.1).
const REGISTERS: (u32, u32) = (0x1000_0000, 0x1400_0000);
/// The most bytes of one mapping: as many as the largest block has.
const MOST: u32 = 1 << 20;

/// Pages of which it is known that client libraries read them: first byte and length.
const RANGES: [(u32, u32); 7] = [
    (0x1000_0000, PAGE),
    (0x1001_1000, PAGE),
    (0x1300_0000, PAGE),
    (0x1330_0000, PAGE),
    // The line that is being read, which the library only notes: 0.
    (0x1330_9000, PAGE),
    // What the library maps for its tuning daemon.
    (0x1338_0000, 0x1_b000),
    (0x1354_0000, PAGE),
];

/// Whether `bytes` bytes from `address` on are registers, which may be mapped.
#[must_use]
pub fn may_be_mapped(address: PhysAddr, bytes: u32) -> bool {
    let (first, end) = REGISTERS;
    (1..=MOST).contains(&bytes) && address.0 >= first && address.0 < end && end - address.0 >= bytes
}

/// Whether all of them are of pages that are known to be read; others show zeros.
#[must_use]
pub fn is_known(address: PhysAddr, bytes: u32) -> bool {
    let inside = |(start, length): &(u32, u32)| {
        address
            .0
            .checked_sub(*start)
            .is_some_and(|offset| offset < *length && length - offset >= bytes)
    };
    RANGES.iter().any(inside)
}

/// Stores what the page at `address` says in `words`, which were zeros.
///
/// # Errors
/// If the chip does not answer.
pub fn fill<B: Bus>(
    isp: &mut Isp<B>,
    address: PhysAddr,
    words: &mut [u32],
) -> Result<(), BusError> {
    for (register, source) in WORDS {
        let Some(word) = register
            .checked_sub(address.0)
            .and_then(|offset| usize::try_from(offset / 4).ok())
            .and_then(|place| words.get_mut(place))
        else {
            continue;
        };
        *word = match source {
            Chip => isp.bus_mut().read(PhysAddr(register))?,
            Constant(value) => value,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_words_can_be_divided_by() {
        // The library computes 24 * M / N / OD1 / OD0 (T31 4.6).
        for (_, source) in WORDS {
            let Constant(word) = source else {
                continue;
            };
            if word != PIN_8 {
                let divisors = [word >> 14 & 0x3f, word >> 11 & 7, word >> 8 & 7];
                assert!(divisors.iter().all(|divisor| *divisor != 0));
            }
        }
    }

    #[test]
    fn every_word_is_on_a_page_that_is_known() {
        for (register, _) in WORDS {
            let page = PhysAddr(register / PAGE * PAGE);
            assert!(is_known(page, PAGE), "{register:#x}");
        }
        assert!(is_known(PhysAddr(0x1338_0000), 0x1_b000));
        assert!(!is_known(PhysAddr(0x1338_0000), 0x1_c000));
        assert!(!is_known(PhysAddr(0x1002_3000), PAGE));
    }

    #[test]
    fn memory_may_not_be_mapped() {
        for (address, bytes) in [
            (0x0000_0000, PAGE),
            (0x0630_0000, PAGE),
            (0x0fff_f000, 2 * PAGE),
            (0x13ff_f000, 2 * PAGE),
            (0xffff_f000, 2 * PAGE),
            (0x1000_0000, 0),
            (0x1000_0000, (1 << 20) + PAGE),
        ] {
            assert!(!may_be_mapped(PhysAddr(address), bytes), "{address:#x}");
        }
        for (address, bytes) in [(0x1000_0000, 0x1_0000), (0x1330_0000, 1 << 20)] {
            assert!(may_be_mapped(PhysAddr(address), bytes), "{address:#x}");
        }
    }
}
