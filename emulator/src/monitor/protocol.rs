// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The messages of the operator's socket, version 1. `emulator/MONITOR.md` is the page for users.
//!
//! Newline-delimited JSON over a Unix stream socket. The emulator greets with a [`Greeting`]; then one
//! request object in a line is answered by one response object in a line, in order. A response is the
//! type that the request names, or an [`ErrorResponse`]; the request's `id` comes back in it. Who has
//! subscribed gets [`Event`]s in between.
//!
//! ```text
//! {"command":"status"}                                  -> Status
//! {"command":"ledger","channel":0,"from":0}             -> FrameLogPage
//! {"command":"ledger","channel":0,"session":2,"from":9} -> FrameLogPage
//! {"command":"step","frames":3}                         -> Stepped
//! {"command":"fault","fault":"lost-frame:frame=5"}      -> FaultStatus
//! {"command":"clear-faults"}                            -> Status
//! {"command":"trace","file":"/tmp/trace.txt"}           -> Tracing
//! {"command":"trace"}                                   -> Tracing
//! {"command":"interrupts","from_ns":0}                  -> InterruptPage
//! {"command":"subscribe","events":["frame"]}            -> Subscribed
//! {"command":"quit"}                                    -> Quitting
//! ```

mod event;
mod history;
mod status;

pub use event::{Event, EventKind};
pub use history::{
    FrameLogEntry, FrameLogPage, InterruptEntry, InterruptPage, MAX_FRAME_LOG_ENTRIES,
};
pub use status::{
    AttachState, ChannelStatus, DmaStatus, FaultStatus, FrameCounts, GuestError, MailboxStatus,
    Status,
};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tx_isp_chip::faults::Fault;

/// The longest request in bytes, its newline included.
pub const MAX_REQUEST_BYTES: usize = 4096;
/// The most frames that one `step` may ask for.
pub const MAX_STEP_FRAMES: u32 = 10_000;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// The first line on each connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Greeting {
    /// Who speaks: always `tx-isp-emulator`.
    pub greeting: String,
    /// [`PROTOCOL`]. A higher number has other messages; what is added without breaking anybody does
    /// not count.
    pub protocol: u32,
    /// The emulator's version.
    pub version: String,
}

impl Greeting {
    /// Ours.
    #[must_use]
    pub fn ours() -> Self {
        Self {
            greeting: "tx-isp-emulator".to_owned(),
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The answer to [`Request::Subscribe`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Subscribed {
    /// What comes from now on.
    pub subscribed: Vec<EventKind>,
}

/// What kind of error it is, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The line is no JSON object, or no command of this version.
    BadRequest,
    /// The line is longer than [`MAX_REQUEST_BYTES`].
    TooLong,
    /// A value is outside of what there is.
    BadArgument,
    /// The clock runs by itself.
    NotStepped,
    /// No frame goes through.
    NotStreaming,
    /// The guest stopped in the middle.
    Stopped,
    /// Somebody else's step is under way.
    Busy,
    /// It was not done in time.
    Deadline,
    /// A file cannot be made or written.
    File,
    /// There are as many as there may be.
    TooMany,
}

/// What the operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How are you? Answered with a [`Status`].
    Status,
    /// What did DMA write? Answered with a [`FrameLogPage`].
    #[serde(rename = "ledger")]
    FrameLog {
        /// The channel, 0 to 2.
        channel: u32,
        /// The session, counted from 1 with each start of the channel; the newest if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<u32>,
        /// The lowest [`FrameLogEntry::sequence`] to tell of.
        #[serde(default)]
        from: u32,
    },
    /// Advance so many frames, 1 to [`MAX_STEP_FRAMES`]; only when the clock is
    /// [`ClockMode::Stepped`] and the guest streams. Answered with [`Stepped`] when their DMA is over.
    Step {
        /// How many.
        frames: u32,
    },
    /// Arm a fault: its occasions count from now on. Answered with [`FaultStatus`].
    Fault {
        /// The fault, as `--fault` takes it.
        #[schemars(with = "String")]
        fault: Fault,
    },
    /// Take all faults away. Answered with [`Status`].
    ClearFaults,
    /// Record register accesses to a file from now on; without a file, end the record. Answered with
    /// [`Tracing`].
    Trace {
        /// Where to: a new file in the emulator's trace folder. Its name, or its path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<PathBuf>,
    },
    /// When was the guest told of interrupts? Answered with [`InterruptPage`].
    Interrupts {
        /// The earliest time to tell of, in nanoseconds since the emulator's start.
        #[serde(default)]
        from_ns: u64,
    },
    /// Tell of events from now on, in place of those subscribed to before. Answered with
    /// [`Subscribed`].
    Subscribe {
        /// Which; none ends it.
        events: Vec<EventKind>,
    },
    /// End. Answered with [`Quitting`]; then the socket closes.
    Quit,
}

/// A request that could not be answered: what was wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorResponse {
    /// The sentence.
    pub error: String,
    /// The same for programs.
    pub code: ErrorCode,
}

impl ErrorResponse {
    /// An error.
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            code,
        }
    }
}

/// The answer to [`Request::Trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tracing {
    /// Whether accesses are recorded from now on.
    pub tracing: bool,
    /// How many accesses the record holds that ended just now.
    pub recorded: u64,
    /// How many accesses it lacks, because the disk was too slow or the file too long.
    #[serde(default)]
    pub lost: u64,
}

/// The answer to [`Request::Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stepped {
    /// Frames advanced: as many as were asked for.
    pub frames: u32,
    /// The number of the last of them, as STATS_NUM tells it.
    pub last_frame: u32,
}

/// The answer to [`Request::Quit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Quitting {
    /// Always true.
    pub quitting: bool,
}

#[cfg(test)]
mod tests;
