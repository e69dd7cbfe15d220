// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The right to write to guest memory, and how it is taken back.
//!
//! One state for all of DMA:
//!
//! | state | what it means | how it ends |
//! |---|---|---|
//! | running | the newest permit is valid: its holder writes, a chunk at a time | [`DmaGate::revoke`] |
//! | draining | the permit is revoked, a chunk that had begun is still being copied | the end of that chunk |
//! | stopped | nothing is written, and nothing can be | [`DmaGate::permit`] |
//!
//! Each permit belongs to a generation. Whoever holds one asks for each chunk anew; a chunk is a piece
//! of memory that is copied in one go, never drawing, reading a file or waiting. So what revokes does
//! not wait for a picture, and once [`DmaGate::is_stopped`] says so no byte follows.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tx_isp_picture::WritePermit;

/// The lower bits count chunks under way, the upper ones generations.
const ONE_GENERATION: u64 = 1 << 16;
/// The bits that count chunks under way.
const WRITERS: u64 = ONE_GENERATION - 1;

/// Where DMA stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaState {
    /// A permit is valid.
    Running,
    /// None is, but a chunk is still on its way.
    Draining,
    /// Nothing is written.
    Stopped,
}

/// Gives and revokes permits to write to guest memory.
#[derive(Debug, Default)]
pub struct DmaGate {
    /// Generation and chunks under way. An odd generation has a valid permit, an even one has none.
    state: AtomicU64,
    /// Taken by whoever waits and by whoever ends the last chunk of a revoked permit.
    waiting: Mutex<()>,
    changed: Condvar,
}

/// The permit was revoked: leave memory alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the right to write to memory was taken back")]
pub struct Revoked;

/// The right to write to guest memory until it is revoked.
#[derive(Clone, Debug)]
pub struct DmaPermit {
    gate: Arc<DmaGate>,
    generation: u64,
}

impl DmaGate {
    /// A new permit; the one before is revoked.
    pub fn permit(self: &Arc<Self>) -> DmaPermit {
        let next = |state: u64| {
            let generation = state / ONE_GENERATION;
            let odd = generation + 1 + generation % 2;
            Some(odd * ONE_GENERATION + state % ONE_GENERATION)
        };
        let updated = self.update(next);
        DmaPermit {
            gate: self.clone(),
            generation: updated / ONE_GENERATION,
        }
    }

    /// A permit that was never valid; the present one stays.
    pub fn no_permit(self: &Arc<Self>) -> DmaPermit {
        DmaPermit {
            gate: self.clone(),
            generation: u64::MAX,
        }
    }

    /// No further chunk begins. Tells what is left: [`DmaState::Draining`] or [`DmaState::Stopped`].
    pub fn revoke(&self) -> DmaState {
        self.update(|state| {
            let valid = state / ONE_GENERATION % 2 == 1;
            valid.then_some(state.wrapping_add(ONE_GENERATION))
        });
        let _guard = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
        self.state()
    }

    /// Where DMA stands.
    pub fn state(&self) -> DmaState {
        let state = self.state.load(Ordering::SeqCst);
        if state / ONE_GENERATION % 2 == 1 {
            DmaState::Running
        } else if state & WRITERS != 0 {
            DmaState::Draining
        } else {
            DmaState::Stopped
        }
    }

    /// Whether nothing is written and nothing can be.
    pub fn is_stopped(&self) -> bool {
        self.state() == DmaState::Stopped
    }

    /// Waits until the chunk under way is over, no longer than `limit`: whether it is.
    pub fn wait_stopped(&self, limit: Duration) -> bool {
        let guard = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let draining = |(): &mut ()| self.state() == DmaState::Draining;
        let waited = self.changed.wait_timeout_while(guard, limit, draining);
        drop(waited);
        self.is_stopped()
    }

    /// Changes the state unless `next` says no: the state afterwards.
    fn update(&self, next: impl Fn(u64) -> Option<u64>) -> u64 {
        let all = (Ordering::SeqCst, Ordering::SeqCst);
        match self.state.fetch_update(all.0, all.1, &next) {
            Ok(before) => next(before).unwrap_or(before),
            Err(now) => now,
        }
    }
}

impl DmaPermit {
    /// Whether it is not revoked.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.gate.state.load(Ordering::SeqCst) / ONE_GENERATION == self.generation
    }

    /// Copies one chunk if the permit is valid. `chunk` must be short: what revokes may wait for it.
    ///
    /// # Errors
    /// [`Revoked`]; then `chunk` was not called.
    pub fn write<T>(&self, chunk: impl FnOnce() -> T) -> Result<T, Revoked> {
        let begun = self
            .gate
            .state
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |state| {
                (state / ONE_GENERATION == self.generation).then_some(state + 1)
            });
        if begun.is_err() {
            return Err(Revoked);
        }
        let _under_way = UnderWay(self);
        Ok(chunk())
    }

    /// Waits, but not beyond the permit's end.
    ///
    /// # Errors
    /// [`Revoked`].
    pub fn sleep(&self, time: Duration) -> Result<(), Revoked> {
        if !time.is_zero() {
            let waiting = &self.gate.waiting;
            let guard = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let valid = |(): &mut ()| self.is_valid();
            drop(self.gate.changed.wait_timeout_while(guard, time, valid));
        }
        if self.is_valid() {
            Ok(())
        } else {
            Err(Revoked)
        }
    }
}

impl WritePermit for DmaPermit {
    fn write(&self, chunk: &mut dyn FnMut()) -> bool {
        Self::write(self, chunk).is_ok()
    }
}

/// A chunk under way.
struct UnderWay<'a>(&'a DmaPermit);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let gate = &self.0.gate;
        let before = gate.state.fetch_sub(1, Ordering::SeqCst);
        if before / ONE_GENERATION != self.0.generation {
            let _guard = gate.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            gate.changed.notify_all();
        }
    }
}
