// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The memory lab: cameras that run out of memory, and who should allocate.
//!
//! | module | what it does |
//! |---|---|
//! | [`sizes`] | bytes of the ISP's own buffer and of the stock encoder |
//! | [`predict`](mod@predict) | what a camera's client would get, without a guest |

pub mod predict;
pub mod sizes;

pub use predict::predict;
