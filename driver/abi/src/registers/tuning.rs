// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The core's processing blocks: parameter tables, statistics, frame stores (facts 2.6, 2.9).
//!
//! The driver fills 0x1000 to 0xb8ff, counted from the core's base, with parameter tables (facts
//! 2.6). A few of the words have a known meaning and are registers of one of the two blocks here;
//! the others are a [`Parameter`] each and hold what is written. The multi-scaler lies in between.
//! The pages of the MIPI PHY and host have such words, too (facts 2.8).

use super::{Access, Block, CsiHost, CsiPhy, Fidelity, Register};
use crate::PhysAddr;

register_block! {
    /// Processing blocks below the multi-scaler, at the core's 0x1000 to 0x97ff.
    Tuning ("ISP_TUNING") at 0x1330_1000, stride 0x8800, instances 1;
    /// Start of a look-up table of 0x8000 bytes in memory, at the core's 0x2010; how many words follow is not known.
    LookUpTable ("LUT") = 0x1010: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Memory of the ADR statistics, at the core's 0x4494.
    AdrAddress ("ADR_ADDR") = 0x3494: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Written with 3 together with DEFOG_ADDR, at the core's 0x5b80.
    DefogControl ("DEFOG_CTRL") = 0x4b80: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Memory of the defog statistics, at the core's 0x5b84.
    DefogAddress ("DEFOG_ADDR") = 0x4b84: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: Y plane of the frame store.
    MdnsY ("MDNS_Y") = 0x6820: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: stride of the Y plane.
    MdnsYStride ("MDNS_Y_STRIDE") = 0x6824: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: address behind the Y plane.
    MdnsYEnd ("MDNS_Y_END") = 0x6828: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind Y_END.
    MdnsStride1 ("MDNS_782C") = 0x682c: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: first reference plane.
    MdnsR0 ("MDNS_R0") = 0x6830: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind the first reference plane.
    MdnsR0Stride ("MDNS_7834") = 0x6834: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: written with 0.
    MdnsMode0 ("MDNS_7838") = 0x6838: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: written with 1.
    MdnsMode1 ("MDNS_783C") = 0x683c: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR1 ("MDNS_R1") = 0x6840: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind R1.
    MdnsR1Stride ("MDNS_7844") = 0x6844: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR2 ("MDNS_R2") = 0x6848: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind R2.
    MdnsR2Stride ("MDNS_784C") = 0x684c: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: a further reference plane.
    MdnsR3 ("MDNS_R3") = 0x6850: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind R3.
    MdnsR3Stride ("MDNS_7854") = 0x6854: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: UV plane of the frame store.
    MdnsUv ("MDNS_UV") = 0x6858: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind UV.
    MdnsUvStride ("MDNS_785C") = 0x685c: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: a further UV plane.
    MdnsUv1 ("MDNS_UV1") = 0x6860: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind UV1.
    MdnsUv1Stride ("MDNS_7864") = 0x6864: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: the small planes.
    MdnsTiny ("MDNS_TINY") = 0x6868: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Motion noise reduction: word behind TINY.
    MdnsTinyStride ("MDNS_786C") = 0x686c: ReadWrite, reset 0, Storage, "facts 2.9";
}

register_block! {
    /// Processing blocks above the multi-scaler, at the core's 0x9c00 to 0xb8ff: statistics in memory,
    /// in the layouts of `statistics` (our choice).
    Statistics ("ISP_STATISTICS") at 0x1330_9c00, stride 0x1d00, instances 1;
    /// Bank 0 of the AE0 statistics, at the core's 0xa02c; 0 is no bank (our choice).
    Ae0Bank0 ("AE0_BANK_0") = 0x42c: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 1 of the AE0 statistics, at the core's 0xa030; 0 is no bank (our choice).
    Ae0Bank1 ("AE0_BANK_1") = 0x430: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 2 of the AE0 statistics, at the core's 0xa034; 0 is no bank (our choice).
    Ae0Bank2 ("AE0_BANK_2") = 0x434: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 3 of the AE0 statistics, at the core's 0xa038; 0 is no bank (our choice).
    Ae0Bank3 ("AE0_BANK_3") = 0x438: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 0 of the AE1 statistics, at the core's 0xa82c.
    Ae1Bank0 ("AE1_BANK_0") = 0xc2c: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Bank 1 of the AE1 statistics, at the core's 0xa830.
    Ae1Bank1 ("AE1_BANK_1") = 0xc30: ReadWrite, reset 0, Storage, "facts 2.9";
    /// Bank 0 of the white balance statistics, at the core's 0xb03c; 0 is no bank (our choice).
    AwbBank0 ("AWB_BANK_0") = 0x143c: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 1 of the white balance statistics, at the core's 0xb040; 0 is no bank (our choice).
    AwbBank1 ("AWB_BANK_1") = 0x1440: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 2 of the white balance statistics, at the core's 0xb044; 0 is no bank (our choice).
    AwbBank2 ("AWB_BANK_2") = 0x1444: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// Bank 3 of the white balance statistics, at the core's 0xb048; 0 is no bank (our choice).
    AwbBank3 ("AWB_BANK_3") = 0x1448: ReadWrite, reset 0, Modelled, "facts 2.9";
    /// The first of the four banks of the focus statistics, 0x1000 bytes each and one behind the other, at the core's 0xb8a8; 0 is no bank (our choice).
    AfAddress ("AF_ADDR") = 0x1ca8: ReadWrite, reset 0, Modelled, "facts 2.9";
}

impl Statistics {
    /// The banks of AE0 in their order.
    pub const AE0_BANKS: [Self; 4] = [
        Self::Ae0Bank0,
        Self::Ae0Bank1,
        Self::Ae0Bank2,
        Self::Ae0Bank3,
    ];
    /// The banks of the white balance in their order.
    pub const AWB_BANKS: [Self; 4] = [
        Self::AwbBank0,
        Self::AwbBank1,
        Self::AwbBank2,
        Self::AwbBank3,
    ];
}

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
        source: "facts 2.6, 2.8",
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
