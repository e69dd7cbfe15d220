// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The memory that the temporal noise reduction keeps frames in ("ncubuf"): the registers
//! that are told where it is (T31 5.2, 2b.8).

use crate::bring_up::write;
use tx_isp_abi::Errno;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::vendor::IspBuffer;
use tx_isp_abi::{PhysAddr, Size};
use tx_isp_alloc::List;
use tx_isp_alloc::noise_reduction::Planes;
pub use tx_isp_alloc::noise_reduction::{MemoryOption, bytes};

/// The first register that is told of it.
const REGISTERS: u32 = 0x1330_0000;
/// Registers that are written at most.
pub const MAX_WRITES: usize = 20;

/// The registers that SET_BUF writes, in the vendor's order. The vendor's driver compares sizes between
/// writes, so that a buffer that is too small leaves half of them written; here nothing is.
///
/// # Errors
/// `EFAULT` if the buffer is too small or ends beyond 4 GiB.
pub fn registers(
    buffer: IspBuffer,
    size: Size,
    option: MemoryOption,
) -> Result<List<Operation, MAX_WRITES>, Errno> {
    let ends = PhysAddr(buffer.address).checked_add(buffer.bytes).is_some();
    if buffer.bytes < bytes(size, option) || !ends {
        return Err(Errno::Efault);
    }
    let planes = Planes::of(size);
    let mut list = List::new(write(PhysAddr(0), 0));
    let mut put = |offset: u32, value: u32| {
        let fits = list.push(write(PhysAddr(REGISTERS + offset), value));
        debug_assert!(fits, "MAX_WRITES counts all of them");
    };
    let start = buffer.address;
    put(0x7820, start);
    put(0x7824, planes.luma_stride);
    put(0x7828, start + planes.luma);
    put(0x782c, planes.luma_stride);
    let reference = start + planes.luma / 2 * 3;
    put(0x7830, reference);
    put(0x7834, planes.reference_stride);
    // The other three reference planes follow, or are the first again.
    let (step, stride) = match option {
        MemoryOption::Full => (planes.reference, planes.reference_stride),
        MemoryOption::Saving => (0, 0),
    };
    for (offset, plane) in [(0x7840, 1), (0x7848, 2), (0x7850, 3)] {
        put(offset, reference + plane * step);
        put(offset + 4, stride);
    }
    put(0x7838, 0);
    put(0x783c, 1);
    let background = reference + 4 * planes.reference;
    let (chroma, tiny) = (planes.chroma, planes.chroma / 2 * 3);
    for (offset, start_of_part, stride) in match option {
        MemoryOption::Full => [
            (0x7858, background, planes.chroma_stride),
            (0x7860, background + chroma, planes.chroma_stride),
            (0x7868, background + tiny, planes.tiny_stride),
        ],
        MemoryOption::Saving => [(0x7858, start, 0), (0x7860, start, 0), (0x7868, start, 0)],
    } {
        put(offset, start_of_part);
        put(offset + 4, stride);
    }
    Ok(list)
}

/// What the vendor's driver writes for a buffer that is too small before it refuses it: it compares the
/// length behind each of its steps (T31 2b.8). Nothing where the planes would end beyond 4 GiB.
#[must_use]
pub fn written_before_refusal(
    buffer: IspBuffer,
    size: Size,
    option: MemoryOption,
) -> List<Operation, MAX_WRITES> {
    let whole = IspBuffer {
        bytes: bytes(size, option),
        ..buffer
    };
    let Ok(mut list) = registers(whole, size, option) else {
        return List::new(write(PhysAddr(0), 0));
    };
    let planes = Planes::of(size);
    let frames = planes.luma / 2 * 3;
    let references = match option {
        MemoryOption::Full => 4 * planes.reference,
        MemoryOption::Saving => planes.reference,
    };
    let background = frames + references;
    let steps = match option {
        MemoryOption::Full => [
            background + planes.chroma,
            background + planes.chroma / 2 * 3,
            whole.bytes,
        ],
        MemoryOption::Saving => [whole.bytes; 3],
    };
    let needed = [
        (2, planes.luma),
        (4, frames),
        (14, background),
        (16, steps[0]),
        (18, steps[1]),
        (MAX_WRITES, steps[2]),
    ];
    let refused = needed.iter().find(|(_, bytes)| buffer.bytes < *bytes);
    let count = refused.map_or(0, |(writes, _)| *writes);
    while list.len() > count {
        list.remove(list.len() - 1);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn writes(option: MemoryOption) -> Vec<(u32, u32)> {
        let size = Size::new(1920, 1080);
        let buffer = IspBuffer {
            address: 0x630_0000,
            bytes: bytes(size, option),
        };
        let list = registers(buffer, size, option).unwrap();
        let words = list.as_slice().iter().map(|operation| match operation {
            Operation::Write(address, value) => (address.0 - REGISTERS, *value),
            other => panic!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn all_planes_lie_in_the_buffer_one_behind_the_other() {
        let r = 64 * 69;
        let reference = 0x630_0000 + 1920 * 1080 * 3 / 2;
        let background = reference + 4 * r;
        assert_eq!(
            writes(MemoryOption::Full),
            [
                (0x7820, 0x630_0000),
                (0x7824, 1920),
                (0x7828, 0x630_0000 + 1920 * 1080),
                (0x782c, 1920),
                (0x7830, reference),
                (0x7834, 64),
                (0x7840, reference + r),
                (0x7844, 64),
                (0x7848, reference + 2 * r),
                (0x784c, 64),
                (0x7850, reference + 3 * r),
                (0x7854, 64),
                (0x7838, 0),
                (0x783c, 1),
                (0x7858, background),
                (0x785c, 960),
                (0x7860, background + 960 * 1080),
                (0x7864, 960),
                (0x7868, background + 960 * 1080 * 3 / 2),
                (0x786c, 64),
            ]
        );
    }

    #[test]
    fn the_saving_buffer_has_one_reference_plane_and_no_background() {
        let reference = 0x630_0000 + 1920 * 1080 * 3 / 2;
        let words = writes(MemoryOption::Saving);
        for expected in [
            (0x7830, reference),
            (0x7834, 64),
            (0x7840, reference),
            (0x7844, 0),
            (0x7850, reference),
            (0x7854, 0),
            (0x7858, 0x630_0000),
            (0x785c, 0),
            (0x7868, 0x630_0000),
            (0x786c, 0),
        ] {
            assert!(words.contains(&expected), "{expected:x?}");
        }
    }

    #[test]
    fn the_vendors_driver_writes_until_the_buffer_ends() {
        let size = Size::new(1920, 1080);
        let luma = 1920 * 1080;
        let frames = luma / 2 * 3;
        let writes = |bytes, option| {
            let buffer = IspBuffer {
                address: 0x630_0000,
                bytes,
            };
            written_before_refusal(buffer, size, option).len()
        };
        let whole = bytes(size, MemoryOption::Full);
        for (bytes, count) in [
            (4096, 2),
            (luma - 1, 2),
            (luma, 4),
            (frames, 14),
            (frames + 4 * 64 * 69, 16),
            (whole - 1, 20),
            (whole, 0),
        ] {
            assert_eq!(writes(bytes, MemoryOption::Full), count, "{bytes}");
        }
        let saving = bytes(size, MemoryOption::Saving);
        assert_eq!(writes(saving - 1, MemoryOption::Saving), 14);
        assert_eq!(writes(saving, MemoryOption::Saving), 0);
        let beyond = IspBuffer {
            address: 0xfff0_0000,
            bytes: 4096,
        };
        assert!(written_before_refusal(beyond, size, MemoryOption::Full).is_empty());
    }

    #[test]
    fn a_buffer_that_is_too_small_is_refused_before_any_write() {
        let size = Size::new(1920, 1080);
        for option in [MemoryOption::Full, MemoryOption::Saving] {
            let buffer = IspBuffer {
                address: 0x630_0000,
                bytes: bytes(size, option) - 1,
            };
            assert_eq!(registers(buffer, size, option), Err(Errno::Efault));
        }
        let beyond = IspBuffer {
            address: 0xfff0_0000,
            bytes: 4_685_424,
        };
        assert_eq!(
            registers(beyond, size, MemoryOption::Full),
            Err(Errno::Efault)
        );
    }
}
