// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds a Rust toolchain that can build the standard library for MIPS, and runs its cargo.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::run;
use crate::error::{Error, Result};
use crate::offline;
use crate::process::{LIBRARY_PATH, PRIVATE_LIBRARIES};

/// How long a toolchain may take to say what it is.
const ASK_LIMIT: Duration = Duration::from_secs(60);

/// The oldest Rust that builds what runs in the guest (the `rust-version` of its crates): the one
/// that Debian 12 and 13 have.
pub const OLDEST_FOR_GUEST: RustVersion = RustVersion(1, 85);

/// The oldest Rust that builds the lab and the emulator (the workspace's `rust-version`).
pub const OLDEST_FOR_HOST: RustVersion = RustVersion(1, 88);

/// Where a toolchain keeps the standard library's sources, below its sysroot.
const SOURCES: &str = "lib/rustlib/src/rust/library";

/// Where private toolchains are, below the cache.
pub const PRIVATE: &str = "toolchains";

/// Rust's version, without what does not matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RustVersion(pub u32, pub u32);

impl RustVersion {
    /// Reads `1.96.0`, `1.88.0-nightly` and Debian's `1.96.0+dfsg1-1~deb12u2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().split('.');
        Some(Self(
            numbers.next()?.parse().ok()?,
            numbers.next()?.parse().ok()?,
        ))
    }
}

impl fmt::Display for RustVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A Rust toolchain with the standard library's sources.
#[derive(Debug, Clone)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// As in "rustc 1.96.0 (ac68faa20 2026-05-25)".
    version: String,
    commit: String,
    release: RustVersion,
    /// Where a private toolchain's shared libraries are.
    libraries: Option<OsString>,
}

impl Toolchain {
    /// The toolchain that is active in `repository` if it has the sources, else the distribution's,
    /// else a private one in the cache.
    ///
    /// # Errors
    /// [`Error::NoToolchain`] if none will do; it says why.
    pub fn find(repository: &Path, cache: &Path) -> Result<Self> {
        let mut looked_at = Vec::new();
        let mut candidates = vec![
            (PathBuf::from("rustc"), None),
            (PathBuf::from("/usr/bin/rustc"), None),
        ];
        candidates.extend(private_roots(cache).into_iter().map(|root| {
            let libraries = library_path(&root);
            (root.join("usr/bin/rustc"), Some(libraries))
        }));
        for (rustc, libraries) in candidates {
            match Self::examine(&rustc, libraries, repository) {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => looked_at.push(format!("{}: {reason}", rustc.display())),
            }
        }
        Err(Error::NoToolchain {
            looked_at: looked_at.join("; "),
        })
    }

    /// A private toolchain that builds the lab too, if the cache has one.
    #[must_use]
    pub fn private(repository: &Path, cache: &Path) -> Option<Self> {
        private_roots(cache)
            .into_iter()
            .find_map(|root| Self::unpacked(&root, repository).ok())
    }

    /// The toolchain whose packages are unpacked in `root`.
    ///
    /// # Errors
    /// [`Error::NoToolchain`] if it does not work; it says why.
    pub fn unpacked(root: &Path, repository: &Path) -> Result<Self> {
        let rustc = root.join("usr/bin/rustc");
        Self::examine(&rustc, Some(library_path(root)), repository).map_err(|reason| {
            Error::NoToolchain {
                looked_at: format!("{}: {reason}", rustc.display()),
            }
        })
    }

    fn examine(
        rustc: &Path,
        libraries: Option<OsString>,
        repository: &Path,
    ) -> std::result::Result<Self, String> {
        let Facts {
            sysroot, verbose, ..
        } = Facts::ask(rustc, libraries.as_ref(), repository)?;
        let release = field(&verbose, "release: ");
        let number = RustVersion::parse(release).ok_or_else(|| format!("version {release:?}"))?;
        if number < OLDEST_FOR_GUEST {
            return Err(format!("rustc {release} is older than {OLDEST_FOR_GUEST}"));
        }
        let sources = sysroot.join(SOURCES);
        if !sources.join("Cargo.lock").is_file() {
            return Err(format!("no rust-src in {}", sysroot.display()));
        }
        check_sources(&sources, release, number)?;
        let cargo = sysroot.join("bin/cargo");
        if !cargo.is_file() {
            return Err(format!("no cargo in {}", sysroot.display()));
        }
        Ok(Self {
            cargo,
            rustc: sysroot.join("bin/rustc"),
            version: verbose.lines().next().unwrap_or_default().to_owned(),
            commit: field(&verbose, "commit-hash: ").to_owned(),
            release: number,
            libraries,
        })
    }

    /// Its version.
    #[must_use]
    pub fn release(&self) -> RustVersion {
        self.release
    }

    /// What tells it from others, as for a key.
    #[must_use]
    pub fn identity(&self) -> [&str; 2] {
        [&self.version, &self.commit]
    }

    /// This toolchain's cargo, run in `repository`, free of what an outer cargo left in the
    /// environment. Settings about networks and registries stay.
    #[must_use]
    pub fn cargo(&self, repository: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        self.clean(&mut command);
        command.current_dir(repository).env("RUSTC", &self.rustc);
        command
    }

    /// The same for the host's own programs, on the terms of a released compiler.
    #[must_use]
    pub fn host_cargo(&self, repository: &Path) -> Command {
        let mut command = self.cargo(repository);
        command.env_remove("RUSTC_BOOTSTRAP");
        command
    }

    /// Where its compiler, libraries and sources are.
    #[must_use]
    pub fn sysroot(&self) -> &Path {
        self.rustc
            .parent()
            .and_then(Path::parent)
            .unwrap_or(&self.rustc)
    }

    /// This toolchain's rustc.
    #[must_use]
    pub fn rustc(&self) -> Command {
        let mut command = Command::new(&self.rustc);
        self.clean(&mut command);
        command
    }

    fn clean(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(confuses) {
                command.env_remove(&name);
            }
        }
        if let Some(libraries) = &self.libraries {
            command.env(LIBRARY_PATH, libraries);
            command.env(PRIVATE_LIBRARIES, libraries);
        }
        if offline::is_set() {
            command.env(offline::VARIABLE, "true");
        }
        // -Z options on a stable toolchain: building the standard library is still one of them.
        command.env("RUSTC_BOOTSTRAP", "1");
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", self.version, self.rustc.display())
    }
}

/// Whether an environment variable of an outer cargo or rustup would steer an inner one.
fn confuses(name: &str) -> bool {
    const KEPT: [&str; 5] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
    ];
    if KEPT.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name == LIBRARY_PATH
        || name == "RUSTUP_TOOLCHAIN"
        || ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn field<'a>(verbose: &'a str, name: &str) -> &'a str {
    verbose
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or("unknown")
}

/// What a rustc says about itself.
pub(crate) struct Facts {
    pub(crate) sysroot: PathBuf,
    pub(crate) verbose: String,
}

impl Facts {
    pub(crate) fn ask(
        rustc: &Path,
        libraries: Option<&OsString>,
        repository: &Path,
    ) -> std::result::Result<Self, String> {
        let ask = |arguments: &[&str]| {
            let mut command = Command::new(rustc);
            command.args(arguments).current_dir(repository);
            if let Some(libraries) = libraries {
                command.env(LIBRARY_PATH, libraries);
            }
            run(command, &rustc.to_string_lossy(), ASK_LIMIT)
                .map(|said| said.stdout)
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            sysroot: PathBuf::from(ask(&["--print", "sysroot"])?.trim()),
            verbose: ask(&["--version", "--verbose"])?,
        })
    }

    pub(crate) fn release(&self) -> &str {
        field(&self.verbose, "release: ")
    }

    /// Whether rustup manages this toolchain.
    pub(crate) fn is_rustups(&self) -> bool {
        self.sysroot
            .join("lib/rustlib/multirust-channel-manifest.toml")
            .is_file()
    }
}

/// The private toolchains in a cache, the newest last unpacked first.
fn private_roots(cache: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cache.join(PRIVATE)) else {
        return Vec::new();
    };
    let mut roots: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("usr/bin/rustc").is_file())
        .collect();
    roots.sort();
    roots.reverse();
    roots
}

/// Where the shared libraries of packages that are unpacked in `root` are.
fn library_path(root: &Path) -> OsString {
    let mut folders = Vec::new();
    for below in ["usr/lib", "lib"] {
        let Ok(entries) = fs::read_dir(root.join(below)) else {
            continue;
        };
        folders.extend(
            entries
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .filter(|path| path.to_string_lossy().ends_with("-linux-gnu")),
        );
        folders.push(root.join(below));
    }
    // A separator in a path of the cache is refused before.
    std::env::join_paths(folders).unwrap_or_default()
}

/// Checks that the sources are those that this rustc was built with: they name the release in which
/// each part became stable, up to their own.
fn check_sources(
    sources: &Path,
    release: &str,
    rustc: RustVersion,
) -> std::result::Result<(), String> {
    let newest = ["core/src", "alloc/src", "std/src"]
        .iter()
        .filter_map(|part| newest_since(&sources.join(part)))
        .max();
    let Some(newest) = newest else {
        return Err(format!("{} holds no sources", sources.display()));
    };
    // What is not released yet has parts that are named by no release.
    let is_released = !release.contains('-');
    if newest > rustc || (is_released && newest != rustc) {
        return Err(format!(
            "the sources in {} are those of Rust {newest}, the compiler is {release}",
            sources.display()
        ));
    }
    Ok(())
}

/// The newest release in which a part of a folder of sources became stable, as in
/// `#[stable(feature = "x", since = "1.N.P")]`. What is deprecated may name a release to come.
fn newest_since(folder: &Path) -> Option<RustVersion> {
    const MARK: &str = "since = \"";
    let mut newest = None;
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        let found = if path.is_dir() {
            newest_since(&path)
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            text.lines()
                .filter(|line| line.contains("stable(feature"))
                .filter_map(|line| RustVersion::parse(line.split_once(MARK)?.1))
                .max()
        } else {
            None
        };
        newest = newest.max(found);
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| RustVersion::parse(text).unwrap();
        assert!(version("1.96.0") >= OLDEST_FOR_HOST);
        assert!(version("1.88.0-nightly") >= OLDEST_FOR_HOST);
        assert!(version("1.85.0+dfsg3-1~deb12u3") >= OLDEST_FOR_GUEST);
        assert!(version("1.85.0") < OLDEST_FOR_HOST && version("1.63.0") < OLDEST_FOR_GUEST);
        assert!(version("1.100.0") > OLDEST_FOR_HOST);
        assert_eq!(RustVersion::parse("unknown"), None);
    }

    #[test]
    fn sources_of_another_release_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let core = dir.path().join("core/src/deep");
        fs::create_dir_all(&core).unwrap();
        let text = "#[stable(feature = \"a\", since = \"1.0.0\")]\n\
                    #[stable(feature = \"b\", since = \"1.85.0\")] // since = \"CURRENT\"\n\
                    #[deprecated(since = \"1.99.0\")]\n";
        fs::write(core.join("a.rs"), text).unwrap();
        let check = |release| {
            let number = RustVersion::parse(release).unwrap();
            check_sources(dir.path(), release, number)
        };
        check("1.85.0").unwrap();
        check("1.85.1").unwrap();
        check("1.86.0-nightly").unwrap();
        for release in ["1.84.0", "1.96.0", "1.84.0-nightly"] {
            let error = check(release).unwrap_err();
            assert!(error.contains("are those of Rust 1.85"), "{error}");
        }
        let error = check_sources(&core, "1.85.0", RustVersion(1, 85)).unwrap_err();
        assert!(error.contains("no sources"), "{error}");
    }

    #[test]
    fn an_outer_cargo_is_forgotten_but_not_the_network() {
        assert!(confuses("CARGO_MANIFEST_DIR") && confuses("RUSTUP_TOOLCHAIN"));
        assert!(confuses("CARGO_TARGET_DIR") && confuses("RUSTFLAGS"));
        assert!(!confuses("CARGO_HOME") && !confuses("CARGO_REGISTRIES_X_INDEX"));
        assert!(!confuses("RUSTUP_HOME") && !confuses("PATH"));
    }
}
