// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An I2C controller's own state: FIFOs, status, abort (T31 2d).

use std::collections::VecDeque;
use tx_isp_abi::registers::I2c;

/// One controller.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    /// The latched bits of INTST.
    pub(super) status: u32,
    pub(super) enabled: bool,
    pub(super) enable: u32,
    pub(super) rx_threshold: u32,
    pub(super) tx_threshold: u32,
    pub(super) abort: u32,
    pub(super) received: VecDeque<u8>,
    /// A transfer has begun and not ended with a STOP.
    pub(super) active: bool,
}

impl Controller {
    /// INTST: what is latched, and what follows from the FIFOs.
    pub(super) fn interrupt_status(&self) -> u32 {
        let above = self.received.len() > usize::try_from(self.rx_threshold).unwrap_or(usize::MAX);
        // Nothing ever waits to be sent, so any threshold is reached.
        self.status | I2c::RX_FULL.of(u32::from(above)) | I2c::TX_EMPTY.of(u32::from(self.enabled))
    }

    /// Whether the controller's interrupt source is high.
    pub(super) fn is_pending(&self) -> bool {
        self.interrupt_status() & self.enable != 0
    }

    pub(super) fn state(&self) -> u32 {
        let active = u32::from(self.active);
        I2c::STA_ACTIVITY.of(active)
            | I2c::STA_MASTER_ACTIVE.of(active)
            | I2c::STA_TX_NOT_FULL.mask()
            | I2c::STA_TX_EMPTY.mask()
            | I2c::STA_RX_NOT_EMPTY.of(u32::from(!self.received.is_empty()))
            | I2c::STA_RX_FULL.of(u32::from(self.received.len() >= I2c::FIFO_DEPTH))
    }

    pub(super) fn take(&mut self) -> u32 {
        if let Some(byte) = self.received.pop_front() {
            return byte.into();
        }
        self.status |= I2c::RX_UNDERFLOW.mask();
        0
    }

    pub(super) fn receive(&mut self, byte: u8) {
        if self.received.len() < I2c::FIFO_DEPTH {
            self.received.push_back(byte);
        } else {
            self.status |= I2c::RX_OVERFLOW.mask();
        }
    }

    pub(super) fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
        if !enabled {
            self.received.clear();
            self.active = false;
            self.status = 0;
            self.abort = 0;
        }
    }

    pub(super) fn end(&mut self) {
        self.active = false;
        self.status |= I2c::STOP_SEEN.mask();
    }

    /// Clears a bit of INTST; whether it was set.
    pub(super) fn clear(&mut self, bits: u32) -> u32 {
        let was_set = self.status & bits != 0;
        self.status &= !bits;
        if bits & I2c::TX_ABORT.mask() != 0 {
            self.abort = 0;
        }
        u32::from(was_set)
    }
}

/// The bits of INTST that a read of a register clears.
pub(super) fn cleared_by(register: I2c) -> Option<u32> {
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
