// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The multi-scaler: which channels take part in a frame (T31 2.4).

use super::Chip;
use super::frame::DmaJob;
use super::scaler::Scaler;
use super::storage::Storage;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, Msca};

impl Chip {
    /// A channel's settings as they are in effect.
    pub(super) fn scaler(&self, id: ChannelId) -> Scaler<'_> {
        Scaler {
            id,
            storage: &self.storage,
            latch: &self.latch,
            masked: masked(&self.storage, id),
            sensor: self.sensor.size,
            sensor_flips: self.sensor_model.flips(),
        }
    }

    /// The jobs of the channels that take part in the frame that begins.
    pub(super) fn start_channels(&mut self) -> Vec<DmaJob> {
        let (storage, latch, sensor) = (&self.storage, &self.latch, self.sensor.size);
        let sensor_flips = self.sensor_model.flips();
        let scaler = |id| Scaler {
            id,
            storage,
            latch,
            masked: masked(storage, id),
            sensor,
            sensor_flips,
        };
        let enabled = || ChannelId::ALL.into_iter().zip(&self.channels);
        let formats = || {
            let enabled = enabled().filter(|(_, channel)| channel.is_enabled());
            enabled.map(|(id, _)| (id, scaler(id).format()))
        };
        if formats().any(|(_, format)| format.is_none()) {
            // A wrong OUT_FMT raises 0x600 again and again (T31 2.2; 8, row 11).
            self.core_status |= Core::IRQ_OVERFLOW_1.mask() | Core::IRQ_START_TRANSIENT.mask();
        }
        for (id, _) in formats().filter(|(id, _)| !scaler(*id).crops_fit()) {
            self.msca_status |= Msca::IRQ_CROP_ERROR.of(id.bit());
        }
        let rgb = formats().find_map(|(id, format)| format?.is_rgb().then_some(id));
        let channels = ChannelId::ALL.into_iter().zip(&mut self.channels);
        let empty = self.behaviours.empty_fifo;
        let guest_errors = &mut self.guest_errors;
        channels
            .filter_map(|(id, channel)| channel.start_frame(&scaler(id), rgb, empty, guest_errors))
            .collect()
    }

    /// Whether the input crop is smaller than the output of a channel that is enabled.
    pub(super) fn has_small_crop(&self) -> bool {
        let enabled = ChannelId::ALL.into_iter().zip(&self.channels);
        let mut enabled = enabled.filter(|(_, channel)| channel.is_enabled());
        enabled.any(|(id, _)| {
            let scaler = self.scaler(id);
            let (input, scaled) = (scaler.input().size, scaler.scaled());
            scaled.width > input.width || scaled.height > input.height
        })
    }
}

/// Whether CH_EN has a channel's mask rectangles painted (T31 2.5).
fn masked(storage: &Storage, id: ChannelId) -> bool {
    let enabled = storage.get(Msca::ChannelEnable.address());
    Msca::MASKED_CHANNELS.get(enabled) & id.bit() != 0
}
