// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A VM comes, pauses and goes, the chip is reset; and with each the right to write to the VM's memory ends.

use super::state::{Link, State};
use super::{Device, DmaState};
use crate::attach::{GuestMemory, InterruptSink};
use crate::frame_log::FrameLog;
use crate::lock::lock;
use std::sync::Arc;
use std::time::Duration;

/// How long the end of a chunk that is being copied is waited for; it takes microseconds, unless the
/// host cannot find the guest's page.
const CHUNK_DEADLINE: Duration = Duration::from_millis(500);

impl Device {
    /// A VM is there: DMA goes to `memory`, interrupts to `interrupts`. Nothing moves before
    /// [`Device::resume`].
    pub fn connect(&self, memory: GuestMemory, interrupts: Arc<dyn InterruptSink>) {
        self.reset();
        lock(&self.state).link = Some(Link { memory, interrupts });
    }

    /// The VM is gone. Nothing is written to its memory any more.
    pub fn disconnect(&self) {
        self.pause();
        let mut state = self.state_first();
        state.link = None;
        state.waiting = None;
    }

    /// Frames go through from now on. A frame that [`Device::pause`] interrupted is drawn again.
    pub fn resume(&self) {
        let mut state = self.state_first();
        state.running = true;
        state.time.run(self.now());
        self.tell_schedule(&mut state);
        drop(state);
        self.work.notify_one();
    }

    /// Stops the frame clock and DMA: afterwards guest memory is left alone. The frame under way is
    /// kept for [`Device::resume`].
    pub fn pause(&self) {
        let mut state = self.state_first();
        state.running = false;
        state.time.stop(self.now());
        self.tell_schedule(&mut state);
        drop(state);
        self.gate.revoke();
        self.wait_for_chunk();
    }

    /// The VM's memory map was replaced: nothing is written by the old one any more. The frame under
    /// way is drawn again.
    pub fn memory_changed(&self) {
        self.gate.revoke();
        self.wait_for_chunk();
        self.work.notify_one();
    }

    /// Where DMA stands.
    pub fn dma_state(&self) -> DmaState {
        self.gate.state()
    }

    /// Waits for the chunk that was under way when the permit was revoked.
    pub(super) fn wait_for_chunk(&self) {
        self.gate.wait_stopped(CHUNK_DEADLINE);
        if self.gate.state() == DmaState::Draining {
            log::error!("DMA did not stop within {CHUNK_DEADLINE:?}: is the host out of memory?");
        }
    }

    /// Revokes the permit of a frame that is over or must not go on now. True if the frame is over and
    /// a chunk of it is still on its way.
    pub(super) fn revoke_unwanted(&self, state: &mut State) -> bool {
        let present = state.present();
        if state
            .waiting
            .take_if(|waiting| waiting.started_in() != present)
            .is_some()
        {
            state.counts.finished += 1;
        }
        let Some(busy) = state.busy else {
            return false;
        };
        let is_over = busy != present;
        if !is_over && state.may_write() {
            return false;
        }
        let left = self.gate.revoke();
        is_over && left == DmaState::Draining
    }

    /// Whether no byte is under way to memory, nor can be before the lock is let go of.
    pub(super) fn bus_is_idle(&self, state: &State) -> bool {
        state.busy.is_none() || self.gate.is_stopped()
    }

    /// Power off and on: a new chip. GuestErrors are kept.
    pub fn reset(&self) {
        self.pause();
        self.interrupt_timer.cancel();
        let mut state = self.state_first();
        state.reset(self.sensor);
        self.revoke_unwanted(&mut state);
        *lock(&self.frame_log) = FrameLog::default();
        self.end_step(&mut state);
        self.tell_schedule(&mut state);
    }

    /// Ends the DMA engine's thread; a frame under way is dropped.
    pub fn end(&self) {
        self.state_first().exit_status = true;
        self.gate.revoke();
        self.work.notify_all();
    }
}
