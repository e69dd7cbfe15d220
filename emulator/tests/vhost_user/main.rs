// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulator as a VM and an operator see it, over its two sockets. The VM is made by hand, so
//! that it can do what no driver does.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod debug;
mod hostile;
mod limits;
mod mailbox;
mod process;
mod raw_and_statistics;
mod revocation;
mod stream;
mod subscription;
mod vm;
