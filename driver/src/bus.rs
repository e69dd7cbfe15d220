// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What the driver needs of the world: the chip's registers, and time.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::sensor::AddressWidth;

/// The most bytes of a message on the sensor's bus: a register's number and its value.
const MESSAGE_BYTES: usize = 3;

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

    /// Sends messages to a device on the sensor's I2C bus, in order. `None` where nothing but the chip's own controller leads there, which is the default: the driver
    /// then does it by the controller's registers.
    fn write_i2c(&mut self, target: u8, messages: &[I2cMessage]) -> Option<Result<(), I2cError>> {
        let _ = (target, messages);
        None
    }

    /// Reads the register of a device on the sensor's I2C bus that a message names; `None` as for
    /// [`Bus::write_i2c`].
    fn read_i2c(&mut self, target: u8, register: &I2cMessage) -> Option<Result<u8, I2cError>> {
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

/// Bytes of a message to a device on the sensor's I2C bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct I2cMessage {
    bytes: [u8; MESSAGE_BYTES],
    length: usize,
}

impl I2cMessage {
    /// Names a register.
    #[must_use]
    pub const fn of_register(width: AddressWidth, register: u16) -> Self {
        let [high, low] = register.to_be_bytes();
        let bytes = match width {
            AddressWidth::Bits8 => [low, 0, 0],
            AddressWidth::Bits16 => [high, low, 0],
        };
        Self {
            bytes,
            length: width.bytes(),
        }
    }

    /// Names a register and gives it a value.
    #[must_use]
    pub const fn of_value(width: AddressWidth, register: u16, value: u8) -> Self {
        let mut message = Self::of_register(width, register);
        message.bytes[message.length] = value;
        message.length += 1;
        message
    }

    /// The bytes, in the order in which they go over the bus.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_registers_number_high_byte_first() {
        use AddressWidth::{Bits8, Bits16};
        assert_eq!(I2cMessage::of_register(Bits8, 0xf0).as_slice(), [0xf0]);
        assert_eq!(I2cMessage::of_value(Bits8, 0xf0, 1).as_slice(), [0xf0, 1]);
        let wide = I2cMessage::of_register(Bits16, 0x3008);
        assert_eq!(wide.as_slice(), [0x30, 0x08]);
        let value = I2cMessage::of_value(Bits16, 0x3008, 7);
        assert_eq!(value.as_slice(), [0x30, 0x08, 7]);
    }
}
