// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which registers of a trace are looked at.

use std::str::FromStr;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::BLOCKS;
use tx_isp_chip::register_name;

/// Accesses of a block (`VIC`, `MSCA_CH`, `MSCA_CH0`), of a register (`CH_EN`), or of one register of
/// a block (`MSCA.CH_EN`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    block: Option<String>,
    register: Option<String>,
}

/// A name that no block or register has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is neither a block nor a register; blocks are {}; a register is for example MSCA.CH_EN or CH_EN",
    blocks()
)]
pub struct NoSuchRegister {
    name: String,
}

fn blocks() -> String {
    let names: Vec<&str> = BLOCKS.iter().map(|block| block.name).collect();
    names.join(", ")
}

fn is_block(name: &str) -> bool {
    BLOCKS.iter().any(|block| covers(name, block.name))
}

/// Whether `name` is that of a block, or that of a block with many instances and a number behind it.
fn covers(name: &str, block: &str) -> bool {
    let number = name.strip_prefix(block);
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_register(name: &str) -> bool {
    let mut registers = BLOCKS.iter().flat_map(|block| block.registers);
    registers.any(|register| register.name == name)
}

impl Filter {
    /// Whether a register passes.
    #[must_use]
    pub fn passes(&self, address: PhysAddr) -> bool {
        let name = register_name(address);
        let Some((block, register)) = name.split_once('.') else {
            return false;
        };
        let block_passes = self
            .block
            .as_ref()
            .is_none_or(|wanted| wanted == block || covers(block, wanted));
        block_passes
            && self
                .register
                .as_ref()
                .is_none_or(|wanted| wanted == register)
    }
}

impl FromStr for Filter {
    type Err = NoSuchRegister;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_uppercase();
        let (block, register) = match name.split_once('.') {
            Some((block, register)) => (Some(block), Some(register)),
            None if is_block(&name) => (Some(name.as_str()), None),
            None => (None, Some(name.as_str())),
        };
        if !block.is_none_or(is_block) || !register.is_none_or(is_register) {
            return Err(NoSuchRegister {
                name: text.to_owned(),
            });
        }
        Ok(Self {
            block: block.map(str::to_owned),
            register: register.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::parse;

    #[test]
    fn blocks_instances_and_registers_pass() {
        let trace = parse(
            "W 133e0000 1\nW 13309804 1\nW 13309900 1\nW 13309a00 1\nW 12340000 1\nR 13300000 0\n",
        )
        .unwrap();
        let passed = |text: &str| {
            let filter: Filter = text.parse().unwrap();
            let places = trace
                .iter()
                .enumerate()
                .filter(|(_, access)| filter.passes(access.address));
            places.map(|(place, _)| place).collect::<Vec<_>>()
        };
        assert_eq!(passed("vic"), [0]);
        assert_eq!(passed("MSCA"), [1]);
        assert_eq!(passed("MSCA_CH"), [2, 3]);
        assert_eq!(passed("MSCA_CH1"), [3]);
        assert_eq!(passed("rsz_osize"), [2, 3]);
        assert_eq!(passed("MSCA_CH0.RSZ_OSIZE"), [2]);
        assert_eq!(passed("ISP_CORE.ID"), [5]);
        let message = "MSCA.NOTHING".parse::<Filter>().unwrap_err().to_string();
        assert!(message.contains("blocks are CPM"), "{message}");
    }
}
