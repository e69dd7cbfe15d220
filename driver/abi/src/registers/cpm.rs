// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CPM: clocks, power and resets, as far as the ISP's driver touches them (T31 1.3).

register_block! {
    /// Clock and power management: clock gates and the ISP's soft reset.
    Cpm ("CPM") at 0x1000_0000, stride 0x1000, instances 1;
    /// Main PLL A: 24 MHz * M / N / OD1 / OD0. The client library divides by its fields.
    PllA ("CPAPCR") = 0x10: ReadWrite, reset 0x03a0_4900, Storage, "T31 2a.4, 2e.2" {
        PLL_M [8 @ 20] "Multiplier.",
        PLL_N [6 @ 14] "Divider, not 0.",
        PLL_OD1 [3 @ 11] "Output divider, not 0.",
        PLL_OD0 [3 @ 8] "Output divider, not 0.",
    };
    /// Main PLL M, in the layout of CPAPCR.
    PllM ("CPMPCR") = 0x14: ReadWrite, reset 0x0320_4900, Storage, "T31 2a.4, 2e.2";
    /// Clock gates 0; a set bit stops a clock.
    ///
    /// Which gate belongs to which block is not known: the model stops the core, the VIC, the CSI host
    /// and its PHY while any of the named gates is closed. The boot loader leaves them open (assumption:
    /// the vendor's driver opens none itself but by the kernel's clocks).
    ClockGate0 ("CLKGR0") = 0x20: ReadWrite, reset 0, Modelled, "T31 1.3" {
        GATE_7 [1 @ 7] "Opened by the driver.",
        GATE_13 [1 @ 13] "Opened by the driver.",
        GATE_21 [1 @ 21] "Opened by the driver.",
        GATE_30 [1 @ 30] "Opened by the driver.",
    };
    /// Oscillator and power control.
    PowerControl ("OPCR") = 0x24: ReadWrite, reset 0, Storage, "T31 1.3";
    /// Clock gates 1; a set bit stops a clock.
    ClockGate1 ("CLKGR1") = 0x28: ReadWrite, reset 0, Modelled, "T31 1.3" {
        GATE_34 [1 @ 2] "Opened by the driver.",
        GATE_62 [1 @ 30] "Opened by the driver.",
    };
    /// Clock of the encoder; other drivers' business.
    VpuClock ("VPUCDR") = 0x30: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Power-up strap, read when the SoC is identified.
    Strap ("CPPSR") = 0x34: ReadWrite, reset 0, Modelled, "T31 1.3, 1.4" {
        STRAP [8 @ 0] "Tells the variants of T10, T20 and T30 apart.",
    };
    /// Protection of CPPSR; the open driver writes 0xa5a5 to unlock it.
    StrapProtection ("CPSPPR") = 0x38: ReadWrite, reset 0, Unknown, "T31 1.3";
    /// USB's PHY; other drivers' business.
    UsbPhy ("USBPCR") = 0x3c: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Clock of the network; its upper two bits choose the PLL that the client library reads.
    MacClock ("MACCDR") = 0x54: ReadWrite, reset 0, Storage, "T31 2a.4, 2e.2";
    /// The sensor's master clock, 24 MHz from a divider.
    SensorClock ("CIMCDR") = 0x7c: ReadWrite, reset 0, Modelled, "T31 2a.4" {
        SENSOR_CLOCK_DIVIDER [8 @ 0] "Divider less one.",
        SENSOR_CLOCK_STOP [1 @ 27] "Stops the clock: the sensor does not answer.",
        SENSOR_CLOCK_BUSY [1 @ 28] "The divider is changing; reads 0.",
        SENSOR_CLOCK_CHANGE [1 @ 29] "Takes the new divider.",
    };
    /// The ISP's clock divider.
    IspClock ("ISPCDR") = 0x80: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Soft reset. The ISP's handshake: set the request, wait for the acknowledge, replace the
    /// request by the reset bit, clear the reset bit.
    SoftReset ("SRBC") = 0xc4: Command, reset 0, Modelled, "T31 1.3, 9.2" {
        ISP_RESET_ACKNOWLEDGE [1 @ 20] "The ISP has stopped its bus traffic; 1 while the request is 1.",
        ISP_RESET_REQUEST [1 @ 21] "Asks the ISP to stop its bus traffic.",
        ISP_RESET [1 @ 22] "Holds the ISP in reset; its registers return to their reset values.",
    };
    /// Main PLL V, in the layout of CPAPCR.
    PllV ("CPVPCR") = 0xe0: ReadWrite, reset 0x0320_4900, Storage, "T31 2a.4, 2e.2";
    /// Clock of the network's PHY.
    MacPhyClock ("MPHYC") = 0xe8: ReadWrite, reset 0, Storage, "T31 2a.4";
}

impl Cpm {
    /// The gates of CLKGR0 that the ISP needs open (T31 1.3).
    pub const ISP_GATES_0: u32 =
        Self::GATE_7.mask() | Self::GATE_13.mask() | Self::GATE_21.mask() | Self::GATE_30.mask();
    /// The gates of CLKGR1 that the ISP needs open (T31 1.3).
    pub const ISP_GATES_1: u32 = Self::GATE_34.mask() | Self::GATE_62.mask();
}
