// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The memory lab: cameras that run out of memory, and who should allocate.
//!
//! | module | what it does |
//! |---|---|
//! | [`catalogue`] | reads a camera's file |
//! | [`basis`] | how each number of it is known |
//! | [`camera`] | makes the client's requests of it, with the user's changes |
//! | [`sizes`] | bytes of the ISP's own buffer and of the stock encoder |
//! | [`predict`](mod@predict) | what a camera's client would get, without a guest |
//! | [`oom`] | one camera, every strategy |
//! | [`verdict`] | what came of it, in one line |
//! | [`plan`] | the smallest carve-out, from numbers alone |
//! | [`verify_plan`] | the same in a guest |
//! | [`compare`] | many cameras, every strategy |
//! | [`host_memory`] | how many guests have room on the host, and what one takes |
//! | [`vendor`] | one camera through the vendor's device nodes |
//! | [`text`] | tables and numbers as all of it shows them |

pub mod basis;
pub mod camera;
pub mod catalogue;
pub mod compare;
pub mod host_memory;
pub mod oom;
pub mod plan;
pub mod predict;
pub mod sizes;
pub mod text;
pub mod vendor;
pub mod verdict;
pub mod verify_plan;

pub use predict::predict;
