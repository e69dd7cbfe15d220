// SPDX-License-Identifier: GPL-2.0-only
//! What the functions that C calls have in common: the state that C holds, errors as numbers, C's own
//! numbers. tx_isp_rust.h declares each function, with its locking.

use core::mem::size_of;
use tx_isp_abi::channel::ChannelId;
use tx_isp_driver::Error;
use tx_isp_driver::isp::Isp;

use crate::chip_bus::ChipBus;
use crate::print::{Level, log};

/// The state that C allocates and passes around.
pub type Core = Isp<ChipBus>;

/// Says in the log what failed; the errno for C.
pub(crate) fn failed(what: &str, error: Error) -> i32 {
    log(Level::Error, format_args!("{what}: {error}"));
    error.errno().to_return_value()
}

/// Runs a fallible action; 0, or the negative errno with a line in the log.
pub(crate) fn run(what: &str, action: impl FnOnce() -> Result<(), Error>) -> i32 {
    match action() {
        Ok(()) => 0,
        Err(error) => failed(what, error),
    }
}

/// C's channel numbers come from its table of nodes, which has as many entries as there are channels:
/// another is a mistake of the driver's own.
pub(crate) fn channel_id(channel: u32) -> ChannelId {
    ChannelId::new(channel).unwrap_or_else(|_| mistaken("channel", channel))
}

/// C has passed a number that it cannot have: the device goes out of order rather than do something that
/// nobody has asked for.
pub(crate) fn mistaken(what: &str, number: u32) -> ! {
    panic!("C passed {what} {number}, which there is none of")
}

pub(crate) fn size_in_bytes<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}
