// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The image sensor over I2C: who it is, how long it exposes, how much it amplifies, how fast it runs.
//!
//! The sensor is on I2C0 (T31 2d): a message is a register's number, of one or two bytes, and its value, or its
//! number and a read.
//! Where the bus has another way there, such as a kernel's own driver of that controller, it is taken.

use crate::List;
use crate::bring_up::{poll, write};
use crate::bus::{Bus, BusError, I2cError, I2cMessage};
use crate::error::Error;
use crate::isp::Isp;
use tx_isp_abi::gain;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Cpm, Gpio, I2c};
use tx_isp_abi::sensor::{ExposureCode, Flips, Sensor};

/// Registers that are written together: all of exposure and gain are.
const MAX_REGISTERS: usize = 8;
/// Operations before the bytes of a batch of messages, and behind them.
const AROUND_MESSAGES: usize = 4 + 2;
/// Operations of a message that writes a register: at most two for its number, one for its value.
const MESSAGE: usize = 3;
/// Words that a batch of messages answers with: what clears the last abort, the state, the reason of an abort.
const ANSWERS: usize = 3;
/// Master, fast, restart allowed, no slave (T31 2d).
const CONTROL: u32 = 0x65;
/// A message is over within 255 polls, 150 us apart (T31 2d).
const BUS_POLLS: u32 = 255;
const BUS_POLL_US: u32 = 150;
/// How long the sensor's reset is low, and how long it needs afterwards (assumption).
const RESET_US: u32 = 20_000;

impl<B: Bus> Isp<B> {
    /// Makes sure that the sensor is the one that this driver was told of.
    ///
    /// # Errors
    /// [`Error::NoSensor`], [`Error::UnknownSensor`] or [`Error::Bus`].
    pub fn probe_sensor(&mut self) -> Result<(), Error> {
        self.power_sensor_up()?;
        self.check_sensor_id()
    }

    /// Finds out which of the `known` sensors is there, and works with it from now on: sizes, rates and exposures
    /// are its own. Where none is, the one that this driver was told of stays. No channel may stream.
    ///
    /// # Errors
    /// [`Error::NoSensor`] where nobody answers, [`Error::UnknownSensor`] where somebody does who is none of
    /// them, or [`Error::Bus`].
    pub fn find_sensor(&mut self, known: &[Sensor]) -> Result<(), Error> {
        let told = self.sensor;
        self.power_sensor_up()?;
        let mut missing = Error::NoSensor;
        for candidate in known {
            self.sensor = *candidate;
            match self.check_sensor_id() {
                Ok(()) => {
                    self.use_sensor(*candidate);
                    return Ok(());
                }
                Err(Error::NoSensor) => {}
                Err(another @ Error::UnknownSensor(_)) => missing = another,
                Err(error) => {
                    self.sensor = told;
                    return Err(error);
                }
            }
        }
        self.sensor = told;
        Err(missing)
    }

    fn check_sensor_id(&mut self) -> Result<(), Error> {
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
        let code = control.exposure_code.convert(lines, frame_length);
        self.write_sensor(&pair(control.exposure, code))?;
        Ok(lines)
    }

    /// Turns the sensor's picture about, for all channels.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_flips(&mut self, flips: Flips) -> Result<(), Error> {
        let bits = self.sensor.control.flip;
        let mut value = self.read_sensor(bits.register)?;
        for (bit, on) in [
            (bits.horizontal, flips.horizontal),
            (bits.vertical, flips.vertical),
        ] {
            value = if on { value | bit } else { value & !bit };
        }
        self.write_sensor(&[(bits.register, value)])
    }

    /// Which ways the sensor's picture is turned about.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn flips(&mut self) -> Result<Flips, Error> {
        let bits = self.sensor.control.flip;
        let value = self.read_sensor(bits.register)?;
        Ok(Flips {
            horizontal: value & bits.horizontal != 0,
            vertical: value & bits.vertical != 0,
        })
    }

    /// Amplifies by `factor` (16.16 fixed point, 0x10000 is no gain): by analogue means as far as
    /// these go, the rest digitally. Returns the factor that comes of it, never more than asked for,
    /// but at least 1. It takes effect some frames later.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_gain(&mut self, factor: u32) -> Result<u32, Error> {
        let control = self.sensor.control;
        let steps = control.gain_steps;
        let code = gain::analogue_code(factor, control.max_analogue_gain, steps);
        let analogue = u64::from(gain::analogue(code, steps));
        let Some([whole, fraction]) = control.digital_gain else {
            self.write_sensor(&[(control.analogue_gain, code)])?;
            return Ok(gain::analogue(code, steps));
        };
        let rest = (u64::from(factor) << 16) / analogue;
        let digital = gain::digital_bytes(u32::try_from(rest).unwrap_or(u32::MAX).max(1 << 16));
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
        let exposed = self.counted_exposure()?;
        self.write_sensor(&pair(sensor.control.frame_length, lines))?;
        self.frame_length = lines;
        if let Some(exposed) = exposed {
            self.set_exposure(exposed)?;
        }
        Ok(lines)
    }

    /// The exposure in lines, where it is counted from the frame's length and so moves with it.
    fn counted_exposure(&mut self) -> Result<Option<u32>, Error> {
        let control = self.sensor.control;
        if control.exposure_code == ExposureCode::Lines {
            return Ok(None);
        }
        let code = self.read_pair(control.exposure)?;
        let frame_length = self.read_pair(control.frame_length)?;
        Ok(Some(control.exposure_code.convert(code, frame_length)))
    }

    /// The most lines that can be exposed at the frame length that is set.
    #[must_use]
    pub const fn max_exposure(&self) -> u32 {
        self.sensor.max_exposure(self.frame_length)
    }

    /// Seconds from one frame to the next, as a fraction: `1 / fps` where the frame length is the one
    /// that the vendor's driver takes for a whole number of frames per second (T31 7.3).
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

    /// Reads a register of the sensor.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn sensor_register(&mut self, register: u16) -> Result<u8, Error> {
        self.read_sensor(register)
    }

    /// Writes a register of the sensor.
    ///
    /// # Errors
    /// [`Error::NoSensor`] or [`Error::Bus`].
    pub fn set_sensor_register(&mut self, register: u16, value: u8) -> Result<(), Error> {
        self.write_sensor(&[(register, value)])
    }

    fn read_pair(&mut self, registers: [u16; 2]) -> Result<u32, Error> {
        let [high, low] = registers;
        let high = self.read_sensor(high)?;
        Ok(u32::from(high) << 8 | u32::from(self.read_sensor(low)?))
    }

    /// Gives the sensor its clock and a pulse on its reset pin (T31 1.1, 7.3).
    fn power_sensor_up(&mut self) -> Result<(), Error> {
        let clock = Cpm::SensorClock.address();
        let running = self.bus.read(clock)? & !Cpm::SENSOR_CLOCK_STOP.mask();
        let pin = |register: Gpio| write(register.of(0), Gpio::SENSOR_RESET);
        self.bus.post(&[
            write(clock, running),
            pin(Gpio::IntClear),
            pin(Gpio::MskSet),
            pin(Gpio::Pat0Clear),
            pin(Gpio::Pat1Clear),
        ])?;
        self.bus.sleep(RESET_US);
        self.bus.post(&[pin(Gpio::Pat0Set)])?;
        self.bus.sleep(RESET_US);
        Ok(())
    }

    fn read_sensor(&mut self, register: u16) -> Result<u8, Error> {
        let control = self.sensor.control;
        let message = I2cMessage::of_register(control.address_width, register);
        if let Some(read) = self.bus.read_i2c(control.target, &message) {
            return read.map_err(sensor_error);
        }
        let read = I2c::DATA_READ.mask() | I2c::DATA_STOP.mask();
        let mut words: List<u32, MESSAGE> = List::new(0);
        let bytes = message.as_slice().iter().map(|byte| u32::from(*byte));
        for word in bytes.chain([read]) {
            let pushed = words.push(word);
            debug_assert!(pushed, "MESSAGE counts every word");
        }
        self.send(words.as_slice())?;
        let mut words = [0; 2];
        let used = self.bus.execute(
            &[
                Operation::Read(I2c::RxCount.address()),
                Operation::Read(I2c::Data.address()),
            ],
            &mut words,
        )?;
        match words {
            [1, data] if used == words.len() => {
                let byte = u8::try_from(I2c::DATA_BYTE.get(data));
                byte.map_err(|_| BusError::Protocol.into())
            }
            _ => Err(BusError::Protocol.into()),
        }
    }

    /// Writes registers in order, in one round trip.
    fn write_sensor(&mut self, registers: &[(u16, u8)]) -> Result<(), Error> {
        let control = self.sensor.control;
        let width = control.address_width;
        let mut messages: List<I2cMessage, MAX_REGISTERS> =
            List::new(I2cMessage::of_register(width, 0));
        for (register, value) in registers {
            let pushed = messages.push(I2cMessage::of_value(width, *register, *value));
            debug_assert!(pushed, "MAX_REGISTERS counts every register");
        }
        let sent = self.bus.write_i2c(control.target, messages.as_slice());
        if let Some(written) = sent {
            return written.map_err(sensor_error);
        }
        let mut words: List<u32, { MAX_REGISTERS * MESSAGE }> = List::new(0);
        for message in messages.as_slice() {
            let last = message.as_slice().len() - 1;
            for (index, byte) in message.as_slice().iter().enumerate() {
                let stop = if index == last {
                    I2c::DATA_STOP.mask()
                } else {
                    0
                };
                let pushed = words.push(u32::from(*byte) | stop);
                debug_assert!(pushed, "MESSAGE counts every word");
            }
        }
        self.send(words.as_slice())
    }

    /// Gives the controller the words of messages, and waits until they are over.
    fn send(&mut self, words: &[u32]) -> Result<(), Error> {
        let mut batch: List<Operation, { MAX_REGISTERS * MESSAGE + AROUND_MESSAGES }> =
            List::new(Operation::Read(I2c::Status.address()));
        let before = [
            write(I2c::Control.address(), CONTROL),
            write(I2c::Enable.address(), I2c::I2C_ENABLED.mask()),
            write(I2c::Target.address(), self.sensor.control.target.into()),
            Operation::Read(I2c::ClearTxAbort.address()),
        ];
        let behind = [
            Operation::Read(I2c::Status.address()),
            Operation::Read(I2c::AbortReason.address()),
        ];
        let bytes = words.iter().map(|word| write(I2c::Data.address(), *word));
        for operation in before.into_iter().chain(bytes).chain(behind) {
            let pushed = batch.push(operation);
            debug_assert!(pushed, "MAX_REGISTERS counts every register");
        }
        let mut answers = [0; ANSWERS];
        let used = self.bus.execute(batch.as_slice(), &mut answers)?;
        let [_, state, mut abort] = answers;
        if used != ANSWERS {
            return Err(BusError::Protocol.into());
        }
        let is_over = |state| !I2c::STA_MASTER_ACTIVE.is_set(state);
        if !is_over(state) {
            let address = I2c::Status.address();
            if !poll(&mut self.bus, address, BUS_POLLS, BUS_POLL_US, is_over)? {
                return Err(BusError::Timeout.into());
            }
            abort = self.bus.read(I2c::AbortReason.address())?;
        }
        if abort == 0 {
            Ok(())
        } else {
            Err(Error::NoSensor)
        }
    }
}

fn sensor_error(error: I2cError) -> Error {
    match error {
        I2cError::NoAnswer => Error::NoSensor,
        I2cError::Controller(error) => error.into(),
    }
}

/// The bytes of a 16-bit value for a pair of registers.
fn pair([high, low]: [u16; 2], value: u32) -> [(u16, u8); 2] {
    let [.., first, second] = value.to_be_bytes();
    [(high, first), (low, second)]
}
