// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's side: what the emulator tells of itself and what can be asked of it while it runs.

mod client;
mod connection;
pub mod protocol;
mod response;
mod server;

pub use client::{Client, ClientError};
pub use server::{Server, ServerError};
