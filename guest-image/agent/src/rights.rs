// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `guest-agent rights`: what clients of `/dev/rmem` and of USERPTR may not do to one another, tried.
//!
//! A block that is mapped, exported or queued cannot be freed; what a client gets is zero, and no page
//! of it is another's; nobody can announce what never fits, nor fill the table of blocks so that the
//! driver finds no room; and no address makes a buffer of memory that is not the client's.

use std::process::ExitCode;

use guest_protocol::message::Failure;
use nix::errno::Errno;
use tx_isp_abi::format::PixelFormat;

use crate::abi;
use crate::device::{Camera, Mapping, Place};
use crate::failure::failure;
use crate::rmem::Rmem;

const PAGE: u32 = 4096;
/// More blocks than any table of the driver has.
const MANY: u32 = 5000;
const NODE: &str = "/dev/video0";

/// One of the tries.
type Try = fn() -> Result<(), Failure>;

/// The program: 0 if everything was refused that must be, 1 with the first that was not.
pub fn main() -> ExitCode {
    let tries: [(&str, Try); 6] = [
        ("a mapped block is not freed", mapped_block),
        ("an exported block is not freed", exported_block),
        ("what is handed out is zero", zero_blocks),
        ("no page holds blocks of two clients", own_pages),
        ("the table cannot be filled", full_table),
        ("addresses are checked", bad_addresses),
    ];
    for (name, attempt) in tries {
        if let Err(failure) = attempt() {
            println!("{name}: {failure}");
            return ExitCode::FAILURE;
        }
    }
    println!("{} rights hold", tries.len());
    ExitCode::SUCCESS
}

fn must_fail<T>(what: &str, result: Result<T, Failure>, errno: Errno) -> Result<(), Failure> {
    match result {
        Err(error) if error.errno == Some(errno as i32) => Ok(()),
        Err(error) => Err(failure(what, format!("not {errno} but {error}"))),
        Ok(_) => Err(failure(what, "it succeeded")),
    }
}

fn must(what: &str, holds: bool) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(failure(what, "no"))
    }
}

fn fill(mapping: &Mapping, byte: u8) {
    // SAFETY: the mapping is writable and as long as its bytes; no slice of it is alive.
    unsafe {
        let length = mapping.bytes().len();
        std::ptr::write_bytes(mapping.address() as *mut u8, byte, length);
    }
}

fn mapped_block() -> Result<(), Failure> {
    let rmem = Rmem::open()?;
    let block = rmem.allocate(4 * PAGE, PAGE, "mapped")?;
    let mapping = rmem.map(block, 4 * PAGE)?;
    must_fail("FREE of a mapped block", rmem.free(block), Errno::EBUSY)?;
    drop(mapping);
    rmem.free(block)
}

fn exported_block() -> Result<(), Failure> {
    let rmem = Rmem::open()?;
    let block = rmem.allocate(PAGE, PAGE, "exported")?;
    let shared = rmem.export(block)?;
    must_fail("FREE of an exported block", rmem.free(block), Errno::EBUSY)?;
    drop(shared);
    rmem.free(block)
}

fn zero_blocks() -> Result<(), Failure> {
    let first = Rmem::open()?;
    // Its last page is mapped as a whole, and so can be written to.
    let bytes = 2 * PAGE + 256;
    let block = first.allocate(bytes, PAGE, "first")?;
    let mapping = first.map(block, 3 * PAGE)?;
    fill(&mapping, 0xa5);
    drop(mapping);
    first.free(block)?;
    let second = Rmem::open()?;
    let again = second.allocate(3 * PAGE, PAGE, "second")?;
    must("the same memory comes again", again == block)?;
    let mapping = second.map(again, 3 * PAGE)?;
    let zero = mapping.bytes().iter().all(|byte| *byte == 0);
    must("it is zero", zero)?;
    fill(&mapping, 0x5a);
    drop(mapping);
    drop(second);
    let third = Rmem::open()?;
    let again = third.allocate(3 * PAGE, PAGE, "third")?;
    let mapping = third.map(again, 3 * PAGE)?;
    let zero = mapping.bytes().iter().all(|byte| *byte == 0);
    must("it is zero behind a client that has closed", zero)
}

fn own_pages() -> Result<(), Failure> {
    let (first, second) = (Rmem::open()?, Rmem::open()?);
    let one = first.allocate(256, 0, "first")?;
    let other = second.allocate(256, 0, "second")?;
    let packed = first.allocate(256, 0, "first")?;
    must(
        "another client's block is in another page",
        one / PAGE != other / PAGE,
    )?;
    must("its own is behind it", packed == one + 256)?;
    must_fail(
        "mapping another's block",
        second.map(one / PAGE * PAGE, PAGE),
        Errno::EINVAL,
    )
}

fn full_table() -> Result<(), Failure> {
    let rmem = Rmem::open()?;
    let total = rmem.query()?.total;
    must_fail(
        "RESERVE of 4 GiB",
        rmem.reserve(u32::MAX, 0, "all"),
        Errno::EINVAL,
    )?;
    must_fail(
        "RESERVE of more than there is",
        rmem.reserve(total + 1, 0, "all"),
        Errno::EINVAL,
    )?;
    let taken = (0..MANY).take_while(|_| rmem.allocate(256, 0, "small").is_ok());
    let taken = taken.count();
    must("some hundred blocks are to be had", taken > 500)?;
    let camera = Camera::open(NODE)?;
    camera.set_format(640, 360, PixelFormat::Nv12.fourcc())?;
    let granted = camera.request_buffers(4, abi::MEMORY_MMAP)?;
    must("a queue gets its buffers all the same", granted == 4)
}

fn bad_addresses() -> Result<(), Failure> {
    let camera = Camera::open(NODE)?;
    let granted = camera.set_format(640, 360, PixelFormat::Nv12.fourcc())?;
    camera.request_buffers(2, abi::MEMORY_USERPTR)?;
    let mapping = Mapping::anonymous(granted.sizeimage)?;
    let places: [(&str, usize, u32); 5] = [
        (
            "the end of the address space",
            0xffff_e000,
            granted.sizeimage,
        ),
        ("4 GiB from a good address", mapping.address(), u32::MAX),
        ("the kernel's memory", 0x8010_0000, granted.sizeimage),
        ("no memory", 0, granted.sizeimage),
        ("too little", mapping.address(), granted.sizeimage - 1),
    ];
    for (name, address, length) in places {
        if camera.queue(0, Place::User { address, length }).is_ok() {
            return Err(failure(name, "was accepted"));
        }
    }
    // Part of its block, but longer than it.
    let rmem = Rmem::open()?;
    let pages = granted.sizeimage.div_ceil(PAGE);
    let block = rmem.allocate((pages - 1) * PAGE, PAGE, "short")?;
    let part = rmem.map(block, (pages - 1) * PAGE)?;
    let place = Place::User {
        address: part.address(),
        length: granted.sizeimage,
    };
    if camera.queue(0, place).is_ok() {
        return Err(failure("more than a block", "was accepted"));
    }
    let address = mapping.address();
    let length = granted.sizeimage;
    camera.queue(0, Place::User { address, length })
}
