// SPDX-License-Identifier: GPL-2.0-only
//! The driver core's bus, whichever the chip is on.

use tx_isp_abi::operation::Operation;
use tx_isp_driver::bus::{Bus, BusError, I2cError};

use crate::mailbox::Mailbox;
use crate::platform::Registers;

/// A way to the chip.
#[derive(Debug)]
pub enum ChipBus {
    /// Batches over a virtqueue.
    Mailbox(Mailbox),
    /// Loads and stores.
    Registers(Registers),
}

impl ChipBus {
    /// Where the chip is, for the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Mailbox(_) => "behind the mailbox",
            Self::Registers(_) => "at its own addresses",
        }
    }

    fn bus(&mut self) -> &mut dyn Bus {
        match self {
            Self::Mailbox(mailbox) => mailbox,
            Self::Registers(registers) => registers,
        }
    }
}

impl Bus for ChipBus {
    fn execute(
        &mut self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> Result<usize, BusError> {
        self.bus().execute(operations, results)
    }

    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError> {
        self.bus().post(operations)
    }

    fn sleep(&mut self, microseconds: u32) {
        self.bus().sleep(microseconds);
    }

    fn reset_device(&mut self) -> Result<(), BusError> {
        self.bus().reset_device()
    }

    fn write_i2c(&mut self, target: u8, registers: &[(u8, u8)]) -> Option<Result<(), I2cError>> {
        self.bus().write_i2c(target, registers)
    }

    fn read_i2c(&mut self, target: u8, register: u8) -> Option<Result<u8, I2cError>> {
        self.bus().read_i2c(target, register)
    }
}
