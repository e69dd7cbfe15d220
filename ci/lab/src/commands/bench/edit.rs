// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How long a developer waits: from the moment that an edited file of the driver is saved to the
//! first frame of a guest that runs the new module. The edits are made in a copy of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::base::{Bench, Kernel, prepare_quietly};
use super::client::read;
use super::figures::{Row, Spread, Unit};
use super::start::boot_to_frame;

/// What is not copied: nothing is built from it.
const LEFT_OUT: [&str; 3] = [".git", "target", "out"];
/// Our module in the guest.
const MODULE: &str = "/lib/modules/tx-isp.ko";

/// A line to edit: some text of a string that is in the module.
struct Edit {
    name: &'static str,
    file: &'static str,
    text: &'static str,
}

const EDITS: [Edit; 2] = [
    Edit {
        name: "Rust, driver core",
        file: "driver/src/error.rs",
        text: "the ISP is gone",
    },
    Edit {
        name: "C, kernel glue",
        file: "driver/linux/tx_isp_main.c",
        text: "Ingenic T31 ISP",
    },
];

/// Each edit with each kernel.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let kernels = bench.kernels()?;
    let copy = Copy::new(bench.repository)?;
    let result = kernels
        .iter()
        .map(|kernel| measure_kernel(bench, &copy, kernel))
        .collect::<Result<Vec<_>>>();
    // The cache is to hold the images of the project itself again, not those of the copy.
    for kernel in &kernels {
        prepare_quietly(bench, bench.repository, &kernel.choice)?;
    }
    Ok(result?.into_iter().flatten().collect())
}

fn measure_kernel(bench: &Bench<'_>, copy: &Copy, kernel: &Kernel) -> Result<Vec<Row>> {
    // What is built for the first time in the copy is not what is measured.
    prepare_quietly(bench, copy.root(), &kernel.choice)?;
    let mut whole = EDITS.map(|_| Spread::default());
    let mut build = EDITS.map(|_| Spread::default());
    let mut number = 0;
    bench.rounds(|| {
        for (index, edit) in EDITS.iter().enumerate() {
            number += 1;
            let marker = format!("edit {number} for {}", kernel.name());
            let begin = Instant::now();
            copy.edit(edit, &marker)?;
            let image = prepare_quietly(bench, copy.root(), &kernel.choice)?;
            build[index].push(begin.elapsed().as_secs_f64());
            let edited = Kernel {
                choice: kernel.choice.clone(),
                image,
            };
            let (mut guest, first_frame) = boot_to_frame(bench, &edited)?;
            // The frame's way from QEMU's start on, and all before it.
            let until_frame = begin.elapsed() - (guest.spawned.elapsed() - first_frame);
            whole[index].push(until_frame.as_secs_f64());
            let module = read(&mut guest, MODULE)?;
            guest.power_off();
            ensure!(
                contains(&module, marker.as_bytes()),
                "the guest does not run the edited module: {:?} is not in it",
                marker
            );
        }
        Ok(())
    })?;
    let rows = EDITS.iter().zip(whole.into_iter().zip(build));
    Ok(rows
        .map(|(edit, (whole, build))| {
            let name = format!("{}; {}", edit.name, kernel.name());
            let note = format!("of it {} until QEMU starts", build.show(Unit::Seconds));
            Row::new(name, Unit::Seconds, whole).note(note)
        })
        .collect())
}

/// A copy of the project that is gone when dropped.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new(repository: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tx-isp-bench-")
            .tempdir()
            .context("creating a folder for a copy of the project")?;
        copy_folder(repository, folder.path())?;
        Ok(Self(folder))
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    /// Puts the marker behind the text in its line, in place of the marker before.
    fn edit(&self, edit: &Edit, marker: &str) -> Result<()> {
        let path = self.root().join(edit.file);
        let source = fs::read_to_string(&path).with_context(|| format!("reading {}", edit.file))?;
        let edited = edited(&source, edit.text, marker)
            .with_context(|| format!("{} does not hold {:?} once", edit.file, edit.text))?;
        fs::write(&path, edited).with_context(|| format!("writing {}", path.display()))
    }
}

/// The source with `[marker]` behind `text`, which must be there once, inside a string.
fn edited(source: &str, text: &str, marker: &str) -> Option<String> {
    let (before, after) = source.split_once(text)?;
    if after.contains(text) {
        return None;
    }
    let after = match after.strip_prefix(" [") {
        Some(marked) => marked.split_once(']')?.1,
        None => after,
    };
    Some(format!("{before}{text} [{marker}]{after}"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("listing {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("listing {}", from.display()))?;
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target: PathBuf = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir(&target).with_context(|| format!("creating {}", target.display()))?;
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("copying {}", entry.path().display()))?;
        } else if !kind.is_symlink() {
            bail!("{} is no file", entry.path().display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_replaces_the_one_before() {
        let source = r#"say("the ISP is gone");"#;
        let once = edited(source, "the ISP is gone", "edit 1").unwrap();
        assert_eq!(once, r#"say("the ISP is gone [edit 1]");"#);
        let twice = edited(&once, "the ISP is gone", "edit 2").unwrap();
        assert_eq!(twice, r#"say("the ISP is gone [edit 2]");"#);
        assert_eq!(edited(source, "is here", "x"), None);
        assert_eq!(edited("a a", "a", "x"), None);
    }

    #[test]
    fn the_lines_to_edit_are_in_the_driver() {
        let repository = testbed::prepare::repository().unwrap();
        for edit in &EDITS {
            let source = fs::read_to_string(repository.join(edit.file)).unwrap();
            assert!(edited(&source, edit.text, "x").is_some(), "{}", edit.file);
        }
    }

    #[test]
    fn a_copy_has_the_sources_and_not_what_was_built() {
        let from = tempfile::tempdir().unwrap();
        for file in ["a/b/c.rs", "target/x", "Cargo.toml"] {
            let path = from.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let copy = Copy::new(from.path()).unwrap();
        let text = fs::read_to_string(copy.root().join("a/b/c.rs")).unwrap();
        assert_eq!(text, "a/b/c.rs");
        assert!(copy.root().join("Cargo.toml").exists());
        assert!(!copy.root().join("target").exists());
    }

    #[test]
    fn parts_of_a_file_are_found() {
        assert!(contains(b"\0abc\0", b"abc"));
        assert!(!contains(b"ab", b"abc"));
    }
}
