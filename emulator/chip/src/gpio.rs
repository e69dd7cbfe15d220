// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GPIO ports, as far as they reach the sensor: pin PA18 holds it in reset while it is low (T31 1.1,
//! 7.3), and the master clock comes from the CPM's CIMCDR (T31 2a.4).

use super::Chip;
use super::sensor::SensorModel;
use tx_isp_abi::registers::{Cpm, Gpio};

/// A group's value register with the two that set and clear its bits.
const GROUPS: [[Gpio; 3]; 5] = [
    [Gpio::Int, Gpio::IntSet, Gpio::IntClear],
    [Gpio::Msk, Gpio::MskSet, Gpio::MskClear],
    [Gpio::Pat1, Gpio::Pat1Set, Gpio::Pat1Clear],
    [Gpio::Pat0, Gpio::Pat0Set, Gpio::Pat0Clear],
    [
        Gpio::DriveStrength,
        Gpio::DriveStrengthSet,
        Gpio::DriveStrengthClear,
    ],
];

impl Chip {
    pub(super) fn read_gpio(&self, port: u32, register: Gpio) -> u32 {
        match register {
            Gpio::Pin => {
                // The board pulls the sensor's reset up; nothing drives the other inputs.
                let pulled_up = if port == 0 { Gpio::SENSOR_RESET } else { 0 };
                let outputs = self.outputs(port);
                outputs & self.storage.get(Gpio::Pat0.of(port)) | !outputs & pulled_up
            }
            _ if is_command(register) => 0,
            _ => self.storage.get(register.of(port)),
        }
    }

    pub(super) fn write_gpio(&mut self, port: u32, register: Gpio, value: u32) {
        let was_held = self.sensor_is_held();
        let group = GROUPS.iter().find(|group| group.contains(&register));
        let Some([held, set, clear]) = group else {
            self.storage.set(register.of(port), value);
            return;
        };
        let before = self.storage.get(held.of(port));
        let after = match register {
            _ if register == *set => before | value,
            _ if register == *clear => before & !value,
            _ => value,
        };
        self.storage.set(held.of(port), after);
        if self.sensor_is_held() && !was_held {
            self.sensor_model = SensorModel::new(self.sensor);
        }
    }

    /// Whether the sensor has its clock and is not held in reset.
    pub(super) fn sensor_is_alive(&self) -> bool {
        let clock = self.storage.get(Cpm::SensorClock.address());
        !self.sensor_is_held() && !Cpm::SENSOR_CLOCK_STOP.is_set(clock)
    }

    fn sensor_is_held(&self) -> bool {
        self.read_gpio(0, Gpio::Pin) & Gpio::SENSOR_RESET == 0
    }

    /// Pins that are outputs: GPIO by INT 0 and MSK 1, output by PAT1 0.
    fn outputs(&self, port: u32) -> u32 {
        let get = |register: Gpio| self.storage.get(register.of(port));
        !get(Gpio::Int) & get(Gpio::Msk) & !get(Gpio::Pat1)
    }
}

fn is_command(register: Gpio) -> bool {
    GROUPS
        .iter()
        .any(|[_, set, clear]| register == *set || register == *clear)
}
