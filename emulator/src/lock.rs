// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Locks that outlive the thread that died with one.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The guard of a lock, whether or not a thread died with it: the data are counters and registers
/// that stay usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
