// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The values after reset as they were dumped from a camera, repeated on purpose (T31 2a.3).

use super::RegisterId;
use crate::PhysAddr;

/// Registers of a block with their values, as offset and value.
type Dump = (u32, &'static [(u32, u32)]);

/// Every word that was not 0.
const DUMPS: &[Dump] = &[
    (
        0x1002_3000,
        &[(0x00, 0x3130_322a), (0x04, 1), (0x14, 0x200)],
    ),
    (
        0x1002_2000,
        &[
            (0x00, 1),
            (0x04, 0xe3),
            (0x08, 0xa0),
            (0x0c, 0x83),
            (0x10, 0xfa),
            (0x1c, 0x88),
            (0x20, 0x4e),
            (0x24, 0xdd),
            (0x28, 0x84),
            (0x2c, 0x5e),
            (0x30, 0xf0),
            (0x34, 0xc0),
            (0x38, 0x36),
            (0x3c, 0xdb),
            (0x40, 3),
            (0x44, 0x80),
            (0x48, 0x10),
            (0x54, 3),
            (0x58, 0xff),
            (0x5c, 0x42),
            (0x60, 1),
            (0x64, 0xc0),
            (0x68, 0xc0),
            (0x6c, 0x78),
            (0x70, 0x43),
            (0x74, 0x33),
            (0x80, 0x1f),
            (0x88, 0x61),
            (0x11c, 0x20),
            (0x19c, 9),
            (0x21c, 9),
            (0x29c, 9),
            (0x1d4, 0x12),
            (0x254, 0x12),
        ],
    ),
    (0x1002_2100, LANE),
    (0x1002_2180, LANE),
    (0x1002_2200, LANE),
    (0x1002_2280, LANE),
    (
        0x133e_0000,
        &[
            (0x04, 0x0780_0438),
            (0x0c, 2),
            (0x14, 2),
            (0x18, 0xf00),
            (0x60, 0x80_0800),
            (0x64, 0x9d_09d0),
            (0x70, 0x6002),
            (0x74, 0x7003),
            (0xc0, 0xeb_8080),
            (0xdc, 0x6a_cade),
            (0xfc, 0x6a_cade),
            (0x100, 0x2d0),
            (0x10c, 0x2_c000),
            (0x110, 0x0780_0000),
            (0x120, 0x10),
            (0x1a4, 0x10_0010),
            (0x1a8, 0x4440),
            (0x1b0, 0x10),
            (0x00, 0),
            (0x104, 0),
            (0x108, 0),
            (0x114, 0),
            (0x118, 0),
            (0x11c, 0),
            (0x1a0, 0),
            (0x1ac, 0),
            (0x1e0, 0),
            (0x1e4, 0),
            (0x1e8, 0),
            (0x1ec, 0),
            (0x1f0, 0),
            (0x1f4, 0),
            (0x300, 0),
            (0x380, 0),
            (0x3a8, 0),
        ],
    ),
    (
        0x1330_0000,
        &[
            (0x00, 0x5456_0031),
            (0x04, 0x0780_0438),
            (0x08, 1),
            (0x0c, 0x8070_0008),
            (0x28, 1),
            (0x2c, 0x0040_0040),
            (0x90, 1),
            (0x94, 1),
            (0x98, 0x3_0000),
            (0xa8, 0x5805_0000),
            (0xac, 0x5805_0000),
            (0xc4, 0x4_0000),
            (0xc8, 0x0040_0040),
            (0xcc, 0x100),
            (0xd4, 0xc),
            (0xd8, 0x00ff_ffff),
            (0xe0, 0x100),
            (0xe4, 0x0040_0040),
            (0xf0, 0xff80_8000),
            (0x110, 0x8000_7000),
            (0x114, 0x0077_7111),
            (0x60, 0),
            (0x64, 0),
            (0xb0, 0),
            (0xb4, 0),
            (0x84c, 0),
        ],
    ),
    (
        0x1330_9800,
        &[
            (0x04, 0x3f00),
            (0x08, 0),
            (0x60, 0),
            (0x64, 0x0780_0438),
            (0x7c, 0xc000_0000),
            (0x80, 1),
            (0x84, 1),
            (0x90, 0x0101_0001),
            (0x9c, 0x0101_0001),
            (0xa8, 0x0101_0001),
            (0xcc, 0),
        ],
    ),
    (
        0x1330_9a00,
        &[
            (0x00, 0x0500_02d0),
            (0x04, 0x0300_0300),
            (0x28, 0),
            (0x2c, 0x0500_02d0),
            (0x30, 0),
            (0x34, 1),
            (0x68, 0),
            (0x70, 1),
            (0x7c, 1),
            (0x88, 1),
            (0x94, 1),
            (0x80, 0x500),
            (0x98, 0x500),
            (0xc0, 0x200),
            (0xc4, 0),
            (0xc8, 0x200),
            (0xcc, 0),
        ],
    ),
    (
        0x1330_9900,
        &[
            (0x00, 0x0780_0438),
            (0x04, 0x0200_0200),
            (0x2c, 0x0780_0438),
            (0x34, 1),
            (0x70, 1),
            (0x7c, 1),
            (0x80, 0x780),
            (0x88, 1),
            (0x94, 1),
            (0x98, 0x780),
            (0xc0, 0x200),
            (0xc8, 0x200),
        ],
    ),
    (
        0,
        &[
            (0x1300_002c, 0x1003_1000),
            (0x1354_0230, 0),
            (0x1354_0234, 0),
            (0x1354_0238, 0x2222_2222),
            (0x1000_00c4, 0),
            (0x1001_1010, 0x100),
            (0x1000_1004, 0xffff_ffff),
            (0x1000_1024, 0xffff_ffff),
            (0x1005_0070, 6),
            (0x1005_1070, 6),
        ],
    ),
];

/// What the PHY's four lane pages have in common.
const LANE: &[(u32, u32)] = &[
    (0x00, 0x8a),
    (0x04, 5),
    (0x0c, 0x40),
    (0x10, 0xb0),
    (0x14, 0xc5),
    (0x18, 3),
    (0x20, 0xf),
    (0x24, 0x48),
    (0x28, 0xf),
    (0x2c, 0xf),
    (0x30, 0x88),
    (0x38, 0x86),
    (0x3c, 0x10),
    (0x40, 4),
    (0x44, 1),
    (0x48, 0x32),
    (0x4c, 0x80),
    (0x58, 1),
    (0x5c, 0x60),
    (0x60, 0x1b),
    (0x64, 0x18),
    (0x68, 0x7f),
    (0x6c, 0x4b),
    (0x74, 3),
];

#[test]
fn every_value_of_the_dump_is_declared() {
    for (base, words) in DUMPS {
        for (offset, value) in *words {
            let address = PhysAddr(base + offset);
            let id = RegisterId::decode(address);
            assert_eq!(id.map(RegisterId::reset), Some(*value), "{address}");
        }
    }
}

/// The client library divides by the fields of whichever PLL it chooses (T31 4.6).
#[test]
fn no_pll_word_has_a_zero_to_divide_by() {
    use super::Cpm;
    for pll in [Cpm::PllA, Cpm::PllM, Cpm::PllV] {
        let word = pll.describe().reset;
        let fields = [Cpm::PLL_M, Cpm::PLL_N, Cpm::PLL_OD1, Cpm::PLL_OD0];
        assert!(fields.iter().all(|field| field.get(word) > 0), "{pll:?}");
    }
}

/// Words of the tables that the vendor's driver loads (T31 2a.4): their first and last.
#[test]
fn the_windows_of_tables_hold_what_is_written() {
    for offset in [
        0x1000, 0x106c, 0x1070, 0x1810, 0x2040, 0x2684, 0x2898, 0x30ac, 0x3804, 0x4488, 0x49a4,
        0x5020, 0x5b10, 0x6030, 0x6804, 0x7090, 0x7afc, 0x8070, 0x8b4c, 0x9044, 0xa000, 0xb8b8,
        0x28000, 0x2800c, 0x40000, 0x401fc, 0x481fc, 0x501fc, 0x58000, 0x582cc, 0x60000, 0x6868c,
        0x7068c, 0x7868c,
    ] {
        let address = PhysAddr(0x1330_0000 + offset);
        assert!(RegisterId::decode(address).is_some(), "{address}");
    }
}
