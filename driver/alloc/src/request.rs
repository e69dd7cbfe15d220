// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What a queue asks for, and what it is granted.

/// The most buffers of a queue (videobuf2's limit).
pub const MAX_COUNT: u32 = 32;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Number of buffers.
    pub count: u32,
    /// Bytes of each.
    pub bytes: u32,
    /// Alignment of each.
    pub alignment: u32,
    /// The queue's name: reservations under it are for these very buffers.
    pub owner: &'a str,
}

/// Why a grant is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// All that was asked for.
    Plenty,
    /// The largest free run is shorter than the margin demands.
    Pressure,
    /// More would take what others have announced that they need.
    Reservations,
    /// More does not fit.
    Exhausted,
}

/// How many buffers a client gets, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Number of buffers; 0 means -ENOMEM.
    pub count: u32,
    /// Whether they lie in one run, as a client's own block of buffers would (T31 4.4), or
    /// wherever each fits first.
    pub in_one_run: bool,
    /// Bytes of the largest free run before the grant.
    pub available: u32,
    /// Why.
    pub reason: Reason,
}
