// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The vendor's front: what `/dev/tx-isp`, `/dev/framechanN` and `/dev/isp-m0` do, without the kernel.
//!
//! | module | what it decides |
//! |---|---|
//! | [`front`] | sensors, links, start and stop: the state of `/dev/tx-isp` |
//! | [`channel`] | a frame channel: its life, and its way to the ISP |
//! | [`picture`] | what a client asks for as a picture, and what of the sensor's that is |
//! | [`queue`] | a frame channel's buffers |
//! | [`negotiation`] | how much memory a library is asked for |
//! | [`answers`] | other answers, to be tried on libraries |
//! | [`tuning`] | the values of controls |
//! | [`pages`] | what client libraries read of the SoC's registers |
//! | [`report`] | the files below `/proc/jz/isp` |
//!
//! Sections such as "T31 3.4" are of the reference's second part. Programs that are linked for a
//! camera see what the vendor's driver would tell them; where that has a fault that harms somebody, the
//! safe thing is done, and [`Quirks::Vendor`] brings the fault back.

pub mod answers;
pub mod channel;
pub mod front;
pub mod negotiation;
pub mod pages;
mod picture;
pub mod queue;
pub mod report;
pub mod tuning;

/// Whether the vendor's faults are reproduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Quirks {
    /// The safe thing is done.
    #[default]
    None = 0,
    /// The vendor's driver is followed where it harms its client, and nobody but its client.
    Vendor = 1,
}

use crate::error::{Errno, Error};

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client asked for what cannot be; a reason for the log, or nothing where the errno says all.
    Refused(Errno, &'static str),
    /// The ISP could not.
    Isp(Error),
}

impl Failure {
    /// The errno that the client sees.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::Refused(errno, _) => errno,
            Self::Isp(error) => error.errno(),
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno, "")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Isp(error)
    }
}
