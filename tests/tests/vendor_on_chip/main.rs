// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The vendor's front on the chip model, as a client library calls it (T31 4.1).
#![allow(clippy::unwrap_used)]

mod client;
mod formats;
mod memory;
mod reports;
mod sensors;
mod streams;
