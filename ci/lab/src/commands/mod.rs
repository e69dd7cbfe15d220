// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What each command does: one file for each, with its own options.

pub mod bench;
pub mod bundle;
pub mod channels;
pub mod compare;
pub mod compare_options;
pub mod compliance;
pub mod doctor;
pub mod faults;
pub mod generate;
pub mod guest_setup;
pub mod memory_options;
pub mod oom;
pub mod plan;
pub mod registers;
pub mod run;
pub mod sdk;
pub mod shell;
pub mod stream;
pub mod stream_options;
pub mod test;
pub mod trace;
