// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GPIO ports and the interrupt controller (T31 1.1, 2a.4).
//!
//! The layout is that of all Ingenic chips of the time: each group has a value, a register that sets bits and one that
//! clears bits.

use crate::PhysAddr;

register_block! {
    /// GPIO ports A to C. The sensor's reset is pin PA18.
    Gpio ("GPIO") at 0x1001_0000, stride 0x1000, instances 3;
    /// Levels of the pins.
    Pin ("PIN") = 0x00: ReadOnly, reset 0, Modelled, "T31 1.1";
    /// Pin interrupt or device function: bit n for pin n.
    Int ("INT") = 0x10: ReadWrite, reset 0, Modelled, "T31 2a.4";
    /// Sets bits of INT.
    IntSet ("INTS") = 0x14: Command, reset 0, Modelled, "T31 2a.4";
    /// Clears bits of INT.
    IntClear ("INTC") = 0x18: Command, reset 0, Modelled, "T31 2a.4";
    /// Pin masked interrupt, or GPIO: bit n for pin n.
    Msk ("MSK") = 0x20: ReadWrite, reset 0xffff_ffff, Modelled, "T31 2a.4";
    /// Sets bits of MSK.
    MskSet ("MSKS") = 0x24: Command, reset 0, Modelled, "T31 2a.4";
    /// Clears bits of MSK.
    MskClear ("MSKC") = 0x28: Command, reset 0, Modelled, "T31 2a.4";
    /// Pin input, or device function 2 and 3: bit n for pin n.
    Pat1 ("PAT1") = 0x30: ReadWrite, reset 0xffff_ffff, Modelled, "T31 2a.4";
    /// Sets bits of PAT1.
    Pat1Set ("PAT1S") = 0x34: Command, reset 0, Modelled, "T31 2a.4";
    /// Clears bits of PAT1.
    Pat1Clear ("PAT1C") = 0x38: Command, reset 0, Modelled, "T31 2a.4";
    /// Pin level of an output, or device function 1 and 3: bit n for pin n.
    Pat0 ("PAT0") = 0x40: ReadWrite, reset 0, Modelled, "T31 2a.4";
    /// Sets bits of PAT0.
    Pat0Set ("PAT0S") = 0x44: Command, reset 0, Modelled, "T31 2a.4";
    /// Clears bits of PAT0.
    Pat0Clear ("PAT0C") = 0x48: Command, reset 0, Modelled, "T31 2a.4";
    /// Interrupt flags.
    Flag ("FLG") = 0x50: ReadOnly, reset 0, Storage, "T31 2a.4";
    /// Clears interrupt flags.
    FlagClear ("FLGC") = 0x58: ReadWrite, reset 0, Storage, "T31 2a.4";
    /// Drive strength, two bits a pin.
    DriveStrength ("GPIO_130") = 0x130: ReadWrite, reset 0, Modelled, "T31 2a.4, 2e.2";
    /// Sets bits of the drive strength.
    DriveStrengthSet ("GPIO_134") = 0x134: Command, reset 0, Modelled, "T31 2a.4, 2e.2";
    /// Clears bits of the drive strength.
    DriveStrengthClear ("GPIO_138") = 0x138: Command, reset 0, Modelled, "T31 2a.4, 2e.2";
    /// Slew rate.
    SlewSet ("GPIO_144") = 0x144: ReadWrite, reset 0, Storage, "T31 2a.4, 2e.2";
    /// Slew rate.
    SlewClear ("GPIO_148") = 0x148: ReadWrite, reset 0, Storage, "T31 2a.4, 2e.2";
}

impl Gpio {
    /// The register's physical address in one port; 0 is A.
    #[must_use]
    pub const fn of(self, port: u32) -> PhysAddr {
        PhysAddr(self.address().0 + port * Self::BLOCK.stride)
    }

    /// Pin 18 of port A resets the sensor while it is low (T31 1.1, 7.3).
    pub const SENSOR_RESET: u32 = 1 << 18;
    /// The pin of port B whose set-up the client library looks at (T31 4.6).
    pub const LIBRARY_PIN: u32 = 1 << 8;
}

register_block! {
    /// The interrupt controller: two banks of 32 sources.
    Intc ("INTC") at 0x1000_1000, stride 0x20, instances 2;
    /// Levels of the sources.
    Source ("ICSR") = 0x00: ReadOnly, reset 0, Modelled, "T31 1.1, 1.2";
    /// Masked sources.
    Mask ("ICMR") = 0x04: ReadWrite, reset 0xffff_ffff, Modelled, "T31 1.2";
    /// Masks the sources written as 1.
    MaskSet ("ICMSR") = 0x08: Command, reset 0, Modelled, "T31 1.2";
    /// Unmasks the sources written as 1.
    MaskClear ("ICMCR") = 0x0c: Command, reset 0, Modelled, "T31 1.2";
    /// Sources that are high and not masked; the CPU's line is high while there is one.
    Pending ("ICPR") = 0x10: ReadOnly, reset 0, Modelled, "T31 1.2";
}

impl Intc {
    /// Source of the ISP core (T31 1.2).
    pub const SOURCE_ISP: u32 = 29;
    /// Source of the VIC (T31 1.2).
    pub const SOURCE_VIC: u32 = 30;
    /// Source of I2C1 (T31 1.2).
    pub const SOURCE_I2C1: u32 = 59;
    /// Source of I2C0 (T31 1.2).
    pub const SOURCE_I2C0: u32 = 60;

    /// The register's physical address in one bank.
    #[must_use]
    pub const fn of(self, bank: u32) -> PhysAddr {
        PhysAddr(self.address().0 + bank * Self::BLOCK.stride)
    }
}
