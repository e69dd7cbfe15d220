// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The core's processing blocks: parameter tables, statistics, frame stores (T31 2.6, 2.9).
//!
//! The driver fills 0x1000 to 0xb8ff, counted from the core's base, with parameter tables (T31
//! 2.6). A few of the words have a known meaning and are registers of one of the two blocks here;
//! the others are a [`Parameter`] each and hold what is written. The multi-scaler lies in between.
//! The pages of the MIPI PHY and host have such words, too (T31 2.8).

use super::{Access, Block, CsiHost, CsiPhy, Fidelity, Register};
use crate::PhysAddr;

register_block! {
    /// Processing blocks below the multi-scaler, at the core's 0x1000 to 0x97ff.
    Tuning ("ISP_TUNING") at 0x1330_1000, stride 0x8800, instances 1;
    /// Frame store of wide dynamic range, at the core's 0x2004.
    WdrStore ("WDR_STORE") = 0x1004: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Its stride, at the core's 0x2008.
    WdrStride ("WDR_STRIDE") = 0x1008: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Its lines, at the core's 0x200c.
    WdrLines ("WDR_LINES") = 0x100c: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Bank 0 of the statistics of wide dynamic range, 0x2000 bytes, at the core's 0x2010.
    WdrBank0 ("WDR_BANK_0") = 0x1010: ReadWrite, reset 0, Storage, "T31 2.9, 2a.2";
    /// Bank 1 of the statistics of wide dynamic range, 0x2000 bytes, at the core's 0x2014.
    WdrBank1 ("WDR_BANK_1") = 0x1014: ReadWrite, reset 0, Storage, "T31 2.9, 2a.2";
    /// Bank 2 of the statistics of wide dynamic range, 0x2000 bytes, at the core's 0x2018.
    WdrBank2 ("WDR_BANK_2") = 0x1018: ReadWrite, reset 0, Storage, "T31 2.9, 2a.2";
    /// Bank 3 of the statistics of wide dynamic range, 0x2000 bytes, at the core's 0x201c.
    WdrBank3 ("WDR_BANK_3") = 0x101c: ReadWrite, reset 0, Storage, "T31 2.9, 2a.2";
    /// Written with 0x400, at the core's 0x2020.
    WdrSize ("WDR_SIZE") = 0x1020: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Written with 3, at the core's 0x2024.
    WdrControl ("WDR_CTRL") = 0x1024: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Address of the newest bank of wide dynamic range, at the core's 0x2680.
    WdrCurrent ("WDR_CURRENT") = 0x1680: ReadOnly, reset 0, Storage, "T31 2a.4";
    /// Written with 3, at the core's 0x4490.
    AdrControl ("ADR_CTRL") = 0x3490: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Bank 0 of the ADR statistics, at the core's 0x4494; 0 is no bank (assumption).
    AdrBank0 ("ADR_BANK_0") = 0x3494: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the ADR statistics, at the core's 0x4498; 0 is no bank (assumption).
    AdrBank1 ("ADR_BANK_1") = 0x3498: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the ADR statistics, at the core's 0x449c; 0 is no bank (assumption).
    AdrBank2 ("ADR_BANK_2") = 0x349c: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the ADR statistics, at the core's 0x44a0; 0 is no bank (assumption).
    AdrBank3 ("ADR_BANK_3") = 0x34a0: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Address of the newest ADR bank, at the core's 0x44b0.
    AdrCurrent ("ADR_CURRENT") = 0x34b0: ReadOnly, reset 0, Modelled, "T31 2c";
    /// Written with 3, at the core's 0x5b80.
    DefogControl ("DEFOG_CTRL") = 0x4b80: ReadWrite, reset 0, Storage, "T31 2.9, 2a.2";
    /// Bank 0 of the defog statistics, at the core's 0x5b84; 0 is no bank (assumption).
    DefogBank0 ("DEFOG_BANK_0") = 0x4b84: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the defog statistics, at the core's 0x5b88; 0 is no bank (assumption).
    DefogBank1 ("DEFOG_BANK_1") = 0x4b88: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the defog statistics, at the core's 0x5b8c; 0 is no bank (assumption).
    DefogBank2 ("DEFOG_BANK_2") = 0x4b8c: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the defog statistics, at the core's 0x5b90; 0 is no bank (assumption).
    DefogBank3 ("DEFOG_BANK_3") = 0x4b90: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Address of the newest defog bank, at the core's 0x5ba4.
    DefogCurrent ("DEFOG_CURRENT") = 0x4ba4: ReadOnly, reset 0, Modelled, "T31 2c";
    /// Motion noise reduction: Y plane of the frame store.
    MdnsY ("MDNS_Y") = 0x6820: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: stride of the Y plane.
    MdnsYStride ("MDNS_Y_STRIDE") = 0x6824: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: address behind the Y plane.
    MdnsYEnd ("MDNS_Y_END") = 0x6828: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind Y_END.
    MdnsStride1 ("MDNS_782C") = 0x682c: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: first reference plane.
    MdnsR0 ("MDNS_R0") = 0x6830: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind the first reference plane.
    MdnsR0Stride ("MDNS_7834") = 0x6834: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: written with 0.
    MdnsMode0 ("MDNS_7838") = 0x6838: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: written with 1.
    MdnsMode1 ("MDNS_783C") = 0x683c: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR1 ("MDNS_R1") = 0x6840: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind R1.
    MdnsR1Stride ("MDNS_7844") = 0x6844: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR2 ("MDNS_R2") = 0x6848: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind R2.
    MdnsR2Stride ("MDNS_784C") = 0x684c: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR3 ("MDNS_R3") = 0x6850: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind R3.
    MdnsR3Stride ("MDNS_7854") = 0x6854: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: UV plane of the frame store.
    MdnsUv ("MDNS_UV") = 0x6858: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind UV.
    MdnsUvStride ("MDNS_785C") = 0x685c: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: a further UV plane.
    MdnsUv1 ("MDNS_UV1") = 0x6860: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind UV1.
    MdnsUv1Stride ("MDNS_7864") = 0x6864: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: the small planes.
    MdnsTiny ("MDNS_TINY") = 0x6868: ReadWrite, reset 0, Storage, "T31 2.9";
    /// Motion noise reduction: word behind TINY.
    MdnsTinyStride ("MDNS_786C") = 0x686c: ReadWrite, reset 0, Storage, "T31 2.9";
}

register_block! {
    /// Processing blocks above the multi-scaler, at the core's 0x9c00 to 0xb8ff: statistics in memory,
    /// in the layouts of `statistics` (assumption).
    Statistics ("ISP_STATISTICS") at 0x1330_9c00, stride 0x1d00, instances 1;
    /// Bank 0 of the AE0 zones, 0x1000 bytes, at the core's 0xa02c; 0 is no bank (assumption).
    Ae0Bank0 ("AE0_BANK_0") = 0x42c: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the AE0 zones, 0x1000 bytes, at the core's 0xa030; 0 is no bank (assumption).
    Ae0Bank1 ("AE0_BANK_1") = 0x430: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the AE0 zones, 0x1000 bytes, at the core's 0xa034; 0 is no bank (assumption).
    Ae0Bank2 ("AE0_BANK_2") = 0x434: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the AE0 zones, 0x1000 bytes, at the core's 0xa038; 0 is no bank (assumption).
    Ae0Bank3 ("AE0_BANK_3") = 0x438: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 0 of the AE0 histogram, 0x800 bytes, at the core's 0xa03c; 0 is no bank (assumption).
    Ae0Histogram0 ("AE0_HISTOGRAM_0") = 0x43c: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 1 of the AE0 histogram, 0x800 bytes, at the core's 0xa040; 0 is no bank (assumption).
    Ae0Histogram1 ("AE0_HISTOGRAM_1") = 0x440: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 2 of the AE0 histogram, 0x800 bytes, at the core's 0xa044; 0 is no bank (assumption).
    Ae0Histogram2 ("AE0_HISTOGRAM_2") = 0x444: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 3 of the AE0 histogram, 0x800 bytes, at the core's 0xa048; 0 is no bank (assumption).
    Ae0Histogram3 ("AE0_HISTOGRAM_3") = 0x448: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Written with 0x33, at the core's 0xa04c.
    Ae0Control ("AE0_CTRL") = 0x44c: ReadWrite, reset 0, Storage, "T31 3.3";
    /// The newest banks, at the core's 0xa050.
    Ae0Current ("AE0_CURRENT") = 0x450: ReadOnly, reset 0, Modelled, "T31 2c" {
        AE_HISTOGRAM_INDEX [2 @ 0] "The newest histogram.",
        AE_ZONES_INDEX [2 @ 4] "The newest zones.",
    };
    /// Bank 0 of the AE1 zones, 0x1000 bytes, at the core's 0xa82c; 0 is no bank (assumption).
    Ae1Bank0 ("AE1_BANK_0") = 0xc2c: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the AE1 zones, 0x1000 bytes, at the core's 0xa830; 0 is no bank (assumption).
    Ae1Bank1 ("AE1_BANK_1") = 0xc30: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the AE1 zones, 0x1000 bytes, at the core's 0xa834; 0 is no bank (assumption).
    Ae1Bank2 ("AE1_BANK_2") = 0xc34: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the AE1 zones, 0x1000 bytes, at the core's 0xa838; 0 is no bank (assumption).
    Ae1Bank3 ("AE1_BANK_3") = 0xc38: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 0 of the AE1 histogram, 0x800 bytes, at the core's 0xa83c; 0 is no bank (assumption).
    Ae1Histogram0 ("AE1_HISTOGRAM_0") = 0xc3c: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 1 of the AE1 histogram, 0x800 bytes, at the core's 0xa840; 0 is no bank (assumption).
    Ae1Histogram1 ("AE1_HISTOGRAM_1") = 0xc40: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 2 of the AE1 histogram, 0x800 bytes, at the core's 0xa844; 0 is no bank (assumption).
    Ae1Histogram2 ("AE1_HISTOGRAM_2") = 0xc44: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Bank 3 of the AE1 histogram, 0x800 bytes, at the core's 0xa848; 0 is no bank (assumption).
    Ae1Histogram3 ("AE1_HISTOGRAM_3") = 0xc48: ReadWrite, reset 0, Modelled, "T31 3.3";
    /// Written with 0x33, at the core's 0xa84c.
    Ae1Control ("AE1_CTRL") = 0xc4c: ReadWrite, reset 0, Storage, "T31 3.3";
    /// The newest banks, at the core's 0xa850.
    Ae1Current ("AE1_CURRENT") = 0xc50: ReadOnly, reset 0, Modelled, "T31 2c";
    /// Bank 0 of the white balance statistics, at the core's 0xb03c; 0 is no bank (assumption).
    AwbBank0 ("AWB_BANK_0") = 0x143c: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the white balance statistics, at the core's 0xb040; 0 is no bank (assumption).
    AwbBank1 ("AWB_BANK_1") = 0x1440: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the white balance statistics, at the core's 0xb044; 0 is no bank (assumption).
    AwbBank2 ("AWB_BANK_2") = 0x1444: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the white balance statistics, at the core's 0xb048; 0 is no bank (assumption).
    AwbBank3 ("AWB_BANK_3") = 0x1448: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Written with 3, at the core's 0xb04c.
    AwbControl ("AWB_CTRL") = 0x144c: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Number of the newest white balance bank, at the core's 0xb050.
    AwbCurrent ("AWB_CURRENT") = 0x1450: ReadOnly, reset 0, Modelled, "T31 2c";
    /// Bank 0 of the focus statistics, at the core's 0xb8a8; 0 is no bank (assumption).
    AfBank0 ("AF_BANK_0") = 0x1ca8: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 1 of the focus statistics, at the core's 0xb8ac; 0 is no bank (assumption).
    AfBank1 ("AF_BANK_1") = 0x1cac: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 2 of the focus statistics, at the core's 0xb8b0; 0 is no bank (assumption).
    AfBank2 ("AF_BANK_2") = 0x1cb0: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Bank 3 of the focus statistics, at the core's 0xb8b4; 0 is no bank (assumption).
    AfBank3 ("AF_BANK_3") = 0x1cb4: ReadWrite, reset 0, Modelled, "T31 2.9, 2a.2";
    /// Written with 3, at the core's 0xb8b8.
    AfControl ("AF_CTRL") = 0x1cb8: ReadWrite, reset 0, Storage, "T31 3.3";
    /// Number of the newest focus bank, at the core's 0xb8bc.
    AfCurrent ("AF_CURRENT") = 0x1cbc: ReadOnly, reset 0, Modelled, "T31 2c";
}

impl Statistics {
    /// The banks of the AE0 zones in their order.
    pub const AE0_BANKS: [Self; 4] = [
        Self::Ae0Bank0,
        Self::Ae0Bank1,
        Self::Ae0Bank2,
        Self::Ae0Bank3,
    ];
    /// The banks of the AE0 histogram in their order.
    pub const AE0_HISTOGRAMS: [Self; 4] = [
        Self::Ae0Histogram0,
        Self::Ae0Histogram1,
        Self::Ae0Histogram2,
        Self::Ae0Histogram3,
    ];
    /// The banks of the AE1 zones in their order.
    pub const AE1_BANKS: [Self; 4] = [
        Self::Ae1Bank0,
        Self::Ae1Bank1,
        Self::Ae1Bank2,
        Self::Ae1Bank3,
    ];
    /// The banks of the AE1 histogram in their order.
    pub const AE1_HISTOGRAMS: [Self; 4] = [
        Self::Ae1Histogram0,
        Self::Ae1Histogram1,
        Self::Ae1Histogram2,
        Self::Ae1Histogram3,
    ];
    /// The banks of the white balance in their order.
    pub const AWB_BANKS: [Self; 4] = [
        Self::AwbBank0,
        Self::AwbBank1,
        Self::AwbBank2,
        Self::AwbBank3,
    ];
    /// The banks of the focus statistics in their order.
    pub const AF_BANKS: [Self; 4] = [Self::AfBank0, Self::AfBank1, Self::AfBank2, Self::AfBank3];
}

impl Tuning {
    /// The banks of ADR in their order.
    pub const ADR_BANKS: [Self; 4] = [
        Self::AdrBank0,
        Self::AdrBank1,
        Self::AdrBank2,
        Self::AdrBank3,
    ];
    /// The banks of defog in their order.
    pub const DEFOG_BANKS: [Self; 4] = [
        Self::DefogBank0,
        Self::DefogBank1,
        Self::DefogBank2,
        Self::DefogBank3,
    ];
}

/// The windows through which tables are loaded: lens shading at the core's 0x28000, gamma at 0x40000, 0x48000
/// and 0x50000, air light at 0x58000, hue and saturation at 0x60000 to 0x7868c (T31 2a.4).
pub const TABLES: &Block = &Block {
    name: "ISP_TABLES",
    doc: " Windows of the processing blocks' tables: lens shading, gamma, air light, hue and saturation.",
    base: PhysAddr(0x1332_8000),
    stride: 0x5_1000,
    instances: 1,
    registers: &[],
};

/// A word of a parameter table or of the MIPI pages that has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameter(PhysAddr);

impl Parameter {
    /// What is known of every such word.
    const REGISTER: &'static Register = &Register {
        name: "PARAMETER",
        offset: 0,
        access: Access::ReadWrite,
        reset: 0,
        fidelity: Fidelity::Storage,
        fields: &[],
        doc: " Word without a name, of a parameter table or of the MIPI pages.",
        source: "T31 2.6, 2.8",
    };

    /// The word at `address`, if it is a whole word of a block that has such words.
    pub(super) fn at(address: PhysAddr) -> Option<Self> {
        let word = Self(address);
        (word.found_in().is_some() && address.0 % 4 == 0).then_some(word)
    }

    fn found_in(self) -> Option<&'static Block> {
        [
            Tuning::BLOCK,
            Statistics::BLOCK,
            CsiHost::BLOCK,
            CsiPhy::BLOCK,
            TABLES,
        ]
        .into_iter()
        .find(|block| block.offset_of(self.0).is_some())
    }

    /// The block that the word is in.
    #[must_use]
    pub fn block(self) -> &'static Block {
        self.found_in().unwrap_or(Statistics::BLOCK)
    }

    /// The word's physical address.
    #[must_use]
    pub const fn address(self) -> PhysAddr {
        self.0
    }

    /// What is known of the word.
    #[must_use]
    pub const fn describe(self) -> &'static Register {
        Self::REGISTER
    }
}
