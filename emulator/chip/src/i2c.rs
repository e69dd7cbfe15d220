// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The I2C controllers (T31 2d). A transfer's bytes go over the bus within the write to DC that gives them; the
//! sensor is on controller 0.

use super::Chip;
use super::guest_errors::GuestErrorKind;
use super::i2c_controller::cleared_by;
use tx_isp_abi::registers::I2c;

impl Chip {
    pub(super) fn read_i2c(&mut self, number: u32, register: I2c) -> u32 {
        let controller = &mut self.i2c[usize::from(number != 0)];
        if let Some(bits) = cleared_by(register) {
            return controller.clear(bits);
        }
        match register {
            I2c::Data => controller.take(),
            I2c::IrqStatus => controller.interrupt_status(),
            I2c::IrqEnable => controller.enable,
            I2c::RxThreshold => controller.rx_threshold,
            I2c::TxThreshold => controller.tx_threshold,
            I2c::Enable | I2c::EnableStatus => u32::from(controller.enabled),
            I2c::Status => controller.state(),
            I2c::TxCount => 0,
            I2c::RxCount => u32::try_from(controller.received.len()).unwrap_or(u32::MAX),
            I2c::AbortReason => controller.abort,
            _ => self.storage.get(register.of(number)),
        }
    }

    pub(super) fn write_i2c(&mut self, number: u32, register: I2c, value: u32) {
        let controller = &mut self.i2c[usize::from(number != 0)];
        match register {
            I2c::IrqEnable => controller.enable = value,
            I2c::RxThreshold => controller.rx_threshold = value,
            I2c::TxThreshold => controller.tx_threshold = value,
            I2c::Enable => controller.set_enabled(I2c::I2C_ENABLED.is_set(value)),
            I2c::Data => self.transfer(number, value),
            _ => self.storage.set(register.of(number), value),
        }
    }

    /// A write to DC: a byte to send, or a byte to read.
    fn transfer(&mut self, number: u32, command: u32) {
        let index = usize::from(number != 0);
        if !self.i2c[index].enabled {
            self.guest_errors
                .report(GuestErrorKind::TransferWhileDisabled, || {
                    format!("I2C{number} DC written with {command:#x} while ENB is 0")
                });
            return;
        }
        if self.i2c[index].status & I2c::TX_ABORT.mask() != 0 {
            // After an abort the controller throws away what it is given until that is cleared.
            return;
        }
        if !self.i2c[index].active && !self.begin_transfer(number) {
            return;
        }
        let controller = &mut self.i2c[index];
        let sensor = &mut self.sensor_model;
        let byte = u8::try_from(I2c::DATA_BYTE.get(command)).unwrap_or(u8::MAX);
        if I2c::DATA_READ.is_set(command) {
            controller.receive(sensor.give());
        } else {
            sensor.take(byte);
        }
        if I2c::DATA_STOP.is_set(command) {
            controller.end();
        }
    }

    /// Whether a write to DC begins a transfer.
    pub(super) fn begins_transfer(&self, number: u32) -> bool {
        let controller = &self.i2c[usize::from(number != 0)];
        let aborted = controller.status & I2c::TX_ABORT.mask() != 0;
        controller.enabled && !aborted && !controller.active
    }

    /// Whether a transfer goes to the sensor's address, and the sensor is awake.
    pub(super) fn reaches_sensor(&self, number: u32) -> bool {
        let target = I2c::TARGET_ADDRESS.get(self.storage.get(I2c::Target.of(number)));
        number == 0 && target == u32::from(self.sensor_model.target()) && self.sensor_is_alive()
    }

    /// The address goes over the bus; whether somebody answers.
    fn begin_transfer(&mut self, number: u32) -> bool {
        let answers = self.reaches_sensor(number) && self.conditions.sensor_answers;
        let controller = &mut self.i2c[usize::from(number != 0)];
        controller.status |= I2c::START_SEEN.mask() | I2c::ACTIVITY.mask();
        if answers {
            controller.active = true;
            self.sensor_model.begin_message();
        } else {
            controller.status |= I2c::TX_ABORT.mask();
            controller.abort |= I2c::ABORT_ADDRESS.mask();
            controller.end();
        }
        answers
    }
}
