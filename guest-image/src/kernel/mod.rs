// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernels the guest can boot: Debian's, our own small ones, and a user's.

mod debian;
mod flavour;
mod image;
pub(crate) mod modules;
mod payload;
mod tools;
mod user;

pub(crate) use image::{Kernel, loaded_end};
pub(crate) use tools::{CROSS_COMPILE, cross, jobs, make};

use std::path::{Path, PathBuf};

use crate::apt::Apt;
use crate::cache::Cache;
use crate::error::Result;
use host_setup::progress::Progress;

/// What the image asks for as a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelChoice {
    /// Debian's 4kc-malta kernel as it is, unpacked from its vmlinuz.
    Debian,
    /// A small kernel from Debian's source with our configuration, for quick boots.
    Fast,
    /// The same with lockdep, kmemleak and the kernel's other checks, to find a driver's mistakes.
    Debug,
    /// A user's `vmlinux`, inside the folder it was built in.
    Path(PathBuf),
}

/// Fetches or builds the kernel of that choice.
pub(crate) fn prepare(
    choice: &KernelChoice,
    repository: &Path,
    cache: &Cache,
    apt: &Apt<'_>,
    progress: &dyn Progress,
) -> Result<Kernel> {
    match choice {
        KernelChoice::Debian => debian::prepare(cache, apt, progress),
        KernelChoice::Fast => flavour::prepare(&flavour::FAST, repository, cache, apt, progress),
        KernelChoice::Debug => flavour::prepare(&flavour::DEBUG, repository, cache, apt, progress),
        KernelChoice::Path(vmlinux) => user::prepare(vmlinux, cache, progress),
    }
}
