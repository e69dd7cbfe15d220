// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The T31's registers, each defined once.
//!
//! A block is an enum whose variants are its registers; a variant's value is its offset. The chip
//! model decodes addresses to [`RegisterId`]s, the driver takes addresses from the variants, traces
//! and documentation take the rest from [`Register`].

#[macro_use]
mod describe;
mod board;
mod core;
mod core_errors;
mod cpm;
mod csi;
pub mod facts;
mod i2c;
mod identity;
mod msca;
pub mod reference;
#[cfg(test)]
mod resets;
mod tuning;
mod vic;

pub use self::board::{Gpio, Intc};
pub use self::core::Core;
pub use self::core_errors::{CORE_ERRORS, core_error_cause};
pub use self::cpm::Cpm;
pub use self::csi::{CsiHost, CsiPhy};
pub use self::i2c::I2c;
pub use self::identity::{Efuse, Harb};
pub use self::msca::{Channel, Msca};
pub use self::tuning::{Parameter, Statistics, TABLES, Tuning};
pub use self::vic::Vic;
pub use describe::{Access, Block, Fidelity, Field, Register};

use crate::PhysAddr;
use crate::channel::ChannelId;

/// The physical addresses of all registers lie from 0x10000000 up to here, exclusive (T31 1.1).
pub const SPACE_END: PhysAddr = PhysAddr(0x1400_0000);
/// The lowest physical address of a register (T31 1.1).
pub const SPACE_START: PhysAddr = PhysAddr(0x1000_0000);

/// Which register an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegisterId {
    /// Clock and power management.
    Cpm(Cpm),
    /// The bus bridge that holds the SoC's id.
    Harb(Harb),
    /// Electronic fuses.
    Efuse(Efuse),
    /// The ISP core's top block.
    Core(Core),
    /// The multi-scaler's global registers.
    Msca(Msca),
    /// One output channel of the multi-scaler.
    Channel(ChannelId, Channel),
    /// The video input controller.
    Vic(Vic),
    /// The MIPI CSI-2 host.
    CsiHost(CsiHost),
    /// The MIPI D-PHY.
    CsiPhy(CsiPhy),
    /// An interrupt controller's bank, 0 or 1.
    Intc(u32, Intc),
    /// A GPIO port, 0 for A.
    Gpio(u32, Gpio),
    /// An I2C controller, 0 or 1; the sensor is on 0.
    I2c(u32, I2c),
    /// Processing blocks below the multi-scaler.
    Tuning(Tuning),
    /// Processing blocks above the multi-scaler.
    Statistics(Statistics),
    /// A word of the processing blocks or of the MIPI pages that has no name.
    Parameter(Parameter),
}

/// Every block, in address order.
pub const BLOCKS: [&Block; 15] = [
    Cpm::BLOCK,
    Intc::BLOCK,
    Gpio::BLOCK,
    CsiPhy::BLOCK,
    CsiHost::BLOCK,
    I2c::BLOCK,
    Harb::BLOCK,
    Core::BLOCK,
    Tuning::BLOCK,
    Msca::BLOCK,
    Channel::BLOCK,
    Statistics::BLOCK,
    TABLES,
    Vic::BLOCK,
    Efuse::BLOCK,
];

impl RegisterId {
    /// The register at `address`, if one is defined there. Addresses inside a word belong to no register.
    #[must_use]
    pub fn decode(address: PhysAddr) -> Option<Self> {
        let offset_in = |block: &Block| block.offset_of(address);
        if let Some(offset) = offset_in(Msca::BLOCK) {
            return Msca::from_offset(offset).map(Self::Msca);
        }
        if let Some(offset) = offset_in(Channel::BLOCK) {
            let channel = ChannelId::new(offset / Channel::BLOCK.stride).ok()?;
            return Channel::from_offset(offset % Channel::BLOCK.stride)
                .map(|register| Self::Channel(channel, register));
        }
        if let Some(offset) = offset_in(Vic::BLOCK) {
            return Vic::from_offset(offset).map(Self::Vic);
        }
        if let Some(offset) = offset_in(Core::BLOCK) {
            return Core::from_offset(offset).map(Self::Core);
        }
        if let Some(offset) = offset_in(Cpm::BLOCK) {
            return Cpm::from_offset(offset).map(Self::Cpm);
        }
        if let Some(offset) = offset_in(Harb::BLOCK) {
            return Harb::from_offset(offset).map(Self::Harb);
        }
        if let Some(offset) = offset_in(Efuse::BLOCK) {
            return Efuse::from_offset(offset).map(Self::Efuse);
        }
        if let Some(offset) = offset_in(I2c::BLOCK) {
            let controller = offset / I2c::BLOCK.stride;
            let register = I2c::from_offset(offset % I2c::BLOCK.stride);
            return register.map(|register| Self::I2c(controller, register));
        }
        if let Some(offset) = offset_in(Intc::BLOCK) {
            let bank = offset / Intc::BLOCK.stride;
            let register = Intc::from_offset(offset % Intc::BLOCK.stride);
            return register.map(|register| Self::Intc(bank, register));
        }
        if let Some(offset) = offset_in(Gpio::BLOCK) {
            let port = offset / Gpio::BLOCK.stride;
            let register = Gpio::from_offset(offset % Gpio::BLOCK.stride);
            return register.map(|register| Self::Gpio(port, register));
        }
        let named = offset_in(Tuning::BLOCK)
            .and_then(Tuning::from_offset)
            .map(Self::Tuning)
            .or_else(|| {
                let offset = offset_in(Statistics::BLOCK)?;
                Statistics::from_offset(offset).map(Self::Statistics)
            })
            .or_else(|| {
                let offset = offset_in(CsiHost::BLOCK)?;
                CsiHost::from_offset(offset).map(Self::CsiHost)
            })
            .or_else(|| {
                let offset = offset_in(CsiPhy::BLOCK)?;
                CsiPhy::from_offset(offset).map(Self::CsiPhy)
            });
        named.or_else(|| Parameter::at(address).map(Self::Parameter))
    }

    /// The block that the register is in.
    #[must_use]
    pub fn block(self) -> &'static Block {
        match self {
            Self::Cpm(_) => Cpm::BLOCK,
            Self::Harb(_) => Harb::BLOCK,
            Self::Efuse(_) => Efuse::BLOCK,
            Self::Core(_) => Core::BLOCK,
            Self::Msca(_) => Msca::BLOCK,
            Self::Channel(..) => Channel::BLOCK,
            Self::Vic(_) => Vic::BLOCK,
            Self::CsiHost(_) => CsiHost::BLOCK,
            Self::CsiPhy(_) => CsiPhy::BLOCK,
            Self::Intc(..) => Intc::BLOCK,
            Self::Gpio(..) => Gpio::BLOCK,
            Self::I2c(..) => I2c::BLOCK,
            Self::Tuning(_) => Tuning::BLOCK,
            Self::Statistics(_) => Statistics::BLOCK,
            Self::Parameter(parameter) => parameter.block(),
        }
    }

    /// The register's physical address.
    #[must_use]
    pub fn address(self) -> PhysAddr {
        match self {
            Self::Cpm(register) => register.address(),
            Self::Harb(register) => register.address(),
            Self::Efuse(register) => register.address(),
            Self::Core(register) => register.address(),
            Self::Msca(register) => register.address(),
            Self::Channel(channel, register) => register.of(channel),
            Self::Vic(register) => register.address(),
            Self::CsiHost(register) => register.address(),
            Self::CsiPhy(register) => register.address(),
            Self::Intc(bank, register) => register.of(bank),
            Self::Gpio(port, register) => register.of(port),
            Self::I2c(controller, register) => register.of(controller),
            Self::Tuning(register) => register.address(),
            Self::Statistics(register) => register.address(),
            Self::Parameter(parameter) => parameter.address(),
        }
    }

    /// The register's value after reset, which may differ between instances of a block.
    #[must_use]
    pub fn reset(self) -> u32 {
        match self {
            Self::Channel(channel, register) => register.reset_in(channel),
            Self::Gpio(1, Gpio::Int) => Gpio::LIBRARY_PIN,
            _ => self.describe().reset,
        }
    }

    /// What is known of the register.
    #[must_use]
    pub fn describe(self) -> &'static Register {
        match self {
            Self::Cpm(register) => register.describe(),
            Self::Harb(register) => register.describe(),
            Self::Efuse(register) => register.describe(),
            Self::Core(register) => register.describe(),
            Self::Msca(register) => register.describe(),
            Self::Channel(_, register) => register.describe(),
            Self::Vic(register) => register.describe(),
            Self::CsiHost(register) => register.describe(),
            Self::CsiPhy(register) => register.describe(),
            Self::Intc(_, register) => register.describe(),
            Self::Gpio(_, register) => register.describe(),
            Self::I2c(_, register) => register.describe(),
            Self::Tuning(register) => register.describe(),
            Self::Statistics(register) => register.describe(),
            Self::Parameter(parameter) => parameter.describe(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn every_address() -> Vec<PhysAddr> {
        let mut addresses = Vec::new();
        for block in BLOCKS {
            for instance in 0..block.instances {
                for register in block.registers {
                    let offset = instance * block.stride + register.offset;
                    addresses.push(PhysAddr(block.base.0 + offset));
                }
            }
        }
        addresses
    }

    #[test]
    fn each_defined_address_decodes_to_its_own_register() {
        for address in every_address() {
            let id = RegisterId::decode(address).unwrap();
            assert_eq!(id.address(), address);
            assert!(id.block().offset_of(address).is_some());
            assert!(!matches!(id, RegisterId::Parameter(_)));
        }
    }

    #[test]
    fn the_mipi_pages_have_words_without_names() {
        for (address, block) in [
            (0x1002_2014, CsiPhy::BLOCK),
            (0x1002_2ffc, CsiPhy::BLOCK),
            (0x1002_3050, CsiHost::BLOCK),
        ] {
            let id = RegisterId::decode(PhysAddr(address)).unwrap();
            assert!(matches!(id, RegisterId::Parameter(_)));
            assert_eq!(id.block().name, block.name);
        }
        assert_eq!(RegisterId::decode(PhysAddr(0x1002_2009)), None);
    }

    #[test]
    fn no_address_is_defined_twice() {
        let mut addresses = every_address();
        let count = addresses.len();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), count);
    }

    #[test]
    fn fields_fit_their_register_and_do_not_overlap() {
        for block in BLOCKS {
            for register in block.registers {
                let mut taken = 0u32;
                for field in register.fields {
                    assert!(
                        field.lsb + field.width <= 32,
                        "{}.{}",
                        register.name,
                        field.name
                    );
                    assert_eq!(
                        taken & field.mask(),
                        0,
                        "{}.{} overlaps",
                        register.name,
                        field.name
                    );
                    taken |= field.mask();
                }
                assert!(
                    !register.doc.trim().is_empty() && register.source.starts_with("T31 "),
                    "{}",
                    register.name
                );
                assert!(register.offset % 4 == 0, "{}", register.name);
            }
        }
    }

    #[test]
    fn what_is_not_declared_belongs_to_no_register() {
        assert_eq!(RegisterId::decode(PhysAddr(0x1330_0bad & !3)), None);
        assert_eq!(RegisterId::decode(PhysAddr(0x1330_b900)), None);
        assert_eq!(RegisterId::decode(PhysAddr(0x1330_1002)), None);
        assert_eq!(RegisterId::decode(PhysAddr(0x1330_0001)), None);
    }
}
