// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Start, release and flush of the core: the recovery sequence of T31 2.1.
//!
//! ```text
//! RELEASE_REQUEST = 1    the core lets go of its input at once: no frame begins
//! VIC CTRL = 4           the VIC stops
//! PIPELINE_CONTROL bit 2 its pulse drops the frame in the pipeline; that frame's buffers are lost
//! START = 1              the core takes frames again; the request is over
//! VIC CTRL = 1           so does the VIC
//! ```
//!
//! RELEASE_ACKNOWLEDGE reads 1 all the time: so it does at rest, and samples of a streaming core do not show it change
//! (T31 2a.5). What the flush does to buffers and what ends the request is assumption.

use super::Chip;
use super::channel::OutputChannel;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::Core;

impl Chip {
    /// Whether the core takes frames.
    pub(super) const fn core_is_active(&self) -> bool {
        self.core_running && !self.core_released
    }

    pub(super) fn write_release_request(&mut self, value: u32) {
        self.storage.set(Core::ReleaseRequest.address(), value);
        self.core_released = Core::RELEASE_REQUESTED.is_set(value);
    }

    pub(super) fn write_pipeline_control(&mut self, value: u32) {
        let address = Core::PipelineControl.address();
        let before = self.storage.get(address);
        self.storage.set(address, value);
        if Core::PIPELINE_FLUSH.is_set(before) && !Core::PIPELINE_FLUSH.is_set(value) {
            self.generation = self.generation.wrapping_add(1);
            self.frame_clock.drop_frame();
            self.writing = [None; ChannelId::COUNT];
            self.channels.iter_mut().for_each(OutputChannel::drop_frame);
        }
    }

    pub(super) fn write_core_start(&mut self, value: u32) {
        self.storage.set(Core::Start.address(), value);
        if !Core::CORE_START.is_set(value) {
            self.core_running = false;
        } else if self.storage.get(Core::MainEnable.address()) != 0 {
            self.core_just_started = !self.core_running;
            self.core_running = true;
            self.write_release_request(0);
        }
    }
}
