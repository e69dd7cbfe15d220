// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernels the guest can boot: Debian's, our own small ones, and a user's.

mod debian;
pub(crate) mod flavour;
pub(crate) mod modules;
mod payload;
mod user;

use std::path::{Path, PathBuf};
use std::process::Command;

use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, elf};

use crate::apt::Apt;
use crate::cache::{self, Cache};
use crate::error::{Error, Result};
use host_setup::progress::Progress;
use modules::ModuleTree;

/// Prefix of the cross compiler's programs.
pub(crate) const CROSS_COMPILE: &str = "mipsel-linux-gnu-";

/// A relocatable kernel copies itself to a random place at every boot: Debian's to anywhere from
/// 17 to 33 MiB (`determine_relocation_address()`), where it may meet the initramfs. Kept where it
/// was loaded it starts earlier, always at the same addresses, and what is placed beside it is safe.
const STAY_IN_PLACE: &str = "nokaslr";

/// What the image asks for as a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelChoice {
    /// Debian's 4kc-malta kernel as it is, unpacked from its vmlinuz.
    Debian,
    /// A small kernel from Debian's source with our configuration, for quick boots.
    Fast,
    /// The same with lockdep, kmemleak and the kernel's other checks, to find a driver's mistakes.
    Debug,
    /// The small one of the newest series with long support that the guest's release has source of.
    Lts,
    /// The small one of the newest kernel that Debian's backports have source of.
    Latest,
    /// A user's `vmlinux`, inside the folder it was built in.
    Path(PathBuf),
}

impl KernelChoice {
    /// The kernels that have a name.
    pub const NAMED: [Self; 5] = [
        Self::Debian,
        Self::Fast,
        Self::Debug,
        Self::Lts,
        Self::Latest,
    ];

    /// The kernel's name, or None for a path.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Debian => Some("debian"),
            Self::Fast => Some(flavour::FAST.name),
            Self::Debug => Some(flavour::DEBUG.name),
            Self::Lts => Some(flavour::LTS.name),
            Self::Latest => Some(flavour::LATEST.name),
            Self::Path(_) => None,
        }
    }

    /// The kernel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .into_iter()
            .find(|choice| choice.name() == Some(name))
    }
}

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

/// Fetches or builds the kernel of that choice.
pub(crate) fn prepare(
    choice: &KernelChoice,
    repository: &Path,
    cache: &Cache,
    apt: &Apt<'_>,
    progress: &dyn Progress,
) -> Result<Kernel> {
    match choice {
        KernelChoice::Debian => debian::prepare(cache, apt, progress),
        KernelChoice::Fast => flavour::prepare(&flavour::FAST, repository, cache, apt, progress),
        KernelChoice::Debug => flavour::prepare(&flavour::DEBUG, repository, cache, apt, progress),
        KernelChoice::Lts => flavour::prepare(&flavour::LTS, repository, cache, apt, progress),
        KernelChoice::Latest => {
            // Its packages are where the newest QEMU's are.
            let newest = Cache::at(cache.path("qemu"));
            let _lock = newest.lock(progress)?;
            let apt = Apt::open_newest(cache, &newest, progress)?;
            flavour::prepare(&flavour::LATEST, repository, cache, &apt, progress)
        }
        KernelChoice::Path(vmlinux) => user::prepare(vmlinux, cache, progress),
    }
}

/// `make` for a MIPS kernel tree in `dir`.
pub(crate) fn make(dir: &Path) -> Command {
    let mut command = Command::new("make");
    // The caller's own make and kbuild settings are not meant for this build.
    for name in ["MAKEFLAGS", "MAKELEVEL", "KBUILD_OUTPUT", "O", "M"] {
        command.env_remove(name);
    }
    command
        .arg("-C")
        .arg(dir)
        .arg("ARCH=mips")
        .arg(format!("CROSS_COMPILE={CROSS_COMPILE}"))
        .arg(format!("CC={CROSS_COMPILE}gcc"));
    command
}

/// How many jobs a build may run side by side.
pub(crate) fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One of the cross compiler's programs, as in "gcc".
pub(crate) fn cross(program: &str) -> Command {
    Command::new(format!("{CROSS_COMPILE}{program}"))
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
