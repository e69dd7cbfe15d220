// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host must have for an image, and how it gets it: [`host_setup`], asked for a kernel.

use std::path::Path;

use host_setup::{cache_dir, disk, offline, packages};

use crate::error::Result;
use crate::kernel::KernelChoice;
use host_setup::progress::Progress;

/// What is going to be done, which decides what the host needs for it.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a> {
    /// The kernel that will be booted.
    pub kernel: &'a KernelChoice,
    /// Whether QEMU is to come from the host's packages; false if the user names one.
    pub qemu: bool,
}

impl Needs<'_> {
    /// Whether the kernel is built from source.
    #[must_use]
    pub fn kernel_source(&self) -> bool {
        !matches!(self.kernel, KernelChoice::Debian | KernelChoice::Path(_))
    }
}

/// Installs what is missing; see [`packages::install`]. `repository` is the project's root, where the
/// active Rust toolchain is looked up.
///
/// # Errors
/// What could not be had, and what to do about it.
pub fn install(
    needs: &Needs<'_>,
    repository: &Path,
    progress: &dyn Progress,
    assume_yes: bool,
) -> Result<()> {
    let cache = cache_dir::find()?;
    disk::check_cache(&cache)?;
    offline::check_cache(&cache)?;
    let needs = packages::Needs {
        kernel_source: needs.kernel_source(),
        qemu: needs.qemu,
    };
    packages::install(needs, repository, &cache, progress, assume_yes)?;
    Ok(())
}
