// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The MIPI CSI-2 host and its D-PHY (facts 2.8).

register_block! {
    /// The MIPI D-PHY.
    CsiPhy ("MIPI_PHY") at 0x1002_2000, stride 0x1000, instances 1;
    /// Written with 0x7d.
    Control0 ("PHY_00") = 0x00: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Written with 0xe3 and following.
    Control1 ("PHY_04") = 0x04: ReadWrite, reset 0, Storage, "facts 2.8";
    /// 0x3e or 0x1f.
    Control80 ("PHY_80") = 0x80: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Settling time of the clock lane.
    ClockSettle ("CK_LANE_SETTLE") = 0x100: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Lanes in use: 0x31 for one, 0x33 for two, 0x3f in general.
    ClockConfig ("CK_LANE_CONFIG") = 0x128: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Bit rate selection.
    Rate0 ("PHY_160") = 0x160: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Bit rate selection.
    Rate1 ("PHY_1E0") = 0x1e0: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Bit rate selection.
    Rate2 ("PHY_260") = 0x260: ReadWrite, reset 0, Storage, "facts 2.8";
    /// MIPI or parallel operation.
    ModelSwitch ("MODEL_SWITCH") = 0x2cc: ReadWrite, reset 0, Storage, "facts 2.8";
}

register_block! {
    /// The MIPI CSI-2 host.
    CsiHost ("MIPI_CSI") at 0x1002_3000, stride 0x1000, instances 1;
    /// Version, "102*" in ASCII.
    Version ("VERSION") = 0x00: ReadOnly, reset 0x3130_322a, Modelled, "facts 2.8, 9.1";
    /// Lanes in use less one.
    Lanes ("N_LANES") = 0x04: ReadWrite, reset 0, Storage, "facts 2.8" {
        LANES_LESS_ONE [2 @ 0] "1 for two lanes.",
    };
    /// Takes the D-PHY out of shutdown.
    PhyShutdown ("PHY_SHUTDOWNZ") = 0x08: ReadWrite, reset 0, Modelled, "facts 2.8" {
        PHY_ON [1 @ 0] "1: on.",
    };
    /// Takes the D-PHY out of reset.
    PhyReset ("DPHY_RSTZ") = 0x0c: ReadWrite, reset 0, Modelled, "facts 2.8" {
        PHY_OUT_OF_RESET [1 @ 0] "1: out of reset.",
    };
    /// Takes the host out of reset.
    HostReset ("CSI2_RESETN") = 0x10: ReadWrite, reset 0, Modelled, "facts 2.8" {
        HOST_OUT_OF_RESET [1 @ 0] "1: out of reset.",
    };
    /// State of the lanes: 0x200 idle, 0x630 once all three resets are released, 0x300 while frames come.
    PhyState ("PHY_STATE") = 0x14: ReadOnly, reset 0x200, Modelled, "facts 2.8";
    /// Data ids.
    DataIds1 ("DATA_IDS_1") = 0x18: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Data ids.
    DataIds2 ("DATA_IDS_2") = 0x1c: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Errors, 0 when healthy.
    Errors1 ("ERR1") = 0x20: ReadOnly, reset 0, Storage, "facts 2.8";
    /// Errors, 0 when healthy.
    Errors2 ("ERR2") = 0x24: ReadOnly, reset 0, Storage, "facts 2.8";
    /// Error mask.
    Mask1 ("MASK1") = 0x28: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Error mask.
    Mask2 ("MASK2") = 0x2c: ReadWrite, reset 0, Storage, "facts 2.8";
    /// Live value.
    Live ("LIVE_40") = 0x40: ReadOnly, reset 0, Unknown, "facts 2.8";
}
