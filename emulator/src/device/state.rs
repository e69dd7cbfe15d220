// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the device's lock protects.

use super::chip_time::ChipTime;
use super::frame::{Outcome, StartedFrame, StepError};
use crate::attach::{GuestMemory, InterruptSink};
use crate::frame_log::{ENTRIES_PER_CHANNEL, Record, nanoseconds};
use crate::interrupt_timer::Response;
use crate::monitor::protocol::{InterruptEntry, Stepped};
use crate::trace::Recorder;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tx_isp_abi::sensor::Sensor;
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::{Chip, GuestError, GuestErrorKind, Pace};

/// How many interrupts are remembered: as many as the frame_log's pictures of a channel.
const MAX_INTERRUPTS: usize = ENTRIES_PER_CHANNEL;

/// How to reach the VM.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) memory: GuestMemory,
    pub(super) interrupts: Arc<dyn InterruptSink>,
}

/// Frames that the operator asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps {
    pub(super) asked: u32,
    pub(super) done: u32,
    pub(super) last_frame: u32,
}

impl Steps {
    pub(super) fn new(asked: u32) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    pub(super) fn outcome(self) -> Result<Stepped, StepError> {
        let Self { asked, done, .. } = self;
        if done < asked {
            return Err(StepError::Stopped { done, asked });
        }
        Ok(Stepped {
            frames: done,
            last_frame: self.last_frame,
        })
    }
}

/// What has happened since the emulator's start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) started: u64,
    pub(super) finished: u64,
    /// Late frames of the chips before this one.
    pub(super) late_before: u64,
    pub(super) batches: u64,
    pub(super) operations: u64,
    pub(super) refused: u64,
    pub(super) pictures: u64,
    pub(super) bytes: u64,
    pub(super) busy: Duration,
    /// Frames whose permit ended and that were kept.
    pub(super) revoked: u64,
}

impl Counts {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.finished += 1;
        self.pictures += outcome.pictures;
        self.bytes += outcome.bytes;
        self.busy += outcome.busy;
    }
}

/// What the device's lock protects.
pub(super) struct State {
    pub(super) chip: Chip,
    /// Levels of the interrupt lines as the guest was told them.
    announced: u32,
    /// The guest's queues are live, so frames may go through.
    pub(super) running: bool,
    /// A frame has begun, the DMA engine has not yet taken it.
    pub(super) waiting: Option<StartedFrame>,
    /// The DMA engine writes a frame: epoch and generation in which that began.
    pub(super) busy: Option<(u64, u32)>,
    pub(super) link: Option<Link>,
    /// How often the chip was replaced.
    pub(super) epoch: u64,
    pub(super) steps: Option<Steps>,
    pub(super) step_outcome: Option<Result<Stepped, StepError>>,
    pub(super) counts: Counts,
    /// GuestErrors of the chips before this one.
    pub(super) earlier_guest_errors: BTreeMap<GuestErrorKind, GuestError>,
    pub(super) carve_out: Option<CarveOut>,
    /// Register accesses are recorded here.
    pub(super) trace: Option<Recorder>,
    /// When the guest was told of which lines, newest last.
    pub(super) interrupts: VecDeque<InterruptEntry>,
    /// The kinds of guest errors that subscribers were told of.
    pub(super) kinds_reported: BTreeSet<GuestErrorKind>,
    /// Somebody was told that there are guest errors.
    pub(super) guest_error_reported: bool,
    pub(super) exit_status: bool,
    /// When the frame clock was told to look next.
    pub(super) deadline_told: Option<Duration>,
    /// The chip's time.
    pub(super) time: ChipTime,
    /// Pictures that are written, and not done before their last line.
    pub(super) written: Vec<Record>,
    /// With the clock `max`: no frame before this.
    pub(super) idle_until: Option<Instant>,
}

impl State {
    pub(super) fn new(sensor: Sensor, pace: Pace) -> Self {
        let mut chip = Chip::new(sensor);
        chip.set_pace(pace);
        Self {
            chip,
            announced: 0,
            running: false,
            waiting: None,
            busy: None,
            link: None,
            epoch: 0,
            steps: None,
            step_outcome: None,
            counts: Counts::default(),
            earlier_guest_errors: BTreeMap::new(),
            carve_out: None,
            trace: None,
            interrupts: VecDeque::new(),
            kinds_reported: BTreeSet::new(),
            guest_error_reported: false,
            exit_status: false,
            deadline_told: None,
            time: ChipTime::default(),
            written: Vec::new(),
            idle_until: None,
        }
    }

    /// Whether a frame may be written.
    pub(super) fn may_write(&self) -> bool {
        self.running && !self.exit_status && self.link.is_some() && !self.chip.is_reset_requested()
    }

    /// The epoch and generation in which a frame that is not over has begun.
    pub(super) fn present(&self) -> (u64, u32) {
        (self.epoch, self.chip.generation())
    }

    /// Whether the chip has forgotten a frame.
    pub(super) fn is_over(&self, started: &StartedFrame) -> bool {
        started.started_in() != self.present()
    }

    /// A new chip in place of this one, whose guest errors are kept.
    pub(super) fn reset(&mut self, sensor: Sensor) {
        self.earlier_guest_errors = self.all_guest_errors();
        let faults = std::mem::take(self.chip.faults_mut());
        let behaviours = self.chip.behaviours();
        let pace = self.chip.pace();
        self.counts.late_before += self.chip.late_frames();
        self.chip = Chip::new(sensor).with_soc(self.chip.soc());
        self.chip.set_behaviours(behaviours);
        self.chip.set_pace(pace);
        self.time = ChipTime::default();
        self.written.clear();
        *self.chip.faults_mut() = faults;
        self.chip.set_carve_out(self.carve_out);
        self.announced = 0;
        self.epoch += 1;
    }

    /// The findings of all chips so far.
    pub(super) fn all_guest_errors(&self) -> BTreeMap<GuestErrorKind, GuestError> {
        let mut all = self.earlier_guest_errors.clone();
        for finding in self.chip.guest_errors().entries() {
            all.entry(finding.kind)
                .and_modify(|earlier| earlier.count += finding.count)
                .or_insert_with(|| finding.clone());
        }
        all
    }

    /// Notes that the guest is told of lines.
    pub(super) fn note_interrupt(&mut self, lines: u32, now: Duration) {
        if lines == 0 {
            return;
        }
        if self.interrupts.len() >= MAX_INTERRUPTS {
            self.interrupts.pop_front();
        }
        self.interrupts.push_back(InterruptEntry {
            at_ns: nanoseconds(now),
            lines,
            signalled_ns: None,
            seen_ns: None,
        });
    }

    /// Notes that the guest has looked at an interrupt: the last that it was told of before the signal.
    pub(super) fn note_response(&mut self, response: Response) {
        let Response {
            signalled_ns,
            seen_ns,
        } = response;
        let mut newest_first = self.interrupts.iter_mut().rev();
        if let Some(entry) = newest_first.find(|entry| entry.at_ns <= signalled_ns)
            && entry.seen_ns.is_none()
        {
            entry.signalled_ns = Some(signalled_ns);
            entry.seen_ns = Some(seen_ns);
        }
    }

    /// The lines that are high and were low when this was called last.
    pub(super) fn risen_lines(&mut self) -> u32 {
        let lines = self.chip.irq_lines();
        let risen = lines & !self.announced;
        self.announced = lines;
        risen
    }
}
