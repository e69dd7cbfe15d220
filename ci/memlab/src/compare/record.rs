// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finished cells in a file, one JSON object a line.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::cell::Cell;

/// The file that is being written. Each cell is on disk before the next one begins.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
}

impl Record {
    /// Opens the file: `keep` goes on behind its last line, else it begins anew, and what was there is
    /// kept under the same name with `.old` behind it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(path: &Path, keep: bool) -> Result<Self> {
        let what = || format!("writing {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(what)?;
        }
        if !keep && fs::metadata(path).is_ok_and(|known| known.is_file() && known.len() > 0) {
            let mut old = path.as_os_str().to_owned();
            old.push(".old");
            fs::rename(path, old).with_context(what)?;
        }
        let file = File::options()
            .create(true)
            .write(true)
            .append(keep)
            .truncate(!keep)
            .open(path)
            .with_context(what)?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
        })
    }

    /// Adds a finished cell.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, cell: &Cell) -> Result<()> {
        let mut line = serde_json::to_vec(cell).context("writing a cell")?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .with_context(|| format!("writing {}", self.path.display()))
    }
}

/// The cells of a file. A last line without an end is that of an interrupted run: it is left out, and cut
/// off, so that the next cell begins on a line of its own.
///
/// # Errors
/// If the file cannot be read, or is something else.
pub fn read(path: &Path) -> Result<Vec<Cell>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut cells = Vec::new();
    for (number, line) in text[..whole].lines().enumerate() {
        let cell = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}: no cell", path.display(), number + 1))?;
        cells.push(cell);
    }
    if whole < text.len() {
        fs::write(path, &text[..whole]).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(cells)
}

/// The cells of several files; one that is in two of them must be the same in both.
///
/// # Errors
/// If a file cannot be read, or two contradict each other.
pub fn merge(paths: &[PathBuf]) -> Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut known = HashSet::new();
    for path in paths {
        for cell in read(path)? {
            if known.insert(cell.key.clone()) {
                cells.push(cell);
                continue;
            }
            let Some(other) = cells.iter_mut().find(|other| other.key == cell.key) else {
                continue;
            };
            if other.computed != cell.computed {
                bail!(
                    "{}: {} was computed otherwise in another file: do not mix versions",
                    path.display(),
                    cell.key
                );
            }
            // What a guest did is worth more than what was only computed.
            if other.guest.is_none() {
                *other = cell;
            }
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;
    use guest_protocol::camera::AllocationPolicy;

    #[test]
    fn an_interrupted_record_goes_on_behind_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.jsonl");
        let (first, second) = (
            cell("wyze-v3", AllocationPolicy::Client),
            cell("wyze-v3", AllocationPolicy::Driver),
        );
        Record::open(&path, false).unwrap().add(&first).unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"key\":");
        fs::write(&path, text).unwrap();
        assert_eq!(read(&path).unwrap(), std::slice::from_ref(&first));
        Record::open(&path, true).unwrap().add(&second).unwrap();
        assert_eq!(read(&path).unwrap(), [first, second]);
    }

    #[test]
    fn what_another_run_has_finished_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.jsonl");
        let cell = cell("wyze-v3", AllocationPolicy::Client);
        Record::open(&path, false).unwrap().add(&cell).unwrap();
        Record::open(&path, false).unwrap();
        assert_eq!(read(&path).unwrap(), []);
        assert_eq!(
            read(&folder.path().join("cells.jsonl.old")).unwrap(),
            [cell]
        );
    }

    #[test]
    fn merging_prefers_what_a_guest_did_and_refuses_contradictions() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        let computed = cell("wyze-v3", AllocationPolicy::Client);
        let mut seen = computed.clone();
        seen.guest = seen.computed.clone();
        Record::open(&paths[0], false)
            .unwrap()
            .add(&computed)
            .unwrap();
        Record::open(&paths[1], false).unwrap().add(&seen).unwrap();
        assert_eq!(merge(&paths).unwrap(), [seen.clone()]);
        seen.computed = None;
        Record::open(&paths[1], false).unwrap().add(&seen).unwrap();
        let error = merge(&paths).unwrap_err().to_string();
        assert!(error.contains("do not mix versions"), "{error}");
    }
}
