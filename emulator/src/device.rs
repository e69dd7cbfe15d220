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
//! **Time** is the chip's: it has its events, and this brings it to them. With the sensor's clock or a rate the
//! chip's time runs with the host's; [`Device::advance`] is called when an event is due, and each batch of
//! register operations finds the chip at the time of its arrival. With `max` and `stepped` the first line comes
//! when there is a buffer, or on demand, and the last as soon as it is written: the chip's time jumps there.
//!
//! **The clock `max`** tells the start interrupts together with those of the end (assumption): one interrupt
//! a frame is enough.

mod chip_time;
mod debug;
mod frame;
mod frames;
mod lifecycle;
mod observers;
mod permit;
#[cfg(test)]
mod permit_tests;
mod state;
mod status;

use crate::frame_log::{FrameLog, nanoseconds};
use crate::interrupt_timer::InterruptTimer;
use crate::lock::lock;
use crate::monitor::protocol::{Event, EventKind, FrameLogPage, MAX_FRAME_LOG_ENTRIES};
use crate::sensor::{ClockMode, MAX_RATE};
use crate::trace::Traced;
pub use frame::{Outcome, StartedFrame, StepError};
use observers::Observers;
pub use permit::{DmaGate, DmaPermit, DmaState, Revoked};
use state::State;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::operation::{BatchError, Operation, execute};
use tx_isp_abi::registers::{Access, RegisterId};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::Soc;
use tx_isp_chip::{Pace, Strictness};

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
    /// The time that is told in place of the host's, in nanoseconds.
    told_time: Option<AtomicU64>,
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
    /// Since when the guest has not looked at an interrupt.
    interrupt_timer: Arc<InterruptTimer>,
    /// Called when a step is over.
    on_step: Mutex<Option<Box<dyn Fn() + Send>>>,
    /// Called at the first finding that is bad enough.
    on_guest_error: Mutex<Option<Watch>>,
    /// Who wants to know what happens.
    observers: Observers,
    /// Called when the next event comes at another time than was told.
    on_schedule: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// What [`Device::announce`] must be given once the guest has its answer.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Interrupt lines that the guest must be told of.
    risen: u32,
    /// The DMA engine has something to do.
    wakes_dma: bool,
}

impl Lines {
    /// Nothing to announce.
    pub const NONE: Self = Self::risen(0);

    /// The guest must be told of these lines.
    const fn risen(risen: u32) -> Self {
        Self {
            risen,
            wakes_dma: false,
        }
    }
}

impl Device {
    /// A device after power-up. `source` is only told in [`Device::status`].
    #[must_use]
    pub fn new(sensor: Sensor, clock: ClockMode, source: String) -> Self {
        let started = Instant::now();
        Self {
            sensor,
            clock,
            source,
            started,
            told_time: None,
            state: Mutex::new(State::new(sensor, pace(clock))),
            work: Condvar::new(),
            gate: Arc::default(),
            urgent: AtomicU32::new(0),
            frame_log: Mutex::default(),
            events: Arc::default(),
            interrupt_timer: Arc::new(InterruptTimer::new(started)),
            on_step: Mutex::default(),
            on_guest_error: Mutex::default(),
            observers: Observers::default(),
            on_schedule: Mutex::default(),
        }
    }

    /// As [`Device::new`], but its time is what [`Device::set_time`] says, 0 at first.
    #[must_use]
    pub fn with_told_time(sensor: Sensor, clock: ClockMode, source: String) -> Self {
        Self {
            told_time: Some(AtomicU64::new(0)),
            ..Self::new(sensor, clock, source)
        }
    }

    /// The chip claims to be another SoC, now and after each reset.
    pub fn set_soc(&self, soc: Soc) {
        let chip = &mut lock(&self.state).chip;
        *chip = chip.clone().with_soc(soc);
    }

    /// The time from one frame to the next: as the sensor is set, at most [`MAX_RATE`] frames per second, or as
    /// the operator says.
    pub fn frame_period(&self) -> Duration {
        self.state_first().chip.frame_interval()
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

    /// Sets what is called when [`Device::deadline`] has changed. It must not call the device.
    pub fn on_schedule(&self, call: impl Fn() + Send + 'static) {
        *lock(&self.on_schedule) = Some(Box::new(call));
    }

    /// When [`Device::advance`] is to be called, as a time since the emulator's start.
    pub fn deadline(&self) -> Option<Duration> {
        let mut state = self.state_first();
        let deadline = self.next_deadline(&state);
        state.deadline_told = deadline;
        deadline
    }

    fn next_deadline(&self, state: &State) -> Option<Duration> {
        if matches!(self.clock, ClockMode::Max | ClockMode::Stepped) {
            return None;
        }
        state.time.host(state.chip.next_event()?)
    }

    /// Tells whoever waits for the deadline of a new one.
    fn tell_schedule(&self, state: &mut State) {
        let deadline = self.next_deadline(state);
        if std::mem::replace(&mut state.deadline_told, deadline) != deadline
            && let Some(call) = lock(&self.on_schedule).as_ref()
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
        match &self.told_time {
            Some(told) => Duration::from_nanos(told.load(Ordering::SeqCst)),
            None => self.started.elapsed(),
        }
    }

    /// Sets the time of a device made by [`Device::with_told_time`]; it never runs back.
    pub fn set_time(&self, now: Duration) {
        if let Some(told) = &self.told_time {
            told.fetch_max(nanoseconds(now), Ordering::SeqCst);
        }
    }

    /// Where the attachment counts how often it interrupts the guest.
    pub fn event_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.events)
    }

    /// Where the attachment says when it interrupts the guest.
    pub fn interrupt_timer(&self) -> Arc<InterruptTimer> {
        Arc::clone(&self.interrupt_timer)
    }

    /// Carries out a batch of register operations: the number of result words, and what to
    /// [`Device::announce`] once the results are on their way. Never waits for drawing.
    pub fn execute(
        &self,
        operations: &[Operation],
        results: &mut [u32],
    ) -> (Result<usize, BatchError>, Lines) {
        let response = self.interrupt_timer.arrive(operations);
        let mut state = self.state_last();
        if let Some(response) = response {
            state.note_response(response);
        }
        self.catch_up(&mut state);
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
        self.tell_schedule(&mut state);
        let draining = self.revoke_unwanted(&mut state);
        let wakes_dma = self.has_work(&state) || state.waiting.is_some() && state.may_write();
        drop(state);
        if draining {
            self.wait_for_chunk();
        }
        // The DMA engine is woken behind the answer: on few processors it would run first.
        let lines = Lines {
            risen: lines,
            wakes_dma,
        };
        (result, lines)
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

    /// Tells the guest of interrupt lines, and the DMA engine of its work.
    pub fn announce(&self, lines: Lines) {
        if lines.wakes_dma {
            self.work.notify_one();
        }
        if lines.risen == 0 {
            return;
        }
        let mut state = self.state_first();
        state.note_interrupt(lines.risen, self.now());
        let link = state.link.clone();
        drop(state);
        if let Some(link) = link {
            link.interrupts.raise(lines.risen);
        }
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
}

/// What a frame clock means to the chip.
fn pace(clock: ClockMode) -> Pace {
    match clock {
        ClockMode::Sensor => Pace::Sensor(Duration::from_secs(1) / MAX_RATE),
        ClockMode::Rate(fps) => Pace::Every(Duration::from_secs(1) / fps.get()),
        ClockMode::Max | ClockMode::Stepped => Pace::OnDemand,
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
