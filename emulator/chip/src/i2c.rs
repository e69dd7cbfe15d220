// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The I2C controllers (T31 2d). A transfer's bytes go over the bus within the write to DC that gives them; the
//! sensor is on controller 0.

use super::Chip;
use super::guest_errors::GuestErrorKind;
use std::collections::VecDeque;
use tx_isp_abi::registers::I2c;

/// One controller.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    /// The latched bits of INTST.
    status: u32,
    enabled: bool,
    enable: u32,
    rx_threshold: u32,
    tx_threshold: u32,
    abort: u32,
    received: VecDeque<u8>,
    /// A transfer has begun and not ended with a STOP.
    active: bool,
    /// The register that the sensor reads or writes next; `None` until the transfer's first byte.
    register: Option<u8>,
}

impl Controller {
    /// INTST: what is latched, and what follows from the FIFOs.
    fn interrupt_status(&self) -> u32 {
        let above = self.received.len() > usize::try_from(self.rx_threshold).unwrap_or(usize::MAX);
        // Nothing ever waits to be sent, so any threshold is reached.
        self.status | I2c::RX_FULL.of(u32::from(above)) | I2c::TX_EMPTY.of(u32::from(self.enabled))
    }

    /// Whether the controller's interrupt source is high.
    pub(super) fn is_pending(&self) -> bool {
        self.interrupt_status() & self.enable != 0
    }

    fn state(&self) -> u32 {
        let active = u32::from(self.active);
        I2c::STA_ACTIVITY.of(active)
            | I2c::STA_MASTER_ACTIVE.of(active)
            | I2c::STA_TX_NOT_FULL.mask()
            | I2c::STA_TX_EMPTY.mask()
            | I2c::STA_RX_NOT_EMPTY.of(u32::from(!self.received.is_empty()))
            | I2c::STA_RX_FULL.of(u32::from(self.received.len() >= I2c::FIFO_DEPTH))
    }

    fn take(&mut self) -> u32 {
        if let Some(byte) = self.received.pop_front() {
            return byte.into();
        }
        self.status |= I2c::RX_UNDERFLOW.mask();
        0
    }

    fn receive(&mut self, byte: u8) {
        if self.received.len() < I2c::FIFO_DEPTH {
            self.received.push_back(byte);
        } else {
            self.status |= I2c::RX_OVERFLOW.mask();
        }
    }

    fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
        if !enabled {
            self.received.clear();
            self.active = false;
            self.register = None;
            self.status = 0;
            self.abort = 0;
        }
    }

    fn end(&mut self) {
        self.active = false;
        self.register = None;
        self.status |= I2c::STOP_SEEN.mask();
    }

    /// Clears a bit of INTST; whether it was set.
    fn clear(&mut self, bits: u32) -> u32 {
        let was_set = self.status & bits != 0;
        self.status &= !bits;
        if bits & I2c::TX_ABORT.mask() != 0 {
            self.abort = 0;
        }
        u32::from(was_set)
    }
}

/// The bits of INTST that a read of a register clears.
fn cleared_by(register: I2c) -> Option<u32> {
    Some(match register {
        I2c::ClearAll => u32::MAX,
        I2c::ClearRxUnderflow => I2c::RX_UNDERFLOW.mask(),
        I2c::ClearRxOverflow => I2c::RX_OVERFLOW.mask(),
        I2c::ClearTxOverflow => I2c::TX_OVERFLOW.mask(),
        I2c::ClearReadRequest => I2c::READ_REQUEST.mask(),
        I2c::ClearTxAbort => I2c::TX_ABORT.mask(),
        I2c::ClearRxDone => I2c::RX_DONE.mask(),
        I2c::ClearActivity => I2c::ACTIVITY.mask(),
        I2c::ClearStop => I2c::STOP_SEEN.mask(),
        I2c::ClearStart => I2c::START_SEEN.mask(),
        I2c::ClearGeneralCall => I2c::GENERAL_CALL.mask(),
        _ => return None,
    })
}

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
            let register = controller.register.unwrap_or(0);
            controller.receive(sensor.read(register));
            controller.register = Some(register.wrapping_add(1));
        } else if let Some(register) = controller.register {
            sensor.write(register, byte);
            controller.register = Some(register.wrapping_add(1));
        } else {
            controller.register = Some(byte);
        }
        if I2c::DATA_STOP.is_set(command) {
            controller.end();
        }
    }

    /// The address goes over the bus; whether somebody answers.
    fn begin_transfer(&mut self, number: u32) -> bool {
        let target = I2c::TARGET_ADDRESS.get(self.storage.get(I2c::Target.of(number)));
        let answers = number == 0
            && target == u32::from(self.sensor_model.target())
            && self.sensor_is_alive()
            && !self.take_deaf_sensor_fault();
        let controller = &mut self.i2c[usize::from(number != 0)];
        controller.status |= I2c::START_SEEN.mask() | I2c::ACTIVITY.mask();
        if answers {
            controller.active = true;
            controller.register = None;
        } else {
            controller.status |= I2c::TX_ABORT.mask();
            controller.abort |= I2c::ABORT_ADDRESS.mask();
            controller.end();
        }
        answers
    }
}
