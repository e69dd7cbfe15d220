// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Steps as plain lines.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use host_setup::Progress;

/// How often a step speaks.
const EVERY: Duration = Duration::from_secs(12);

/// Says when a step begins and ends, and now and then how far it is.
#[derive(Default)]
pub struct PlainProgress {
    spoke: Mutex<Option<Instant>>,
}

impl PlainProgress {
    /// Whether it is time to speak again.
    fn is_time(&self) -> bool {
        let mut spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = spoke.is_none_or(|then| then.elapsed() >= EVERY);
        if is_time {
            *spoke = Some(Instant::now());
        }
        is_time
    }
}

impl Progress for PlainProgress {
    fn start(&self, step: &str) {
        eprintln!("  {step}");
        self.is_time();
    }

    fn advance(&self, done: u64, total: Option<u64>, unit: &str) {
        if self.is_time() {
            let total = total.map_or_else(String::new, |total| format!(" of {total}"));
            eprintln!("  {done}{total} {unit}");
        }
    }

    fn finish(&self, detail: &str) {
        eprintln!("✓ {detail}");
    }

    fn line(&self, text: &str) {
        eprintln!("{text}");
    }
}
