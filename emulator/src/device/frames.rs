// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames on their way: from the chip's events to the DMA engine and back.

use super::frame::{Outcome, StartedFrame, StepError};
use super::state::{State, Steps};
use super::{Device, Lines};
use crate::frame_log;
use crate::lock::lock;
use crate::monitor::protocol::{Event, EventKind, MAX_STEP_FRAMES, Stepped};
use crate::sensor::ClockMode;
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip as chip;
use tx_isp_chip::Frame;

impl Device {
    /// Brings the chip to the present: to be called when [`Device::deadline`] has come.
    pub fn advance(&self) {
        let mut state = self.state_first();
        self.catch_up(&mut state);
        self.report_guest_errors(&mut state);
        let lines = Lines::risen(state.risen_lines());
        let waits = state.waiting.is_some();
        drop(state);
        if waits {
            self.work.notify_one();
        }
        self.announce(lines);
    }

    /// Lets the chip's time pass up to now.
    pub(super) fn catch_up(&self, state: &mut State) {
        let now = self.now();
        let to = state.time.at(now);
        while let Some(event) = state.chip.advance(to) {
            self.take_event(state, event, now);
        }
    }

    fn take_event(&self, state: &mut State, event: chip::Event, now: Duration) {
        match event {
            chip::Event::FirstLine(frame) => {
                state.waiting = self.begin(state, frame, now);
            }
            chip::Event::LastLine {
                number,
                channels,
                interrupt_lost,
                ..
            } => {
                self.file_pictures(state, number, channels, now);
                if interrupt_lost {
                    let _nobody_is_told = state.risen_lines();
                }
            }
        }
    }

    /// Pictures whose last line has come go into the frame log.
    fn file_pictures(&self, state: &mut State, number: u32, channels: u32, now: Duration) {
        let mut frame_log = lock(&self.frame_log);
        let done = |record: &mut frame_log::Record| {
            record.frame == number && record.channel.bit() & channels != 0
        };
        for mut record in state.written.extract_if(.., done) {
            record.done = now;
            let sequence = frame_log.record(record);
            self.observers.tell(EventKind::Frame, || Event::Frame {
                entry: frame_log::entry(&(sequence, record)),
            });
        }
    }

    /// A frame has begun: what the DMA engine is to do.
    fn begin(&self, state: &mut State, frame: Frame, now: Duration) -> Option<StartedFrame> {
        state.counts.started += 1;
        let Some(link) = &state.link else {
            // Nobody is there whose memory it could go to.
            state.chip.frame_written(&frame, &ChannelId::ALL, &[]);
            return None;
        };
        Some(StartedFrame {
            permit: self.gate.no_permit(),
            frame,
            start: now,
            memory: link.memory.clone(),
            epoch: state.epoch,
        })
    }

    /// Advances the stepped clock; the outcome is there when the function given to
    /// [`Device::on_step`] is called.
    ///
    /// # Errors
    /// [`StepError`].
    pub fn step(&self, frames: u32) -> Result<(), StepError> {
        if self.clock != ClockMode::Stepped {
            return Err(StepError::NotStepped(self.clock));
        }
        if !(1..=MAX_STEP_FRAMES).contains(&frames) {
            return Err(StepError::BadCount(frames));
        }
        let mut state = self.state_first();
        if state.steps.is_some() {
            return Err(StepError::Busy);
        }
        if !state.running || !state.chip.is_streaming() {
            return Err(StepError::NotStreaming);
        }
        state.step_outcome = None;
        state.steps = Some(Steps::new(frames));
        self.work.notify_one();
        Ok(())
    }

    /// The outcome of the last step, once.
    pub fn take_step_outcome(&self) -> Option<Result<Stepped, StepError>> {
        lock(&self.state).step_outcome.take()
    }

    /// Gives up a step that is under way.
    pub fn abandon_step(&self) -> StepError {
        let steps = lock(&self.state).steps.take().unwrap_or_default();
        StepError::Deadline {
            done: steps.done,
            asked: steps.asked,
        }
    }

    /// Sets what is called when a step is over. It must not call the device.
    pub fn on_step(&self, call: impl Fn() + Send + 'static) {
        *lock(&self.on_step) = Some(Box::new(call));
    }

    /// Whether a frame waits for the DMA engine.
    pub fn has_frame(&self) -> bool {
        lock(&self.state).waiting.is_some()
    }

    /// The DMA engine's next frame: waits until there is one, `None` when the emulator ends.
    pub fn next_frame(&self) -> Option<StartedFrame> {
        let mut state = self.state_first();
        loop {
            if state.exit_status {
                return None;
            }
            if let Some(started) = self.take_frame(&mut state) {
                let stepped = self.clock == ClockMode::Stepped;
                let lines = Lines::risen(if stepped { state.risen_lines() } else { 0 });
                drop(state);
                self.announce(lines);
                return Some(started);
            }
            // With the clock `max` a frame that writes nothing is followed by the next one in time.
            let pause = state.idle_until.take();
            let pause = pause.map(|until| until.saturating_duration_since(Instant::now()));
            state = match pause.filter(|pause| !pause.is_zero()) {
                Some(pause) => {
                    state.idle_until = Some(Instant::now() + pause);
                    let waited = self.work.wait_timeout(state, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None if self.has_work(&state) => state,
                None => {
                    let waited = self.work.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// The frame that waits, or one that begins on demand.
    fn take_frame(&self, state: &mut State) -> Option<StartedFrame> {
        if !state.may_write() {
            return None;
        }
        if state.waiting.is_none() && self.has_work(state) {
            state.waiting = self.start_on_demand(state);
            if state.waiting.is_none() {
                self.end_step(state);
            }
        }
        let mut started = state.waiting.take()?;
        // Under the lock: what revokes looks at the phase under it.
        started.permit = self.gate.permit();
        state.busy = Some(started.started_in());
        Some(started)
    }

    /// The DMA engine is done with a frame, or has lost the right to write it.
    pub fn finish_frame(&self, started: &StartedFrame, outcome: Outcome) {
        let mut state = self.state_first();
        let is_over = state.is_over(started);
        state.busy = None;
        if outcome.revoked && !is_over {
            // It is drawn again when it may be.
            state.counts.busy += outcome.busy;
            state.counts.revoked += 1;
            state.waiting = Some(started.clone());
            drop(state);
            return;
        }
        state.counts.add(&outcome);
        // From here on the guest may have the buffers back.
        self.gate.revoke();
        if !is_over {
            self.written(&mut state, started, outcome);
        }
        if started.epoch == state.epoch
            && let Some(steps) = &mut state.steps
        {
            steps.done += 1;
            steps.last_frame = started.frame.number;
            if steps.done == steps.asked {
                self.end_step(&mut state);
            }
        }
        let lines = Lines::risen(state.risen_lines());
        drop(state);
        self.announce(lines);
    }

    /// A frame is in memory: it ends at its last line, or at once where nobody's time decides.
    fn written(&self, state: &mut State, started: &StartedFrame, outcome: Outcome) {
        for (kind, detail) in outcome.guest_errors {
            state.chip.report(kind, detail);
        }
        state.written = outcome.records;
        let chip = &mut state.chip;
        chip.frame_written(&started.frame, &outcome.failed, &outcome.lost);
        if matches!(self.clock, ClockMode::Max | ClockMode::Stepped) {
            let now = self.now();
            while let Some(event) = state.chip.finish() {
                self.take_event(state, event, now);
            }
            self.follow_jump(state);
        } else {
            self.catch_up(state);
        }
        self.report_guest_errors(state);
    }

    /// Whether the DMA engine should look for a frame of its own accord: a frame of the `max` clock,
    /// or a step to take or to give up.
    pub(super) fn has_work(&self, state: &State) -> bool {
        let idle = state.waiting.is_none() && state.busy.is_none();
        idle && match self.clock {
            ClockMode::Max => {
                let due = |until| Instant::now() >= until;
                state.may_write()
                    && state.chip.is_ready_for_frame()
                    && state.idle_until.is_none_or(due)
            }
            ClockMode::Stepped => state.steps.is_some(),
            ClockMode::Sensor | ClockMode::Rate(_) => false,
        }
    }

    /// A frame whose first line comes now.
    fn start_on_demand(&self, state: &mut State) -> Option<StartedFrame> {
        self.catch_up(state);
        let frame = state.chip.frame_start()?;
        self.follow_jump(state);
        self.report_guest_errors(state);
        if self.clock == ClockMode::Max && !frame.writes() {
            state.idle_until = Some(Instant::now() + state.chip.frame_period());
        }
        self.begin(state, frame, self.now())
    }

    /// The chip's time may have jumped ahead.
    fn follow_jump(&self, state: &mut State) {
        let now = self.now();
        if state.chip.now() > state.time.at(now) {
            state.time.set(state.chip.now(), now);
        }
    }

    /// Files the outcome of a step if one is under way.
    pub(super) fn end_step(&self, state: &mut State) {
        if let Some(steps) = state.steps.take() {
            state.step_outcome = Some(steps.outcome());
            if let Some(call) = lock(&self.on_step).as_ref() {
                call();
            }
        }
    }
}
