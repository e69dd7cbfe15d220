// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the shared libraries that the guest's programs need, among its unpacked packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{LittleEndian, elf};

use crate::cache;
use crate::error::{Error, Result};

/// Where the guest's dynamic linker looks by itself.
const FOLDERS: [&str; 4] = [
    "lib/mipsel-linux-gnu",
    "usr/lib/mipsel-linux-gnu",
    "lib",
    "usr/lib",
];

/// What programs need beside themselves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needed {
    /// Each library's path in the guest, and its file on the host.
    pub(crate) libraries: BTreeMap<String, PathBuf>,
    /// Further names, and which path in the guest they stand for: the dynamic linker goes by a
    /// fixed one.
    pub(crate) links: BTreeMap<String, String>,
}

/// Follows what `programs` (files on the host) ask for through all of `root`.
///
/// # Errors
/// [`Error::NoLibrary`] if a library is not there.
pub(crate) fn needed_by(programs: &[PathBuf], root: &Path) -> Result<Needed> {
    let mut needed = Needed::default();
    let mut open: Vec<PathBuf> = programs.to_vec();
    while let Some(file) = open.pop() {
        let asks = asks(&file)?;
        let linker = asks
            .interpreter
            .as_deref()
            .and_then(|path| path.rsplit('/').next());
        for library in asks.libraries.iter().map(String::as_str).chain(linker) {
            let (guest, host) = find(library, root).ok_or_else(|| Error::NoLibrary {
                library: library.to_owned(),
                needed_by: file.clone(),
            })?;
            if let Some(fixed) = asks
                .interpreter
                .as_ref()
                .filter(|fixed| linker == Some(library) && **fixed != guest)
            {
                needed.links.insert(fixed.clone(), guest.clone());
            }
            if needed.libraries.insert(guest, host.clone()).is_none() {
                open.push(host);
            }
        }
    }
    Ok(needed)
}

/// A library's path in the guest and its file below `root`, links followed.
fn find(library: &str, root: &Path) -> Option<(String, PathBuf)> {
    let root = root.canonicalize().ok()?;
    FOLDERS.iter().find_map(|folder| {
        let file = root.join(folder).join(library).canonicalize().ok()?;
        // An absolute link would lead into the host's own libraries.
        file.starts_with(&root)
            .then(|| (format!("/{folder}/{library}"), file))
    })
}

struct Asks {
    interpreter: Option<String>,
    libraries: Vec<String>,
}

/// What one ELF file asks for by itself.
fn asks(file: &Path) -> Result<Asks> {
    let bytes = cache::read(file)?;
    let read = || -> object::read::Result<Asks> {
        let header = elf::FileHeader32::<LittleEndian>::parse(&*bytes)?;
        let endian = header.endian()?;
        let mut interpreter = None;
        for segment in header.program_headers(endian, &*bytes)? {
            if let Some(path) = segment.interpreter(endian, &*bytes)? {
                interpreter = Some(String::from_utf8_lossy(path).into_owned());
            }
        }
        let sections = header.sections(endian, &*bytes)?;
        let mut libraries = Vec::new();
        if let Some((entries, strings)) = sections.dynamic(endian, &*bytes)? {
            let strings = sections.strings(endian, &*bytes, strings)?;
            for entry in entries {
                if entry.tag(endian) == elf::DT_NEEDED {
                    let name = entry.string(endian, strings)?;
                    libraries.push(String::from_utf8_lossy(name).into_owned());
                }
            }
        }
        Ok(Asks {
            interpreter,
            libraries,
        })
    };
    read().map_err(|error| Error::Unexpected {
        tool: "the guest's packages",
        detail: format!("{} is no MIPS program: {error}", file.display()),
    })
}
