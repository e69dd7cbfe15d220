// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The device that the threads share: the chip under its lock, and the rules of when a frame begins.
//!
//! Three threads meet here. The attachment's carries the guest's register operations in, the event
//! loop's brings the ticks of the frame clock, and the DMA engine's takes frames and gives them back
//! written. The lock is held for register operations and the ends of a frame, never while a picture
//! is drawn.
//!
//! **Interrupts.** The attachment is told of a line when it rises; and again when a batch that
//! acknowledged an interrupt leaves it high, as a level-triggered interrupt controller would at its
//! end of interrupt (our choice). So a driver that handles what it read and misses what came
//! meanwhile is called once more.
//!
//! **The clock `max`** knows no time between a frame's first line and its last: the start interrupts
//! are announced together with those of the end (our choice). One interrupt a frame is enough.

mod sight;
mod state;
mod status;

use crate::attach::{GuestMemory, InterruptSink};
use crate::control::protocol::{LedgerPage, MAX_LEDGER_ENTRIES, MAX_STEP_FRAMES, Stepped};
use crate::ledger::{Ledger, Record};
use crate::sensor::{ClockMode, MAX_RATE};
use crate::trace::Traced;
use state::{Link, Phase, State, Steps};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::operation::{BatchError, Operation, execute};
use tx_isp_abi::registers::{Access, RegisterId};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::Soc;
use tx_isp_chip::{FindingKind, Frame, SideJob};

/// How long [`Device::pause`] waits for the DMA engine.
const PAUSE_DEADLINE: Duration = Duration::from_secs(5);

/// How many refused requests are logged as warnings: the guest must not fill the host's disk.
const REFUSALS_LOGGED: u64 = 10;

/// The emulated ISP with its clock, as all threads share it.
pub struct Device {
    sensor: Sensor,
    clock: ClockMode,
    source: String,
    started: Instant,
    state: Mutex<State>,
    /// There may be a frame for the DMA engine.
    work: Condvar,
    /// The DMA engine has finished a frame.
    idle: Condvar,
    ledger: Mutex<Ledger>,
    /// Event buffers handed to the guest.
    events: Arc<AtomicU64>,
    /// Called when a step is over.
    on_step: Mutex<Option<Box<dyn Fn() + Send>>>,
    /// Called at the first finding.
    on_finding: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// A frame that the DMA engine is to write.
#[derive(Debug)]
pub struct StartedFrame {
    /// What to write.
    pub frame: Frame,
    /// When its first line arrived, since the emulator's start.
    pub start: Duration,
    /// Where to write it.
    pub memory: GuestMemory,
    epoch: u64,
}

/// What the DMA engine did with a frame.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The channels that could not be written.
    pub failed: Vec<ChannelId>,
    /// What could not be written beside their pictures.
    pub lost: Vec<SideJob>,
    /// What the driver did wrong.
    pub findings: Vec<(FindingKind, String)>,
    /// Pictures written.
    pub pictures: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Time that it took to write them.
    pub busy: Duration,
}

/// Interrupt lines whose guest must be told of them with [`Device::announce`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines(u32);

impl Lines {
    /// Nothing to announce.
    pub const NONE: Self = Self(0);
}

/// Why frames cannot be stepped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The clock runs by itself.
    #[error("the clock is {0}, not stepped: start the emulator with --fps stepped")]
    NotStepped(ClockMode),
    /// No frame goes through.
    #[error("the guest does not stream: step when the driver has started the VIC and the core")]
    NotStreaming,
    /// The guest stopped in between.
    #[error("the guest stopped streaming after {done} of {asked} frames")]
    Stopped {
        /// Frames written.
        done: u32,
        /// Frames asked for.
        asked: u32,
    },
    /// Steps are taken one request after the other.
    #[error("a step is under way: ask again when it is over")]
    Busy,
    /// The number is no number of frames.
    #[error("cannot step {0} frames: use 1 to {MAX_STEP_FRAMES}")]
    BadCount(u32),
    /// DMA took too long.
    #[error("the frames were not written in time: {done} of {asked} are done")]
    Deadline {
        /// Frames written.
        done: u32,
        /// Frames asked for.
        asked: u32,
    },
}

/// The guard of a lock, whether or not a thread died with it: the data are counters and registers
/// that stay usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Device {
    /// A device after power-up. `source` is only told in [`Device::status`].
    #[must_use]
    pub fn new(sensor: Sensor, clock: ClockMode, source: String) -> Self {
        Self {
            sensor,
            clock,
            source,
            started: Instant::now(),
            state: Mutex::new(State::new(sensor)),
            work: Condvar::new(),
            idle: Condvar::new(),
            ledger: Mutex::default(),
            events: Arc::default(),
            on_step: Mutex::default(),
            on_finding: Mutex::default(),
        }
    }

    /// The chip claims to be another SoC, now and after each reset.
    pub fn set_soc(&self, soc: Soc) {
        let chip = &mut lock(&self.state).chip;
        *chip = chip.clone().with_soc(soc);
    }

    /// The time from one frame to the next, where time decides: as the sensor is set, at most
    /// [`MAX_RATE`] frames per second, or as the operator says.
    pub fn frame_period(&self) -> Option<Duration> {
        match self.clock {
            ClockMode::Sensor => {
                let period = lock(&self.state).chip.frame_period();
                Some(period.max(Duration::from_secs(1) / MAX_RATE))
            }
            mode => mode.period(&self.sensor),
        }
    }

    /// The connected sensor.
    pub const fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// What drives the frame clock.
    pub const fn clock(&self) -> ClockMode {
        self.clock
    }

    /// Time since the emulator's start.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Where the attachment counts the event buffers that it hands to the guest.
    pub fn event_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.events)
    }

    /// A VM is there: DMA goes to `memory`, interrupts to `interrupts`. Nothing moves before
    /// [`Device::resume`].
    pub fn connect(&self, memory: GuestMemory, interrupts: Arc<dyn InterruptSink>) {
        self.reset();
        lock(&self.state).link = Some(Link { memory, interrupts });
    }

    /// The VM is gone.
    pub fn disconnect(&self) {
        self.pause();
        lock(&self.state).link = None;
    }

    /// Frames go through from now on.
    pub fn resume(&self) {
        lock(&self.state).running = true;
        self.work.notify_one();
    }

    /// Stops the frame clock and waits until DMA is over: afterwards guest memory is left alone.
    pub fn pause(&self) {
        let mut state = lock(&self.state);
        state.running = false;
        self.work.notify_one();
        self.wait_for_dma(state);
    }

    /// Waits until no DMA is under way. A reset's acknowledge says that the ISP has stopped its bus
    /// traffic (facts 1.3), so the request's answer waits for that.
    fn wait_for_dma(&self, state: MutexGuard<'_, State>) {
        let busy = |state: &mut State| !matches!(state.phase, Phase::Idle);
        let waited = self.idle.wait_timeout_while(state, PAUSE_DEADLINE, busy);
        let (_state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            log::error!(
                "DMA did not end within {PAUSE_DEADLINE:?}; is the source's file readable?"
            );
        }
    }

    /// Power off and on: a new chip. Findings are kept.
    pub fn reset(&self) {
        self.pause();
        let mut state = lock(&self.state);
        state.reset(self.sensor);
        *lock(&self.ledger) = Ledger::default();
        self.end_step(&mut state);
    }

    /// Carries out a batch of register operations: the number of result words, and what to
    /// [`Device::announce`] once the results are on their way.
    pub fn execute(
        &self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> (Result<usize, BatchError>, Lines) {
        let mut state = lock(&self.state);
        let before = state.chip.irq_lines();
        let State { chip, trace, .. } = &mut *state;
        let result = match trace {
            Some(recorder) => {
                let registers = chip;
                let mut traced = Traced {
                    registers,
                    recorder,
                };
                execute(&mut traced, operations, results)
            }
            None => execute(chip, operations, results),
        };
        state.counts.batches += 1;
        state.counts.operations += u64::try_from(operations.len()).unwrap_or(u64::MAX);
        let mut lines = state.risen_lines();
        if operations.iter().any(acknowledges) {
            lines |= before & state.chip.irq_lines();
        }
        self.tell_findings(&mut state);
        if self.has_work(&state) {
            self.work.notify_one();
        }
        if state.chip.is_reset_requested() {
            self.wait_for_dma(state);
        }
        (result, Lines(lines))
    }

    /// The levels of the chip's interrupt lines now.
    pub fn irq_lines(&self) -> u32 {
        lock(&self.state).chip.irq_lines()
    }

    /// Counts a request that was refused before it reached the chip, and logs the first few.
    pub fn refuse(&self, reason: &str) {
        let refused = &mut lock(&self.state).counts.refused;
        *refused += 1;
        let level = if *refused <= REFUSALS_LOGGED {
            log::Level::Warn
        } else {
            log::Level::Debug
        };
        log::log!(level, "a request of the guest is refused: {reason}");
    }

    /// Tells the guest of interrupt lines.
    pub fn announce(&self, lines: Lines) {
        if lines.0 == 0 {
            return;
        }
        let mut state = lock(&self.state);
        state.note_interrupt(lines.0, self.now());
        let link = state.link.clone();
        drop(state);
        if let Some(link) = link {
            link.interrupts.raise(lines.0);
        }
    }

    /// The frame clock has ticked `ticks` times since the last call: only one of them begins a
    /// frame. Those before it, and one that comes while DMA still writes, are late: their frames
    /// are left out.
    pub fn tick(&self, ticks: u64) {
        if matches!(self.clock, ClockMode::Max | ClockMode::Stepped) {
            return;
        }
        let mut state = lock(&self.state);
        if !state.running || !state.chip.is_streaming() || ticks == 0 {
            return;
        }
        state.counts.late_ticks += ticks - 1;
        if !matches!(state.phase, Phase::Idle) {
            state.counts.late_ticks += 1;
            return;
        }
        if let Some(started) = self.start_frame(&mut state) {
            state.phase = Phase::Waiting(started);
            self.work.notify_one();
        }
        let lines = Lines(state.risen_lines());
        drop(state);
        self.announce(lines);
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
        let mut state = lock(&self.state);
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
        matches!(lock(&self.state).phase, Phase::Waiting(_))
    }

    /// The DMA engine's next frame: waits until there is one, `None` when the emulator ends.
    pub fn next_frame(&self) -> Option<StartedFrame> {
        let mut state = lock(&self.state);
        loop {
            if state.ending {
                return None;
            }
            if matches!(state.phase, Phase::Waiting(_))
                && let Phase::Waiting(started) = std::mem::replace(&mut state.phase, Phase::Busy)
            {
                return Some(started);
            }
            if self.has_work(&state) {
                if let Some(started) = self.start_frame(&mut state) {
                    state.phase = Phase::Busy;
                    let stepped = self.clock == ClockMode::Stepped;
                    let lines = Lines(if stepped { state.risen_lines() } else { 0 });
                    drop(state);
                    self.announce(lines);
                    return Some(started);
                }
                self.end_step(&mut state);
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The DMA engine is done with a frame.
    pub fn finish_frame(&self, started: &StartedFrame, outcome: Outcome) {
        let mut state = lock(&self.state);
        state.phase = Phase::Idle;
        state.counts.add(&outcome);
        if started.epoch == state.epoch {
            for (kind, detail) in outcome.findings {
                state.chip.report(kind, detail);
            }
            let chip = &mut state.chip;
            chip.frame_end_without(&started.frame, &outcome.failed, &outcome.lost);
            self.tell_findings(&mut state);
            if let Some(steps) = &mut state.steps {
                steps.done += 1;
                steps.last_frame = started.frame.number;
                if steps.done == steps.asked {
                    self.end_step(&mut state);
                }
            }
        }
        let risen = state.risen_lines();
        let lost = started.frame.effects.interrupt_lost;
        let lines = Lines(if lost { 0 } else { risen });
        drop(state);
        self.idle.notify_all();
        self.announce(lines);
    }

    /// Enters a picture into the ledger, unless the chip was reset since its frame began.
    pub fn record(&self, started: &StartedFrame, record: Record) {
        let state = lock(&self.state);
        if started.epoch == state.epoch {
            lock(&self.ledger).record(record);
        }
    }

    /// A page of the ledger.
    pub fn ledger_page(&self, channel: ChannelId, session: Option<u32>, from: u32) -> LedgerPage {
        lock(&self.ledger).page(channel, session, from, MAX_LEDGER_ENTRIES)
    }

    /// Ends the DMA engine's thread after its current frame.
    pub fn end(&self) {
        lock(&self.state).ending = true;
        self.work.notify_all();
    }

    /// Whether the DMA engine should look for a frame of its own accord: a frame of the `max` clock,
    /// or a step to take or to give up.
    fn has_work(&self, state: &State) -> bool {
        let idle = matches!(state.phase, Phase::Idle);
        idle && match self.clock {
            ClockMode::Max => state.running && state.chip.is_ready_for_frame(),
            ClockMode::Stepped => state.steps.is_some(),
            ClockMode::Sensor | ClockMode::Rate(_) => false,
        }
    }

    fn start_frame(&self, state: &mut State) -> Option<StartedFrame> {
        if !state.running {
            return None;
        }
        let memory = state.link.as_ref()?.memory.clone();
        let frame = state.chip.frame_start()?;
        self.tell_findings(state);
        state.counts.started += 1;
        Some(StartedFrame {
            frame,
            start: self.now(),
            memory,
            epoch: state.epoch,
        })
    }

    /// Files the outcome of a step if one is under way.
    fn end_step(&self, state: &mut State) {
        if let Some(steps) = state.steps.take() {
            state.step_outcome = Some(steps.outcome());
            if let Some(call) = lock(&self.on_step).as_ref() {
                call();
            }
        }
    }
}

/// Whether an operation writes to a register that acknowledges interrupts.
fn acknowledges(operation: &Operation) -> bool {
    match *operation {
        Operation::Acknowledge { .. } => true,
        Operation::Write(address, _) => RegisterId::decode(address)
            .is_some_and(|id| id.describe().access == Access::Acknowledge),
        Operation::Read(_) | Operation::Drain { .. } => false,
    }
}

#[cfg(test)]
mod tests;
