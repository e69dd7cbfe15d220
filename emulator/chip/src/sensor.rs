// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The image sensor as an I2C target: registers of a byte, some of which set rate, brightness and orientation (T31
//! 7.3, 7.4).

use std::collections::{BTreeMap, VecDeque};
use tx_isp_abi::gain::DIGITAL_UNITY;
use tx_isp_abi::sensor::{Flips, Sensor};

#[derive(Clone, Debug)]
pub(super) struct SensorModel {
    sensor: Sensor,
    /// Those that are not 0.
    registers: BTreeMap<u16, u8>,
    /// The register that is read or written next. It stays from one message to the next.
    register: u16,
    /// Bytes of a register's number that have not come since the message began.
    missing: usize,
    /// Light of the frames to come that were exposed before the last settings were written.
    coming: VecDeque<u32>,
}

impl SensorModel {
    /// The sensor after power-up and its init table.
    pub(super) fn new(sensor: Sensor) -> Self {
        let mut model = Self {
            sensor,
            registers: BTreeMap::new(),
            register: 0,
            missing: 0,
            coming: VecDeque::new(),
        };
        let control = sensor.control;
        for (register, value) in control.id {
            model.registers.insert(register, value);
        }
        let exposure = control.default_exposure;
        let code = control.exposure_code;
        let exposure = code.convert(exposure, sensor.frame_length);
        model.set(control.exposure, exposure);
        model.set(control.frame_length, sensor.frame_length);
        let line_length = sensor.line_length / control.line_length_unit;
        model.set(control.line_length, line_length);
        let digital = control.digital_gain.into_iter().flatten();
        model.registers.extend(digital.zip(DIGITAL_UNITY));
        // Settings written while a frame is read out miss the next one's exposure, too.
        let light = model.light();
        model.coming = std::iter::repeat_n(light, control.delay.saturating_sub(1)).collect();
        model
    }

    pub(super) const fn target(&self) -> u8 {
        self.sensor.control.target
    }

    /// A message to the sensor begins.
    pub(super) fn begin_message(&mut self) {
        self.missing = self.sensor.control.address_width.bytes();
    }

    /// A byte of a message: of a register's number, then of its value and those of the registers behind it.
    pub(super) fn take(&mut self, byte: u8) {
        if self.missing > 0 {
            self.missing -= 1;
            self.register = (self.register << 8 | u16::from(byte)) & self.last_register();
        } else {
            self.write(self.register, byte);
            self.advance();
        }
    }

    /// The byte that a read gives.
    pub(super) fn give(&mut self) -> u8 {
        let byte = self.read(self.register);
        self.advance();
        byte
    }

    const fn last_register(&self) -> u16 {
        self.sensor.control.address_width.last()
    }

    const fn advance(&mut self) {
        self.register = self.register.wrapping_add(1) & self.last_register();
    }

    fn read(&self, register: u16) -> u8 {
        self.registers.get(&register).copied().unwrap_or(0)
    }

    /// The registers that tell the model cannot be changed; all others hold what is written.
    fn write(&mut self, register: u16, value: u8) {
        let id = self.sensor.control.id;
        if id.iter().all(|(id, _)| *id != register) {
            self.registers.insert(register, value);
        }
    }

    /// Which ways the picture of the frame that begins is turned about.
    pub(super) fn flips(&self) -> Flips {
        let bits = self.sensor.control.flip;
        let value = self.read(bits.register);
        Flips {
            horizontal: value & bits.horizontal != 0,
            vertical: value & bits.vertical != 0,
        }
    }

    /// Time from one frame to the next in nanoseconds. A frame has at least its visible lines, and a
    /// line length of 0 is that after power-up (assumption).
    pub(super) fn period_ns(&self) -> u64 {
        let control = &self.sensor.control;
        let line_length = match self.get(control.line_length) * control.line_length_unit {
            0 => self.sensor.line_length,
            length => length,
        };
        self.sensor.period_ns(line_length, self.frame_length())
    }

    /// The light of the frame that begins, 16.16 of that after power-up.
    pub(super) fn next_light(&mut self) -> u32 {
        let written = self.light();
        self.coming.push_back(written);
        self.coming.pop_front().unwrap_or(written)
    }

    /// Lines of a frame with its blanking.
    pub(super) fn frame_lines(&self) -> u32 {
        self.frame_length()
    }

    fn frame_length(&self) -> u32 {
        let written = self.get(self.sensor.control.frame_length);
        written.max(self.sensor.size.height)
    }

    fn light(&self) -> u32 {
        let control = &self.sensor.control;
        let frame_length = self.frame_length();
        let longest = self.sensor.max_exposure(frame_length);
        let exposure = self.get(control.exposure);
        let exposure = control.exposure_code.convert(exposure, frame_length);
        let exposure = exposure.min(longest);
        let code = self.read(control.analogue_gain);
        let digital = control.digital_gain;
        let digital = digital.map(|pair| pair.map(|register| self.read(register)));
        let analogue = code.min(control.max_analogue_gain);
        let digital = digital.unwrap_or(DIGITAL_UNITY);
        self.sensor.light(exposure, analogue, digital)
    }

    fn get(&self, pair: [u16; 2]) -> u32 {
        let [high, low] = pair.map(|register| u32::from(self.read(register)));
        high << 8 | low
    }

    fn set(&mut self, pair: [u16; 2], value: u32) {
        let [.., high, low] = value.to_be_bytes();
        self.registers.extend(pair.into_iter().zip([high, low]));
    }
}
