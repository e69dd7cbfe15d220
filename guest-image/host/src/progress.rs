// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a long preparation tells what it is doing.

/// Hears about each step. Steps do not nest: `start`, any number of `advance`, `finish`.
pub trait Progress: Sync {
    /// A step begins; `step` is short, as in "kernel: build".
    fn start(&self, step: &str);
    /// `done` of `total` (if known) `unit`s are through, as in 312, 1400, "objects".
    fn advance(&self, done: u64, total: Option<u64>, unit: &str);
    /// The step is over; `detail` says with what result.
    fn finish(&self, detail: &str);
    /// Something a person should read, outside or inside a step.
    fn line(&self, text: &str);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _step: &str) {}
    fn advance(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
    fn finish(&self, _detail: &str) {}
    fn line(&self, _text: &str) {}
}
