// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The image sensor over I2C: who it is, how long it exposes, how much it amplifies, how fast it runs.
//!
//! The bus's registers are the model's (our choice, see [`I2c`]).

use crate::bring_up::write;
use crate::bus::{Bus, BusError};
use crate::error::Error;
use crate::isp::Isp;
use crate::list::List;
use tx_isp_abi::gain;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::I2c;

/// Registers that are written together: all of exposure and gain are.
const MAX_REGISTERS: usize = 8;
/// Operations to write one register: target, register, data, command.
const WRITE_OPERATIONS: usize = 5;

impl<B: Bus> Isp<B> {
    /// Makes sure that the sensor is the one that this driver was told of.
    ///
    /// # Errors
    /// [`Error::NoSensor`], [`Error::UnknownSensor`] or [`Error::Bus`].
    pub fn probe_sensor(&mut self) -> Result<(), Error> {
        let [first, second] = self.sensor.control.id;
        let id = [self.read_sensor(first.0)?, self.read_sensor(second.0)?];
        if id == [first.1, second.1] {
            Ok(())
        } else {
            Err(Error::UnknownSensor(id))
        }
    }

    /// Exposes each frame for `lines` lines, at most as many as its length allows; returns how many
    /// that are. It takes effect some frames later.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_exposure(&mut self, lines: u32) -> Result<u32, Error> {
        let control = self.sensor.control;
        let frame_length = self.read_pair(control.frame_length)?;
        let lines = lines.min(self.sensor.max_exposure(frame_length));
        self.write_sensor(&pair(control.exposure, lines))?;
        Ok(lines)
    }

    /// Amplifies by `factor` (16.16 fixed point, 0x10000 is no gain): by analogue means as far as
    /// these go, the rest digitally. Returns the factor that comes of it, never more than asked for,
    /// but at least 1. It takes effect some frames later.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_gain(&mut self, factor: u32) -> Result<u32, Error> {
        let control = self.sensor.control;
        let code = gain::analogue_code(factor, control.max_analogue_gain);
        let analogue = u64::from(gain::analogue(code));
        let rest = (u64::from(factor) << 16) / analogue;
        let digital = gain::digital_bytes(u32::try_from(rest).unwrap_or(u32::MAX).max(1 << 16));
        let [whole, fraction] = control.digital_gain;
        self.write_sensor(&[
            (control.analogue_gain, code),
            (whole, digital[0]),
            (fraction, digital[1]),
        ])?;
        let reached = (analogue * u64::from(gain::digital(digital))) >> 16;
        Ok(u32::try_from(reached).unwrap_or(u32::MAX))
    }

    /// Makes each frame `lines` lines long, within the sensor's rates; returns how many that are.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_frame_length(&mut self, lines: u32) -> Result<u32, Error> {
        let sensor = self.sensor;
        let shortest = sensor
            .frame_length_for(sensor.max_fps)
            .max(sensor.size.height);
        let longest = sensor
            .frame_length_for(sensor.min_fps)
            .min(u32::from(u16::MAX));
        let lines = lines.clamp(shortest, longest);
        self.write_sensor(&pair(sensor.control.frame_length, lines))?;
        self.frame_length = lines;
        Ok(lines)
    }

    /// Seconds from one frame to the next, as a fraction: `1 / fps` where the frame length is the one
    /// that the vendor's driver takes for a whole number of frames per second (facts 7.3).
    #[must_use]
    pub fn frame_interval(&self) -> (u32, u32) {
        let clocks = self.sensor.line_length * self.frame_length;
        let rate = (self.sensor.pixel_clock + clocks / 2) / clocks;
        if self.sensor.frame_length_for(rate) == self.frame_length {
            (1, rate)
        } else {
            (clocks, self.sensor.pixel_clock)
        }
    }

    /// Makes the sensor send a frame every `numerator / denominator` seconds, or as nearly as it can;
    /// a fraction with a zero asks for the sensor's default.
    ///
    /// # Errors
    /// As [`Isp::set_frame_length`].
    pub fn set_frame_interval(&mut self, numerator: u32, denominator: u32) -> Result<(), Error> {
        let lines = if numerator == 0 || denominator == 0 {
            self.sensor.frame_length
        } else {
            let clocks = u64::from(self.sensor.pixel_clock) * u64::from(numerator);
            let lines = clocks / u64::from(self.sensor.line_length) / u64::from(denominator);
            u32::try_from(lines).unwrap_or(u32::MAX)
        };
        self.set_frame_length(lines).map(drop)
    }

    fn read_pair(&mut self, registers: [u8; 2]) -> Result<u32, Error> {
        let [high, low] = registers;
        let high = self.read_sensor(high)?;
        Ok(u32::from(high) << 8 | u32::from(self.read_sensor(low)?))
    }

    fn read_sensor(&mut self, register: u8) -> Result<u8, Error> {
        let mut words = [0; 2];
        let used = self.bus.execute(
            &[
                self.target(),
                write(I2c::Register.address(), register.into()),
                write(I2c::Command.address(), I2c::TRANSFER_READ.mask()),
                Operation::Read(I2c::Status.address()),
                Operation::Read(I2c::Data.address()),
            ],
            &mut words,
        )?;
        let [status, data] = words;
        if used != words.len() {
            return Err(BusError::Protocol.into());
        }
        answered(status)?;
        let byte = u8::try_from(I2c::DATA_BYTE.get(data));
        byte.map_err(|_| BusError::Protocol.into())
    }

    /// Writes registers in order, in one round trip.
    fn write_sensor(&mut self, registers: &[(u8, u8)]) -> Result<(), Error> {
        let mut batch: List<Operation, { MAX_REGISTERS * WRITE_OPERATIONS }> =
            List::new(self.target());
        let mut results = [0; MAX_REGISTERS];
        for (register, value) in registers {
            for operation in [
                self.target(),
                write(I2c::Register.address(), (*register).into()),
                write(I2c::Data.address(), (*value).into()),
                write(I2c::Command.address(), I2c::TRANSFER_WRITE.mask()),
                Operation::Read(I2c::Status.address()),
            ] {
                let pushed = batch.push(operation);
                debug_assert!(pushed, "MAX_REGISTERS counts every register");
            }
        }
        let used = self.bus.execute(batch.as_slice(), &mut results)?;
        let statuses = results.get(..used).ok_or(BusError::Protocol)?;
        if statuses.len() != registers.len() {
            return Err(BusError::Protocol.into());
        }
        statuses.iter().try_for_each(|status| answered(*status))
    }

    const fn target(&self) -> Operation {
        write(I2c::Target.address(), self.sensor.control.target as u32)
    }
}

/// The bytes of a 16-bit value for a pair of registers.
fn pair([high, low]: [u8; 2], value: u32) -> [(u8, u8); 2] {
    let [.., first, second] = value.to_be_bytes();
    [(high, first), (low, second)]
}

fn answered(status: u32) -> Result<(), Error> {
    if !I2c::TRANSFER_DONE.is_set(status) {
        Err(BusError::Protocol.into())
    } else if I2c::TRANSFER_NACK.is_set(status) {
        Err(Error::NoSensor)
    } else {
        Ok(())
    }
}
