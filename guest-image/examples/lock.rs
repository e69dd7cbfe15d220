// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes `guest-image/packages.lock` anew, of the packages that the cache was asked for: prepare every
//! kind of image before (`cargo lab setup`, with `--kernel fast` too, and `cargo lab test`).

use anyhow::{Context, Result};
use guest_image::{ImageBuilder, Silent};

fn main() -> Result<()> {
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let text = ImageBuilder::new(project)?
        .lock_packages(&Silent)
        .context("asking for the packages")?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/packages.lock");
    std::fs::write(file, text).with_context(|| format!("writing {file}"))?;
    Ok(())
}
