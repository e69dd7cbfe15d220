// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Clock gates and the reset line: what answers at all (T31 1.3).

use super::guest_errors::GuestErrorKind;
use tx_isp_abi::registers::{CsiHost, CsiPhy, RegisterId};

/// What the CPM's registers say of the ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gates {
    /// All clocks that the ISP needs run.
    pub(super) clocked: bool,
    /// SRBC holds the ISP in reset.
    pub(super) in_reset: bool,
}

impl Gates {
    /// Whether the ISP can work.
    pub(super) const fn are_open(self) -> bool {
        self.clocked && !self.in_reset
    }

    /// What is wrong with an access to `id`, if anything.
    pub(super) fn refuse(self, id: RegisterId) -> Option<GuestErrorKind> {
        // Clocks are needed by all of the ISP, and the reset reaches all but CSI host and PHY.
        let resettable = match id {
            RegisterId::CsiHost(_) | RegisterId::CsiPhy(_) => false,
            RegisterId::Parameter(word) => {
                let block = word.block().base;
                block != CsiHost::BLOCK.base && block != CsiPhy::BLOCK.base
            }
            RegisterId::Core(_)
            | RegisterId::Msca(_)
            | RegisterId::Channel(..)
            | RegisterId::Vic(_)
            | RegisterId::Tuning(_)
            | RegisterId::Statistics(_) => true,
            RegisterId::Cpm(_)
            | RegisterId::Harb(_)
            | RegisterId::Efuse(_)
            | RegisterId::Intc(..)
            | RegisterId::Gpio(..)
            | RegisterId::I2c(..) => {
                return None;
            }
        };
        if !self.clocked {
            return Some(GuestErrorKind::ClockGated);
        }
        if resettable && self.in_reset {
            return Some(GuestErrorKind::AccessInReset);
        }
        None
    }
}
