// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How much room there is.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::error::{Error, IoContext, Result};

/// What packages, kernel, the compiler's output and an image take in the cache, in MiB, with room
/// to spare.
pub const CACHE_MIB: u64 = 4096;
/// What a cache that holds an image already needs for the next one.
pub const WARM_CACHE_MIB: u64 = 512;
/// What the host's packages take, with their downloads.
pub const PACKAGES_MIB: u64 = 2048;

/// How much is free for this user at a path that need not exist yet, in MiB.
///
/// # Errors
/// If the file system cannot be asked.
pub fn free_mib(path: &Path) -> Result<u64> {
    let folder = existing(path);
    let found = statvfs(&folder)
        .map_err(std::io::Error::from)
        .at("asking for the space of", &folder)?;
    #[allow(clippy::useless_conversion)] // narrower on other hosts
    Ok(u64::from(found.blocks_available()) * u64::from(found.fragment_size()) / (1 << 20))
}

/// Checks that `needed` MiB are free at a path.
///
/// # Errors
/// [`Error::NoSpace`] with what to do.
pub fn check(path: &Path, needed: u64, remedy: &str) -> Result<u64> {
    let free = free_mib(path)?;
    if free < needed {
        return Err(Error::NoSpace {
            folder: existing(path),
            free,
            needed,
            remedy: remedy.to_owned(),
        });
    }
    Ok(free)
}

/// Checks that the cache has room: much for the first image, little for the next.
///
/// # Errors
/// [`Error::NoSpace`].
pub fn check_cache(cache: &Path) -> Result<u64> {
    let needed = match has_image(cache) {
        true => WARM_CACHE_MIB,
        false => CACHE_MIB,
    };
    check(
        cache,
        needed,
        "make room, or set TX_ISP_CACHE to a folder on another disk",
    )
}

/// Whether an image has been made in this cache before.
#[must_use]
pub fn has_image(cache: &Path) -> bool {
    std::fs::read_dir(cache.join("images")).is_ok_and(|mut entries| entries.next().is_some())
}

/// The first folder of a path that is there already.
#[must_use]
pub fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|folder| folder.is_dir());
    found.unwrap_or(Path::new("/")).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_asked_for_where_the_cache_will_be() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(existing(&dir.path().join("not/yet")), dir.path());
        free_mib(&dir.path().join("not/yet")).unwrap();
    }

    #[test]
    fn too_little_space_says_how_much_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let error = check(dir.path(), u64::MAX, "buy a disk").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("MiB are needed; buy a disk"), "{text}");
    }

    #[test]
    fn a_cache_with_an_image_needs_less() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!has_image(dir.path()));
        std::fs::create_dir(dir.path().join("images")).unwrap();
        assert!(!has_image(dir.path()));
        std::fs::write(dir.path().join("images/a.cpio"), "").unwrap();
        assert!(has_image(dir.path()));
    }
}
