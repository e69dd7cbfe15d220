// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A kernel that the user built: used as it is, with its modules copied out of its tree.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use host_setup::command::run;
use host_setup::progress::Progress;

use super::image::{Kernel, STAY_IN_PLACE, loaded_end};
use super::modules::ModuleTree;
use super::tools::make;

/// Copying modules out of a tree, even one with thousands.
const INSTALL_LIMIT: Duration = Duration::from_secs(10 * 60);

/// What a folder must hold for modules to be built against it.
const BUILD_TREE: [&str; 4] = [
    "Makefile",
    ".config",
    "Module.symvers",
    "include/config/kernel.release",
];

pub(super) fn prepare(vmlinux: &Path, cache: &Cache, progress: &dyn Progress) -> Result<Kernel> {
    let elf = fs::canonicalize(vmlinux).at("looking for", vmlinux)?;
    loaded_end(&elf)?;
    let build = elf.parent().unwrap_or(Path::new("/")).to_path_buf();
    for lacking in BUILD_TREE {
        if !build.join(lacking).exists() {
            return Err(Error::NoBuildTree { path: elf, lacking });
        }
    }
    let release = cache::read_text(&build.join("include/config/kernel.release"))?
        .trim()
        .to_owned();
    let key = Key::new()
        .add(elf.as_os_str().as_encoded_bytes())
        .add(cache::read(&elf)?)
        .add(cache::read(&build.join(".config"))?)
        .finish();
    let dir = cache.dir("kernels")?.join(format!("user-{key}"));
    cache::once(&dir, |partial| {
        progress.start("kernel: copy modules");
        install_modules(&build, partial)?;
        progress.finish(&release);
        Ok(())
    })?;
    let modules = ModuleTree::open(&dir.join("lib/modules").join(&release), &release)?;
    Ok(Kernel {
        label: format!("{} {release}", elf.display()),
        release,
        elf,
        build,
        key: format!("user-{key}"),
        modules,
        command_line: vec![STAY_IN_PLACE.to_owned()],
        takes_counter_hz: false,
    })
}

/// Copies a built tree's modules, without debugging information, to `target/lib/modules/RELEASE`.
pub(super) fn install_modules(build: &Path, target: &Path) -> Result<()> {
    let mut command = make(build);
    command
        .arg(format!("INSTALL_MOD_PATH={}", target.display()))
        .arg("INSTALL_MOD_STRIP=1")
        // The load order is worked out here; the host's depmod is not needed.
        .arg("DEPMOD=true")
        .arg("modules_install");
    run(command, "make modules_install", INSTALL_LIMIT)?;
    Ok(())
}
