// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the host needs to build and run the guest, how it gets it, and the runner of its programs.
//!
//! | layer | modules |
//! |---|---|
//! | what everything uses | [`error`], [`progress`], [`process`], [`command`], [`offline`], [`invocation`] |
//! | what the host is | [`disk`], [`cache_dir`], [`mirror`], [`apt_root`], [`toolchain`], [`qemu`] |
//! | how it gets what it lacks | [`rust_setup`], [`packages`] |
//! | for people | [`doctor`] |

pub mod apt_root;
pub mod cache_dir;
pub mod command;
pub mod disk;
pub mod doctor;
pub mod error;
mod host_apt;
pub mod invocation;
pub mod mirror;
pub mod offline;
pub mod packages;
pub mod process;
pub mod progress;
pub mod qemu;
pub mod rust_setup;
pub mod source_paths;
pub mod toolchain;

pub use error::{Error, Result};
pub use progress::{Progress, Silent};
