// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to a Rust toolchain that has the standard library's sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::apt_root::{AptRoot, Package};
use crate::command::run;
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::toolchain::{Facts, OLDEST_FOR_GUEST, PRIVATE, RustVersion, Toolchain};

/// Fetching 30 MB; where the network is not there, rustup tries for a while.
const RUSTUP_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The packages of Debian 12 that a private toolchain is unpacked from.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Where the oldest toolchain is for tests, below the cache.
const OLDEST: &str = "toolchains-oldest";

/// What those depend on and the host has already: the C library is as old as Debian 12's or newer
/// wherever the lab runs, and the C compiler is one of the host's packages.
const LEFT_OUT: [&str; 26] = [
    "binutils",
    "cpp",
    "gcc",
    "libasan",
    "libatomic",
    "libbinutils",
    "libc-",
    "libc6",
    "libcc1",
    "libcrypt",
    "libctf",
    "libgcc",
    "libgomp",
    "libgprofng",
    "libisl",
    "libitm",
    "liblsan",
    "libmpc",
    "libmpfr",
    "libnsl",
    "libquadmath",
    "libstdc++",
    "libtirpc",
    "libtsan",
    "libubsan",
    "linux-libc-dev",
];

/// Whether the active toolchain is rustup's and lacks nothing but the sources.
#[must_use]
pub fn rustup_can_add(repository: &Path) -> bool {
    Facts::ask(Path::new("rustc"), None, repository).is_ok_and(|facts| {
        facts.is_rustups()
            && RustVersion::parse(facts.release()).is_some_and(|found| found >= OLDEST_FOR_GUEST)
    })
}

/// `rustup component add rust-src`.
///
/// # Errors
/// What rustup said.
pub fn add_by_rustup(repository: &Path, progress: &dyn Progress) -> Result<()> {
    progress.start("rustup: rust-src");
    let mut rustup = Command::new("rustup");
    rustup
        .args(["component", "add", "rust-src"])
        .current_dir(repository);
    run(rustup, "rustup component add rust-src", RUSTUP_LIMIT)?;
    progress.finish("added");
    Ok(())
}

/// Unpacks Debian's toolchain into a folder of the cache, where it is nobody else's. It needs no
/// right to install, and takes nothing away.
///
/// # Errors
/// If the packages cannot be had, or what was unpacked does not work.
pub fn unpack_private(
    repository: &Path,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Toolchain> {
    let apt = AptRoot::open(cache)?;
    if !apt.lists_are_fresh() {
        apt.update(progress)?;
    }
    let root = unpack(&apt, cache, PRIVATE, &PACKAGES, progress)?;
    Toolchain::unpacked(&root, repository)
}

/// The oldest toolchain that builds the guest's programs, in a folder of its own, for tests; None if
/// the guest's mirror has none of that release.
///
/// # Errors
/// Those of [`unpack_private`].
pub fn unpack_oldest(
    repository: &Path,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<Option<Toolchain>> {
    let apt = AptRoot::open(cache)?;
    if !apt.lists_are_fresh() {
        apt.update(progress)?;
    }
    let mut madison = apt.command("apt-cache");
    madison.args(["madison", PACKAGES[0]]);
    let said = run(madison, "apt-cache madison", RUSTUP_LIMIT)?.stdout;
    let Some(version) = oldest_version(&said) else {
        return Ok(None);
    };
    let wanted = PACKAGES
        .iter()
        .chain(&["libstd-rust-web-dev"])
        .map(|name| format!("{name}={version}"))
        .collect::<Vec<_>>();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let root = unpack(&apt, cache, OLDEST, &wanted, progress)?;
    Toolchain::unpacked(&root, repository).map(Some)
}

/// The version that is of the oldest release that will do, in lines like
/// `rustc-web | 1.85.0+dfsg3-1~deb12u3 | http://…`.
fn oldest_version(madison: &str) -> Option<&str> {
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|version| RustVersion::parse(version) == Some(OLDEST_FOR_GUEST))
}

/// Unpacks packages and what they need into a folder below `kind`; does nothing if it is there.
fn unpack(
    apt: &AptRoot,
    cache: &Path,
    kind: &str,
    wanted: &[&str],
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let lock = cache.join("lock");
    let file = fs::File::create(&lock).at("creating", &lock)?;
    let _lock = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| std::io::Error::from(error))
        .at("locking", &lock)?;
    let packages: Vec<Package> = apt
        .closure(wanted)?
        .into_iter()
        .filter(|package| !LEFT_OUT.iter().any(|left| package.name.starts_with(left)))
        .collect();
    let compiler = packages
        .iter()
        .find(|package| package.name == PACKAGES[0])
        .ok_or_else(|| Error::NoCandidate {
            packages: vec![PACKAGES[0].to_owned()],
        })?;
    let target = cache
        .join(kind)
        .join(compiler.version.replace(['+', '~', ':'], "-"));
    if target.is_dir() {
        return Ok(target);
    }
    let mut name = target.clone().into_os_string();
    name.push(".partial");
    let partial = PathBuf::from(name);
    progress.start("fetch a Rust toolchain");
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).at("removing", &partial);
        }
        _ => {}
    }
    fs::create_dir_all(&partial).at("creating", &partial)?;
    let bytes = apt.unpack(&packages, &partial, progress)?;
    fs::rename(&partial, &target).at("renaming into place", &target)?;
    progress.finish(&format!(
        "rustc {}, {} MB",
        compiler.version,
        bytes / 1_000_000
    ));
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_release_is_found_among_versions() {
        let madison = " rustc-web | 1.96.0+dfsg1-1~deb12u2 | http://m.example/debian-security bookworm-security/main amd64 Packages\n \
                       rustc-web | 1.85.0+dfsg3-1~deb12u3 | http://m.example/debian bookworm/main amd64 Packages\n";
        assert_eq!(oldest_version(madison), Some("1.85.0+dfsg3-1~deb12u3"));
        assert_eq!(oldest_version(""), None);
    }
}
