// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Results as JSON files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes one value to a file, indented, with a newline at the end.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let text = serde_json::to_string_pretty(value).with_context(doing)?;
    fs::write(path, text + "\n").with_context(doing)
}
