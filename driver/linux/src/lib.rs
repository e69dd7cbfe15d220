// SPDX-License-Identifier: GPL-2.0-only
//! The Rust half of tx-isp.ko: joins the driver core to the kernel.
//!
//! | module | what it does |
//! |---|---|
//! | [`ffi`] | the functions that C calls, those about the ISP |
//! | `guard` | what becomes of a panic |
//! | [`health`] | that about what went wrong with the hardware |
//! | [`sensor`] | those about the sensor and the part of its picture that is shown |
//! | [`memory`] | those about the carve-out and its buffers |
//! | [`vendor`] | those about the vendor's device nodes |
//! | [`mailbox`] | the driver core's bus over the virtqueue that C carries |
//! | [`print`] | lines for the kernel's log, and panics |
//!
//! Built without std for the kernel (`target_os = "none"`) and with std for the host's lints.
#![cfg_attr(target_os = "none", no_std)]

pub mod ffi;
mod guard;
pub mod health;
pub mod mailbox;
pub mod memory;
pub mod print;
pub mod sensor;
pub mod vendor;
