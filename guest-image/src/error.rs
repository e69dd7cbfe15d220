// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can go wrong between an empty cache and a bootable image.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why an image could not be prepared. Each message names what to do about it where that is known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{action} {path}", path = path.display())]
    Io {
        /// What was being done, as in "reading".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A program of the host failed, or the host lacks something.
    #[error(transparent)]
    Host(#[from] host_setup::Error),
    /// A package is not in the lists of the mirror.
    #[error(
        "the Debian mirror has no package {package}: {detail}; if the mirror is partial, use one with bookworm for mipsel; \
         if it has left the mirrors, name an archive of Debian in TX_ISP_ARCHIVE"
    )]
    NoPackage {
        /// Its name and architecture.
        package: String,
        /// What apt said, or what was expected.
        detail: String,
    },
    /// Packages could not be fetched.
    #[error(
        "fetching {packages} failed: check the network and the apt sources of this machine, then run again (what is there already is kept); \
         if the mirror no longer has Debian 12 for mipsel, name an archive of Debian in TX_ISP_ARCHIVE"
    )]
    Fetch {
        /// What was to be fetched.
        packages: String,
        /// What apt said.
        source: Box<Error>,
    },
    /// A mirror's package is another one than the lock knows.
    #[error(
        "{package} is not the package that guest-image/packages.lock knows (SHA-256 {found}, not {expected}): \
         take another mirror, or renew the lock with `cargo run -p guest-image --example lock`"
    )]
    NotLocked {
        /// Its name, architecture and version.
        package: String,
        /// The lock's checksum.
        expected: String,
        /// The fetched one's.
        found: String,
    },
    /// A kernel image is not what was expected.
    #[error("{path} is not a kernel the guest can boot: {reason}", path = path.display())]
    Kernel {
        /// The image.
        path: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A user's kernel has no build tree next to it.
    #[error(
        "{path} has no {lacking} beside it: the module is built against the kernel's build folder, so point to the vmlinux inside a built kernel tree",
        path = path.display()
    )]
    NoBuildTree {
        /// The image.
        path: PathBuf,
        /// The first file that is missing.
        lacking: &'static str,
    },
    /// A kernel configuration line did not survive the kernel's own dependency rules.
    #[error("the kernel's configuration dropped: {}; check {} against this kernel's Kconfig", list(options), config.display())]
    Config {
        /// The lines that are missing in the result.
        options: Vec<String>,
        /// The fragment that asked for them.
        config: PathBuf,
    },
    /// A kernel module was asked for and neither exists nor is built in.
    #[error("kernel {release} has no module {module} (wanted by {wanted_by})")]
    NoModule {
        /// The kernel's release.
        release: String,
        /// The module's name.
        module: String,
        /// Who asked for it.
        wanted_by: String,
    },
    /// A user's module, or a folder to build one in, will not do.
    #[error("{path}: {reason}", path = path.display())]
    UserModule {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The module built, but with warnings.
    #[error("building tx-isp.ko gave warnings, and none are tolerated:\n{warnings}")]
    Warnings {
        /// The lines with warnings.
        warnings: String,
    },
    /// A function of the module would not leave enough of the kernel's stack.
    #[error(
        "{function} in tx-isp.ko takes {bytes} bytes of the kernel's stack, and {limit} are the most: \
         make large values where they stay instead of moving them"
    )]
    Stack {
        /// Its symbol.
        function: String,
        /// What it takes.
        bytes: u32,
        /// The most it may.
        limit: u32,
    },
    /// A shared library that a guest program needs is not in the guest's packages.
    #[error("no package of the guest holds {library}, which {needed_by} needs")]
    NoLibrary {
        /// The library's name.
        library: String,
        /// The program or library that asks for it.
        needed_by: PathBuf,
    },
    /// A file that goes into the image cannot be packed.
    #[error("{path} cannot be packed into the image: {reason}", path = path.display())]
    Pack {
        /// The file's path in the guest.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The guest's memory does not hold kernel and initramfs.
    #[error(
        "too little memory for the guest: kernel and initramfs need {needed} MiB in front of the carve-out, and {given} MiB are there"
    )]
    TooLittleMemory {
        /// What is needed, in MiB, rounded up.
        needed: u64,
        /// What the guest has outside the carve-out, in MiB.
        given: u64,
    },
    /// Another run has held the cache for too long.
    #[error("another run has been using {path} for {seconds} s; wait for it to end, or stop it", path = path.display(), seconds = waited.as_secs())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long this run waited.
        waited: Duration,
    },
    /// A tool answered something that was not understood.
    #[error("{tool} answered something unexpected: {detail}")]
    Unexpected {
        /// Which tool.
        tool: &'static str,
        /// What was seen.
        detail: String,
    },
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Adds what was done, and on which path, to an I/O error.
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|source| Error::Io {
            action,
            path: path.as_ref().to_path_buf(),
            source,
        })
    }
}

fn list(items: &[String]) -> String {
    items.join(", ")
}
