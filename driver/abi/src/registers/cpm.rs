// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CPM: clocks, power and resets, as far as the ISP's driver touches them (facts 1.3).

register_block! {
    /// Clock and power management: clock gates and the ISP's soft reset.
    Cpm ("CPM") at 0x1000_0000, stride 0x1000, instances 1;
    /// Clock gates 0; a set bit stops a clock.
    ///
    /// Which gate belongs to which block is not known: the model stops the core, the VIC, the CSI host
    /// and its PHY while any of the named gates is closed, and closes all of them at power-up (our
    /// choice).
    ClockGate0 ("CLKGR0") = 0x20: ReadWrite, reset 0x4020_2080, Modelled, "facts 1.3" {
        GATE_7 [1 @ 7] "Opened by the driver.",
        GATE_13 [1 @ 13] "Opened by the driver.",
        GATE_21 [1 @ 21] "Opened by the driver.",
        GATE_30 [1 @ 30] "Opened by the driver.",
    };
    /// Oscillator and power control.
    PowerControl ("OPCR") = 0x24: ReadWrite, reset 0, Storage, "facts 1.3";
    /// Clock gates 1; a set bit stops a clock.
    ClockGate1 ("CLKGR1") = 0x28: ReadWrite, reset 0x4000_0004, Modelled, "facts 1.3" {
        GATE_34 [1 @ 2] "Opened by the driver.",
        GATE_62 [1 @ 30] "Opened by the driver.",
    };
    /// Power-up strap, read when the SoC is identified.
    Strap ("CPPSR") = 0x34: ReadWrite, reset 0, Modelled, "facts 1.3, 1.4" {
        STRAP [8 @ 0] "Tells the variants of T10, T20 and T30 apart.",
    };
    /// Protection of CPPSR; the open driver writes 0xa5a5 to unlock it.
    StrapProtection ("CPSPPR") = 0x38: ReadWrite, reset 0, Unknown, "facts 1.3";
    /// Soft reset. The ISP's handshake: set the request, wait for the acknowledge, replace the
    /// request by the reset bit, clear the reset bit.
    SoftReset ("SRBC") = 0xc4: Command, reset 0, Modelled, "facts 1.3, 9.2" {
        ISP_RESET_ACKNOWLEDGE [1 @ 20] "The ISP has stopped its bus traffic; 1 while the request is 1.",
        ISP_RESET_REQUEST [1 @ 21] "Asks the ISP to stop its bus traffic.",
        ISP_RESET [1 @ 22] "Holds the ISP in reset; its registers return to their reset values.",
    };
}

impl Cpm {
    /// The gates of CLKGR0 that the ISP needs open (facts 1.3).
    pub const ISP_GATES_0: u32 =
        Self::GATE_7.mask() | Self::GATE_13.mask() | Self::GATE_21.mask() | Self::GATE_30.mask();
    /// The gates of CLKGR1 that the ISP needs open (facts 1.3).
    pub const ISP_GATES_1: u32 = Self::GATE_34.mask() | Self::GATE_62.mask();
}
