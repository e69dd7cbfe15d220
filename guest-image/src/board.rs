// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the board's module: what a T31's board gives to drivers, where the chip lies at its own
//! addresses.

use std::fs;
use std::path::{Path, PathBuf};

use host_setup::command::run;
use host_setup::progress::Progress;

use crate::cache::{self, Cache, Key};
use crate::error::{IoContext, Result};
use crate::kernel::{Kernel, jobs, make};
use crate::module::KBUILD_LIMIT;

/// Its sources in the repository.
const SOURCES: &str = "driver/linux/board";
/// What kbuild makes of them.
const MODULE: &str = "tx-isp-t31-board.ko";
/// Its name in other modules' dependencies.
pub(crate) const NAME: &str = "tx-isp-t31-board";
/// What it exports, as kbuild takes it with KBUILD_EXTRA_SYMBOLS.
const SYMBOLS: &str = "Module.symvers";
/// What is no source there: leftovers of a kbuild by hand are not ours to build from.
const SOURCE_NAMES: [&str; 3] = ["Kbuild", ".c", ".h"];

/// The module of one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Board {
    /// Its file.
    pub(crate) module: PathBuf,
    /// What it exports, for modules that use it.
    pub(crate) symbols: PathBuf,
}

/// Builds it for a kernel if it is not there.
///
/// # Errors
/// With the compiler's words.
pub(crate) fn build(
    kernel: &Kernel,
    repository: &Path,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Board> {
    let mut sources = cache::entries(&repository.join(SOURCES))?;
    sources.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        SOURCE_NAMES.iter().any(|end| name.ends_with(end)) && !name.ends_with(".mod.c")
    });
    let mut key = Key::new().add(&kernel.key).add(&kernel.release);
    for path in &sources {
        key = key
            .add(path.file_name().unwrap_or_default().as_encoded_bytes())
            .add(cache::read(path)?);
    }
    let folder = cache.dir("boards")?.join(key.finish());
    cache::once(&folder, |partial| {
        progress.start("build board module");
        for path in &sources {
            let copy = partial.join(path.file_name().unwrap_or_default());
            fs::copy(path, &copy).at("copying", path)?;
        }
        let mut command = make(&kernel.build);
        command
            .arg(format!("-j{}", jobs()))
            .arg(format!("M={}", partial.display()))
            .arg("modules");
        run(command, "building the board's module", KBUILD_LIMIT)?;
        progress.finish(MODULE);
        Ok(())
    })?;
    Ok(Board {
        module: folder.join(MODULE),
        symbols: folder.join(SYMBOLS),
    })
}
