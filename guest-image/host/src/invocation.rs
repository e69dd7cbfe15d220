// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the user calls the lab: through cargo in a checkout, by its own name where a bundle brought it.

use std::ffi::OsStr;

/// What cargo sets for all that it runs.
const CARGO: &str = "CARGO";

/// The words before a command, for messages that tell the user to run one.
#[must_use]
pub fn lab() -> &'static str {
    name(std::env::var_os(CARGO).as_deref())
}

fn name(cargo: Option<&OsStr>) -> &'static str {
    match cargo {
        Some(_) => "cargo lab",
        None => "lab",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_without_cargo_does_not_tell_to_use_it() {
        assert_eq!(name(Some(OsStr::new("/usr/bin/cargo"))), "cargo lab");
        assert_eq!(name(None), "lab");
    }
}
