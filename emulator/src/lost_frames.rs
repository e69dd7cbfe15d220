// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How loudly a frame is told of that the host could not draw.

use std::sync::atomic::{AtomicU32, Ordering};

/// The first few are errors; a guest may ask for as many as it likes.
pub(crate) fn lost_frame_level() -> log::Level {
    static LOST: AtomicU32 = AtomicU32::new(0);
    const TOLD: u32 = 10;
    if LOST.fetch_add(1, Ordering::Relaxed) < TOLD {
        log::Level::Error
    } else {
        log::Level::Debug
    }
}
