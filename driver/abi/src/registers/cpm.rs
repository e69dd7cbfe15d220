// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CPM: clocks, power and resets, as far as the ISP's driver touches them (facts 1.3).

register_block! {
    /// Clock and power management: clock gates and the ISP's soft reset.
    Cpm ("CPM") at 0x1000_0000, stride 0x1000, instances 1;
    /// Clock gates 0; a set bit stops a clock.
    ClockGate0 ("CLKGR0") = 0x20: ReadWrite, reset 0, Storage, "facts 1.3";
    /// Oscillator and power control.
    PowerControl ("OPCR") = 0x24: ReadWrite, reset 0, Storage, "facts 1.3";
    /// Clock gates 1; a set bit stops a clock.
    ClockGate1 ("CLKGR1") = 0x28: ReadWrite, reset 0, Storage, "facts 1.3";
    /// Power-up strap, read when the SoC is identified.
    Strap ("CPPSR") = 0x34: ReadWrite, reset 0, Unknown, "facts 1.3, 1.4";
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
