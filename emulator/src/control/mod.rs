// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's side: what the emulator tells of itself and what can be asked of it while it runs.

mod client;
pub mod protocol;

pub use client::{Client, ClientError};
