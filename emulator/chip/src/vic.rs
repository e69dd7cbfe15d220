// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The VIC's control register (T31 2.7, 2a.2).

use super::Chip;
use super::guest_errors::GuestErrorKind;
use tx_isp_abi::registers::Vic;

impl Chip {
    /// 1 runs and stays; 2 and 4 stop and clear themselves at once; 0 and 0x10, by which the vendor's driver
    /// prepares a change of mode, stop.
    pub(super) fn write_vic_control(&mut self, value: u32) {
        let run = Vic::VIC_RUN.mask();
        let held = match value {
            2 | 4 => 0,
            0x10 | 0..=1 => value,
            _ => {
                self.guest_errors
                    .report(GuestErrorKind::UndefinedValue, || {
                        format!("VIC CTRL written with {value:#x}; 0, 1, 2, 4 and 0x10 are defined")
                    });
                return;
            }
        };
        let starts = held == run && !self.vic_running;
        self.vic_running = held == run;
        self.storage.set(Vic::Control.address(), held);
        if starts {
            self.check_sensor_settings();
        }
    }
}
