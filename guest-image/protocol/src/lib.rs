// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the lab and the guest say to each other.
//!
//! | module | what it defines |
//! |---|---|
//! | [`camera`] | what a camera's client asks of memory, in which order, and what came of it |
//! | [`message`] | every request of the lab and every answer of the guest |
//! | [`wire`] | how a message becomes bytes: a length, then the message in postcard's format |
//!
//! The other end is `guest-agent`, the guest's first process.

pub mod camera;
pub mod message;
pub mod wire;

/// The name of the serial port that carries the messages (`virtserialport,name=…`).
pub const PORT_NAME: &str = "tx-isp.agent";

/// The version of the messages; both sides must have the same one. Any change to [`message`] that
/// changes bytes on the wire is a new version.
pub const VERSION: u32 = 4;

/// The word on the kernel command line that asks for a console instead of the agent.
pub const SHELL_WORD: &str = "lab.shell";

/// The word on the kernel command line that leaves the driver tx-isp.ko unloaded.
pub const NO_DRIVER_WORD: &str = "lab.no-driver";

/// The word on the kernel command line that leaves the board's module unloaded.
pub const NO_BOARD_WORD: &str = "lab.no-board";

/// What stands before the file name of a user's module on the kernel command line, where the agent is to
/// load it: in the order of these words, with the parameters that stand there as `name.parameter=value`.
pub const LOAD_WORD: &str = "lab.load=";

/// The word on the kernel command line that asks for the addresses of modules on the console.
pub const GDB_WORD: &str = "lab.gdb";

/// The word on the kernel command line that asks for the host's folder at [`SHARE_PLACE`].
pub const SHARE_WORD: &str = "lab.share";

/// Under which name QEMU offers the host's folder (virtio-9p's `mount_tag`).
pub const SHARE_TAG: &str = "host";

/// Where the guest has the host's folder.
pub const SHARE_PLACE: &str = "/mnt/host";

/// The word on the kernel command line that asks for the vendor's device nodes: a parameter of the
/// driver's, which the agent heeds, too.
pub const VENDOR_WORD: &str = "tx_isp.vendor=on";
