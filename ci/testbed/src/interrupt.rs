// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ctrl-C: the first one ends what runs in order, the second one at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on a signal to end only sets [`requested`]; a second one ends the lab.
///
/// # Errors
/// What the operating system says.
pub fn install() -> io::Result<()> {
    if STOP.get().is_some() {
        return Ok(());
    }
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(())
}

/// Whether the lab was asked to end.
pub fn requested() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}
