// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is in the image beside the agent and the modules: busybox, the V4L2 tools and, if asked
//! for, GStreamer, all of Debian.

use std::path::PathBuf;

use crate::apt::{Apt, Bundle, GUEST, Package, Unpacked};
use crate::cache;
use crate::compliance;
use crate::error::{Error, Result};
use crate::initramfs::Initramfs;
use crate::libraries;

/// The names busybox is called by in the guest.
const APPLETS: &str = "ash awk basename cat chmod chown clear cp cut date dd devmem df diff dirname dmesg du \
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

/// What `gst-launch-1.0 v4l2src ! fakesink` consists of, by paths in the packages.
const GSTREAMER: [&str; 4] = [
    "usr/bin/gst-launch-1.0",
    "usr/bin/gst-inspect-1.0",
    "usr/lib/mipsel-linux-gnu/gstreamer-1.0/libgstcoreelements.so",
    "usr/lib/mipsel-linux-gnu/gstreamer-1.0/libgstvideo4linux2.so",
];

/// The packages of that: all a program needs, but of the plugins' own needs (an eighth of a
/// gigabyte) only what this one plugin has.
const GSTREAMER_PACKAGES: [&str; 4] = [
    "gstreamer1.0-tools:mipsel",
    "libgstreamer-plugins-base1.0-0:mipsel",
    "libgudev-1.0-0:mipsel",
    "libv4l-0:mipsel",
];

/// Holds the plugin for V4L2 among a hundred others.
const GSTREAMER_PLUGINS: &str = "gstreamer1.0-plugins-good";

/// Puts busybox into the image under all its names.
pub(crate) fn add_busybox(image: &mut Initramfs, apt: &Apt<'_>) -> Result<()> {
    let unpacked = apt.bundles("busybox", |apt| {
        Ok(vec![Bundle {
            label: "busybox".to_owned(),
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
            label: "v4l-utils".to_owned(),
            packages: apt.closure(&["v4l-utils:mipsel"])?,
        }])
    })?;
    for bundle in &unpacked {
        add_programs(image, &V4L_UTILS, bundle)?;
        if with_compliance {
            let unmodified = bundle
                .root
                .join(compliance::UNMODIFIED.trim_start_matches('/'));
            let corrected = compliance::corrected(&cache::read(&unmodified)?)?;
            image.file(compliance::CORRECTED, corrected, 0o755)?;
        }
    }
    Ok(())
}

/// Puts GStreamer's command line and its source for V4L2 devices into the image.
pub(crate) fn add_gstreamer(image: &mut Initramfs, apt: &Apt<'_>) -> Result<()> {
    let unpacked = apt.bundles("gstreamer", |apt| {
        let plugins = format!("{GSTREAMER_PLUGINS}:{GUEST}");
        let version = apt
            .show(&plugins)?
            .version()
            .map(str::to_owned)
            .ok_or_else(|| Error::NoPackage {
                package: plugins.clone(),
                detail: "it has no version".to_owned(),
            })?;
        let mut packages = apt.closure(&GSTREAMER_PACKAGES)?;
        // The rest is data that is the same on every architecture, and the host's own libraries.
        packages.retain(|package| package.arch == GUEST);
        packages.push(Package {
            name: GSTREAMER_PLUGINS.to_owned(),
            arch: GUEST.to_owned(),
            version,
        });
        Ok(vec![Bundle {
            label: "gstreamer".to_owned(),
            packages,
        }])
    })?;
    unpacked
        .iter()
        .try_for_each(|bundle| add_programs(image, &GSTREAMER, bundle))
}

/// Copies programs and what they need out of unpacked packages.
fn add_programs(image: &mut Initramfs, programs: &[&str], bundle: &Unpacked) -> Result<()> {
    let files: Vec<PathBuf> = programs
        .iter()
        .map(|program| bundle.root.join(program))
        .collect();
    for (program, host) in programs.iter().zip(&files) {
        image.copy(&format!("/{program}"), host, 0o755)?;
    }
    let needed = libraries::needed_by(&files, &bundle.root)?;
    for (guest, host) in &needed.libraries {
        image.copy(guest, host, 0o755)?;
    }
    for (name, target) in &needed.links {
        image.link(name, target)?;
    }
    Ok(())
}
