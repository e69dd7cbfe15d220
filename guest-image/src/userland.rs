// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is in the image beside the agent and the modules: busybox and the V4L2 tools of Debian.

use std::path::PathBuf;

use crate::apt::{Apt, Bundle};
use crate::cache;
use crate::compliance;
use crate::error::Result;
use crate::initramfs::Initramfs;
use crate::libraries;

/// The names busybox is called by in the guest.
const APPLETS: &str = "ash awk basename cat chmod chown clear cp cut date dd df diff dirname dmesg du \
    echo env expr false find free grep gunzip gzip head hexdump hostname id insmod kill killall less \
    ln ls lsmod lspci md5sum microcom mkdir mknod mktemp modinfo more mount mv nc nice od pgrep pidof \
    ping poweroff printf ps pwd readlink realpath reboot rm rmdir rmmod sed seq setsid sh sha256sum \
    sleep sort stat strings stty sync tail tar taskset tee test time timeout top touch tr true tty \
    umount uname uniq uptime usleep vi watch wc which whoami xargs xxd yes zcat";

/// The V4L2 tools, by their paths in the packages.
const V4L_UTILS: [&str; 3] = [
    "usr/bin/v4l2-ctl",
    "usr/bin/v4l2-compliance",
    "usr/bin/media-ctl",
];

/// Puts busybox into the image under all its names.
pub(crate) fn add_busybox(image: &mut Initramfs, apt: &Apt<'_>) -> Result<()> {
    let unpacked = apt.bundles("busybox", |apt| {
        Ok(vec![Bundle {
            label: "busybox",
            packages: apt.closure(&["busybox-static:mipsel"])?,
        }])
    })?;
    for bundle in &unpacked {
        image.copy("/bin/busybox", &bundle.root.join("bin/busybox"), 0o755)?;
    }
    for applet in APPLETS.split_whitespace() {
        image.link(&format!("/bin/{applet}"), "busybox")?;
    }
    image.link("/sbin", "bin")
}

/// Puts the V4L2 tools into the image with every library they need; with v4l2-compliance a second
/// time, as the guest's kernel needs it, if `with_compliance`.
pub(crate) fn add_v4l_utils(
    image: &mut Initramfs,
    apt: &Apt<'_>,
    with_compliance: bool,
) -> Result<()> {
    let unpacked = apt.bundles("v4l-utils", |apt| {
        Ok(vec![Bundle {
            label: "v4l-utils",
            packages: apt.closure(&["v4l-utils:mipsel"])?,
        }])
    })?;
    for bundle in &unpacked {
        let programs: Vec<PathBuf> = V4L_UTILS
            .iter()
            .map(|program| bundle.root.join(program))
            .collect();
        for (program, host) in V4L_UTILS.iter().zip(&programs) {
            image.copy(&format!("/{program}"), host, 0o755)?;
        }
        if with_compliance {
            let unmodified = bundle
                .root
                .join(compliance::UNMODIFIED.trim_start_matches('/'));
            let corrected = compliance::corrected(&cache::read(&unmodified)?)?;
            image.file(compliance::CORRECTED, corrected, 0o755)?;
        }
        let needed = libraries::needed_by(&programs, &bundle.root)?;
        for (guest, host) in &needed.libraries {
            image.copy(guest, host, 0o755)?;
        }
        for (name, target) in &needed.links {
            image.link(name, target)?;
        }
    }
    Ok(())
}
