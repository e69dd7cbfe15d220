// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why a machine cannot be made ready. Each message says what to do about it where that is known.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a program failed, or a machine could not be made ready.
#[derive(Debug)]
pub enum Error {
    /// A file or folder could not be read or written.
    Io {
        /// What was being done, as in "reading".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A program could not be started.
    Start {
        /// Its name.
        program: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A program failed.
    Command {
        /// What it was for.
        what: String,
        /// Its exit status.
        status: String,
        /// The end of its output.
        tail: String,
    },
    /// A program did not end in time.
    Deadline {
        /// What it was for.
        what: String,
        /// How long it was given.
        limit: Duration,
        /// The end of its output.
        tail: String,
    },
    /// The host has no apt-get and something is missing on it.
    NotDebian {
        /// Debian's names of what is missing.
        missing: Vec<String>,
    },
    /// The person at the terminal said no.
    Declined {
        /// What would have been installed.
        missing: Vec<String>,
    },
    /// Packages are missing and this user cannot install them.
    NotRoot {
        /// Debian's names of what is missing.
        missing: Vec<String>,
    },
    /// Installing would take away what the user has.
    Removes {
        /// What was to be installed.
        wanted: Vec<String>,
        /// What apt would remove for it.
        removed: Vec<String>,
    },
    /// apt knows no version that will do.
    NoCandidate {
        /// Names and what apt has of them.
        packages: Vec<String>,
    },
    /// apt said that it was done, and it is not.
    StillMissing {
        /// Debian's names of what is missing.
        missing: Vec<String>,
    },
    /// No Rust toolchain that can build the standard library.
    NoToolchain {
        /// What was looked at and why it would not do.
        looked_at: String,
    },
    /// The host's apt sources name no Debian mirror.
    NoMirror {
        /// Where apt sources were searched.
        searched: PathBuf,
        /// A file that is used instead when it exists.
        override_file: PathBuf,
    },
    /// A path that the tools cannot work with.
    BadPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Too little space.
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// What is there, in MiB.
        free: u64,
        /// What is needed, in MiB.
        needed: u64,
        /// What to do.
        remedy: String,
    },
    /// Nothing may be fetched, and something would have to be.
    Offline {
        /// What.
        missing: String,
    },
    /// No home folder to put a cache in.
    NoCache,
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, .. } => write!(f, "{action} {}", path.display()),
            Self::Start { program, .. } => write!(
                f,
                "`{program}` could not be started; is it installed and in PATH?"
            ),
            Self::Command { what, status, tail } => {
                write!(f, "{what} failed ({status}); the last lines were:\n{tail}")
            }
            Self::Deadline { what, limit, tail } => write!(
                f,
                "{what} did not end within {} s and was stopped; the last lines were:\n{tail}",
                limit.as_secs()
            ),
            Self::NotDebian { missing } => write!(
                f,
                "this machine lacks {}; it has no apt-get, so install the equivalent of these Debian packages by hand, \
                 or make a bundle on a Debian machine (`cargo lab bundle`), which runs here with QEMU 7.2 or newer alone",
                missing.join(", ")
            ),
            Self::Declined { missing } => write!(
                f,
                "not installing {}: answer yes, or see `cargo lab doctor` for how to get it by hand",
                missing.join(", ")
            ),
            Self::NotRoot { missing } => write!(
                f,
                "not root and no sudo here: as root, run `apt-get update && apt-get install {}`",
                missing.join(" ")
            ),
            Self::Removes { wanted, removed } => write!(
                f,
                "installing {} would remove {}: that is left to you; run `apt-get install {}` by hand if it may go",
                wanted.join(", "),
                removed.join(", "),
                wanted.join(" ")
            ),
            Self::NoCandidate { packages } => write!(
                f,
                "apt has no version of {}, even with fresh lists: check the sources of this machine's apt for Debian's or Ubuntu's main archive",
                packages.join(", ")
            ),
            Self::StillMissing { missing } => write!(
                f,
                "apt-get has installed {}, but what belongs to it is not there; try `apt-get install --reinstall {}`",
                missing.join(", "),
                missing.join(" ")
            ),
            Self::NoToolchain { looked_at } => write!(
                f,
                "no Rust toolchain with the sources of the standard library (looked at: {looked_at}); \
                 `cargo lab setup` gets one, or run `rustup component add rust-src`"
            ),
            Self::NoMirror {
                searched,
                override_file,
            } => write!(
                f,
                "no Debian mirror in {}: the guest's packages come from Debian 12 (bookworm, the last release with mipsel); \
                 `cargo lab setup` offers one, or name it in {} (apt's deb822 form)",
                searched.display(),
                override_file.display()
            ),
            Self::BadPath { path, reason } => write!(
                f,
                "{} cannot hold the cache: {reason}; set TX_ISP_CACHE to another folder, as in TX_ISP_CACHE=/var/tmp/tx-isp",
                path.display()
            ),
            Self::NoSpace {
                folder,
                free,
                needed,
                remedy,
            } => write!(
                f,
                "{free} MiB are free at {}, {needed} MiB are needed; {remedy}",
                folder.display()
            ),
            Self::Offline { missing } => write!(
                f,
                "missing, and not fetched because of --offline: {missing}; run `cargo lab setup` once without it, \
                 or take a bundle made elsewhere (`cargo lab bundle`)"
            ),
            Self::NoCache => f.write_str(
                "no cache folder: set TX_ISP_CACHE to a folder that may grow to 4 GB, or HOME",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Start { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Adds what was done, and on which path, to an I/O error.
pub trait IoContext<T> {
    /// Says what was being done, and on what.
    ///
    /// # Errors
    /// [`Error::Io`] if there was one.
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
