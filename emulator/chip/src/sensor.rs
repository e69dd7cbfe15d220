// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The image sensor as an I2C target: 256 registers, some of which set rate and brightness (T31
//! 7.3, 7.4).

use std::collections::VecDeque;
use tx_isp_abi::gain::DIGITAL_UNITY;
use tx_isp_abi::sensor::Sensor;

#[derive(Clone, Debug)]
pub(super) struct SensorModel {
    sensor: Sensor,
    registers: [u8; 256],
    /// Light of the frames to come that were exposed before the last settings were written.
    coming: VecDeque<u32>,
}

impl SensorModel {
    /// The sensor after power-up and its init table.
    pub(super) fn new(sensor: Sensor) -> Self {
        let mut model = Self {
            sensor,
            registers: [0; 256],
            coming: VecDeque::new(),
        };
        let control = sensor.control;
        for (register, value) in control.id {
            model.registers[usize::from(register)] = value;
        }
        model.set(control.exposure, control.default_exposure);
        model.set(control.frame_length, sensor.frame_length);
        let line_length = sensor.line_length / control.line_length_unit;
        model.set(control.line_length, line_length);
        for (register, value) in control.digital_gain.into_iter().zip(DIGITAL_UNITY) {
            model.registers[usize::from(register)] = value;
        }
        // Settings written while a frame is read out miss the next one's exposure, too.
        let light = model.light();
        model.coming = std::iter::repeat_n(light, control.delay.saturating_sub(1)).collect();
        model
    }

    pub(super) const fn target(&self) -> u8 {
        self.sensor.control.target
    }

    pub(super) fn read(&self, register: u8) -> u8 {
        self.registers[usize::from(register)]
    }

    /// The registers that tell the model cannot be changed; all others hold what is written.
    pub(super) fn write(&mut self, register: u8, value: u8) {
        let id = self.sensor.control.id;
        if id.iter().all(|(id, _)| *id != register) {
            self.registers[usize::from(register)] = value;
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
        let longest = self.sensor.max_exposure(self.frame_length());
        let exposure = self.get(control.exposure).min(longest);
        let code = self.read(control.analogue_gain);
        let digital = control.digital_gain.map(|register| self.read(register));
        let analogue = code.min(control.max_analogue_gain);
        self.sensor.light(exposure, analogue, digital)
    }

    fn get(&self, pair: [u8; 2]) -> u32 {
        let [high, low] = pair.map(|register| u32::from(self.read(register)));
        high << 8 | low
    }

    fn set(&mut self, pair: [u8; 2], value: u32) {
        let [.., high, low] = value.to_be_bytes();
        for (register, byte) in pair.into_iter().zip([high, low]) {
            self.registers[usize::from(register)] = byte;
        }
    }
}
