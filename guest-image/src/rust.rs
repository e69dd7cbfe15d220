// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds one of the workspace's crates for the guest, standard library included, and remembers
//! which files it was made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use host_setup::command::run_with;
use host_setup::progress::Progress;
use host_setup::source_paths;
use host_setup::toolchain::Toolchain;

/// The standard library from scratch takes about a minute on two cores; a loaded machine more.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// One crate to build.
pub(crate) struct Build<'a> {
    /// For progress and errors, as in "guest agent".
    pub(crate) what: &'a str,
    pub(crate) package: &'a str,
    /// The target's name, or the file that describes it.
    pub(crate) target: &'a str,
    /// The parts of the standard library, as `-Zbuild-std` takes them.
    pub(crate) build_std: &'a str,
    /// Further arguments to cargo.
    pub(crate) arguments: Vec<String>,
    /// What rustc is told beside.
    pub(crate) rustflags: Vec<String>,
    /// Further settings in cargo's environment.
    pub(crate) environment: Vec<(&'a str, String)>,
    /// The file that results, below cargo's folder for this target, as in `release/x`.
    pub(crate) artifact: &'a str,
}

impl Build<'_> {
    /// Builds it unless nothing has changed, and gives the artifact.
    pub(crate) fn run(
        &self,
        repository: &Path,
        cache: &Cache,
        toolchain: &Toolchain,
        progress: &dyn Progress,
    ) -> Result<PathBuf> {
        // Each checkout has a folder of its own: cargo keeps one artifact a folder, whosever it is.
        let checkout = Key::new()
            .add(repository.as_os_str().as_encoded_bytes())
            .finish();
        let home = cache.dir(
            Path::new("rust")
                .join(cache::toolchain_key(toolchain))
                .join(checkout),
        )?;
        let target_dir = home.join("target");
        let target_name = Path::new(self.target).file_stem().unwrap_or_default();
        let artifact = target_dir.join(target_name).join(self.artifact);
        // The record says of which files the artifact was made.
        let record = home.join(format!("{}.inputs", self.package));
        if artifact.is_file() && self.is_unchanged(repository, &record) {
            return Ok(artifact);
        }

        progress.start(&format!("build {}", self.what));
        let begin = SystemTime::now();
        let mut compiled = 0;
        run_with(
            self.command(repository, &target_dir, toolchain),
            &format!("building {}", self.what),
            BUILD_LIMIT,
            |line| {
                if line.trim_start().starts_with("Compiling ") {
                    compiled += 1;
                    progress.advance(compiled, None, "crates");
                }
            },
        )?;
        self.note_inputs(repository, &artifact, &record, begin)?;
        progress.finish(&format!("{compiled} crates"));
        Ok(artifact)
    }

    fn command(&self, repository: &Path, target_dir: &Path, toolchain: &Toolchain) -> Command {
        let mut flags = self.rustflags.clone();
        flags.extend(source_paths::rustc_flags(&[
            (toolchain.sysroot(), "rust"),
            (target_dir, "target"),
            (repository, "."),
        ]));
        let mut command = toolchain.cargo(repository);
        command
            .args(["build", "--release", "--package", self.package])
            .args(["--target", self.target])
            .arg(format!("-Zbuild-std={}", self.build_std))
            .args(&self.arguments)
            .env("CARGO_TARGET_DIR", target_dir)
            // It goes before all other ways to give flags, and takes paths with spaces.
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TERM_COLOR", "never");
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// The record holds a key on its first line, then the files that the key covers.
    fn is_unchanged(&self, repository: &Path, record: &Path) -> bool {
        let Ok(text) = fs::read_to_string(record) else {
            return false;
        };
        let mut lines = text.lines();
        let key = lines.next().unwrap_or_default();
        let inputs: Vec<PathBuf> = lines.map(PathBuf::from).collect();
        !inputs.is_empty() && self.inputs_key(repository, &inputs) == key
    }

    /// Writes the record; an empty one if a file has changed since the build began, for it may have
    /// been compiled as it was before. cargo decides then the next time.
    fn note_inputs(
        &self,
        repository: &Path,
        artifact: &Path,
        record: &Path,
        begin: SystemTime,
    ) -> Result<()> {
        // cargo lists the sources of the crate and of all its path dependencies beside the artifact.
        let list = artifact.with_extension("d");
        let text = cache::read_text(&list)?;
        let sources = dependencies(&text).ok_or_else(|| Error::Unexpected {
            tool: "cargo",
            detail: format!("{} is no dependency list", list.display()),
        })?;
        let mut inputs = sources.clone();
        for source in &sources {
            let manifest = source
                .ancestors()
                .skip(1)
                .map(|dir| dir.join("Cargo.toml"))
                .find(|path| path.is_file());
            inputs.extend(manifest);
        }
        inputs.push(repository.join("Cargo.toml"));
        inputs.push(repository.join("Cargo.lock"));
        inputs.push(repository.join(".cargo/config.toml"));
        inputs.sort();
        inputs.dedup();
        if inputs.iter().any(|input| changed_since(input, begin)) {
            return fs::write(record, "").at("writing", record);
        }
        let mut text = self.inputs_key(repository, &inputs);
        for input in &inputs {
            text.push('\n');
            text.push_str(&input.to_string_lossy());
        }
        fs::write(record, text).at("writing", record)
    }

    fn inputs_key(&self, repository: &Path, inputs: &[PathBuf]) -> String {
        let mut key = Key::new()
            .add(repository.as_os_str().as_encoded_bytes())
            .add(self.build_std)
            .add(self.target);
        if let Ok(description) = fs::read(self.target) {
            key = key.add(description);
        }
        for argument in &self.arguments {
            key = key.add(argument);
        }
        for flag in &self.rustflags {
            key = key.add(flag);
        }
        for (name, value) in &self.environment {
            key = key.add(name).add(value);
        }
        for input in inputs {
            // A file that is gone counts as empty: that is a change too.
            key = key
                .add(input.as_os_str().as_encoded_bytes())
                .add(fs::read(input).unwrap_or_default());
        }
        key.finish()
    }
}

/// Whether a file was written after `moment`, or cannot be asked.
fn changed_since(file: &Path, moment: SystemTime) -> bool {
    fs::metadata(file)
        .and_then(|known| known.modified())
        .map_or(true, |modified| modified >= moment)
}

/// The prerequisites in a make rule, with `\ ` for a space.
fn dependencies(rule: &str) -> Option<Vec<PathBuf>> {
    let (_, list) = rule.lines().next()?.split_once(": ")?;
    let mut paths = vec![String::new()];
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek(), paths.last_mut()) {
            ('\\', Some(' '), Some(path)) => {
                path.push(' ');
                letters.next();
            }
            (' ', _, _) => paths.push(String::new()),
            (letter, _, Some(path)) => path.push(letter),
            (_, _, None) => return None,
        }
    }
    Some(
        paths
            .into_iter()
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_during_a_build_counts_as_changed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let second = Duration::from_secs(1);
        let written = file.as_file().metadata().unwrap().modified().unwrap();
        assert!(changed_since(file.path(), written - second));
        assert!(!changed_since(file.path(), written + second));
        assert!(changed_since(Path::new("/nowhere/at/all"), written));
    }

    #[test]
    fn dependency_lists_may_hold_spaces() {
        assert_eq!(
            dependencies("/t/x: /a/b.rs /with\\ space/c.rs\n").unwrap(),
            [PathBuf::from("/a/b.rs"), PathBuf::from("/with space/c.rs")]
        );
        assert_eq!(dependencies("nothing here"), None);
    }
}
