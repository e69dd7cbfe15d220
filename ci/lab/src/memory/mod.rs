// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The memory lab: cameras that run out of memory, and who should allocate.
//!
//! | module | what it does |
//! |---|---|
//! | [`catalogue`] | reads a camera's file |
//! | [`camera`] | makes the client's requests of it, with the user's changes |
//! | [`client`] | runs a camera's client in a guest, and judges its frames |
//! | [`compare`] | `cargo lab compare` and `merge`: many cameras, every strategy |
//! | [`host`] | how many guests have room on the host, and what one takes |
//! | [`oom`] | `cargo lab oom`: one camera, every strategy |
//! | [`verdict`] | what came of it, in one line |
//! | [`plan`] | `cargo lab plan`: the smallest carve-out, from numbers alone |
//! | [`verify`] | `cargo lab plan --verify`: the same in a guest |

pub mod camera;
pub mod catalogue;
pub mod client;
pub mod compare;
pub mod host;
pub mod oom;
pub mod options;
pub mod plan;
pub mod text;
pub mod verdict;
pub mod verify;

pub use compare::options::{CompareOptions, MergeOptions};
pub use options::{OomOptions, PlanOptions};
