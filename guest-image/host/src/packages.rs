// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host must have, and how it gets it.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::apt_root::GUEST;
use crate::error::{Error, IoContext, Result};
use crate::host_apt::{HostApt, last_line};
use crate::mirror;
use crate::offline;
use crate::progress::Progress;
use crate::rust_setup;
use crate::toolchain::Toolchain;

/// What is going to be done, which decides what the host needs for it.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Whether a kernel is built from source.
    pub kernel_source: bool,
    /// Whether QEMU is to come from the host's packages; false if the user names one.
    pub qemu: bool,
}

/// How to see that a package's content is there, whoever installed it.
enum Sign {
    Program(&'static str),
    File(&'static str),
}

impl Sign {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => find_program(name).is_some(),
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// For any image.
static ALWAYS: [(&str, Sign); 6] = [
    ("apt", Sign::Program("apt-get")),
    ("dpkg", Sign::Program("dpkg-deb")),
    (
        "gcc-mipsel-linux-gnu",
        Sign::Program("mipsel-linux-gnu-gcc"),
    ),
    (
        "libc6-dev-mipsel-cross",
        Sign::File("/usr/mipsel-linux-gnu/include/stdio.h"),
    ),
    ("make", Sign::Program("make")),
    ("gcc", Sign::Program("gcc")),
];

/// To build a kernel from source. Debian's own brings its build tools as binaries.
static FOR_A_KERNEL: [(&str, Sign); 6] = [
    ("bc", Sign::Program("bc")),
    ("bison", Sign::Program("bison")),
    ("flex", Sign::Program("flex")),
    ("patch", Sign::Program("patch")),
    ("tar", Sign::Program("tar")),
    ("xz-utils", Sign::Program("xz")),
];

/// To run the guest.
static QEMU: [(&str, Sign); 1] = [("qemu-system-mips", Sign::Program("qemu-system-mipsel"))];

/// Debian's keys, where the host is another distribution.
const KEYS_PACKAGE: &str = "debian-archive-keyring";

/// Debian's names of the packages that are needed, without Rust.
#[must_use]
pub fn wanted(needs: Needs) -> Vec<&'static str> {
    wanted_with_signs(needs)
        .map(|(package, _)| *package)
        .collect()
}

/// Debian's names of the packages that are missing on this machine, without Rust.
#[must_use]
pub fn missing(needs: Needs) -> Vec<String> {
    wanted_with_signs(needs)
        .filter(|(_, sign)| !sign.is_there())
        .map(|(package, _)| (*package).to_owned())
        .collect()
}

fn wanted_with_signs(needs: Needs) -> impl Iterator<Item = &'static (&'static str, Sign)> {
    let kernel: &'static [(&str, Sign)] = if needs.kernel_source {
        &FOR_A_KERNEL
    } else {
        &[]
    };
    let qemu: &'static [(&str, Sign)] = if needs.qemu { &QEMU } else { &[] };
    ALWAYS.iter().chain(kernel).chain(qemu)
}

/// Gets what is missing: packages with apt-get, through sudo if need be; the standard library's
/// sources with rustup, as packages, or in a toolchain of our own. Says what it is about to do, and
/// asks first if a person is at the terminal, unless `assume_yes`.
///
/// Package lists older than a day are fetched anew before, and nothing that the user has is removed.
///
/// # Errors
/// [`Error::NotDebian`] without apt-get, [`Error::NotRoot`] without the right to install,
/// [`Error::Declined`] if the person says no, [`Error::NoSpace`] if the disk is full; else what
/// apt-get said.
pub fn install(
    needs: Needs,
    repository: &Path,
    cache: &Path,
    progress: &dyn Progress,
    assume_yes: bool,
) -> Result<()> {
    let mut plan = Plan {
        packages: missing(needs),
        rust: Toolchain::find(repository, cache).is_err(),
        mirror: matches!(mirror::sources(cache, GUEST), Err(Error::NoMirror { .. })),
    };
    if plan.is_empty() {
        return Ok(());
    }
    offline::check(|| plan.names().join(", "))?;
    if find_program("apt-get").is_none() {
        return Err(Error::NotDebian {
            missing: plan.names(),
        });
    }
    if plan.mirror && !Path::new(mirror::KEYS).is_file() {
        plan.packages.push(KEYS_PACKAGE.to_owned());
    }
    let by_rustup = plan.rust && rust_setup::rustup_can_add(repository);
    for line in plan.lines(by_rustup) {
        progress.line(&line);
    }
    if !assume_yes && std::io::stdin().is_terminal() && !confirmed("get them now?") {
        return Err(Error::Declined {
            missing: plan.names(),
        });
    }
    if by_rustup {
        match rust_setup::add_by_rustup(repository, progress) {
            Ok(()) => plan.rust = Toolchain::find(repository, cache).is_err(),
            Err(error) => progress.line(&format!(
                "rustup has no rust-src here ({}); taking Debian's toolchain instead",
                last_line(&error.to_string())
            )),
        }
    }
    let root = become_root()?;
    if let Some(become_root) = root {
        let mut host = HostApt {
            become_root,
            progress,
            lists_are_new: false,
        };
        host.install(&plan.packages)?;
        if plan.rust {
            host.install_rust()?;
        }
    } else if !plan.packages.is_empty() {
        return Err(Error::NotRoot {
            missing: plan.packages,
        });
    }
    let missing = missing(needs);
    if !missing.is_empty() {
        return Err(Error::StillMissing { missing });
    }
    if plan.mirror {
        mirror::accept_offer(cache)?;
    }
    if Toolchain::find(repository, cache).is_err() {
        rust_setup::unpack_private(repository, cache, progress)?;
    }
    Ok(())
}

/// What is to be got.
struct Plan {
    packages: Vec<String>,
    /// A toolchain with the standard library's sources.
    rust: bool,
    /// A mirror of Debian for the guest's packages.
    mirror: bool,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && !self.rust && !self.mirror
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.packages.clone();
        if self.rust {
            names.push("the sources of Rust's standard library (rust-src)".to_owned());
        }
        if self.mirror {
            names.push("a Debian mirror for the guest's packages".to_owned());
        }
        names
    }

    fn lines(&self, by_rustup: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.packages.is_empty() {
            lines.push(format!(
                "host packages to install: {}",
                self.packages.join(" ")
            ));
        }
        if self.rust {
            lines.push(match by_rustup {
                true => "to add: the component rust-src, by rustup".to_owned(),
                false => {
                    "to add: a Rust toolchain with the sources of the standard library".to_owned()
                }
            });
        }
        if self.mirror {
            lines.push(format!(
                "no source of this machine is Debian's: the guest's packages will come from {}/debian, verified with Debian's keys",
                mirror::OFFERED
            ));
        }
        lines
    }
}

/// What to put in front of a command that only root may run; None if there is no way.
fn become_root() -> Result<Option<&'static [&'static str]>> {
    let own = Path::new("/proc/self");
    if std::fs::metadata(own).at("reading", own)?.uid() == 0 {
        return Ok(Some(&[]));
    }
    Ok(find_program("sudo").map(|_| &["sudo"][..]))
}

/// Asks a question at the terminal; no if nobody can be asked.
#[must_use]
pub fn confirmed(question: &str) -> bool {
    eprint!("{question} [Y/n] ");
    if std::io::stderr().flush().is_err() {
        return false;
    }
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok_and(|count| count > 0)
        && matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "" | "y" | "yes"
        )
}

/// A program of this name in PATH, or where system programs are.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A user's PATH often lacks the folders of system programs.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|dir| dir.join(OsStr::new(name)))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_has_all_that_is_asked_for() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci/Containerfile");
        let text = std::fs::read_to_string(file).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let needs = Needs {
            kernel_source: true,
            qemu: true,
        };
        for package in wanted(needs) {
            // Without these two there would be no container.
            if !["apt", "dpkg"].contains(&package) {
                assert!(
                    words.contains(&package),
                    "{package} is not in ci/Containerfile"
                );
            }
        }
    }

    #[test]
    fn programs_are_found_in_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-here").is_none());
    }
}
