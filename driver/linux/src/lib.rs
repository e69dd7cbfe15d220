// SPDX-License-Identifier: GPL-2.0-only
//! The Rust half of tx-isp.ko: joins the driver core to the kernel.
//!
//! | module | what it does |
//! |---|---|
//! | [`probe`] | the functions that C calls: those that find the ISP and shut it down |
//! | [`layout`] | those about formats and the layout of pictures |
//! | [`stream`] | those about buffers, streams and interrupts |
//! | [`sensor`] | those about the sensor and the part of its picture that is shown |
//! | [`health`] | that about what went wrong with the hardware |
//! | [`carve_out`] | those about the carve-out and its blocks |
//! | [`negotiation`] | those about how many buffers a queue gets |
//! | [`vendor`] | those about the vendor's device nodes |
//! | [`ffi`] | what all of them share |
//! | `guard` | what becomes of a panic |
//! | [`chip_bus`] | the driver core's bus: one of the two that follow |
//! | [`mailbox`] | the bus over the virtqueue that C carries |
//! | [`platform`] | the bus over registers in the processor's address space |
//! | [`print`] | lines for the kernel's log, and panics |
//!
//! Built without std for the kernel (`target_os = "none"`) and with std for the host's lints.
#![cfg_attr(target_os = "none", no_std)]

pub mod carve_out;
pub mod chip_bus;
pub mod ffi;
mod guard;
pub mod health;
pub mod layout;
pub mod mailbox;
pub mod negotiation;
pub mod platform;
pub mod print;
pub mod probe;
pub mod sensor;
pub mod stream;
pub mod vendor;
