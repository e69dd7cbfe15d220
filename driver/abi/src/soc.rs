// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which SoC this is: the words that tell it, and the id that the client library makes of them.

/// The words that tell a SoC (T31 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// HARB0 + 0x2c.
    pub soc_id: u32,
    /// CPM + 0x34; its low byte counts.
    pub strap: u32,
    /// The upper half-word at EFUSE + 0x238.
    pub variant: u16,
    /// The byte at EFUSE + 0x233.
    pub remark: u8,
}

/// A SoC that the chip model can claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soc {
    /// The name that users type.
    pub name: &'static str,
    /// What its registers say.
    pub identity: Identity,
}

const fn t31(name: &'static str, variant: u16) -> Soc {
    soc(name, 0x1003_1000, 0, variant)
}

const fn soc(name: &'static str, soc_id: u32, strap: u32, variant: u16) -> Soc {
    Soc {
        name,
        identity: Identity {
            soc_id,
            strap,
            variant,
            remark: 0,
        },
    }
}

/// The T31X: that of a Wyze Cam v3.
pub const T31X: Soc = t31("t31x", 0x2222);

/// Every SoC that can be chosen by name. The older ones are those of their family with the lowest id;
/// of the T23 no id is known.
pub const SOCS: &[Soc] = &[
    T31X,
    t31("t31l", 0x3333),
    t31("t31n", 0x1111),
    t31("t31a", 0x4444),
    t31("t31al", 0xcccc),
    t31("t31zl", 0x5555),
    t31("t31zc", 0xdddd),
    t31("t31lc", 0xeeee),
    t31("t31zx", 0x6666),
    soc("t10", 0x1000_5000, 1, 0),
    soc("t20", 0x1200_0000, 1, 0),
    soc("t21", 0x1002_1000, 0, 0x3333),
    soc("t23", 0x1002_3000, 0, 0),
    soc("t30", 0x1003_0000, 1, 0),
];

impl Identity {
    /// The client library's number for the SoC (get_cpu_id, T31 1.4); `None` where it gives -1.
    #[must_use]
    pub const fn cpu_id(self) -> Option<u8> {
        let Self {
            soc_id,
            strap,
            variant,
            remark,
        } = self;
        if soc_id >> 28 != 1 {
            return match variant {
                0x1111 | 0x3333 => Some(7),
                0x2222 => Some(8),
                0x4444 => Some(9),
                0x5555 => Some(0xa),
                _ => None,
            };
        }
        match ((soc_id >> 12) & 0xffff, strap & 0xff, remark) {
            (0x0005, 1, _) => Some(0),
            (0x0005, 0, _) => Some(1),
            (0x0005, 0x10, _) => Some(2),
            (0x2000, 1, _) => Some(3),
            (0x2000, 0x10, _) => Some(4),
            (0x0030, 1, _) => Some(5),
            (0x0030, 0x10, _) => Some(6),
            (0x0021, _, 0) => Some(t21_id(variant)),
            (0x0031, _, 0) => Some(t31_id(variant)),
            (0x0031, _, 1 | 7) => Some(0x10),
            (0x0031, _, 3 | 0xf) => Some(0xf),
            _ => None,
        }
    }
}

const fn t21_id(variant: u16) -> u8 {
    match variant {
        0x3333 => 0xb,
        0x1111 => 0xc,
        0x5555 => 0xe,
        _ => 0xd,
    }
}

/// What is in no row of the table is taken for a T31ZX (T31 3.3).
const fn t31_id(variant: u16) -> u8 {
    match variant {
        0x3333 => 0xf,
        0x1111 => 0x10,
        0x2222 => 0x11,
        0x4444 => 0x12,
        0xcccc => 0x13,
        0x5555 => 0x14,
        0xdddd => 0x15,
        0xeeee => 0x16,
        _ => 0x17,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(soc_id: u32, strap: u32, variant: u16, remark: u8) -> Option<u8> {
        Identity {
            soc_id,
            strap,
            variant,
            remark,
        }
        .cpu_id()
    }

    /// The table of T31 1.4, row by row.
    #[test]
    fn each_row_of_the_table_has_its_id() {
        for (strap, expected) in [(1, 0), (0, 1), (0x10, 2)] {
            assert_eq!(id(0x1000_5000, strap, 0, 0), Some(expected));
        }
        for (strap, t20, t30) in [(1, 3, 5), (0x10, 4, 6)] {
            assert_eq!(id(0x1200_0000, strap, 0, 0), Some(t20));
            assert_eq!(id(0x1003_0000, strap, 0x1111, 0), Some(t30));
        }
        for (variant, expected) in [
            (0x1111, 7),
            (0x3333, 7),
            (0x2222, 8),
            (0x4444, 9),
            (0x5555, 0xa),
        ] {
            assert_eq!(id(0x3003_0000, 1, variant, 0), Some(expected));
        }
        for (variant, expected) in [
            (0x3333, 0xb),
            (0x1111, 0xc),
            (0x5555, 0xe),
            (0x2222, 0xd),
            (0, 0xd),
        ] {
            assert_eq!(id(0x1002_1000, 0, variant, 0), Some(expected));
        }
        for (variant, expected) in [
            (0x3333, 0xf),
            (0x1111, 0x10),
            (0x2222, 0x11),
            (0x4444, 0x12),
            (0xcccc, 0x13),
            (0x5555, 0x14),
            (0xdddd, 0x15),
            (0xeeee, 0x16),
            (0x6666, 0x17),
            (0x7777, 0x17),
        ] {
            assert_eq!(id(0x1003_1000, 0, variant, 0), Some(expected));
        }
        for (remark, expected) in [(1, 0x10), (7, 0x10), (3, 0xf), (0xf, 0xf)] {
            assert_eq!(id(0x1003_1000, 0, 0x2222, remark), Some(expected));
        }
    }

    #[test]
    fn what_is_in_no_row_has_no_id() {
        assert_eq!(id(0x1003_1000, 0, 0x2222, 2), None);
        assert_eq!(id(0x1002_3000, 0, 0x2222, 0), None, "T23");
        assert_eq!(id(0x1000_5000, 2, 0, 0), None);
        assert_eq!(id(0x3003_0000, 0, 0x6666, 0), None);
    }

    #[test]
    fn every_soc_of_the_list_has_an_id_of_its_own() {
        for (soc, expected) in SOCS.iter().zip([
            Some(0x11),
            Some(0xf),
            Some(0x10),
            Some(0x12),
            Some(0x13),
            Some(0x14),
            Some(0x15),
            Some(0x16),
            Some(0x17),
            Some(0),
            Some(3),
            Some(0xb),
            None,
            Some(5),
        ]) {
            assert_eq!(soc.identity.cpu_id(), expected, "{}", soc.name);
        }
        assert_eq!(SOCS.len(), 14);
    }
}
