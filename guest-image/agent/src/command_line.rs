// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the lab asks of the guest on the kernel's command line.

/// Whether this word, all of it, stands there.
pub fn says(command_line: &str, wanted: &str) -> bool {
    command_line
        .split_ascii_whitespace()
        .any(|word| word == wanted)
}
