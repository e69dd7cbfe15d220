// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the guest's own program: static, so that it runs as the first process of any image.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::{self, Cache};
use crate::error::{IoContext, Result};
use crate::kernel::cross;
use crate::rust::Build;
use host_setup::command::run;
use host_setup::progress::Progress;
use host_setup::toolchain::Toolchain;

const STRIP_LIMIT: Duration = Duration::from_secs(60);

/// Builds `guest-agent` and gives the stripped program.
pub(crate) fn build(
    repository: &Path,
    cache: &Cache,
    toolchain: &Toolchain,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let built = Build {
        what: "guest agent",
        package: "guest-agent",
        target: "mipsel-unknown-linux-gnu",
        build_std: "std,panic_abort",
        arguments: vec![
            "--bin=guest-agent".to_owned(),
            "--config=profile.release.panic=\"abort\"".to_owned(),
        ],
        rustflags: vec!["-Ctarget-feature=+crt-static".to_owned()],
        environment: vec![(
            "CARGO_TARGET_MIPSEL_UNKNOWN_LINUX_GNU_LINKER",
            "mipsel-linux-gnu-gcc".to_owned(),
        )],
        artifact: "release/guest-agent",
    }
    .run(repository, cache, toolchain, progress)?;
    stripped(
        &built,
        "--strip-all",
        &cache.dir("programs")?.join("guest-agent"),
    )
}

/// A copy of `file` without symbols or debugging information; `how` is strip's option. Made anew
/// only when the file has changed.
pub(crate) fn stripped(file: &Path, how: &str, copy: &Path) -> Result<PathBuf> {
    let of = copy.with_extension("of");
    let key = cache::Key::new().add(how).add(cache::read(file)?).finish();
    if copy.is_file() && fs::read_to_string(&of).is_ok_and(|known| known == key) {
        return Ok(copy.to_path_buf());
    }
    let mut strip = cross("strip");
    strip.arg(how).arg("-o").arg(copy).arg(file);
    run(strip, "mipsel-linux-gnu-strip", STRIP_LIMIT)?;
    fs::write(&of, key).at("writing", &of)?;
    Ok(copy.to_path_buf())
}
