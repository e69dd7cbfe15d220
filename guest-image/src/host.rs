// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host must have, and how it gets it.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::run_with;
use crate::error::{Error, IoContext, Result};
use crate::kernel::KernelChoice;
use crate::progress::Progress;
use crate::toolchain::Toolchain;

/// Fetching and installing everything on a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(60 * 60);

/// What is going to be done, which decides what the host needs for it.
#[derive(Debug, Clone, Copy)]
pub struct Needs<'a> {
    /// The kernel that will be booted.
    pub kernel: &'a KernelChoice,
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
const ALWAYS: [(&str, Sign); 6] = [
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
const FOR_A_KERNEL: [(&str, Sign); 6] = [
    ("bc", Sign::Program("bc")),
    ("bison", Sign::Program("bison")),
    ("flex", Sign::Program("flex")),
    ("patch", Sign::Program("patch")),
    ("tar", Sign::Program("tar")),
    ("xz-utils", Sign::Program("xz")),
];

/// To run the guest.
const QEMU: (&str, Sign) = ("qemu-system-mips", Sign::Program("qemu-system-mipsel"));

/// A Rust toolchain with the sources of its standard library.
const RUST: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Debian's names of the packages that are missing on this machine; `repository` is the project's
/// root, where the active Rust toolchain is looked up.
#[must_use]
pub fn missing(needs: &Needs<'_>, repository: &Path) -> Vec<String> {
    let kernel: &[(&str, Sign)] = match needs.kernel {
        KernelChoice::Fast | KernelChoice::Debug => &FOR_A_KERNEL,
        KernelChoice::Debian | KernelChoice::Path(_) => &[],
    };
    let qemu: &[(&str, Sign)] = if needs.qemu { &[QEMU] } else { &[] };
    let mut missing: Vec<String> = ALWAYS
        .iter()
        .chain(kernel)
        .chain(qemu)
        .filter(|(_, sign)| !sign.is_there())
        .map(|(package, _)| (*package).to_owned())
        .collect();
    if Toolchain::find(repository).is_err() {
        missing.extend(RUST.map(str::to_owned));
    }
    missing
}

/// Installs what is missing with apt-get, through sudo if need be. Says what it is about to
/// install, and asks first if a person is at the terminal, unless `assume_yes`.
///
/// # Errors
/// [`Error::NotDebian`] without apt-get, [`Error::NotRoot`] without the right to install,
/// [`Error::Declined`] if the person says no; else what apt-get said.
pub fn install(
    needs: &Needs<'_>,
    repository: &Path,
    progress: &dyn Progress,
    assume_yes: bool,
) -> Result<()> {
    let missing = missing(needs, repository);
    if missing.is_empty() {
        return Ok(());
    }
    if find_program("apt-get").is_none() {
        return Err(Error::NotDebian { missing });
    }
    let Some(become_root) = become_root()? else {
        return Err(Error::NotRoot { missing });
    };
    progress.line(&format!("host packages to install: {}", missing.join(" ")));
    if !assume_yes && std::io::stdin().is_terminal() && !confirmed()? {
        return Err(Error::Declined { missing });
    }
    if !have_candidates(&missing)? {
        progress.start("host: apt-get update");
        apt_get(become_root, &["update"], progress)?;
        progress.finish("package lists");
    }
    progress.start("host: apt-get install");
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(missing.iter().map(String::as_str));
    apt_get(become_root, &arguments, progress)?;
    progress.finish(&missing.join(" "));
    Ok(())
}

/// What to put in front of a command that only root may run; None if there is no way.
fn become_root() -> Result<Option<&'static [&'static str]>> {
    let own = Path::new("/proc/self");
    if std::fs::metadata(own).at("reading", own)?.uid() == 0 {
        return Ok(Some(&[]));
    }
    Ok(find_program("sudo").map(|_| &["sudo"][..]))
}

fn confirmed() -> Result<bool> {
    let terminal = Path::new("the terminal");
    print!("install them now? [Y/n] ");
    std::io::stdout().flush().at("writing to", terminal)?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .at("reading from", terminal)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "" | "y" | "yes"
    ))
}

/// Whether the host's package lists know all of them.
fn have_candidates(packages: &[String]) -> Result<bool> {
    let mut command = Command::new("apt-cache");
    command.arg("policy").args(packages);
    let said = run_with(command, "apt-cache policy", INSTALL_LIMIT, |_| {})?;
    let known = said
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Candidate: "))
        .filter(|candidate| *candidate != "(none)")
        .count();
    Ok(known == packages.len())
}

fn apt_get(become_root: &[&str], arguments: &[&str], progress: &dyn Progress) -> Result<()> {
    let mut words = become_root
        .iter()
        .chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .chain(&["-o", "DPkg::Lock::Timeout=300"])
        .chain(arguments);
    let mut command = Command::new(words.next().unwrap_or(&"env"));
    command.args(words);
    let mut packages = 0;
    run_with(
        command,
        &format!("apt-get {}", arguments.join(" ")),
        INSTALL_LIMIT,
        |line| {
            if line.starts_with("Setting up ") {
                packages += 1;
                progress.advance(packages, None, "packages");
            }
        },
    )?;
    Ok(())
}

fn find_program(name: &str) -> Option<PathBuf> {
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
    fn programs_are_found_in_path() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no-such-program-here").is_none());
    }
}
