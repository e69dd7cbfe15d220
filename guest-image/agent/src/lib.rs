// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the lab and the guest say to each other.
//!
//! | module | what it defines |
//! |---|---|
//! | [`camera`] | what a camera's client asks of memory, and what it would get |
//! | [`message`] | every request of the lab and every answer of the guest |
//! | [`wire`] | how a message becomes bytes: a length, then the message in postcard's format |
//! | [`planes`] | which bytes of a buffer are the picture, and their checksum |
//!
//! The program of the same package is the guest's first process; see its `main.rs`.

pub mod camera;
pub mod message;
pub mod planes;
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

/// Where a user's own modules are in the guest.
pub const USER_MODULES: &str = "/lib/modules/user";
