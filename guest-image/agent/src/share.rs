// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A folder of the host, to be read: 9P over virtio.

use std::fs;

use guest_protocol::message::{Failure, ModuleLoad};
use guest_protocol::{SHARE_PLACE, SHARE_TAG, SHARE_WORD};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use crate::command_line::says;
use crate::failure::{At, failure};
use crate::modules;

/// What the image has for it, one path a line; empty if the kernel has it built in.
const SHARE_ORDER: &str = "/lib/modules/share-order";
/// How the file system talks to QEMU: by virtio, in Linux's own dialect, 128 KiB at a time.
const OPTIONS: &str = "trans=virtio,version=9p2000.L,msize=131072";

/// Mounts the host's folder if the kernel's command line asks for it. Gives what was loaded for it, and
/// the place with the reason where it could not be had.
pub fn prepare(command_line: &str) -> Vec<ModuleLoad> {
    if !says(command_line, SHARE_WORD) {
        return Vec::new();
    }
    let mut loaded = modules::load_list(SHARE_ORDER, command_line);
    if loaded.iter().all(|module| module.failure.is_none()) {
        loaded.push(ModuleLoad {
            path: SHARE_PLACE.to_owned(),
            failure: mount_share().err(),
        });
    }
    loaded
}

fn mount_share() -> Result<(), Failure> {
    let step = format!("mounting the host's folder on {SHARE_PLACE}");
    fs::create_dir_all(SHARE_PLACE).at(&step)?;
    match mount(
        Some(SHARE_TAG),
        SHARE_PLACE,
        Some("9p"),
        MsFlags::MS_RDONLY,
        Some(OPTIONS),
    ) {
        Err(Errno::ENODEV) => Err(failure(
            &step,
            "this kernel has no 9P; use --kernel debian or --kernel fast",
        )),
        other => other.at(&step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_mounted_unless_asked_for() {
        assert_eq!(prepare("quiet lab.shell lab.share=1"), []);
        assert!(says("quiet lab.share rmem=29M@0x6300000", SHARE_WORD));
    }
}
