// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the programs that try the driver's nodes: C, static, as a program for a camera would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::{self, Cache, Key};

use crate::error::{IoContext, Result};
use crate::kernel::cross;
use host_setup::command::run;

/// A handful of files.
const LIMIT: Duration = Duration::from_secs(5 * 60);
/// Where their sources are in the repository, a folder for each.
const SOURCES: &str = "tests/guest";
/// What they include besides.
const HEADER: &str = "driver/linux/tx_isp_rmem_uapi.h";

/// One program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestProgram {
    /// Its folder's name.
    name: &'static str,
    /// Where it is in the guest.
    pub(crate) path: &'static str,
}

/// All of them: what tries the vendor's front, what makes random calls on all nodes, and what watches
/// memory that nobody may write to.
pub(crate) const TEST_PROGRAMS: [TestProgram; 3] = [
    TestProgram {
        name: "vendor-client",
        path: "/bin/vendor-client",
    },
    TestProgram {
        name: "ioctl-fuzz",
        path: "/bin/ioctl-fuzz",
    },
    TestProgram {
        name: "held-dma",
        path: "/bin/held-dma",
    },
];

/// Builds a program unless nothing has changed, and gives its file.
pub(crate) fn build(program: TestProgram, repository: &Path, cache: &Cache) -> Result<PathBuf> {
    let mut sources: Vec<PathBuf> = cache::entries(&repository.join(SOURCES).join(program.name))?;
    sources.sort();
    let mut key = Key::new().add(cache::read(&repository.join(HEADER))?);
    for source in &sources {
        key = key
            .add(source.as_os_str().as_encoded_bytes())
            .add(cache::read(source)?);
    }
    let built = cache
        .dir("programs")?
        .join(format!("{}-{}", program.name, key.finish()));
    if built.is_file() {
        return Ok(built);
    }
    let partial = built.with_extension("partial");
    let mut command = cross("gcc");
    command.args(["-static", "-O2", "-Wall", "-Wextra", "-Werror"]);
    command.args(["-Wno-unused-parameter", "-pthread"]);
    command.arg("-o").arg(&partial);
    command.args(
        sources
            .iter()
            .filter(|source| source.extension().is_some_and(|kind| kind == "c")),
    );
    run(command, &format!("building {}", program.name), LIMIT)?;
    fs::rename(&partial, &built).at("renaming into place", &built)?;
    Ok(built)
}
