// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The MIPI CSI-2 host and its D-PHY (T31 2.8).

register_block! {
    /// The MIPI D-PHY.
    CsiPhy ("MIPI_PHY") at 0x1002_2000, stride 0x1000, instances 1;
    /// 0x7d takes the PHY out of its state after reset.
    Control0 ("PHY_00") = 0x00: ReadWrite, reset 1, Storage, "T31 2a.3, 2b.4";
    /// Written with 0xe3 and following.
    Control1 ("PHY_04") = 0x4: ReadWrite, reset 0xe3, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word008 ("PHY_08") = 0x8: ReadWrite, reset 0xa0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word00c ("PHY_0C") = 0xc: ReadWrite, reset 0x83, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word010 ("PHY_10") = 0x10: ReadWrite, reset 0xfa, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word01c ("PHY_1C") = 0x1c: ReadWrite, reset 0x88, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word020 ("PHY_20") = 0x20: ReadWrite, reset 0x4e, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word024 ("PHY_24") = 0x24: ReadWrite, reset 0xdd, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word028 ("PHY_28") = 0x28: ReadWrite, reset 0x84, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word02c ("PHY_2C") = 0x2c: ReadWrite, reset 0x5e, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word030 ("PHY_30") = 0x30: ReadWrite, reset 0xf0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word034 ("PHY_34") = 0x34: ReadWrite, reset 0xc0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word038 ("PHY_38") = 0x38: ReadWrite, reset 0x36, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word03c ("PHY_3C") = 0x3c: ReadWrite, reset 0xdb, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word040 ("PHY_40") = 0x40: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word044 ("PHY_44") = 0x44: ReadWrite, reset 0x80, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word048 ("PHY_48") = 0x48: ReadWrite, reset 0x10, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word054 ("PHY_54") = 0x54: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word058 ("PHY_58") = 0x58: ReadWrite, reset 0xff, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word05c ("PHY_5C") = 0x5c: ReadWrite, reset 0x42, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word060 ("PHY_60") = 0x60: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word064 ("PHY_64") = 0x64: ReadWrite, reset 0xc0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word068 ("PHY_68") = 0x68: ReadWrite, reset 0xc0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word06c ("PHY_6C") = 0x6c: ReadWrite, reset 0x78, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word070 ("PHY_70") = 0x70: ReadWrite, reset 0x43, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word074 ("PHY_74") = 0x74: ReadWrite, reset 0x33, Unknown, "T31 2a.3";
    /// 0x3e for DVP, 0x1f after reset.
    Control80 ("PHY_80") = 0x80: ReadWrite, reset 0x1f, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word088 ("PHY_88") = 0x88: ReadWrite, reset 0x61, Unknown, "T31 2a.3";
    /// Settling time of the clock lane.
    ClockSettle ("CK_LANE_SETTLE") = 0x100: ReadWrite, reset 0x8a, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word104 ("PHY_104") = 0x104: ReadWrite, reset 0x5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word10c ("PHY_10C") = 0x10c: ReadWrite, reset 0x40, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word110 ("PHY_110") = 0x110: ReadWrite, reset 0xb0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word114 ("PHY_114") = 0x114: ReadWrite, reset 0xc5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word118 ("PHY_118") = 0x118: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word11c ("PHY_11C") = 0x11c: ReadWrite, reset 0x20, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word120 ("PHY_120") = 0x120: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word124 ("PHY_124") = 0x124: ReadWrite, reset 0x48, Unknown, "T31 2a.3";
    /// Lanes in use; the vendor's driver writes 0x3f whatever their number.
    ClockConfig ("CK_LANE_CONFIG") = 0x128: ReadWrite, reset 0xf, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word12c ("PHY_12C") = 0x12c: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word130 ("PHY_130") = 0x130: ReadWrite, reset 0x88, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word138 ("PHY_138") = 0x138: ReadWrite, reset 0x86, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word13c ("PHY_13C") = 0x13c: ReadWrite, reset 0x10, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word140 ("PHY_140") = 0x140: ReadWrite, reset 0x4, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word144 ("PHY_144") = 0x144: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word148 ("PHY_148") = 0x148: ReadWrite, reset 0x32, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word14c ("PHY_14C") = 0x14c: ReadWrite, reset 0x80, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word158 ("PHY_158") = 0x158: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word15c ("PHY_15C") = 0x15c: ReadWrite, reset 0x60, Unknown, "T31 2a.3";
    /// Bits 3:0: the bit rate's code, by the sensor's MIPI clock.
    Rate0 ("PHY_160") = 0x160: ReadWrite, reset 0x1b, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word164 ("PHY_164") = 0x164: ReadWrite, reset 0x18, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word168 ("PHY_168") = 0x168: ReadWrite, reset 0x7f, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word16c ("PHY_16C") = 0x16c: ReadWrite, reset 0x4b, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word174 ("PHY_174") = 0x174: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word180 ("PHY_180") = 0x180: ReadWrite, reset 0x8a, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word184 ("PHY_184") = 0x184: ReadWrite, reset 0x5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word18c ("PHY_18C") = 0x18c: ReadWrite, reset 0x40, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word190 ("PHY_190") = 0x190: ReadWrite, reset 0xb0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word194 ("PHY_194") = 0x194: ReadWrite, reset 0xc5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word198 ("PHY_198") = 0x198: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word19c ("PHY_19C") = 0x19c: ReadWrite, reset 0x9, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1a0 ("PHY_1A0") = 0x1a0: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1a4 ("PHY_1A4") = 0x1a4: ReadWrite, reset 0x48, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1a8 ("PHY_1A8") = 0x1a8: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1ac ("PHY_1AC") = 0x1ac: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1b0 ("PHY_1B0") = 0x1b0: ReadWrite, reset 0x88, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1b8 ("PHY_1B8") = 0x1b8: ReadWrite, reset 0x86, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1bc ("PHY_1BC") = 0x1bc: ReadWrite, reset 0x10, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1c0 ("PHY_1C0") = 0x1c0: ReadWrite, reset 0x4, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1c4 ("PHY_1C4") = 0x1c4: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1c8 ("PHY_1C8") = 0x1c8: ReadWrite, reset 0x32, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1cc ("PHY_1CC") = 0x1cc: ReadWrite, reset 0x80, Unknown, "T31 2a.3";
    /// Live value: 0, 1, 0x2b were seen.
    Live1d0 ("LIVE_1D0") = 0x1d0: ReadOnly, reset 0x0, Unknown, "T31 2a.3, 2a.5";
    /// Analogue setting; meaning unknown.
    Word1d4 ("PHY_1D4") = 0x1d4: ReadWrite, reset 0x12, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1d8 ("PHY_1D8") = 0x1d8: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1dc ("PHY_1DC") = 0x1dc: ReadWrite, reset 0x60, Unknown, "T31 2a.3";
    /// As PHY_160.
    Rate1 ("PHY_1E0") = 0x1e0: ReadWrite, reset 0x1b, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word1e4 ("PHY_1E4") = 0x1e4: ReadWrite, reset 0x18, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1e8 ("PHY_1E8") = 0x1e8: ReadWrite, reset 0x7f, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1ec ("PHY_1EC") = 0x1ec: ReadWrite, reset 0x4b, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word1f4 ("PHY_1F4") = 0x1f4: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word200 ("PHY_200") = 0x200: ReadWrite, reset 0x8a, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word204 ("PHY_204") = 0x204: ReadWrite, reset 0x5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word20c ("PHY_20C") = 0x20c: ReadWrite, reset 0x40, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word210 ("PHY_210") = 0x210: ReadWrite, reset 0xb0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word214 ("PHY_214") = 0x214: ReadWrite, reset 0xc5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word218 ("PHY_218") = 0x218: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word21c ("PHY_21C") = 0x21c: ReadWrite, reset 0x9, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word220 ("PHY_220") = 0x220: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word224 ("PHY_224") = 0x224: ReadWrite, reset 0x48, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word228 ("PHY_228") = 0x228: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word22c ("PHY_22C") = 0x22c: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word230 ("PHY_230") = 0x230: ReadWrite, reset 0x88, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word238 ("PHY_238") = 0x238: ReadWrite, reset 0x86, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word23c ("PHY_23C") = 0x23c: ReadWrite, reset 0x10, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word240 ("PHY_240") = 0x240: ReadWrite, reset 0x4, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word244 ("PHY_244") = 0x244: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word248 ("PHY_248") = 0x248: ReadWrite, reset 0x32, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word24c ("PHY_24C") = 0x24c: ReadWrite, reset 0x80, Unknown, "T31 2a.3";
    /// Live value: 0, 0x60 were seen.
    Live250 ("LIVE_250") = 0x250: ReadOnly, reset 0x0, Unknown, "T31 2a.3, 2a.5";
    /// Analogue setting; meaning unknown.
    Word254 ("PHY_254") = 0x254: ReadWrite, reset 0x12, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word258 ("PHY_258") = 0x258: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word25c ("PHY_25C") = 0x25c: ReadWrite, reset 0x60, Unknown, "T31 2a.3";
    /// As PHY_160.
    Rate2 ("PHY_260") = 0x260: ReadWrite, reset 0x1b, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word264 ("PHY_264") = 0x264: ReadWrite, reset 0x18, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word268 ("PHY_268") = 0x268: ReadWrite, reset 0x7f, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word26c ("PHY_26C") = 0x26c: ReadWrite, reset 0x4b, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word274 ("PHY_274") = 0x274: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word280 ("PHY_280") = 0x280: ReadWrite, reset 0x8a, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word284 ("PHY_284") = 0x284: ReadWrite, reset 0x5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word28c ("PHY_28C") = 0x28c: ReadWrite, reset 0x40, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word290 ("PHY_290") = 0x290: ReadWrite, reset 0xb0, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word294 ("PHY_294") = 0x294: ReadWrite, reset 0xc5, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word298 ("PHY_298") = 0x298: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word29c ("PHY_29C") = 0x29c: ReadWrite, reset 0x9, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2a0 ("PHY_2A0") = 0x2a0: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2a4 ("PHY_2A4") = 0x2a4: ReadWrite, reset 0x48, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2a8 ("PHY_2A8") = 0x2a8: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2ac ("PHY_2AC") = 0x2ac: ReadWrite, reset 0xf, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2b0 ("PHY_2B0") = 0x2b0: ReadWrite, reset 0x88, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2b8 ("PHY_2B8") = 0x2b8: ReadWrite, reset 0x86, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2bc ("PHY_2BC") = 0x2bc: ReadWrite, reset 0x10, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2c0 ("PHY_2C0") = 0x2c0: ReadWrite, reset 0x4, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2c4 ("PHY_2C4") = 0x2c4: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2c8 ("PHY_2C8") = 0x2c8: ReadWrite, reset 0x32, Unknown, "T31 2a.3";
    /// 1 for DVP.
    ModelSwitch ("MODEL_SWITCH") = 0x2cc: ReadWrite, reset 0x80, Storage, "T31 2a.3, 2b.4";
    /// Analogue setting; meaning unknown.
    Word2d8 ("PHY_2D8") = 0x2d8: ReadWrite, reset 0x1, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2dc ("PHY_2DC") = 0x2dc: ReadWrite, reset 0x60, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2e0 ("PHY_2E0") = 0x2e0: ReadWrite, reset 0x1b, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2e4 ("PHY_2E4") = 0x2e4: ReadWrite, reset 0x18, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2e8 ("PHY_2E8") = 0x2e8: ReadWrite, reset 0x7f, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2ec ("PHY_2EC") = 0x2ec: ReadWrite, reset 0x4b, Unknown, "T31 2a.3";
    /// Analogue setting; meaning unknown.
    Word2f4 ("PHY_2F4") = 0x2f4: ReadWrite, reset 0x3, Unknown, "T31 2a.3";
}

register_block! {
    /// The MIPI CSI-2 host.
    CsiHost ("MIPI_CSI") at 0x1002_3000, stride 0x1000, instances 1;
    /// Version, "102*" in ASCII.
    Version ("VERSION") = 0x00: ReadOnly, reset 0x3130_322a, Modelled, "T31 2.8, 9.1";
    /// Lanes in use less one.
    Lanes ("N_LANES") = 0x04: ReadWrite, reset 1, Storage, "T31 2a.3" {
        LANES_LESS_ONE [2 @ 0] "1 for two lanes.",
    };
    /// The vendor's driver only ever clears bit 0; frames come without it.
    PhyShutdown ("PHY_SHUTDOWNZ") = 0x08: ReadWrite, reset 0, Storage, "T31 2a.1" {
        PHY_ON [1 @ 0] "Never set while streaming.",
    };
    /// Takes the D-PHY out of reset.
    PhyReset ("DPHY_RSTZ") = 0x0c: ReadWrite, reset 0, Modelled, "T31 2.8" {
        PHY_OUT_OF_RESET [1 @ 0] "1: out of reset.",
    };
    /// Takes the host out of reset.
    HostReset ("CSI2_RESETN") = 0x10: ReadWrite, reset 0, Modelled, "T31 2.8" {
        HOST_OUT_OF_RESET [1 @ 0] "1: out of reset.",
    };
    /// State of the lanes: 0x200 idle, 0x630 once both resets are released, then 0x300 during a frame and 0x330 between
    /// frames while the sensor sends.
    PhyState ("PHY_STATE") = 0x14: ReadOnly, reset 0x200, Modelled, "T31 2.8, 2a.3";
    /// Data ids.
    DataIds1 ("DATA_IDS_1") = 0x18: ReadWrite, reset 0, Storage, "T31 2.8";
    /// Data ids.
    DataIds2 ("DATA_IDS_2") = 0x1c: ReadWrite, reset 0, Storage, "T31 2.8";
    /// Errors, 0 when healthy.
    Errors1 ("ERR1") = 0x20: ReadOnly, reset 0, Storage, "T31 2.8";
    /// Errors, 0 when healthy.
    Errors2 ("ERR2") = 0x24: ReadOnly, reset 0, Storage, "T31 2.8";
    /// Error mask.
    Mask1 ("MASK1") = 0x28: ReadWrite, reset 0, Storage, "T31 2.8";
    /// Error mask.
    Mask2 ("MASK2") = 0x2c: ReadWrite, reset 0, Storage, "T31 2.8";
    /// Live value, grows by 0x00020002.
    Live ("LIVE_40") = 0x40: ReadOnly, reset 0, Modelled, "T31 2.8, 2a.3";
}
