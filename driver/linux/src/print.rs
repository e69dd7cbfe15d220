// SPDX-License-Identifier: GPL-2.0-only
//! Lines for the kernel's log, formatted on the stack.

use core::fmt::{self, Write};

/// How urgent a line is.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Level {
    /// Something failed.
    Error = 0,
    /// Something is wrong, but goes on.
    Warning = 1,
    /// Good to know.
    Info = 2,
}

/// A line of the log; what is longer is cut.
struct Line {
    text: [u8; 200],
    used: usize,
}

impl Line {
    fn format(arguments: fmt::Arguments<'_>) -> Self {
        let mut line = Self {
            text: [0; 200],
            used: 0,
        };
        // Only a Display of ours could fail; then the line is as long as it got.
        let _ = line.write_fmt(arguments);
        line
    }

    fn text(&self) -> (*const u8, u32) {
        (self.text.as_ptr(), u32::try_from(self.used).unwrap_or(0))
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.text[self.used..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.used += length;
        Ok(())
    }
}

unsafe extern "C" {
    fn tx_isp_complain(text: *const u8, length: u32);
    fn tx_isp_print(level: u32, text: *const u8, length: u32);
}

/// Writes a line to the kernel's log.
pub fn log(level: Level, arguments: fmt::Arguments<'_>) {
    let line = Line::format(arguments);
    let (text, length) = line.text();
    // SAFETY: `text` points to `length` readable bytes of `line`, which outlives the call.
    unsafe { tx_isp_print(level as u32, text, length) }
}

/// Hands a panic to C, which reports it and ends the call that led here: see the module `guard`.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn tx_isp_panic(text: *const u8, length: u32) -> !;
    }
    let line = Line::format(format_args!("{info}"));
    let (text, length) = line.text();
    // SAFETY: `text` points to `length` readable bytes of `line`; the call never returns.
    unsafe { tx_isp_panic(text, length) }
}

/// A line about what a client did wrong: a few of them in a row, then no more for a while.
pub fn complain(arguments: fmt::Arguments<'_>) {
    let line = Line::format(arguments);
    let (text, length) = line.text();
    // SAFETY: the text lives until the function returns.
    unsafe { tx_isp_complain(text, length) };
}
