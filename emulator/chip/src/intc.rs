// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The interrupt controller: sources, masks, and the line to the CPU (T31 1.2).

use super::Chip;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_abi::registers::Intc;

impl Chip {
    /// Levels of the 64 sources: 29 ISP, 30 VIC, 59 I2C1, 60 I2C0.
    #[must_use]
    pub fn interrupt_sources(&self) -> u64 {
        let lines = self.irq_lines();
        let source = |high: bool, number: u32| u64::from(high) << number;
        source(lines & LINE_CORE != 0, Intc::SOURCE_ISP)
            | source(lines & LINE_VIC != 0, Intc::SOURCE_VIC)
            | source(self.i2c[1].is_pending(), Intc::SOURCE_I2C1)
            | source(self.i2c[0].is_pending(), Intc::SOURCE_I2C0)
    }

    /// The level of the controller's line to the CPU: high while a source is high that is not masked. A
    /// transport with one level-triggered interrupt, such as a PCI function's INTx, carries this one. All
    /// sources are masked after power-up; the chip's own interrupt lines ([`Chip::irq_lines`]) do not go
    /// through the masks.
    #[must_use]
    pub fn intc_output(&self) -> bool {
        (0..Intc::BLOCK.instances).any(|bank| self.read_intc(bank, Intc::Pending) != 0)
    }

    pub(super) fn read_intc(&self, bank: u32, register: Intc) -> u32 {
        let [low, high] = [self.interrupt_sources(), self.interrupt_sources() >> 32]
            .map(|sources| u32::try_from(sources & u64::from(u32::MAX)).unwrap_or(0));
        let sources = if bank == 0 { low } else { high };
        let mask = self.storage.get(Intc::Mask.of(bank));
        match register {
            Intc::Source => sources,
            Intc::Mask => mask,
            Intc::Pending => sources & !mask,
            Intc::MaskSet | Intc::MaskClear => 0,
        }
    }

    pub(super) fn write_intc(&mut self, bank: u32, register: Intc, value: u32) {
        let mask = self.storage.get(Intc::Mask.of(bank));
        let mask = match register {
            Intc::Mask => value,
            Intc::MaskSet => mask | value,
            Intc::MaskClear => mask & !value,
            Intc::Source | Intc::Pending => mask,
        };
        self.storage.set(Intc::Mask.of(bank), mask);
    }
}
