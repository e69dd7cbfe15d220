// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The console: the agent's log, or a shell for a person.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use guest_protocol::message::Failure;
use nix::sys::wait::WaitStatus;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use crate::failure::At;
use crate::port::Port;

/// What a shell adds to a signal's number.
const BY_SIGNAL: i32 = 128;
/// Where programs of the guest are.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The console's device: a shell needs its real name to control its jobs.
const TERMINAL: &str = "/dev/ttyS0";

nix::ioctl_write_int_bad!(set_controlling_terminal, libc::TIOCSCTTY);
nix::ioctl_write_ptr_bad!(set_window_size, libc::TIOCSWINSZ, libc::winsize);

/// Makes the console this process's input and output. The kernel does it only if the image
/// has the device's file, and devtmpfs has come since.
pub fn use_console() {
    if let Ok(console) = File::options().read(true).write(true).open("/dev/console") {
        // Each fails only for a descriptor that is none.
        let _ = dup2_stdin(&console);
        let _ = dup2_stdout(&console);
        let _ = dup2_stderr(&console);
    }
}

/// A shell on the console, with job control.
pub fn command() -> Command {
    let mut command = Command::new("/bin/busybox");
    command
        .args(["sh", "-l"])
        .current_dir("/")
        .env("PATH", PATH)
        .env("HOME", "/")
        .env("TERM", terminal_kind())
        .env("PS1", "tx-isp guest \\w # ");
    if let Ok(terminal) = File::options().read(true).write(true).open(TERMINAL) {
        set_size(&terminal);
        let copies = (terminal.try_clone(), terminal.try_clone());
        if let (Ok(input), Ok(output)) = copies {
            command
                .stdin(Stdio::from(input))
                .stdout(Stdio::from(output))
                .stderr(Stdio::from(terminal));
        }
    }
    // SAFETY: between fork and exec only two system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(own_terminal) };
    command
}

/// Tells the lab with which code a shell that sees a child end like this ends itself.
pub fn tell_end(status: Option<WaitStatus>) -> Result<(), Failure> {
    let code = match status {
        Some(WaitStatus::Exited(_, code)) => code,
        Some(WaitStatus::Signaled(_, signal, _)) => BY_SIGNAL + signal as i32,
        _ => return Ok(()),
    };
    match Port::open_if_there()? {
        Some(mut port) => writeln!(port, "{code}").at("telling the shell's exit code"),
        None => Ok(()),
    }
}

/// Tells the terminal how large it is, as the kernel command line says (`LINES`, `COLUMNS`).
fn set_size(terminal: &File) {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    if let Some((ws_row, ws_col)) = number("LINES").zip(number("COLUMNS")) {
        let size = libc::winsize {
            ws_row,
            ws_col,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: the size outlives the call. Where it is refused the terminal has its usual size.
        let _ = unsafe { set_window_size(terminal.as_raw_fd(), &size) };
    }
}

/// Makes the process the head of a session with its standard input as the terminal.
fn own_terminal() -> std::io::Result<()> {
    setsid()?;
    // SAFETY: the call takes no pointer. Without a terminal it fails, and the shell works without
    // job control.
    let _ = unsafe { set_controlling_terminal(0, 0) };
    Ok(())
}

/// `TERM` from the kernel command line ends up in init's environment.
fn terminal_kind() -> String {
    std::env::var("TERM")
        .ok()
        .filter(|kind| !kind.is_empty())
        .unwrap_or_else(|| "vt100".to_owned())
}
