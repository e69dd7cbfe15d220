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
//! end of interrupt (assumption). So a driver that handles what it read and misses what came
//! meanwhile is called once more.
//!
//! **Revocation.** The DMA engine writes under a permit ([`DmaPermit`]), a chunk at a time. The permit
//! ends with whatever ends the right to write: the soft reset's request, a flush or reset of the
//! pipeline, a stopped queue, a new memory map, a new chip, the VM's end. What ends the frame (flush,
//! reset, a new chip) drops it; what only interrupts it (the others) keeps it, and it is drawn again
//! when frames may go on: the same frame is the same picture. Nothing here waits for drawing.
//!
//! **The clock `max`** knows no time between a frame's first line and its last: the start interrupts
//! are announced together with those of the end (assumption). One interrupt a frame is enough.

mod debug;
mod observers;
mod permit;
mod state;
mod status;

use crate::attach::{GuestMemory, InterruptSink};
use crate::frame_log::{self, FrameLog, Record, nanoseconds};
use crate::monitor::protocol::{
    Event, EventKind, FrameLogPage, MAX_FRAME_LOG_ENTRIES, MAX_STEP_FRAMES, Stepped,
};
use crate::sensor::{ClockMode, MAX_RATE};
use crate::trace::Traced;
use observers::Observers;
pub use permit::{DmaGate, DmaPermit, DmaState, Revoked};
use state::{Link, Phase, State, Steps};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::operation::{BatchError, Operation, execute};
use tx_isp_abi::registers::{Access, RegisterId};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::Soc;
use tx_isp_chip::{Frame, GuestErrorKind, RawOrStatistics, Strictness};

/// How long the end of a chunk that is being copied is waited for; it takes microseconds, unless the
/// host cannot find the guest's page.
const CHUNK_DEADLINE: Duration = Duration::from_millis(500);
/// How often the guest's requests let others have the lock before they take it.
const TURNS_GIVEN: u32 = 1000;

/// How many refused requests are logged as warnings: the guest must not fill the host's disk.
const REFUSALS_LOGGED: u64 = 10;

/// Which mistakes somebody waits for, and what is called at the first.
type Watch = (Strictness, Box<dyn Fn() + Send>);

/// The emulated ISP with its clock, as all threads share it.
pub struct Device {
    sensor: Sensor,
    clock: ClockMode,
    source: String,
    started: Instant,
    state: Mutex<State>,
    /// There may be a frame for the DMA engine.
    work: Condvar,
    /// Who may write to guest memory.
    gate: Arc<DmaGate>,
    /// How many wait for the lock that go before the guest's requests.
    urgent: AtomicU32,
    frame_log: Mutex<FrameLog>,
    /// Event buffers handed to the guest.
    events: Arc<AtomicU64>,
    /// Called when a step is over.
    on_step: Mutex<Option<Box<dyn Fn() + Send>>>,
    /// Called at the first guest error that is bad enough.
    on_guest_error: Mutex<Option<Watch>>,
    /// Who wants to know what happens.
    observers: Observers,
    /// Called when the frame period changes.
    on_period: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// A frame that the DMA engine is to write.
#[derive(Clone, Debug)]
pub struct StartedFrame {
    /// What to write.
    pub frame: Frame,
    /// When its first line arrived, since the emulator's start.
    pub start: Duration,
    /// Where to write it.
    pub memory: GuestMemory,
    /// The right to do so.
    pub permit: DmaPermit,
    epoch: u64,
}

/// What the DMA engine did with a frame.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The permit ended before the frame was written: all of it counts as not written.
    pub revoked: bool,
    /// The pictures that were written.
    pub records: Vec<Record>,
    /// The channels that could not be written.
    pub failed: Vec<ChannelId>,
    /// What could not be written beside their pictures.
    pub lost: Vec<RawOrStatistics>,
    /// What the driver did wrong.
    pub guest_errors: Vec<(GuestErrorKind, String)>,
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
            gate: Arc::default(),
            urgent: AtomicU32::new(0),
            frame_log: Mutex::default(),
            events: Arc::default(),
            on_step: Mutex::default(),
            on_guest_error: Mutex::default(),
            observers: Observers::default(),
            on_period: Mutex::default(),
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
                let period = self.state_first().chip.frame_period();
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

    /// What the monitor wants to know from now on; nothing before this is called.
    pub fn want_events(&self, kinds: &[EventKind]) {
        self.observers.want(kinds);
    }

    /// Sets what is called when there are events to take. It must not call the device.
    pub fn on_events(&self, call: impl Fn() + Send + 'static) {
        self.observers.on_events(Box::new(call));
    }

    /// The events since this was last called.
    pub fn take_events(&self) -> Vec<Event> {
        self.observers.take()
    }

    /// A driver begins or ends, as the attachment sees it.
    pub fn note_driver(&self, begins: bool) {
        let at_ns = nanoseconds(self.now());
        let event = || Event::Driver { begins, at_ns };
        self.observers.tell(EventKind::Driver, event);
    }

    /// Sets what is called when [`Device::frame_period`] has changed. It must not call the device.
    pub fn on_period(&self, call: impl Fn() + Send + 'static) {
        *lock(&self.on_period) = Some(Box::new(call));
    }

    /// Tells whoever drives the frame clock of a new period.
    fn tell_period(&self, state: &mut State) {
        let period = state.chip.frame_period();
        if std::mem::replace(&mut state.period_told, period) != period
            && let Some(call) = lock(&self.on_period).as_ref()
        {
            call();
        }
    }

    /// The lock, before the guest's requests: for frames and the operator.
    fn state_first(&self) -> MutexGuard<'_, State> {
        self.urgent.fetch_add(1, Ordering::SeqCst);
        let state = lock(&self.state);
        self.urgent.fetch_sub(1, Ordering::SeqCst);
        state
    }

    /// The lock, after all others that wait: a guest that floods us with requests keeps nobody out.
    fn state_last(&self) -> MutexGuard<'_, State> {
        for _ in 0..TURNS_GIVEN {
            if self.urgent.load(Ordering::SeqCst) == 0 {
                break;
            }
            std::thread::yield_now();
        }
        lock(&self.state)
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

    /// The VM is gone. Nothing is written to its memory any more.
    pub fn disconnect(&self) {
        self.pause();
        let mut state = self.state_first();
        state.link = None;
        if matches!(state.phase, Phase::Waiting(_)) {
            state.phase = Phase::Idle;
        }
    }

    /// Frames go through from now on. A frame that [`Device::pause`] interrupted is drawn again.
    pub fn resume(&self) {
        self.state_first().running = true;
        self.work.notify_one();
    }

    /// Stops the frame clock and DMA: afterwards guest memory is left alone. The frame under way is
    /// kept for [`Device::resume`].
    pub fn pause(&self) {
        self.state_first().running = false;
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
    fn wait_for_chunk(&self) {
        self.gate.wait_stopped(CHUNK_DEADLINE);
        if self.gate.state() == DmaState::Draining {
            log::error!("DMA did not stop within {CHUNK_DEADLINE:?}: is the host out of memory?");
        }
    }

    /// Revokes the permit of a frame that is over or must not go on now. True if the frame is over and
    /// a chunk of it is still on its way.
    fn revoke_unwanted(&self, state: &mut State) -> bool {
        let Some(started_in) = state.phase.started_in() else {
            return false;
        };
        let is_over = started_in != (state.epoch, state.chip.generation());
        if !is_over && state.may_write() {
            return false;
        }
        let left = self.gate.revoke();
        if is_over && matches!(state.phase, Phase::Waiting(_)) {
            state.phase = Phase::Idle;
            state.counts.finished += 1;
        }
        is_over && left == DmaState::Draining
    }

    /// Whether no byte is under way to memory, nor can be before the lock is let go of.
    fn bus_is_idle(&self, state: &State) -> bool {
        !matches!(state.phase, Phase::Busy(_)) || self.gate.is_stopped()
    }

    /// Power off and on: a new chip. Guest errors are kept.
    pub fn reset(&self) {
        self.pause();
        let mut state = self.state_first();
        state.reset(self.sensor);
        self.revoke_unwanted(&mut state);
        *lock(&self.frame_log) = FrameLog::default();
        self.end_step(&mut state);
        self.tell_period(&mut state);
    }

    /// Carries out a batch of register operations: the number of result words, and what to
    /// [`Device::announce`] once the results are on their way. Never waits for drawing.
    pub fn execute(
        &self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> (Result<usize, BatchError>, Lines) {
        let mut state = self.state_last();
        state.chip.set_time(self.now());
        let before = state.chip.irq_lines();
        let idle = self.bus_is_idle(&state);
        state.chip.set_bus_idle(idle);
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
        self.report_guest_errors(&mut state);
        self.tell_period(&mut state);
        let draining = self.revoke_unwanted(&mut state);
        let wakes =
            self.has_work(&state) || matches!(state.phase, Phase::Waiting(_)) && state.may_write();
        drop(state);
        if draining {
            self.wait_for_chunk();
        }
        // Not before: who is woken would wait for the lock.
        if wakes {
            self.work.notify_one();
        }
        (result, Lines(lines))
    }

    /// The level of the chip's interrupt controller's output now.
    pub fn intc_output(&self) -> bool {
        lock(&self.state).chip.intc_output()
    }

    /// Counts a request that was refused before it reached the chip, and logs the first few.
    pub fn refuse(&self, reason: &str) {
        let mut state = self.state_last();
        let refused = &mut state.counts.refused;
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
        let mut state = self.state_first();
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
        let mut state = self.state_first();
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
        matches!(lock(&self.state).phase, Phase::Waiting(_))
    }

    /// The DMA engine's next frame: waits until there is one, `None` when the emulator ends.
    pub fn next_frame(&self) -> Option<StartedFrame> {
        let mut state = self.state_first();
        loop {
            if state.exit_status {
                return None;
            }
            if state.may_write()
                && let Some(mut started) = state.take_waiting()
            {
                // Again under the lock: what revokes looks at the phase under it.
                started.permit = self.gate.permit();
                return Some(started);
            }
            if self.has_work(&state) {
                if let Some(started) = self.start_frame(&mut state) {
                    state.phase = Phase::Busy((started.epoch, started.frame.generation()));
                    let stepped = self.clock == ClockMode::Stepped;
                    let lines = Lines(if stepped { state.risen_lines() } else { 0 });
                    drop(state);
                    self.announce(lines);
                    return Some(started);
                }
                self.end_step(&mut state);
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

    /// The DMA engine is done with a frame, or has lost the right to write it.
    pub fn finish_frame(&self, started: &StartedFrame, outcome: Outcome) {
        let mut state = self.state_first();
        let is_over = state.is_over(started);
        if outcome.revoked && !is_over {
            // It is drawn again when it may be.
            state.counts.busy += outcome.busy;
            state.counts.revoked += 1;
            state.phase = Phase::Waiting(started.clone());
            drop(state);
            return;
        }
        state.phase = Phase::Idle;
        state.counts.add(&outcome);
        // From here on the guest may have the buffers back.
        self.gate.revoke();
        if !is_over {
            for (kind, detail) in outcome.guest_errors {
                state.chip.report(kind, detail);
            }
            let mut frame_log = lock(&self.frame_log);
            for record in outcome.records {
                let sequence = frame_log.record(record);
                self.observers.tell(EventKind::Frame, || Event::Frame {
                    entry: frame_log::entry(&(sequence, record)),
                });
            }
            drop(frame_log);
            let chip = &mut state.chip;
            chip.frame_end_without(&started.frame, &outcome.failed, &outcome.lost);
            self.report_guest_errors(&mut state);
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
        let risen = state.risen_lines();
        let lost = started.frame.effects.interrupt_lost;
        let lines = Lines(if lost { 0 } else { risen });
        drop(state);
        self.announce(lines);
    }

    /// A page of the frame log.
    pub fn frame_log_page(
        &self,
        channel: ChannelId,
        session: Option<u32>,
        from: u32,
    ) -> FrameLogPage {
        lock(&self.frame_log).page(channel, session, from, MAX_FRAME_LOG_ENTRIES)
    }

    /// Ends the DMA engine's thread; a frame under way is dropped.
    pub fn end(&self) {
        self.state_first().exit_status = true;
        self.gate.revoke();
        self.work.notify_all();
    }

    /// Whether the DMA engine should look for a frame of its own accord: a frame of the `max` clock,
    /// or a step to take or to give up.
    fn has_work(&self, state: &State) -> bool {
        let idle = matches!(state.phase, Phase::Idle);
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

    fn start_frame(&self, state: &mut State) -> Option<StartedFrame> {
        if !state.may_write() {
            return None;
        }
        let memory = state.link.as_ref()?.memory.clone();
        state.chip.set_time(self.now());
        let frame = state.chip.frame_start()?;
        self.report_guest_errors(state);
        state.counts.started += 1;
        if self.clock == ClockMode::Max && !frame.writes() {
            state.idle_until = Some(Instant::now() + state.chip.frame_period());
        }
        Some(StartedFrame {
            permit: self.gate.permit(),
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
