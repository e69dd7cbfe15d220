// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The driver of the Ingenic T31 ISP, without the kernel.
//!
//! | module | what it does |
//! |---|---|
//! | [`bus`] | what the driver needs of the world: registers and time |
//! | [`isp`] | the ISP as a whole: identify, bring up, shut down |
//! | [`channel`] | an output channel: set up, feed with buffers, start, stop |
//! | [`interrupt`] | acknowledge, drain, and say which buffers are done |
//! | [`selection`] | which part of the sensor's picture a channel shows |
//! | [`sensor`] | the image sensor: probe, exposure, gain, frame length |
//! | [`quiesce`] | stops, and who may have a buffer back |
//! | [`recovery`] | restarts, the watchdog, interrupt storms |
//! | [`alloc`] | who allocates frame buffers, how many, and from what |
//! | [`noise_reduction`] | where the temporal noise reduction is told that its memory lies |
//! | [`statistics`] | what the core counts for a control of exposure |
//! | [`vendor`] | the vendor's device nodes |
//!
//! The crate knows no kernel, allocates nothing and has no unsafe code. The kernel module and the
//! host's tests run the same code.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod bring_up;
mod buffer;
pub mod bus;
pub mod channel;
mod error;
mod health;
pub mod interrupt;
pub mod isp;
pub mod noise_reduction;
mod output;
mod placement;
pub mod quiesce;
pub mod recovery;
mod revocation;
pub mod selection;
pub mod sensor;
pub mod statistics;
pub mod vendor;

pub use error::Error;
pub use tx_isp_abi::Errno;
pub use tx_isp_alloc as alloc;
pub use tx_isp_alloc::List;
