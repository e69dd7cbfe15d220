// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Keeps this machine's paths out of what is built, so that it is the same wherever it is built.

use std::path::{Path, PathBuf};

/// What rustc is told to write instead of paths: the names that go with them. cargo's folder of crates is
/// one of them by itself. Where several prefixes fit a path, rustc takes the last.
#[must_use]
pub fn rustc_flags(named: &[(&Path, &str)]) -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let crates = home.map(|home| home.join("registry/src"));
    crates
        .iter()
        .map(|path| (path.as_path(), "crates"))
        .chain(named.iter().copied())
        .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
        .collect()
}

/// The same for the C compiler.
#[must_use]
pub fn c_flags(named: &[(&Path, &str)]) -> String {
    let flags: Vec<String> = named
        .iter()
        .map(|(path, name)| format!("-ffile-prefix-map={}={name}", path.display()))
        .collect();
    flags.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_this_machine_is_left() {
        let flags = rustc_flags(&[(Path::new("/home/me/my isp"), ".")]);
        assert!(flags[0].ends_with("/registry/src=crates"), "{flags:?}");
        assert_eq!(flags[1], "--remap-path-prefix=/home/me/my isp=.");
        let flags = c_flags(&[(Path::new("/a"), "."), (Path::new("/b"), "linux")]);
        assert_eq!(flags, "-ffile-prefix-map=/a=. -ffile-prefix-map=/b=linux");
    }
}
