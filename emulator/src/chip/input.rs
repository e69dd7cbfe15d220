// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the VIC and the core are told of the sensor, held against the sensor (facts 2.1, 2.7).

use super::Chip;
use super::findings::FindingKind;
use tx_isp_abi::Size;
use tx_isp_abi::registers::{Core, Vic};

/// INTERFACE's value for DVP: with a MIPI sensor no frame comes (facts 8, row 10).
const DVP: u32 = 3;

impl Chip {
    /// Whether the VIC listens where the sensor sends. Of INTERFACE's values only DVP is known to keep
    /// a MIPI sensor's frames away.
    pub(super) fn vic_hears_the_sensor(&self) -> bool {
        Vic::INTERFACE_KIND.get(self.storage.get(Vic::Interface.address())) != DVP
    }

    /// A frame comes in: the sizes that VIC and core were told must be the sensor's. 0 is not looked
    /// at (our choice); the VIC also raises its errors of channel 0.
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
                self.findings.report(FindingKind::FrameSizeMismatch, || {
                    format!("{block} is {told}, the sensor sends {sensor}")
                });
            }
        }
    }
}
