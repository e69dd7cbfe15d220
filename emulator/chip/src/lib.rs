// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip model: the ISP's registers and what they do.
//!
//! A [`Chip`] is a value. It has no thread and no I/O: registers are read and written through
//! [`RegisterFile`], [`Chip::advance`] lets its time pass from event to event, [`Chip::frame_written`] tells
//! it that a frame was drawn, [`Chip::irq_lines`] tells the interrupt lines' levels. The same calls give the
//! same results, and what the guest reads does not depend on when a frame was drawn, unless too late.

#![forbid(unsafe_code)]

mod access;
mod access_log;
mod bank_index;
pub mod behaviour;
pub mod carve_out;
mod channel;
mod checks;
mod chip;
mod conditions;
mod cpm;
mod csi;
mod fault_injection;
mod fault_state;
pub mod faults;
mod fifo;
mod frame;
mod frame_clock;
mod gates;
mod gpio;
mod guest_errors;
mod i2c;
mod i2c_controller;
mod identity;
mod intc;
mod latch;
mod link_config;
mod live;
mod live_words;
mod msca;
mod noise;
mod raw_and_statistics;
mod recovery;
mod scaler;
mod sensor;
mod storage;
mod time;
mod vic;

pub use access_log::{LoggedAccess, register_name};
pub use channel::ChannelCounters;
pub use chip::Chip;
pub use frame::{
    DmaJob, Frame, MaskRectangle, NoisePlane, RawJob, RawOrStatistics, StatisticsJob, Window,
};
pub use frame_clock::{Event, Pace};
pub use guest_errors::{GuestError, GuestErrorKind, GuestErrors, Severity, Strictness};

#[cfg(test)]
mod tests;
