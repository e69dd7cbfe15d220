// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernels the guest can boot: Debian's, our own small ones, and a user's.

mod debian;
pub(crate) mod flavour;
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
    /// The small one of the newest series with long support that the guest's release has source of.
    Lts,
    /// The small one of the newest kernel that Debian's backports have source of.
    Latest,
    /// A user's `vmlinux`, inside the folder it was built in.
    Path(PathBuf),
}

impl KernelChoice {
    /// The kernels that have a name.
    pub const NAMED: [Self; 5] = [
        Self::Debian,
        Self::Fast,
        Self::Debug,
        Self::Lts,
        Self::Latest,
    ];

    /// The kernel's name, or None for a path.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Debian => Some("debian"),
            Self::Fast => Some(flavour::FAST.name),
            Self::Debug => Some(flavour::DEBUG.name),
            Self::Lts => Some(flavour::LTS.name),
            Self::Latest => Some(flavour::LATEST.name),
            Self::Path(_) => None,
        }
    }

    /// The kernel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .into_iter()
            .find(|choice| choice.name() == Some(name))
    }
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
        KernelChoice::Lts => flavour::prepare(&flavour::LTS, repository, cache, apt, progress),
        KernelChoice::Latest => {
            // Its packages are where the newest QEMU's are.
            let newest = Cache::at(cache.path("qemu"));
            let _lock = newest.lock(progress)?;
            let apt = Apt::open_newest(cache, &newest, progress)?;
            flavour::prepare(&flavour::LATEST, repository, cache, &apt, progress)
        }
        KernelChoice::Path(vmlinux) => user::prepare(vmlinux, cache, progress),
    }
}
