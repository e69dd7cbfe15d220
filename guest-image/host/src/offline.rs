// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether the network may be used. `--offline` says no, and so does cargo's own `CARGO_NET_OFFLINE`,
//! which is how it reaches every cargo that is run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk;
use crate::error::{Error, Result};

/// Cargo's variable of the same meaning.
pub const VARIABLE: &str = "CARGO_NET_OFFLINE";

static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// From now on nothing is fetched.
pub fn forbid_network() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Whether nothing is to be fetched.
#[must_use]
pub fn is_set() -> bool {
    FORBIDDEN.load(Ordering::Relaxed) || std::env::var(VARIABLE).is_ok_and(|value| says_yes(&value))
}

fn says_yes(value: &str) -> bool {
    matches!(value, "true" | "1")
}

/// Refuses if nothing is to be fetched; `missing` is what would have been.
///
/// # Errors
/// [`Error::Offline`].
pub fn check(missing: impl FnOnce() -> String) -> Result<()> {
    match is_set() {
        true => Err(Error::Offline { missing: missing() }),
        false => Ok(()),
    }
}

/// Refuses, before anything is built, if nothing is to be fetched and nothing was fetched before.
///
/// # Errors
/// [`Error::Offline`].
pub fn check_cache(cache: &Path) -> Result<()> {
    if disk::has_image(cache) {
        return Ok(());
    }
    check(|| {
        let cache = cache.display();
        format!("all that the guest is made of ({cache} holds nothing yet)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_words_are_understood() {
        assert!(says_yes("true") && says_yes("1"));
        assert!(!says_yes("false") && !says_yes("") && !says_yes("0"));
    }
}
