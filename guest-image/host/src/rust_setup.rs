// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to a Rust toolchain that has the standard library's sources.

use std::fs;
use std::path::Path;
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
    let lock = cache.join("lock");
    let file = fs::File::create(&lock).at("creating", &lock)?;
    let _lock = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| std::io::Error::from(error))
        .at("locking", &lock)?;
    if !apt.lists_are_fresh() {
        apt.update(progress)?;
    }
    let packages: Vec<Package> = apt
        .closure(&PACKAGES)?
        .into_iter()
        .filter(|package| !LEFT_OUT.iter().any(|left| package.name.starts_with(left)))
        .collect();
    let compiler = packages
        .iter()
        .find(|package| package.name == PACKAGES[0])
        .ok_or_else(|| Error::NoCandidate {
            packages: vec![PACKAGES[0].to_owned()],
        })?;
    let folder = cache.join(PRIVATE);
    let target = folder.join(compiler.version.replace(['+', '~', ':'], "-"));
    let partial = target.with_extension("partial");
    if !target.is_dir() {
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
            "rustc {}, {} MB, in {}",
            compiler.version,
            bytes / 1_000_000,
            target.display()
        ));
    }
    Toolchain::private(repository, cache).ok_or_else(|| Error::NoToolchain {
        looked_at: match Toolchain::find(repository, cache) {
            Err(Error::NoToolchain { looked_at }) => looked_at,
            _ => target.display().to_string(),
        },
    })
}
