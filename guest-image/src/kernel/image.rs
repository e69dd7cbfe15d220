// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A kernel that is ready, and where its ELF lies in memory.

use std::path::{Path, PathBuf};

use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, elf};

use super::modules::ModuleTree;
use crate::cache;
use crate::error::{Error, Result};

/// A relocatable kernel copies itself to a random place at every boot: Debian's to anywhere from
/// 17 to 33 MiB (`determine_relocation_address()`), where it may meet the initramfs. Kept where it
/// was loaded it starts earlier, always at the same addresses, and what is placed beside it is safe.
pub(super) const STAY_IN_PLACE: &str = "nokaslr";

/// A kernel, ready to boot and to build modules for.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// For people, as in "debian 6.1.0-50-4kc-malta".
    pub(crate) label: String,
    /// What `uname -r` says.
    pub(crate) release: String,
    /// The ELF that QEMU loads.
    pub(crate) elf: PathBuf,
    /// What kbuild's `-C` takes to build modules for it.
    pub(crate) build: PathBuf,
    /// Names this kernel in the cache.
    pub(crate) key: String,
    /// Its own modules.
    pub(crate) modules: ModuleTree,
    /// What it wants on its command line.
    pub(crate) command_line: Vec<String>,
    /// Whether it is told the counter's frequency; others measure it.
    pub(crate) takes_counter_hz: bool,
}

/// The first physical address after everything that a kernel's ELF puts into memory, in bytes.
///
/// # Errors
/// [`Error::Kernel`] if it is no 32-bit little-endian MIPS executable.
pub(crate) fn loaded_end(path: &Path) -> Result<u64> {
    /// Takes KSEG0 and KSEG1 addresses down to physical ones.
    const PHYSICAL: u32 = 0x1fff_ffff;

    let bytes = cache::read(path)?;
    let wrong = |reason: String| Error::Kernel {
        path: path.to_path_buf(),
        reason,
    };
    let header = elf::FileHeader32::<LittleEndian>::parse(&*bytes)
        .map_err(|error| wrong(format!("not a 32-bit ELF ({error}); point to a vmlinux")))?;
    let endian = header
        .endian()
        .ok()
        .filter(|_| header.e_ident().data == elf::ELFDATA2LSB)
        .ok_or_else(|| wrong("big-endian; the guest is little-endian (mipsel)".to_owned()))?;
    if header.e_machine(endian) != elf::EM_MIPS || header.e_type(endian) != elf::ET_EXEC {
        return Err(wrong(
            "no MIPS executable; point to the vmlinux of a Malta kernel".to_owned(),
        ));
    }
    let segments = header
        .program_headers(endian, &*bytes)
        .map_err(|error| wrong(error.to_string()))?;
    segments
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
        .map(|segment| {
            u64::from(segment.p_paddr(endian) & PHYSICAL) + u64::from(segment.p_memsz(endian))
        })
        .max()
        .ok_or_else(|| wrong("it has nothing to load".to_owned()))
}
