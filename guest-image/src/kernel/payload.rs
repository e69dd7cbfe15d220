// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Unpacks a MIPS `vmlinuz` on the host: the guest would take a second for it at every boot.

use std::io::Read;

use lzma_rust2::XzReader;
use object::{LittleEndian, U16, U32, elf, pod};

/// Part of the cache key: raise it when the layout below changes.
pub(super) const LAYOUT_VERSION: &str = "1";

/// Where a Malta kernel is linked to, in KSEG0.
const LOAD: u32 = 0x8010_0000;

/// The kernel starts with room for the exception vectors; behind it `CONFIG_BOOT_RAW` puts a jump
/// to the real entry.
const ENTRY_OFFSET: u32 = 0x400;

/// The kernel's zeroed data, which a raw image does not tell. The kernel clears it itself; it is
/// counted so that nothing else is placed there. Debian's 6.1.176 takes 0.32 MiB (/proc/iomem).
const BSS: u32 = 2 << 20;

/// Where the segment's bytes lie in the file, and their alignment.
const PAGE: u32 = 0x1000;

/// How every xz stream begins.
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";

/// The kernel inside `vmlinuz` as an ELF file with one segment; or what is wrong with it.
pub(super) fn to_elf(vmlinuz: &[u8]) -> Result<Vec<u8>, String> {
    let raw = unpack(vmlinuz).ok_or("no xz-packed kernel that starts with a jump is in it")?;
    wrap(&raw)
}

fn unpack(vmlinuz: &[u8]) -> Option<Vec<u8>> {
    vmlinuz
        .windows(XZ_MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == XZ_MAGIC)
        .find_map(|(at, _)| {
            let mut raw = Vec::new();
            XzReader::new(vmlinuz.get(at..)?, false)
                .read_to_end(&mut raw)
                .ok()?;
            starts_with_jump(&raw).then_some(raw)
        })
}

/// Whether the instruction at the entry is a `j` to an address inside the kernel.
fn starts_with_jump(raw: &[u8]) -> bool {
    const OPCODE_SHIFT: u32 = 26;
    const J: u32 = 2;
    const SEGMENT: u32 = 0xf000_0000;
    let at = usize::try_from(ENTRY_OFFSET).unwrap_or(usize::MAX);
    let Some(bytes) = raw.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
        return false;
    };
    let word = u32::from_le_bytes(*bytes);
    let target = (LOAD & SEGMENT) | ((word << 6) >> 4);
    let inside = target
        .checked_sub(LOAD)
        .and_then(|offset| usize::try_from(offset).ok())
        .is_some_and(|offset| offset < raw.len());
    word >> OPCODE_SHIFT == J && inside
}

fn wrap(raw: &[u8]) -> Result<Vec<u8>, String> {
    let size = u32::try_from(raw.len()).map_err(|_| "the unpacked kernel is over 4 GiB")?;
    let memory = size
        .checked_add(BSS)
        .ok_or("the unpacked kernel is over 4 GiB")?;
    let header_size = size_of::<elf::FileHeader32<LittleEndian>>();
    let segment_size = size_of::<elf::ProgramHeader32<LittleEndian>>();
    let small = |size: usize| u16::try_from(size).map_err(|_| "an ELF header over 64 KiB");
    let header = elf::FileHeader32 {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS32,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_SYSV,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(LittleEndian, elf::ET_EXEC),
        e_machine: U16::new(LittleEndian, elf::EM_MIPS),
        e_version: U32::new(LittleEndian, 1),
        e_entry: U32::new(LittleEndian, LOAD + ENTRY_OFFSET),
        e_phoff: U32::new(LittleEndian, u32::from(small(header_size)?)),
        e_shoff: U32::new(LittleEndian, 0),
        e_flags: U32::new(
            LittleEndian,
            elf::EF_MIPS_ARCH_32R2 | elf::EF_MIPS_ABI_O32 | elf::EF_MIPS_NOREORDER,
        ),
        e_ehsize: U16::new(LittleEndian, small(header_size)?),
        e_phentsize: U16::new(LittleEndian, small(segment_size)?),
        e_phnum: U16::new(LittleEndian, 1),
        e_shentsize: U16::new(LittleEndian, 0),
        e_shnum: U16::new(LittleEndian, 0),
        e_shstrndx: U16::new(LittleEndian, elf::SHN_UNDEF),
    };
    let segment = elf::ProgramHeader32 {
        p_type: U32::new(LittleEndian, elf::PT_LOAD),
        p_offset: U32::new(LittleEndian, PAGE),
        p_vaddr: U32::new(LittleEndian, LOAD),
        p_paddr: U32::new(LittleEndian, LOAD),
        p_filesz: U32::new(LittleEndian, size),
        p_memsz: U32::new(LittleEndian, memory),
        p_flags: U32::new(LittleEndian, elf::PF_R | elf::PF_W | elf::PF_X),
        p_align: U32::new(LittleEndian, PAGE),
    };
    let mut file = Vec::with_capacity(raw.len() + 0x1000);
    file.extend_from_slice(pod::bytes_of(&header));
    file.extend_from_slice(pod::bytes_of(&segment));
    file.resize(usize::try_from(PAGE).unwrap_or(usize::MAX), 0);
    file.extend_from_slice(raw);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 KiB with `j 0x80101000` where the entry is.
    fn raw_kernel() -> Vec<u8> {
        let mut raw = vec![0; 0x2000];
        let jump: u32 = (2 << 26) | ((0x8010_1000 & 0x0fff_ffff) >> 2);
        raw[0x400..0x404].copy_from_slice(&jump.to_le_bytes());
        raw
    }

    #[test]
    fn a_kernel_is_known_by_the_jump_at_its_entry() {
        assert!(starts_with_jump(&raw_kernel()));
        assert!(!starts_with_jump(&[0; 0x2000]));
        assert!(!starts_with_jump(&[0; 16]));
        let mut outside = raw_kernel();
        outside.truncate(0x800);
        assert!(!starts_with_jump(&outside));
    }

    #[test]
    fn the_wrapped_kernel_ends_after_its_zeroed_data() {
        let file = wrap(&raw_kernel()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vmlinux");
        std::fs::write(&path, file).unwrap();
        assert_eq!(
            crate::kernel::loaded_end(&path).unwrap(),
            0x10_0000 + 0x2000 + (2 << 20)
        );
    }

    #[test]
    fn something_else_is_refused() {
        assert!(to_elf(b"\xfd7zXZ\0 but not really").is_err());
    }
}
