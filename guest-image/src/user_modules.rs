// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A user's own kernel modules, and what is needed to build them.

use std::path::{Path, PathBuf};

use crate::board::{self, Board};
use crate::cache;
use crate::error::{Error, Result};
use crate::initramfs::Initramfs;
use crate::kernel::modules::module_info;
use crate::kernel::{CROSS_COMPILE, Kernel, jobs, make};
use crate::module::KBUILD_LIMIT;
use host_setup::command::run;
use host_setup::progress::Progress;

/// Where a user's own modules are in the guest.
pub const USER_MODULES: &str = "/lib/modules/user";

/// What builds against the guest's kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdk {
    /// The kernel's release, as `uname -r` says it in the guest.
    pub release: String,
    /// The folder for kbuild's `-C`.
    pub kdir: PathBuf,
    /// kbuild's list of what the board's module exports.
    pub board_symbols: PathBuf,
    /// kbuild's name of the architecture.
    pub arch: &'static str,
    /// The prefix of the cross compiler's programs.
    pub cross_compile: &'static str,
    /// For programs: the guest's processor has no more than this.
    pub cflags: &'static str,
    /// For programs: what they need of libraries goes with them.
    pub ldflags: &'static str,
}

impl Sdk {
    /// What is needed to build for that kernel.
    pub(crate) fn of(kernel: Kernel, board: Board) -> Self {
        Self {
            release: kernel.release,
            kdir: kernel.build,
            board_symbols: board.symbols,
            arch: "mips",
            cross_compile: CROSS_COMPILE,
            cflags: "-O2 -march=mips32r2",
            ldflags: "-static",
        }
    }
}

/// Runs kbuild in a folder of the user's, and gives the modules it made, in its own order.
///
/// # Errors
/// With the compiler's words; or if there is nothing to build.
pub(crate) fn build(
    kernel: &Kernel,
    board: &Board,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>> {
    let wrong = |reason: &str| Error::UserModule {
        path: folder.to_path_buf(),
        reason: reason.to_owned(),
    };
    if !["Kbuild", "Makefile"]
        .iter()
        .any(|name| folder.join(name).is_file())
    {
        return Err(wrong("it holds neither Kbuild nor Makefile"));
    }
    let folder = std::path::absolute(folder).map_err(|error| wrong(&error.to_string()))?;
    progress.start("kbuild");
    let mut command = make(&kernel.build);
    command
        .arg(format!("-j{}", jobs()))
        .arg(format!("M={}", folder.display()))
        .arg(format!("KBUILD_EXTRA_SYMBOLS={}", board.symbols.display()))
        .arg("modules");
    let what = format!("building {}", folder.display());
    run(command, &what, KBUILD_LIMIT)?;
    let order = cache::read_text(&folder.join("modules.order"))?;
    // Each line is the object that became the module, by its whole path up to Linux 6.1.
    let made: Vec<PathBuf> = order
        .lines()
        .map(|line| folder.join(line).with_extension("ko"))
        .collect();
    let names: Vec<String> = made.iter().map(|path| file_name(path)).collect();
    progress.finish(&names.join(", "));
    match made.is_empty() {
        true => Err(wrong("kbuild made no module of it; is obj-m set?")),
        false => Ok(made),
    }
}

/// Puts a user's modules into the image; gives what they need of the kernel's own.
///
/// # Errors
/// [`Error::UserModule`] for one of another kernel, [`Error::NoModule`] for one that needs what is not
/// there.
pub(crate) fn add(
    image: &mut Initramfs,
    kernel: &Kernel,
    paths: &[PathBuf],
) -> Result<Vec<String>> {
    let plain = |name: &str| name.trim_end_matches(".ko").replace('-', "_");
    let mut own: Vec<String> = paths.iter().map(|path| plain(&file_name(path))).collect();
    // Loaded before them.
    own.push(plain(board::NAME));
    let mut needed = Vec::new();
    for path in paths {
        check_release(path, &kernel.release)?;
        let depends = module_info(path, "depends")?.unwrap_or_default();
        for name in depends.split(',').filter(|name| !name.is_empty()) {
            if own.contains(&plain(name)) {
                continue;
            }
            if !kernel.modules.has(name) {
                return Err(Error::NoModule {
                    release: kernel.release.clone(),
                    module: name.to_owned(),
                    wanted_by: format!("{}; give it with --module, too", path.display()),
                });
            }
            needed.push(name.to_owned());
        }
        let guest = format!("{USER_MODULES}/{}", file_name(path));
        image.copy(&guest, path, 0o644)?;
    }
    Ok(needed)
}

/// A module of another kernel would only be refused in the guest.
fn check_release(path: &Path, release: &str) -> Result<()> {
    let wrong = |reason: String| Error::UserModule {
        path: path.to_path_buf(),
        reason,
    };
    let magic = module_info(path, "vermagic").map_err(|error| wrong(error.to_string()))?;
    let Some(magic) = magic else {
        return Err(wrong(
            "it has no vermagic, so it is no whole kernel module".to_owned(),
        ));
    };
    let built_for = magic.split(' ').next().unwrap_or_default();
    if built_for == release {
        return Ok(());
    }
    Err(wrong(format!(
        "it is built for kernel {built_for}, and the guest runs {release}; `cargo lab sdk` says what to \
         build it against"
    )))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused_by_name() {
        let error = check_release(Path::new("/bin/true"), "6.1.0").unwrap_err();
        assert!(error.to_string().contains("/bin/true"), "{error}");
    }
}
