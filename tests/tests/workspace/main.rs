// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What must hold of the whole project: licences follow the arrows, the modules of a crate form layers,
//! every fact that a comment cites is there, and the driver's C and Rust mean the same.

#![allow(clippy::unwrap_used, reason = "all of it is a test")]

mod attacks;
mod border;
mod citations;
mod facts;
mod layers;
mod licences;

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below a folder whose name ends in one of `ends`; what is built is left out.
fn files(folder: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "out" {
                found.extend(files(&path, ends));
            }
        } else if ends.iter().any(|end| name.ends_with(end)) {
            found.push(path);
        }
    }
    found.sort();
    found
}
