// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the program that tries the vendor's front: C, static, as a program for a camera would be.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::{self, Cache, Key};

use crate::error::{IoContext, Result};
use crate::kernel::cross;
use host_setup::command::run;

/// A handful of files.
const LIMIT: Duration = Duration::from_secs(5 * 60);
/// Where its sources are in the repository.
const SOURCES: &str = "tests/guest/vendor-client";
/// Where it is in the guest.
pub const VENDOR_CLIENT: &str = "/bin/vendor-client";

/// Builds the program unless nothing has changed, and gives its file.
pub(crate) fn build(repository: &Path, cache: &Cache) -> Result<PathBuf> {
    let folder = repository.join(SOURCES);
    let mut sources: Vec<PathBuf> = cache::entries(&folder)?;
    sources.sort();
    let mut key = Key::new();
    for source in &sources {
        key = key
            .add(source.as_os_str().as_encoded_bytes())
            .add(cache::read(source)?);
    }
    let program = cache
        .dir("programs")?
        .join(format!("vendor-client-{}", key.finish()));
    if program.is_file() {
        return Ok(program);
    }
    let partial = program.with_extension("partial");
    let mut command = cross("gcc");
    command.args(["-static", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    command.arg("-o").arg(&partial);
    command.args(
        sources
            .iter()
            .filter(|source| source.extension().is_some_and(|kind| kind == "c")),
    );
    run(command, "building vendor-client", LIMIT)?;
    fs::rename(&partial, &program).at("renaming into place", &program)?;
    Ok(program)
}
