// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the operator looks at and breaks: findings, traces, interrupts, faults.

use super::{Device, State, lock};
use crate::control::protocol::{InterruptEntry, InterruptPage, MAX_LEDGER_ENTRIES};
use crate::trace::Recorder;
use std::io;
use std::path::Path;
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::{Fault, Faults};

impl Device {
    /// Frames are to be written to this memory alone; elsewhere is a finding.
    pub fn set_carve_out(&self, carve_out: Option<CarveOut>) {
        let mut state = lock(&self.state);
        state.carve_out = carve_out;
        state.chip.set_carve_out(carve_out);
    }

    /// Records register accesses from now on, to `path`; `None` ends that. Tells how many accesses
    /// the trace that ends holds.
    ///
    /// # Errors
    /// If the file cannot be written; then nothing has changed.
    pub fn trace(&self, path: Option<&Path>) -> io::Result<u64> {
        let recorder = path.map(|path| Recorder::create(path, self.started));
        let recorder = recorder.transpose()?;
        let ended = std::mem::replace(&mut lock(&self.state).trace, recorder);
        Ok(ended.map_or(0, |ended| ended.accesses()))
    }

    /// Records register accesses with `recorder` from now on.
    pub fn trace_with(&self, recorder: Option<Recorder>) {
        lock(&self.state).trace = recorder;
    }

    /// When the guest was told of interrupts after `from_ns`.
    pub fn interrupts(&self, from_ns: u64) -> InterruptPage {
        let state = lock(&self.state);
        let later = |entry: &&InterruptEntry| entry.at_ns >= from_ns;
        let mut later = state.interrupts.iter().filter(later);
        let entries = later.by_ref().take(MAX_LEDGER_ENTRIES).copied().collect();
        InterruptPage {
            entries,
            more: later.next().is_some(),
        }
    }

    /// Changes the faults that are to happen.
    pub fn with_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(lock(&self.state).chip.faults_mut());
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        log::info!("fault armed: {fault}");
        self.with_faults(|faults| faults.add(fault));
    }

    /// Sets what is called at the first finding. It must not call the device.
    pub fn on_finding(&self, call: impl Fn() + Send + 'static) {
        *lock(&self.on_finding) = Some(Box::new(call));
    }

    /// Calls whoever waits for the first finding.
    pub(super) fn tell_findings(&self, state: &mut State) {
        if state.findings_told || state.chip.findings().is_empty() {
            return;
        }
        state.findings_told = true;
        if let Some(call) = lock(&self.on_finding).as_ref() {
            call();
        }
    }
}
