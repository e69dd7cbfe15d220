// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensor's I2C bus.
//!
//! The reference tells only that I2C0 is at 0x10050000 and that the sensor is on it (facts 1.1). The
//! registers are our choice: one transfer of one byte to or from a register of a target, without
//! interrupts, done when the command has been written.

register_block! {
    /// I2C0, the sensor's bus. All of its registers are our choice: the reference knows the base only.
    I2c ("I2C0") at 0x1005_0000, stride 0x1000, instances 1;
    /// Whom a transfer is for.
    Target ("TARGET") = 0x00: ReadWrite, reset 0, Modelled, "facts 1.1" {
        TARGET_ADDRESS [7 @ 0] "The target's 7-bit address: 0x37 for a GC2053.",
    };
    /// Which of the target's registers.
    Register ("REGISTER") = 0x04: ReadWrite, reset 0, Modelled, "facts 1.1" {
        REGISTER_NUMBER [8 @ 0] "Number of an 8-bit register.",
    };
    /// The byte to write, or the byte that was read last.
    Data ("DATA") = 0x08: ReadWrite, reset 0, Modelled, "facts 1.1" {
        DATA_BYTE [8 @ 0] "The byte.",
    };
    /// Starts a transfer; reads as 0.
    Command ("COMMAND") = 0x0c: Command, reset 0, Modelled, "facts 1.1" {
        TRANSFER_READ [1 @ 0] "Reads the target's register into DATA.",
        TRANSFER_WRITE [1 @ 1] "Writes DATA to the target's register.",
    };
    /// How the last transfer ended.
    Status ("STATUS") = 0x10: ReadOnly, reset 0, Modelled, "facts 1.1" {
        TRANSFER_DONE [1 @ 0] "A transfer has ended.",
        TRANSFER_NACK [1 @ 1] "Nobody answered at the target's address.",
    };
}
