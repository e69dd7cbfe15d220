// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the VIC and the core are told of the sensor, held against the sensor (T31 2.1, 2.7).

use super::Chip;
use super::guest_errors::GuestErrorKind;
use tx_isp_abi::Size;
use tx_isp_abi::registers::{Core, CsiHost, Vic};

/// INTERFACE's value for MIPI, which all sensors here send (T31 2.7).
const MIPI: u32 = 2;

/// What the sensor's settings ask of a register.
struct Asked {
    /// The register, as a person would name it.
    register: &'static str,
    /// What it holds.
    value: u32,
    /// What it should hold.
    wanted: u32,
}

impl Chip {
    /// Whether the VIC listens where the sensor sends: with another interface than MIPI no frame comes
    /// (T31 2.7; 8, row 10).
    pub(super) fn vic_matches_sensor(&self) -> bool {
        Vic::INTERFACE_KIND.get(self.storage.get(Vic::Interface.address())) == MIPI
    }

    /// The VIC starts: interface, kind of data, words of a line and lanes must be the sensor's (T31
    /// 2.7, 2.8). But for the interface, frames come all the same (assumption).
    pub(super) fn check_sensor_settings(&mut self) {
        let stored = |address| self.storage.get(address);
        let sensor = &self.sensor;
        let asked = [
            Asked {
                register: "VIC INTERFACE",
                value: Vic::INTERFACE_KIND.get(stored(Vic::Interface.address())),
                wanted: MIPI,
            },
            Asked {
                register: "VIC IDI_TYPE",
                value: Vic::DATA_TYPE.get(stored(Vic::DataType.address())),
                wanted: match sensor.bits_per_pixel {
                    8 => 0,
                    10 => 1,
                    _ => 2,
                },
            },
            Asked {
                register: "VIC LINE_WORDS",
                value: stored(Vic::LineWords.address()),
                wanted: (sensor.bits_per_pixel * sensor.border.line_pixels).div_ceil(32),
            },
            Asked {
                register: "CSI N_LANES",
                value: CsiHost::LANES_LESS_ONE.get(stored(CsiHost::Lanes.address())),
                wanted: sensor.lanes.saturating_sub(1),
            },
        ];
        for Asked {
            register,
            value,
            wanted,
        } in asked
        {
            if value != wanted {
                self.guest_errors
                    .report(GuestErrorKind::SensorMismatch, || {
                        format!("{register} is {value:#x}, the sensor asks for {wanted:#x}")
                    });
            }
        }
    }

    /// A frame comes in: the sizes that VIC and core were told must be the sensor's. 0 is not looked
    /// at (assumption); the VIC also raises its errors of channel 0.
    pub(super) fn check_frame_size(&mut self) {
        let sensor = self.sensor.size;
        let told = |value: u32| (value != 0).then(|| Size::from_register(value));
        let vic = told(self.storage.get(Vic::FrameSize.address()));
        let core = told(self.storage.get(Core::FrameSize.address()));
        if let Some(vic) = vic {
            let channel = |differs: bool| u32::from(differs);
            self.vic_status[0] |= Vic::VIC_HORIZONTAL_ERROR.of(channel(vic.width != sensor.width))
                | Vic::VIC_VERTICAL_ERROR.of(channel(vic.height != sensor.height));
        }
        for (block, told) in [("VIC RESOLUTION", vic), ("core FRAME_SIZE", core)] {
            if let Some(told) = told.filter(|told| *told != sensor) {
                self.guest_errors
                    .report(GuestErrorKind::FrameSizeMismatch, || {
                        format!("{block} is {told}, the sensor sends {sensor}")
                    });
            }
        }
    }
}
