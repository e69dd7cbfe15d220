// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Clock gates, and the soft reset's handshake (T31 1.3).

use super::Chip;
use super::gates::Gates;
use super::guest_errors::GuestErrorKind;
use tx_isp_abi::registers::{Cpm, RegisterId};

impl Chip {
    /// The request is acknowledged while nothing is under way to memory (T31 1.3).
    pub(super) fn read_soft_reset(&self) -> u32 {
        let stored = self.storage.get(Cpm::SoftReset.address());
        let acknowledged = self.is_reset_requested() && self.bus_idle;
        stored | Cpm::ISP_RESET_ACKNOWLEDGE.of(u32::from(acknowledged))
    }

    pub(super) fn write_soft_reset(&mut self, value: u32) {
        let address = Cpm::SoftReset.address();
        let before = self.read_soft_reset();
        let was_in_reset = Cpm::ISP_RESET.is_set(before);
        self.storage
            .set(address, value & !Cpm::ISP_RESET_ACKNOWLEDGE.mask());
        if Cpm::ISP_RESET.is_set(value) && !was_in_reset {
            if !Cpm::ISP_RESET_ACKNOWLEDGE.is_set(before) {
                self.guest_errors
                    .report(GuestErrorKind::ResetWithoutHandshake, || {
                        format!("SRBC written with {value:#x} while it was {before:#x}")
                    });
            }
            self.reset_isp();
        }
        self.update_gates();
    }
}

impl Chip {
    /// Reads the gates anew from the CPM's registers.
    pub(super) fn update_gates(&mut self) {
        let value = |register: Cpm| self.storage.get(register.address());
        self.gates = Gates {
            clocked: value(Cpm::ClockGate0) & Cpm::ISP_GATES_0 == 0
                && value(Cpm::ClockGate1) & Cpm::ISP_GATES_1 == 0,
            in_reset: Cpm::ISP_RESET.is_set(value(Cpm::SoftReset)),
        };
    }

    /// Records an access to a block that does not answer; whether it is one.
    pub(super) fn is_refused(&mut self, id: RegisterId, access: &'static str) -> bool {
        let Some(kind) = self.gates.refuse(id) else {
            return false;
        };
        self.guest_errors.report(kind, || {
            format!("{access} of {} at {}", id.describe().name, id.address())
        });
        true
    }
}
