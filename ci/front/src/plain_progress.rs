// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Steps as plain lines.

use host_setup::Progress;

/// Says when a step begins and ends.
pub struct PlainProgress;

impl Progress for PlainProgress {
    fn start(&self, step: &str) {
        eprintln!("  {step}");
    }

    fn advance(&self, _done: u64, _total: Option<u64>, _unit: &str) {}

    fn finish(&self, detail: &str) {
        eprintln!("✓ {detail}");
    }

    fn line(&self, text: &str) {
        eprintln!("{text}");
    }
}
