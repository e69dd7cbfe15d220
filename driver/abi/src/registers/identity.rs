// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What tells which SoC this is (T31 1.4).

register_block! {
    /// The bus bridge, for the SoC's id word.
    Harb ("HARB0") at 0x1300_0000, stride 0x1000, instances 1;
    /// SoC id: 0x10031000 is the T31.
    SocId ("SOC_ID") = 0x2c: ReadOnly, reset 0x1003_1000, Modelled, "T31 1.4" {
        SOC_MODEL [16 @ 12] "0x0031 is the T31.",
        SOC_FAMILY [4 @ 28] "1 for T10 to T31.",
    };
}

register_block! {
    /// Electronic fuses, for the variant of the SoC.
    Efuse ("EFUSE") at 0x1354_0000, stride 0x1000, instances 1;
    /// Holds the variant's remark in its byte 3, which the client library takes out of an unaligned
    /// word at 0x231; 0 selects the plain table of variants.
    Remark ("EFUSE_REMARK") = 0x230: ReadOnly, reset 0, Modelled, "T31 3.3" {
        SUB_REMARK [8 @ 24] "The remark byte at offset 0x233.",
    };
    /// The word behind it, of which that unaligned word holds a byte.
    Word234 ("EFUSE_234") = 0x234: ReadOnly, reset 0, Modelled, "T31 3.3";
    /// The variant, in both half-words: 0x2222 is the T31X of a Wyze Cam v3.
    Variant ("EFUSE_SUBTYPE") = 0x238: ReadOnly, reset 0x2222_2222, Modelled, "T31 3.3" {
        SUB_TYPE_LOW [16 @ 0] "The same half-word.",
        SUB_TYPE_HIGH [16 @ 16] "The half-word that the client library reads.",
    };
}
