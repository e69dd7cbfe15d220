// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What the driver needs of the world: the chip's registers, and time.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;

/// The way to the chip's registers. It may be a mailbox, where a batch costs one round trip, or
/// memory, where it is a loop.
pub trait Bus {
    /// Carries out `operations` in order, stores their results in `results` and returns how many
    /// words that were. Everything posted before has taken effect first.
    ///
    /// # Errors
    /// [`BusError`] if the chip did not answer; the operations may or may not have taken effect.
    fn execute(&mut self, operations: &[Operation], results: &mut [u32])
    -> Result<usize, BusError>;

    /// Carries out `operations`, all of them writes, in order; does not wait until they are done.
    ///
    /// # Errors
    /// [`BusError`] if they could not be sent.
    fn post(&mut self, operations: &[Operation]) -> Result<(), BusError>;

    /// Waits at least `microseconds`.
    fn sleep(&mut self, microseconds: u32);

    /// Resets the device that carries the registers, so that it writes to no memory any more. Its chip
    /// is as after power-up then, and requests under way are dropped; whether it answers again is for
    /// the next operation to find out.
    ///
    /// # Errors
    /// [`BusError::Gone`] where nothing below the registers can be reset, which is the default: a
    /// device that the processor addresses directly.
    fn reset_device(&mut self) -> Result<(), BusError> {
        Err(BusError::Gone)
    }

    /// Writes to a device on the sensor's I2C bus: a message for each register, its number and its value.
    /// `None` where nothing but the chip's own controller leads there, which is the default: the driver
    /// then does it by the controller's registers.
    fn write_i2c(&mut self, target: u8, registers: &[(u8, u8)]) -> Option<Result<(), I2cError>> {
        let _ = (target, registers);
        None
    }

    /// Reads a register of a device on the sensor's I2C bus; `None` as for [`Bus::write_i2c`].
    fn read_i2c(&mut self, target: u8, register: u8) -> Option<Result<u8, I2cError>> {
        let _ = (target, register);
        None
    }

    /// Reads one register.
    ///
    /// # Errors
    /// As [`Bus::execute`].
    fn read(&mut self, address: PhysAddr) -> Result<u32, BusError> {
        let mut value = [0];
        match self.execute(&[Operation::Read(address)], &mut value)? {
            1 => Ok(value[0]),
            _ => Err(BusError::Protocol),
        }
    }
}

/// Why an operation on the bus failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusError {
    /// No answer within the deadline.
    Timeout,
    /// No room for another request: those before it are not answered.
    Busy,
    /// No memory for a request.
    NoMemory,
    /// The device was removed.
    Gone,
    /// The answer makes no sense, or the request was refused.
    Protocol,
}

/// Why a message on the I2C bus failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum I2cError {
    /// No device acknowledges the address or a byte.
    NoAnswer,
    /// The controller failed, and how.
    Controller(BusError),
}
