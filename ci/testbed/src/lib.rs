// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Boots a guest with the emulated ISP, captures its frames and verifies them.
//!
//! | layer | modules |
//! |---|---|
//! | what is asked for | [`config`], [`memory_layout`], [`sensor`], [`debug`] |
//! | programs of the host | [`process`], [`log_follower`], [`interrupt`], [`progress`], [`qemu`], [`bundle`], [`prepare`] |
//! | a running guest | [`qemu_command`], [`emulator`], [`guest`], [`guest_failure`], [`guest_error_watch`], [`program`], [`gdb`], [`user_module`], [`kernel_log`] |
//! | frames | [`stream`], [`capture`], [`camera_client`], [`verify`], [`picture`], [`report`] |
//! | time | [`clock`], [`timeline`] |
//! | what is shown | [`table`], [`terminal`] |
//! | whole checks | [`compliance`] |

pub mod bundle;
pub mod camera_client;
pub mod capture;
pub mod clock;
pub mod compliance;
pub mod config;
pub mod debug;
pub mod emulator;
pub mod gdb;
pub mod guest;
pub mod guest_error_watch;
pub mod guest_failure;
pub mod interrupt;
pub mod kernel_log;
pub mod log_follower;
pub mod memory_layout;
pub mod picture;
pub mod prepare;
pub mod process;
pub mod program;
pub mod progress;
pub mod qemu;
pub mod qemu_command;
pub mod report;
pub mod sensor;
pub mod share;
pub mod stream;
pub mod table;
pub mod terminal;
pub mod timeline;
pub mod user_module;
pub mod verify;

/// An error with its causes, without those that its text tells already.
pub fn explain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            told if told.contains(&cause) => text,
            told => format!("{told}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read a.png: no such file");
        assert_eq!(explain(&error), "cannot read a.png: no such file");
        let error = anyhow::anyhow!("no such file")
            .context("reading a.png")
            .context("starting");
        assert_eq!(explain(&error), "starting: reading a.png: no such file");
    }
}
