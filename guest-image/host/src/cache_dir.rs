// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where everything fetched and built is kept.

use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};

/// `$TX_ISP_CACHE`, else `tx-isp` in the user's cache folder. Creates nothing.
///
/// # Errors
/// [`Error::NoCache`] if there is no home, [`Error::BadPath`] as of [`check_path`].
pub fn find() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = if let Some(dir) = variable("TX_ISP_CACHE") {
        std::path::absolute(&dir).at("resolving", &dir)?
    } else {
        let base = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")))
            .ok_or(Error::NoCache)?;
        base.join("tx-isp")
    };
    check_path(&path)?;
    Ok(path)
}

/// Whether the kernel's makefiles and apt can work in a folder: both cut paths at spaces and read
/// some characters as their own.
///
/// # Errors
/// [`Error::BadPath`].
pub fn check_path(path: &Path) -> Result<()> {
    let bad = |reason: String| Error::BadPath {
        path: path.to_path_buf(),
        reason,
    };
    let Some(text) = path.to_str() else {
        return Err(bad("its name is no UTF-8".to_owned()));
    };
    let takes = |letter: char| letter.is_ascii_alphanumeric() || "/._+-@,~=".contains(letter);
    match text
        .chars()
        .find(|&letter| !takes(letter) && letter.is_ascii())
    {
        None => Ok(()),
        Some(' ') => Err(bad(
            "it has a space in it, and the kernel's makefiles take none".to_owned(),
        )),
        Some(letter) => Err(bad(format!(
            "it has {letter:?} in it, which means something else to the kernel's makefiles"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_make_would_cut_is_refused_with_what_to_do() {
        check_path(Path::new("/home/björn/.cache/tx-isp")).unwrap();
        for path in ["/my cache", "/a:b", "/a#b", "/a$b", "/a'b"] {
            let error = check_path(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains("TX_ISP_CACHE=/"), "{error}");
        }
    }
}
