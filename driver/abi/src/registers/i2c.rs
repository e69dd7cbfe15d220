// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The I2C controllers, version 12 (T31 2d). The sensor is on I2C0.

use crate::PhysAddr;

register_block! {
    /// The I2C controllers I2C0 and I2C1.
    I2c ("I2C") at 0x1005_0000, stride 0x1000, instances 2;
    /// Control.
    Control ("CTRL") = 0x00: ReadWrite, reset 0, Storage, "T31 2d" {
        I2C_MASTER [1 @ 0] "Master.",
        I2C_SPEED [2 @ 1] "1 standard, 2 fast.",
        I2C_RESTART [1 @ 5] "Restart is allowed.",
        I2C_NO_SLAVE [1 @ 6] "No slave.",
    };
    /// Whom transfers are for.
    Target ("TAR") = 0x04: ReadWrite, reset 0, Modelled, "T31 2d" {
        TARGET_ADDRESS [7 @ 0] "The target's 7-bit address: 0x37 for a GC2053.",
    };
    /// Own address as a slave.
    OwnAddress ("SAR") = 0x08: ReadWrite, reset 0, Storage, "T31 2d";
    /// A write gives a byte or a command to the transfer; a read takes a byte that was received.
    Data ("DC") = 0x10: Command, reset 0, Modelled, "T31 2d" {
        DATA_BYTE [8 @ 0] "The byte.",
        DATA_READ [1 @ 8] "Read a byte instead.",
        DATA_STOP [1 @ 9] "End the transfer behind it.",
        DATA_RESTART [1 @ 10] "Begin with a restart.",
    };
    /// Clocks high, standard speed.
    SlowHigh ("SHCNT") = 0x14: ReadWrite, reset 0, Storage, "T31 2d";
    /// Clocks low, standard speed.
    SlowLow ("SLCNT") = 0x18: ReadWrite, reset 0, Storage, "T31 2d";
    /// Clocks high, fast.
    FastHigh ("FHCNT") = 0x1c: ReadWrite, reset 0, Storage, "T31 2d";
    /// Clocks low, fast.
    FastLow ("FLCNT") = 0x20: ReadWrite, reset 0, Storage, "T31 2d";
    /// Interrupt status. The source is high while a bit is set here and in INTM.
    IrqStatus ("INTST") = 0x2c: ReadOnly, reset 0, Modelled, "T31 2d" {
        RX_UNDERFLOW [1 @ 0] "DC read while nothing was received.",
        RX_OVERFLOW [1 @ 1] "A received byte was lost.",
        RX_FULL [1 @ 2] "RXFLR is above RXTL.",
        TX_OVERFLOW [1 @ 3] "A byte to send was lost.",
        TX_EMPTY [1 @ 4] "TXFLR is RXTL or below.",
        READ_REQUEST [1 @ 5] "As a slave.",
        TX_ABORT [1 @ 6] "The transfer ended early; TXABRT tells why.",
        RX_DONE [1 @ 7] "As a slave.",
        ACTIVITY [1 @ 8] "The bus was active.",
        STOP_SEEN [1 @ 9] "A transfer has ended.",
        START_SEEN [1 @ 10] "A transfer has begun.",
        GENERAL_CALL [1 @ 11] "As a slave.",
    };
    /// Interrupt enable, in the layout of INTST; a set bit enables.
    IrqEnable ("INTM") = 0x30: ReadWrite, reset 0, Modelled, "T31 2d";
    /// Above so many received bytes RX_FULL is set.
    RxThreshold ("RXTL") = 0x38: ReadWrite, reset 0, Modelled, "T31 2d";
    /// At so many bytes to send, or fewer, TX_EMPTY is set.
    TxThreshold ("TXTL") = 0x3c: ReadWrite, reset 0, Modelled, "T31 2d";
    /// A read clears all that can be cleared.
    ClearAll ("CINTR") = 0x40: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears RX_UNDERFLOW.
    ClearRxUnderflow ("CRXUF") = 0x44: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears RX_OVERFLOW.
    ClearRxOverflow ("CRXOF") = 0x48: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears TX_OVERFLOW.
    ClearTxOverflow ("CTXOF") = 0x4c: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears READ_REQUEST.
    ClearReadRequest ("CRXREQ") = 0x50: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears TX_ABORT and TXABRT.
    ClearTxAbort ("CTXABRT") = 0x54: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears RX_DONE.
    ClearRxDone ("CRXDONE") = 0x58: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears ACTIVITY.
    ClearActivity ("CACT") = 0x5c: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears STOP_SEEN.
    ClearStop ("CSTP") = 0x60: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears START_SEEN.
    ClearStart ("CSTT") = 0x64: FifoPop, reset 0, Modelled, "T31 2d";
    /// A read clears GENERAL_CALL.
    ClearGeneralCall ("CGC") = 0x68: FifoPop, reset 0, Modelled, "T31 2d";
    /// Enable.
    Enable ("ENB") = 0x6c: ReadWrite, reset 0, Modelled, "T31 2d" {
        I2C_ENABLED [1 @ 0] "1: on. Off empties the FIFOs.",
    };
    /// State.
    Status ("STA") = 0x70: ReadOnly, reset 6, Modelled, "T31 2d" {
        STA_ACTIVITY [1 @ 0] "The controller is active.",
        STA_TX_NOT_FULL [1 @ 1] "There is room to send.",
        STA_TX_EMPTY [1 @ 2] "Nothing waits to be sent.",
        STA_RX_NOT_EMPTY [1 @ 3] "Something was received.",
        STA_RX_FULL [1 @ 4] "No room to receive.",
        STA_MASTER_ACTIVE [1 @ 5] "A transfer is under way.",
        STA_SLAVE_ACTIVE [1 @ 6] "As a slave.",
    };
    /// Bytes that wait to be sent.
    TxCount ("TXFLR") = 0x74: ReadOnly, reset 0, Modelled, "T31 2d";
    /// Bytes that were received.
    RxCount ("RXFLR") = 0x78: ReadOnly, reset 0, Modelled, "T31 2d";
    /// Hold time of data.
    DataHold ("SDAHD") = 0x7c: ReadWrite, reset 0, Storage, "T31 2d";
    /// Why a transfer ended early.
    AbortReason ("TXABRT") = 0x80: ReadOnly, reset 0, Modelled, "T31 2d" {
        ABORT_ADDRESS [1 @ 0] "Nobody answered at the target's address.",
        ABORT_DATA [1 @ 3] "A byte was not acknowledged.",
        ABORT_ARBITRATION [1 @ 12] "Arbitration was lost.",
    };
    /// Unused.
    DmaControl ("DMACR") = 0x88: ReadWrite, reset 0, Storage, "T31 2d";
    /// Unused.
    DmaTxLevel ("DMATDLR") = 0x8c: ReadWrite, reset 0, Storage, "T31 2d";
    /// Unused.
    DmaRxLevel ("DMARDLR") = 0x90: ReadWrite, reset 0, Storage, "T31 2d";
    /// Setup time of data.
    DataSetup ("SDASU") = 0x94: ReadWrite, reset 0, Storage, "T31 2d";
    /// Acknowledge of general calls.
    AckGeneralCall ("ACKGC") = 0x98: ReadWrite, reset 0, Storage, "T31 2d";
    /// Follows ENB.
    EnableStatus ("ENSTA") = 0x9c: ReadOnly, reset 0, Modelled, "T31 2d";
    /// Spike filter.
    Filter ("FLT") = 0xa0: ReadWrite, reset 0, Storage, "T31 2d";
}

impl I2c {
    /// Entries of either FIFO (T31 2d).
    pub const FIFO_DEPTH: usize = 64;

    /// The register's physical address in one controller, 0 or 1.
    #[must_use]
    pub const fn of(self, controller: u32) -> PhysAddr {
        PhysAddr(self.address().0 + controller * Self::BLOCK.stride)
    }
}
