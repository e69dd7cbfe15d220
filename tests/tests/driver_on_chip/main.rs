// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver core streams from the chip model, without a guest.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod board;
mod buffers;
mod failures;
mod formats;
mod streams;
