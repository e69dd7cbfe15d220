// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where results go: what people read to standard output, or to standard error if `--json -` has that
//! one for itself; and the folder of a run, which is its alone while it runs.

use std::fmt::Arguments;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use schemars::JsonSchema;
use serde::Serialize;
use testbed::terminal::{columns, fit};

/// The name of a file that means standard output.
const STDOUT: &str = "-";
/// How a shell tells of a program that ended because nobody reads its output any more.
const NOBODY_READS: i32 = 141;
/// The file that a run holds while it writes to a folder.
const LOCK: &str = ".lock";
/// How many folders are tried.
const MAX_FOLDERS: u32 = 100;

static JSON_ON_STDOUT: AtomicBool = AtomicBool::new(false);

/// From now on standard output is for JSON alone, if that is where it goes.
pub fn reserve_for_json(path: Option<&Path>) {
    if path == Some(Path::new(STDOUT)) {
        JSON_ON_STDOUT.store(true, Ordering::Relaxed);
    }
}

/// Says something for people to read; in a terminal lines are broken where it ends. Where nobody reads
/// any more, this is the end.
pub fn write_text(text: Arguments<'_>) {
    if JSON_ON_STDOUT.load(Ordering::Relaxed) {
        return write_note(text);
    }
    let columns = columns(io::stdout());
    end_without_reader(io::stdout().write_all(fitted(text, columns).as_bytes()));
}

/// Says something beside the result, to standard error.
pub fn write_note(text: Arguments<'_>) {
    let columns = columns(io::stderr());
    end_without_reader(io::stderr().write_all(fitted(text, columns).as_bytes()));
}

fn fitted(text: Arguments<'_>, columns: Option<u16>) -> String {
    let text = text.to_string();
    match columns {
        Some(columns) => fit(&text, columns),
        None => text,
    }
}

fn end_without_reader(result: io::Result<()>) {
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(NOBODY_READS),
        Err(error) => {
            // Standard error may be closed as well; there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: writing the results: {error}");
            std::process::exit(1);
        }
    }
}

/// As `println!`, to wherever people read.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::write_text(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// As `print!`, to wherever people read.
macro_rules! say_text {
    ($($text:tt)*) => {
        $crate::output::write_text(format_args!($($text)*))
    };
}

/// As `eprintln!`, broken where the terminal ends.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::write_note(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {note, say, say_text};

/// Writes one value as JSON, indented, with a newline at the end; to standard output if the file is `-`.
/// What is written here has a schema in `ci/lab/schemas`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json(path: &Path, value: &(impl Serialize + JsonSchema)) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let text = serde_json::to_string_pretty(value).with_context(doing)? + "\n";
    if path == Path::new(STDOUT) {
        let mut stdout = io::stdout();
        end_without_reader(
            stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush()),
        );
        return Ok(());
    }
    fs::write(path, text).with_context(doing)
}

/// A folder that belongs to one run.
#[derive(Debug)]
pub struct RunFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Allocation as long as the run lives.
    _lock: Flock<File>,
}

/// Takes a folder for this run; if another run has it, the next free one beside it, as in `out-2`.
///
/// # Errors
/// If none can be made.
pub fn claim(wanted: &Path) -> Result<RunFolder> {
    for number in 1..=MAX_FOLDERS {
        let path = match number {
            1 => wanted.to_path_buf(),
            _ => {
                let mut name = wanted.as_os_str().to_owned();
                name.push(format!("-{number}"));
                PathBuf::from(name)
            }
        };
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        let file = path.join(LOCK);
        let lock = File::create(&file).with_context(|| format!("writing {}", file.display()))?;
        if let Ok(lock) = Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            if number > 1 {
                eprintln!(
                    "note: another run writes to {}; this one writes to {}",
                    wanted.display(),
                    path.display()
                );
            }
            return Ok(RunFolder { path, _lock: lock });
        }
    }
    bail!(
        "{} and {MAX_FOLDERS} folders beside it are in use by other runs; name another one with --out",
        wanted.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_have_two_folders_and_a_third_takes_what_is_free_again() {
        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("out");
        let first = claim(&wanted).unwrap();
        let second = claim(&wanted).unwrap();
        assert_eq!(first.path, wanted);
        assert_eq!(second.path, parent.path().join("out-2"));
        drop(first);
        assert_eq!(claim(&wanted).unwrap().path, wanted);
    }

    #[test]
    fn json_goes_to_the_file_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        write_json(&path, &["a"]).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "[\n  \"a\"\n]\n");
        let error = write_json(Path::new("/no/such/folder/x"), &1).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/x"), "{error}");
    }
}
