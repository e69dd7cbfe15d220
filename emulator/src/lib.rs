// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulated ISP.

#![deny(unsafe_code)]

pub mod attach;
pub mod config;
pub mod device;
pub mod dma;
pub mod emulator;
pub mod exit_status;
pub mod frame_log;
pub mod interrupt_timer;
mod lock;
mod lost_frames;
mod memory_guard;
pub mod monitor;
mod raw_and_statistics_dma;
pub mod sandbox;
pub mod sensor;
pub mod signals;
pub mod socket;
pub mod statistics;
pub mod strict;
mod sync;
pub mod timer;
pub mod timer_fd;
pub mod trace;
