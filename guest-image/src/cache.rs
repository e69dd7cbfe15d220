// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The folder outside the repository where everything fetched and built is kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use fs4::FileExt;
use host_setup::toolchain::Toolchain;
use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext, Result};
use host_setup::progress::Progress;

/// How long a run waits for another one's builds; a first kernel build takes minutes.
const LOCK_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The cache folder.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// Keeps other runs out of the cache until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Cache {
    /// `$TX_ISP_CACHE`, else `tx-isp` in the user's cache folder. Nothing is created yet.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self::at(host_setup::cache_dir::find()?))
    }

    /// A cache in `root`, which is an absolute path.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the cache; creates nothing.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A folder inside the cache, created if missing.
    pub(crate) fn dir(&self, relative: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.path(relative);
        fs::create_dir_all(&path).at("creating", &path)?;
        Ok(path)
    }

    /// Waits until no other run uses the cache.
    ///
    /// # Errors
    /// If that takes longer than half an hour.
    pub(crate) fn lock(&self, progress: &dyn Progress) -> Result<Lock> {
        let path = self.dir("")?.join("lock");
        let file = File::create(&path).at("creating", &path)?;
        let begin = Instant::now();
        let mut told = false;
        loop {
            match FileExt::try_lock(&file) {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(fs4::TryLockError::Error(source)) => {
                    return Err(source).at("locking", &path);
                }
                Err(fs4::TryLockError::WouldBlock) => {}
            }
            if !told {
                progress.line(&format!(
                    "waiting for another run that uses {}",
                    self.root.display()
                ));
                told = true;
            }
            if begin.elapsed() > LOCK_LIMIT {
                return Err(Error::Locked {
                    path,
                    waited: LOCK_LIMIT,
                });
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Makes the folder `target` by filling a folder beside it and renaming: it is there whole or not
/// at all. Does nothing when it is there already; says whether it had to be made.
pub(crate) fn once(target: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<bool> {
    if target.is_dir() {
        return Ok(false);
    }
    let mut name = target.file_name().unwrap_or(OsStr::new("dir")).to_owned();
    name.push(".partial");
    let partial = target.with_file_name(name);
    remove(&partial)?;
    fs::create_dir_all(&partial).at("creating", &partial)?;
    fill(&partial)?;
    fs::rename(&partial, target).at("renaming into place", target)?;
    Ok(true)
}

/// Removes a folder with all it holds, if it is there.
pub(crate) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).at("removing", dir)
        }
        _ => Ok(()),
    }
}

/// Writes a file unless it has this content already, so that its time says when it changed.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|now| now == content) {
        return Ok(false);
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).at("creating", dir)?;
    }
    fs::write(path, content).at("writing", path)?;
    Ok(true)
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).at("reading", path)
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).at("reading", path)
}

/// The entries of a folder, sorted by name.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)
        .at("listing", dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .at("listing", dir)?;
    paths.sort();
    Ok(paths)
}

/// Names a toolchain in the cache, so that another one does not meet its artifacts.
pub(crate) fn toolchain_key(toolchain: &Toolchain) -> String {
    let parts = toolchain.identity();
    parts
        .iter()
        .fold(Key::new(), |key, part| key.add(part))
        .finish()
}

/// Builds a short key from what something was made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key(Sha256);

impl Key {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one part; parts cannot run into each other.
    pub(crate) fn add(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update(part.len().to_string());
        self.0.update(b":");
        self.0.update(part);
        self
    }

    /// 16 hexadecimal digits: enough for a handful of entries in one person's cache.
    pub(crate) fn finish(self) -> String {
        self.0
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_setup::progress::Silent;

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("thing");
        let failed = once(&target, |partial| {
            fs::write(partial.join("half"), "x").unwrap();
            Err(host_setup::Error::NoCache.into())
        });
        assert!(failed.is_err() && !target.exists());
        let made = once(&target, |partial| {
            assert!(!partial.join("half").exists());
            fs::write(partial.join("whole"), "x").at("writing", partial)
        });
        assert!(made.unwrap() && target.join("whole").exists());
        assert!(!once(&target, |_| Err(host_setup::Error::NoCache.into())).unwrap());
    }

    #[test]
    fn keys_differ_when_parts_are_cut_differently() {
        assert_ne!(
            Key::new().add("ab").add("c").finish(),
            Key::new().add("a").add("bc").finish()
        );
        assert_eq!(Key::new().add("ab").finish(), Key::new().add("ab").finish());
    }

    #[test]
    fn a_lock_is_free_again_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().to_path_buf());
        drop(cache.lock(&Silent).unwrap());
        cache.lock(&Silent).unwrap();
    }
}
