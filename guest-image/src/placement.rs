// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where the initramfs lies in the guest's memory.
//!
//! QEMU's own `-initrd` puts it at the top of RAM. On a camera's memory layout that is the
//! carve-out, which Linux never sees; so it is placed by hand, right below the carve-out.

use crate::error::{Error, Result};

/// One mebibyte.
const MIB: u64 = 1 << 20;

/// The initramfs starts at a multiple of this, and so far apart it stays from its neighbours.
const ALIGN: u64 = 64 << 10;

/// Malta maps RAM up to here at address 0 (KSEG0); more lies elsewhere.
const LOW_MEMORY: u64 = 256 * MIB;

/// KSEG0: the kernel's view of low memory.
const KSEG0: u64 = 0x8000_0000;

/// What Linux needs beside its image and the initramfs to unpack it and run a few programs, at
/// least: page tables, its own allocations, modules.
const WORKING_ROOM: u64 = 12 * MIB;

/// Where the initramfs goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Physical address of its first byte.
    pub address: u64,
    /// Bytes.
    pub size: u64,
}

impl Placement {
    /// Places an initramfs of `size` bytes in `ram` bytes of guest memory, behind a kernel that
    /// ends at physical address `kernel_end`, and below `limit`, where what Linux is not to use begins.
    ///
    /// # Errors
    /// [`Error::TooLittleMemory`] if they do not fit, or if nothing would be left to work with:
    /// the unpacked initramfs takes its size once more.
    pub fn find(ram: u64, limit: Option<u64>, kernel_end: u64, size: u64) -> Result<Self> {
        let top = limit.unwrap_or(ram).min(ram).min(LOW_MEMORY);
        let needed = round_up(kernel_end) + 2 * round_up(size) + WORKING_ROOM;
        if needed > top {
            return Err(Error::TooLittleMemory {
                needed: needed.div_ceil(MIB),
                given: top / MIB,
            });
        }
        let address = (top - size) / ALIGN * ALIGN;
        Ok(Self { address, size })
    }

    /// QEMU's arguments to put `file` there.
    #[must_use]
    pub fn qemu_arguments(&self, file: &str) -> [String; 2] {
        // QEMU takes a comma as the next option, unless doubled.
        let file = file.replace(',', ",,");
        [
            "-device".to_owned(),
            format!("loader,file={file},addr={:#x},force-raw=on", self.address),
        ]
    }

    /// The kernel's command-line words that say where it is.
    #[must_use]
    pub fn command_line(&self) -> String {
        format!("rd_start={:#x} rd_size={}", KSEG0 + self.address, self.size)
    }
}

fn round_up(bytes: u64) -> u64 {
    bytes.div_ceil(ALIGN) * ALIGN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a camera's carve-out begins.
    const CAMERA: Option<u64> = Some(99 * MIB);

    #[test]
    fn it_ends_below_the_carve_out_and_starts_above_the_kernel() {
        let size = 11 * MIB + 123;
        let placed = Placement::find(128 * MIB, CAMERA, 16 * MIB, size).unwrap();
        assert!(placed.address + placed.size <= 99 * MIB);
        assert!(placed.address + placed.size > 98 * MIB);
        assert!(placed.address >= 16 * MIB);
        assert_eq!(placed.address % ALIGN, 0);
    }

    #[test]
    fn memory_beyond_256_mib_is_not_used() {
        let placed = Placement::find(1024 * MIB, None, 16 * MIB, MIB).unwrap();
        assert_eq!(placed.address, 255 * MIB);
    }

    #[test]
    fn too_little_memory_says_how_much_is_needed() {
        let error = Placement::find(32 * MIB, None, 16 * MIB, 8 * MIB).unwrap_err();
        assert!(matches!(
            error,
            Error::TooLittleMemory {
                needed: 44,
                given: 32
            }
        ));
        let exact = Placement::find(44 * MIB, None, 16 * MIB, 8 * MIB).unwrap();
        assert_eq!(exact.address, 36 * MIB);
    }

    #[test]
    fn arguments_and_command_line_name_the_same_place() {
        let placed = Placement {
            address: 0x300_0000,
            size: 77,
        };
        assert_eq!(
            placed.qemu_arguments("/a,b.cpio")[1],
            "loader,file=/a,,b.cpio,addr=0x3000000,force-raw=on"
        );
        assert_eq!(placed.command_line(), "rd_start=0x83000000 rd_size=77");
    }
}
