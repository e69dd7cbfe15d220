// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What threads share state with, in the modules that `tests/interleavings.rs` runs in all orders: there
//! it is replaced by that of a scheduler.

pub(crate) use std::sync::{Arc, Condvar, Mutex, PoisonError, atomic};
