// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What those who have subscribed are told.

use super::history::FrameLogEntry;
use super::status::GuestError;
use serde::{Deserialize, Serialize};

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A picture was written.
    Frame,
    /// The guest's driver did something wrong that it had not done before.
    GuestError,
    /// A driver begins or ends.
    Driver,
}

/// What has happened, to those who have subscribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A picture was written.
    Frame {
        /// Which, where, and its checksum.
        entry: FrameLogEntry,
    },
    /// The guest's driver did something wrong for the first time.
    GuestError {
        /// What.
        error: GuestError,
    },
    /// A driver begins or ends.
    Driver {
        /// Whether it begins.
        begins: bool,
        /// When, in nanoseconds since the emulator's start.
        at_ns: u64,
    },
    /// The reader is too slow: so many events before the next one were dropped.
    Lost {
        /// How many.
        count: u64,
    },
}

impl Event {
    /// What must be subscribed to for it; `None` for what everybody with a subscription gets.
    #[must_use]
    pub const fn kind(&self) -> Option<EventKind> {
        match self {
            Self::Frame { .. } => Some(EventKind::Frame),
            Self::GuestError { .. } => Some(EventKind::GuestError),
            Self::Driver { .. } => Some(EventKind::Driver),
            Self::Lost { .. } => None,
        }
    }
}
