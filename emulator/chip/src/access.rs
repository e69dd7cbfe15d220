// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a register's access does, block by block.

use super::Chip;
use super::behaviour::FifoClear;
use super::guest_errors::{GuestErrorKind, GuestErrors};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::operation::RegisterFile;
use tx_isp_abi::registers::{Access, Channel, Core, Cpm, CsiHost, Fidelity, Msca, RegisterId, Vic};

/// START_MASK's bits that can be set (T31 2b.4).
const START_MASK_BITS: u32 = 0x8fff_ffff;

impl Chip {
    pub(super) fn read_register(&mut self, id: RegisterId) -> u32 {
        if let Some(value) = self.live_word(id) {
            return value;
        }
        match id {
            RegisterId::Cpm(Cpm::SoftReset) => self.read_soft_reset(),
            RegisterId::Core(Core::IrqStatus) => self.core_status,
            RegisterId::Core(register @ (Core::Status60 | Core::Status64)) => {
                self.core_live(register).unwrap_or_default()
            }
            RegisterId::I2c(number, register) => self.read_i2c(number, register),
            RegisterId::Intc(bank, register) => self.read_intc(bank, register),
            RegisterId::Gpio(port, register) => self.read_gpio(port, register),
            RegisterId::Msca(Msca::ChannelState) => self.channels_busy(),
            RegisterId::Msca(Msca::IrqStatus) => self.msca_status,
            RegisterId::Msca(register) => self
                .msca_live(register)
                .unwrap_or_else(|| self.storage.get(id.address())),
            RegisterId::Vic(Vic::State120) => self.vic_live(),
            RegisterId::Vic(Vic::IrqStatus0) => self.vic_status[0],
            RegisterId::Vic(Vic::IrqStatus1) => self.vic_status[1],
            RegisterId::CsiHost(CsiHost::PhyState) => self.phy_state(),
            RegisterId::CsiHost(CsiHost::Live) => self.csi_live(),
            RegisterId::Channel(channel, register) => {
                let output = &mut self.channels[channel.index()];
                output
                    .read(register, &mut self.guest_errors)
                    .unwrap_or_else(|| self.storage.get(id.address()))
            }
            _ => self.storage.get(id.address()),
        }
    }

    pub(super) fn write_register(&mut self, id: RegisterId, value: u32) {
        match id {
            RegisterId::Cpm(Cpm::SoftReset) => self.write_soft_reset(value),
            RegisterId::Cpm(Cpm::ClockGate0 | Cpm::ClockGate1) => {
                self.storage.set(id.address(), value);
                self.update_gates();
            }
            RegisterId::Core(Core::Start) => self.write_core_start(value),
            RegisterId::Core(Core::MainEnable) => {
                self.core_running &= value != 0;
                self.storage.set(id.address(), value);
            }
            RegisterId::Core(Core::IrqClear) => {
                acknowledge(&mut self.core_status, value, id, &mut self.guest_errors);
            }
            RegisterId::Core(Core::ReleaseRequest) => self.write_release_request(value),
            RegisterId::Core(Core::PipelineControl) => self.write_pipeline_control(value),
            RegisterId::Core(Core::StartMask) => {
                self.storage.set(id.address(), value & START_MASK_BITS);
            }
            RegisterId::I2c(number, register) => self.write_i2c(number, register, value),
            RegisterId::Intc(bank, register) => self.write_intc(bank, register, value),
            RegisterId::Gpio(port, register) => self.write_gpio(port, register, value),
            RegisterId::Msca(Msca::ChannelEnable) => self.write_channel_enable(value),
            RegisterId::Msca(Msca::IrqClear) => {
                acknowledge(&mut self.msca_status, value, id, &mut self.guest_errors);
            }
            RegisterId::Vic(Vic::Control) => self.write_vic_control(value),
            RegisterId::Vic(Vic::IrqClear0) => {
                acknowledge(&mut self.vic_status[0], value, id, &mut self.guest_errors);
            }
            RegisterId::Vic(Vic::IrqClear1) => {
                acknowledge(&mut self.vic_status[1], value, id, &mut self.guest_errors);
            }
            RegisterId::Channel(channel, register) => {
                self.check_channel_write(channel, register, value);
                let output = &mut self.channels[channel.index()];
                let sixth = self.behaviours.sixth_push;
                if !output.write(register, value, sixth, &mut self.guest_errors) {
                    self.storage.set(id.address(), value);
                } else if register == Channel::YAddressClear
                    && self.behaviours.fifo_clear == FifoClear::Stop
                {
                    self.stop_channel(channel);
                }
            }
            _ => self.storage.set(id.address(), value),
        }
    }

    /// CH_EN: enables take effect at once, what the strobes take over with the next frame; strobes read 0
    /// (T31 2.5).
    pub(super) fn write_channel_enable(&mut self, value: u32) {
        self.latch.strobe(value);
        for id in ChannelId::ALL {
            if value & id.bit() != 0 && !self.channels[id.index()].is_enabled() {
                self.check_start(id);
            }
        }
        for (channel, id) in self.channels.iter_mut().zip(ChannelId::ALL) {
            channel.set_enabled(value & id.bit() != 0);
        }
        let strobes = Msca::INPUT_STROBE.mask() | Msca::CHANNEL_STROBES.mask();
        let address = Msca::ChannelEnable.address();
        self.storage.set(address, value & !strobes);
    }

    /// As if CH_EN were written without the channel's bit.
    pub(super) fn stop_channel(&mut self, channel: ChannelId) {
        let address = Msca::ChannelEnable.address();
        let enabled = self.storage.get(address) & !channel.bit();
        self.storage.set(address, enabled);
        self.channels[channel.index()].set_enabled(false);
    }

    pub(super) fn carry_out(&mut self, address: PhysAddr, value: u32) {
        let Some(id) = RegisterId::decode(address) else {
            self.guest_errors
                .report(GuestErrorKind::UndefinedRegister, || {
                    format!("write of {value:#010x} to {address}")
                });
            return;
        };
        if self.is_refused(id, "write") {
            return;
        }
        let register = id.describe();
        let read_only = matches!(register.access, Access::ReadOnly | Access::FifoPop);
        if read_only {
            // What is unknown may be written for a reason that is not known either.
            if register.fidelity != Fidelity::Unknown {
                self.guest_errors
                    .report(GuestErrorKind::WriteToReadOnly, || {
                        format!("write of {value:#010x} to {} at {address}", register.name)
                    });
            }
            return;
        }
        if self.injected.any() {
            let value = self.write_with_faults(id, value);
            self.write_register(id, value);
            self.faults_after_write(id);
        } else {
            self.write_register(id, value);
        }
    }
}

impl RegisterFile for Chip {
    fn read(&mut self, address: PhysAddr) -> u32 {
        let value = match RegisterId::decode(address) {
            Some(id) if self.is_refused(id, "read") => 0,
            Some(id) => {
                let value = self.read_register(id);
                if self.injected.any() {
                    self.read_with_faults(id, value)
                } else {
                    value
                }
            }
            None => {
                self.guest_errors
                    .report(GuestErrorKind::UndefinedRegister, || {
                        format!("read of {address}")
                    });
                0
            }
        };
        self.guest_errors.note_read(address, value);
        value
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        self.carry_out(address, value);
        self.guest_errors.note_write(address, value);
    }
}

fn acknowledge(status: &mut u32, value: u32, id: RegisterId, guest_errors: &mut GuestErrors) {
    let not_raised = value & !*status;
    if not_raised != 0 {
        guest_errors.report(GuestErrorKind::AcknowledgeNotRaised, || {
            format!(
                "{} written with {value:#010x} while the status was {status:#010x}",
                id.describe().name
            )
        });
    }
    *status &= !value;
}
