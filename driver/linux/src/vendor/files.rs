// SPDX-License-Identifier: GPL-2.0-only
//! `/proc/jz/isp` and the words of `/dev/mem`.

use crate::ffi::{Core, failed, run};
use crate::guard::{PANICKED, guard};
use crate::print::{Level, complain, log};
use core::fmt::{self, Write};
use core::{slice, str};
use tx_isp_abi::PhysAddr;
use tx_isp_driver::vendor::front::Front;
use tx_isp_driver::vendor::pages;
use tx_isp_driver::vendor::report::{self, Command, File};
use tx_isp_driver::{Errno, Error};

/// Whether `bytes` bytes from `address` on are registers, which may be mapped; says where they show
/// zeros, or why not.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_vendor_may_map(address: u32, bytes: u32) -> bool {
    guard(false, || {
        let address = PhysAddr(address);
        if !pages::may_be_mapped(address, bytes) {
            complain(format_args!(
                "vendor: /dev/mem has the SoC's registers, at most 1 MiB at a time, not {bytes} bytes at {address}"
            ));
            return false;
        }
        if !pages::is_known(address, bytes) {
            complain(format_args!(
                "vendor: of the {bytes} bytes of registers at {address} only those that client libraries read are shown, the rest is 0"
            ));
        }
        true
    })
}

/// Stores what a page of registers says.
///
/// # Safety
/// `words` points to a page of zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_page(core: &mut Core, address: u32, words: *mut u32) -> i32 {
    guard(PANICKED, || {
        // SAFETY: by this function's contract.
        let words = unsafe { slice::from_raw_parts_mut(words, (pages::PAGE / 4) as usize) };
        run("registers for /dev/mem", || {
            pages::fill(core, PhysAddr(address), words).map_err(Error::from)
        })
    })
}

/// A text in memory of C's; what is longer is cut.
struct Text<'a> {
    bytes: &'a mut [u8],
    used: usize,
}

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.used..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.used += length;
        Ok(())
    }
}

/// Writes a file of /proc/jz/isp to the `room` bytes at `text`: its length, or a negative errno.
///
/// # Safety
/// `text` points to `room` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_show(
    front: &Front,
    core: &mut Core,
    file: u32,
    frames: u32,
    text: *mut u8,
    room: u32,
) -> i32 {
    guard(PANICKED, || {
        let Some(file) = File::from_number(file) else {
            return Errno::Einval.to_return_value();
        };
        let words = match report::registers(core, file) {
            Ok(words) => words,
            Err(error) => return failed("/proc/jz/isp", error.into()),
        };
        let room = usize::try_from(room).unwrap_or(0);
        let mut text = Text {
            // SAFETY: by this function's contract.
            bytes: unsafe { slice::from_raw_parts_mut(text, room) },
            used: 0,
        };
        if report::show(&mut text, file, front, core, words, frames).is_err() {
            log(
                Level::Error,
                format_args!("/proc/jz/isp: formatting failed"),
            );
        }
        i32::try_from(text.used).unwrap_or(0)
    })
}

/// Takes what a client writes to a file of /proc/jz/isp: 0, or -EINVAL for what nobody knows there.
///
/// # Safety
/// `text` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tx_isp_vendor_store(file: u32, text: *const u8, length: u32) -> i32 {
    guard(PANICKED, || {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: by this function's contract.
        let bytes = unsafe { slice::from_raw_parts(text, length) };
        let text = str::from_utf8(bytes).unwrap_or("");
        match File::from_number(file).and_then(|file| Command::parse(file, text)) {
            Some(command) => {
                complain(format_args!("/proc/jz/isp: {}", command.outcome()));
                0
            }
            None => {
                complain(format_args!(
                    "/proc/jz/isp: isp-m0 takes get_vb and set_ch0_pdq_time, _inter and _vlines, isp-w02 snapraw and saveraw"
                ));
                Errno::Einval.to_return_value()
            }
        }
    })
}
