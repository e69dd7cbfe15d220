// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs that build for the guest's kernel.

use std::path::Path;
use std::process::Command;

/// Prefix of the cross compiler's programs.
pub(crate) const CROSS_COMPILE: &str = "mipsel-linux-gnu-";

/// `make` for a MIPS kernel tree in `dir`.
pub(crate) fn make(dir: &Path) -> Command {
    let mut command = Command::new("make");
    // The caller's own make and kbuild settings are not meant for this build.
    for name in ["MAKEFLAGS", "MAKELEVEL", "KBUILD_OUTPUT", "O", "M"] {
        command.env_remove(name);
    }
    command
        .arg("-C")
        .arg(dir)
        .arg("ARCH=mips")
        .arg(format!("CROSS_COMPILE={CROSS_COMPILE}"))
        .arg(format!("CC={CROSS_COMPILE}gcc"));
    command
}

/// How many jobs a build may run side by side.
pub(crate) fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One of the cross compiler's programs, as in "gcc".
pub(crate) fn cross(program: &str) -> Command {
    Command::new(format!("{CROSS_COMPILE}{program}"))
}
