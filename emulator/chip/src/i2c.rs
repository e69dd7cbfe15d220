// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensor's I2C controller: one byte a transfer, done at once (our choice, see the registers).

use super::Chip;
use super::findings::FindingKind;
use tx_isp_abi::registers::I2c;

impl Chip {
    /// A write to COMMAND.
    pub(super) fn transfer(&mut self, command: u32) {
        let deaf = self.is_deaf();
        let value = |register: I2c| self.storage.get(register.address());
        let byte = |value: u32| u8::try_from(value & 0xff).unwrap_or(u8::MAX);
        let target = I2c::TARGET_ADDRESS.get(value(I2c::Target));
        let register = byte(value(I2c::Register));
        let answers = target == u32::from(self.sensor_model.target()) && !deaf;
        match command {
            _ if command != I2c::TRANSFER_READ.mask() && command != I2c::TRANSFER_WRITE.mask() => {
                self.findings.report(FindingKind::UndefinedValue, || {
                    format!("I2C0 COMMAND written with {command:#x}; 1 reads, 2 writes")
                });
                return;
            }
            _ if !answers => {}
            _ if I2c::TRANSFER_READ.is_set(command) => {
                let data = self.sensor_model.read(register);
                self.storage.set(I2c::Data.address(), data.into());
            }
            _ => {
                let data = byte(value(I2c::Data));
                self.sensor_model.write(register, data);
            }
        }
        let status = I2c::TRANSFER_DONE.mask() | I2c::TRANSFER_NACK.of(u32::from(!answers));
        self.storage.set(I2c::Status.address(), status);
    }
}
