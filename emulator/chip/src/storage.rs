// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The values of registers that simply hold what was written.

use tx_isp_abi::PhysAddr;
use tx_isp_abi::registers::{BLOCKS, Block, RegisterId};

/// One word for each register of each block, at its reset value until written.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    blocks: [Vec<u32>; BLOCKS.len()],
}

impl Storage {
    pub(super) fn new() -> Self {
        Self {
            blocks: BLOCKS.map(reset_words),
        }
    }

    /// The value at a defined register's address; 0 elsewhere.
    pub(super) fn get(&self, address: PhysAddr) -> u32 {
        locate(address).map_or(0, |(block, word)| self.blocks[block][word])
    }

    /// Sets the value at a defined register's address.
    pub(super) fn set(&mut self, address: PhysAddr, value: u32) {
        if let Some((block, word)) = locate(address) {
            self.blocks[block][word] = value;
        }
    }

    /// Returns one block's registers to their reset values.
    pub(super) fn reset(&mut self, block: &Block) {
        for (words, candidate) in self.blocks.iter_mut().zip(BLOCKS) {
            if candidate.base == block.base {
                *words = reset_words(block);
            }
        }
    }
}

fn reset_words(block: &Block) -> Vec<u32> {
    let word = |bytes: u32| usize::try_from(bytes / 4).unwrap_or(usize::MAX);
    let mut words = vec![0; word(block.stride * block.instances)];
    for instance in 0..block.instances {
        for register in block.registers {
            let offset = instance * block.stride + register.offset;
            let id = RegisterId::decode(PhysAddr(block.base.0 + offset));
            words[word(offset)] = id.map_or(register.reset, RegisterId::reset);
        }
    }
    words
}

fn locate(address: PhysAddr) -> Option<(usize, usize)> {
    BLOCKS.iter().enumerate().find_map(|(index, block)| {
        let word = usize::try_from(block.offset_of(address)? / 4).ok()?;
        Some((index, word))
    })
}
