// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the operator looks at and breaks: guest errors, traces, interrupts, faults.

use super::status::told;
use super::{Device, State, lock};
use crate::monitor::protocol::{
    Event, EventKind, InterruptEntry, InterruptPage, MAX_FRAME_LOG_ENTRIES, Tracing,
};
use crate::trace::Recorder;
use std::io;
use std::path::Path;
use tx_isp_chip::Strictness;
use tx_isp_chip::behaviour::Behaviours;
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::{Fault, Faults};

impl Device {
    /// Frames are to be written to this memory alone; elsewhere is an error.
    pub fn set_carve_out(&self, carve_out: Option<CarveOut>) {
        let mut state = self.state_first();
        state.carve_out = carve_out;
        state.chip.set_carve_out(carve_out);
    }

    /// Records register accesses from now on, to `path`; `None` ends that. Tells how many accesses
    /// the trace that ends holds.
    ///
    /// # Errors
    /// If the file cannot be written; then nothing has changed.
    pub fn trace(&self, path: Option<&Path>) -> io::Result<Tracing> {
        let recorder = path.map(|path| Recorder::create(path, self.started));
        let recorder = recorder.transpose()?;
        Ok(self.trace_with(recorder))
    }

    /// A trace in a new file of `folder`; times count from the emulator's start. Nothing is recorded
    /// before it is given to [`Device::trace_with`].
    ///
    /// # Errors
    /// If it cannot be made there.
    pub fn new_trace(&self, folder: &Path, file: &Path) -> io::Result<Recorder> {
        Recorder::create_in(folder, file, self.started)
    }

    /// Records register accesses with `recorder` from now on; `None` ends that. Tells what the trace
    /// that ends holds.
    pub fn trace_with(&self, recorder: Option<Recorder>) -> Tracing {
        let tracing = recorder.is_some();
        let ended = std::mem::replace(&mut self.state_first().trace, recorder);
        let (recorded, lost) = ended.map_or((0, 0), Recorder::finish);
        Tracing {
            tracing,
            recorded,
            lost,
        }
    }

    /// How many faults are armed.
    pub fn faults_armed(&self) -> usize {
        self.state_first().chip.faults().fired().count()
    }

    /// When the guest was told of interrupts after `from_ns`.
    pub fn interrupts(&self, from_ns: u64) -> InterruptPage {
        let state = self.state_first();
        let later = |entry: &&InterruptEntry| entry.at_ns >= from_ns;
        let mut later = state.interrupts.iter().filter(later);
        let entries = later
            .by_ref()
            .take(MAX_FRAME_LOG_ENTRIES)
            .copied()
            .collect();
        InterruptPage {
            entries,
            more: later.next().is_some(),
        }
    }

    /// Changes the faults that are to happen.
    pub fn with_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(self.state_first().chip.faults_mut());
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        log::info!("fault armed: {fault}");
        self.with_faults(|faults| faults.add(fault));
    }

    /// How the chip behaves where its behaviour is open, now and after each reset.
    pub fn set_behaviours(&self, behaviours: Behaviours) {
        lock(&self.state).chip.set_behaviours(behaviours);
    }

    /// Sets what is called at the first guest error that is bad enough. It must not call the device.
    pub fn on_guest_error(&self, strictness: Strictness, call: impl Fn() + Send + 'static) {
        *lock(&self.on_guest_error) = Some((strictness, Box::new(call)));
    }

    /// Tells of guest errors: to subscribers of each kind the first time, and to whoever waits for the first
    /// of all.
    pub(super) fn report_guest_errors(&self, state: &mut State) {
        let entries = state.chip.guest_errors().entries();
        for error in entries {
            if state.kinds_reported.insert(error.kind) {
                self.observers
                    .tell(EventKind::GuestError, || Event::GuestError {
                        error: told(error.kind, error),
                    });
            }
        }
        if state.guest_error_reported || state.chip.guest_errors().is_empty() {
            return;
        }
        if let Some((strictness, call)) = lock(&self.on_guest_error).as_ref() {
            let mut kinds = state.chip.guest_errors().entries().map(|found| found.kind);
            if kinds.any(|kind| strictness.stops_at(kind)) {
                state.guest_error_reported = true;
                call();
            }
        }
    }
}
