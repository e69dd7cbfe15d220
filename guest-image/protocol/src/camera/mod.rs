// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The camera client: what a camera's main program asks of the carve-out, in which order, and what
//! becomes of it when somebody else answers.
//!
//! One list of steps ([`Setup::steps`]) is walked by one function ([`enable()`]) over anything that
//! can give memory ([`Memory`]): the pool on the host, to predict, and the driver in the guest, to
//! see. Both give the same [`Report`], so they can be compared to the byte.
//!
//! | module | what it holds |
//! |---|---|
//! | [`setup`] | what a camera asks for |
//! | [`sizes`] | how much of it, from the picture's size |
//! | [`enable`](mod@enable) | how each policy asks |
//! | [`allocator`] | the driver's allocator, in a report's words |
//! | [`report`] | what came of it |

pub mod allocator;
pub mod enable;
pub mod report;
pub mod setup;
pub mod sizes;

pub use enable::{Memory, cycles, enable};
pub use report::{Allocation, Pool, Queue, Refused, Report};
pub use setup::{AllocationPolicy, Block, Channel, Cycles, Setup, Step};
