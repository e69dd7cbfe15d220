// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The newest QEMU that Debian has, on a host of an older release: its packages with every library down
//! to libc, unpacked in the cache and run from there. Nothing is installed, and no file of the host is
//! touched.
//!
//! QEMU is started by its own loader with its own libraries. What is left is the folder of its modules,
//! which is built into the program: the host's own QEMU may have modules there, of another build, and QEMU
//! gives up when it meets one. So the program's copy names a folder there that cannot exist, and
//! `QEMU_MODULE_DIR` names the right one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::apt::{Apt, Bundle};
use crate::cache::{self, Cache};
use crate::error::{Error, IoContext, Result};
use host_setup::progress::Progress;

/// What is fetched, and the program in it.
const PACKAGE: &str = "qemu-system-mips";
const PROGRAM: &str = "qemu-system-mipsel";
/// The program whose folder of modules is another.
const RELOCATED: &str = "qemu-system-mipsel.relocated";
/// Where its own data are.
const DATA: &str = "usr/share/qemu";

/// What stands in front of the folder of modules, and what takes its place: as long, and below a device,
/// where no folder can be.
const LIBRARIES: &[u8] = b"/usr/lib/";
const NOWHERE: &[u8] = b"/dev/nul/";

/// The newest QEMU of Debian's backports: a program to be started like any other. Fetches it the first
/// time, into a folder of the cache `whole`.
///
/// # Errors
/// If it cannot be fetched, or is not as it is known.
pub(crate) fn fetch(whole: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
    let cache = Cache::at(whole.path("qemu"));
    let _lock = cache.lock(progress)?;
    let apt = Apt::open_newest(whole, &cache, progress)?;
    let unpacked = apt.bundles("qemu", |apt| {
        Ok(vec![Bundle {
            label: "qemu".to_owned(),
            packages: apt.closure(&[PACKAGE])?,
        }])
    })?;
    match unpacked.as_slice() {
        [bundle] => start_script(&bundle.root),
        _ => Err(unexpected("apt gave it in several parts")),
    }
}

fn unexpected(detail: impl Into<String>) -> Error {
    Error::Unexpected {
        tool: "QEMU's package",
        detail: detail.into(),
    }
}

/// Makes the program that starts the unpacked QEMU; gives its path.
fn start_script(root: &Path) -> Result<PathBuf> {
    let binaries = root.join("usr/bin");
    let libraries = libraries(root)?;
    let relocated = binaries.join(RELOCATED);
    let program = cache::read(&binaries.join(PROGRAM))?;
    let modules = libraries.join("qemu");
    let inside = modules.strip_prefix(root).unwrap_or(&modules);
    let program = relocate(&program, inside)?;
    if cache::write_if_changed(&relocated, &program)? {
        make_executable(&relocated)?;
    }
    let loader = loader(&libraries)?;
    let script = format!(
        "#!/bin/sh\nQEMU_MODULE_DIR={modules} exec {loader} --argv0 {PROGRAM} --library-path {libraries} \\\n    \
         {relocated} -L {data} \"$@\"\n",
        modules = quoted(&modules),
        loader = quoted(&loader),
        libraries = quoted(&libraries),
        relocated = quoted(&relocated),
        data = quoted(&root.join(DATA)),
    );
    let path = root.join(PROGRAM);
    if cache::write_if_changed(&path, script.as_bytes())? {
        make_executable(&path)?;
    }
    Ok(path)
}

fn make_executable(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).at("making executable", path)
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// The folder of the architecture's libraries: that which has QEMU's modules.
fn libraries(root: &Path) -> Result<PathBuf> {
    cache::entries(&root.join("usr/lib"))?
        .into_iter()
        .find(|folder| folder.join("qemu").is_dir() && loader(folder).is_ok())
        .ok_or_else(|| unexpected("there is no folder of libraries with QEMU's modules"))
}

/// The program that loads programs, by the names it has on Debian's architectures.
fn loader(libraries: &Path) -> Result<PathBuf> {
    cache::entries(libraries)?
        .into_iter()
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("ld-linux") || name.starts_with("ld64.so")
        })
        .ok_or_else(|| unexpected("it came without libc's loader"))
}

/// The program with another folder of modules in it; `modules` is the folder's path without the first
/// slash.
fn relocate(program: &[u8], modules: &Path) -> Result<Vec<u8>> {
    let path = format!("\0/{}\0", modules.display());
    let places: Vec<usize> = program
        .windows(path.len())
        .enumerate()
        .filter(|(_, window)| *window == path.as_bytes())
        .map(|(place, _)| place + 1)
        .collect();
    let [place] = places.as_slice() else {
        let text = format!(
            "{} names its modules' folder {} times",
            PROGRAM,
            places.len()
        );
        return Err(unexpected(text));
    };
    let mut relocated = program.to_vec();
    match relocated.get_mut(*place..place + LIBRARIES.len()) {
        Some(bytes) if bytes == LIBRARIES => bytes.copy_from_slice(NOWHERE),
        _ => {
            return Err(unexpected(format!(
                "its modules are in {}",
                modules.display()
            )));
        }
    }
    Ok(relocated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folder_of_modules_is_changed() {
        let program = b"x\0/usr/lib/y\0/usr/lib/a-b/qemu\0/usr/lib/a-b/qemu/z\0";
        let relocated = relocate(program, Path::new("usr/lib/a-b/qemu")).unwrap();
        let expected = b"x\0/usr/lib/y\0/dev/nul/a-b/qemu\0/usr/lib/a-b/qemu/z\0";
        assert_eq!(relocated, expected);
        let error = relocate(b"none", Path::new("usr/lib/a-b/qemu")).unwrap_err();
        assert!(error.to_string().contains("0 times"), "{error}");
    }

    #[test]
    fn the_script_passes_its_arguments_and_survives_a_strange_folder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("it's here");
        let libraries = root.join("usr/lib/a-b");
        fs::create_dir_all(libraries.join("qemu")).unwrap();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        let program = root.join("usr/bin").join(PROGRAM);
        fs::write(&program, b"\0/usr/lib/a-b/qemu\0").unwrap();
        let loader = libraries.join("ld-linux-test.so.2");
        fs::write(
            &loader,
            "#!/bin/sh\necho \"$QEMU_MODULE_DIR|$2|$4|$8|$9\"\n",
        )
        .unwrap();
        make_executable(&loader).unwrap();
        let script = start_script(&root).unwrap();
        let said = std::process::Command::new(&script)
            .args(["one two", "x"])
            .output();
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        let folder = libraries.display();
        assert_eq!(
            said,
            format!("{folder}/qemu|{PROGRAM}|{folder}|one two|x\n")
        );
    }
}
