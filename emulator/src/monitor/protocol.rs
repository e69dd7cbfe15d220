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

mod status;

pub use status::{
    AttachState, ChannelStatus, DmaStatus, FaultStatus, FrameCounts, GuestError, MailboxStatus,
    Status,
};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tx_isp_chip::faults::Fault;

/// The longest request in bytes, its newline included.
pub const MAX_REQUEST_BYTES: usize = 4096;
/// The most entries of the frame log in one response.
pub const MAX_FRAME_LOG_ENTRIES: usize = 4096;
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

/// Entries of the frame log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameLogPage {
    /// The channel that was asked for.
    pub channel: u32,
    /// The session that was asked for or is the newest; 0 if the channel never started.
    pub session: u32,
    /// At most [`MAX_FRAME_LOG_ENTRIES`].
    pub entries: Vec<FrameLogEntry>,
    /// True if there are more behind these: ask again from the last sequence number plus one.
    pub more: bool,
    /// Entries of the channel, of any session, that made place for newer ones.
    pub evicted: u64,
}

/// A picture that DMA has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameLogEntry {
    /// The channel, 0 to 2.
    pub channel: u32,
    /// The channel's session.
    pub session: u32,
    /// The frame's number as the done FIFO's STATS_NUM tells it; wraps.
    pub frame: u32,
    /// The frame's number less that of the session's first entry.
    pub sequence: u32,
    /// Bytes written: the visible part of all planes.
    pub bytes: u64,
    /// CRC-32 (IEEE) over the visible lines of Y, then of UV, without padding.
    pub crc32: u32,
    /// Physical address of the Y plane.
    pub y_address: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// `nv12` or `nv21`.
    pub format: String,
    /// When the first line of the frame arrived, in nanoseconds since the emulator's start.
    pub start_ns: u64,
    /// When its last byte was written, in nanoseconds since the emulator's start.
    pub done_ns: u64,
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

/// Interrupts, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InterruptPage {
    /// At most [`MAX_FRAME_LOG_ENTRIES`].
    pub entries: Vec<InterruptEntry>,
    /// True if there are more behind these.
    pub more: bool,
}

/// The guest was told of interrupt lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InterruptEntry {
    /// When, in nanoseconds since the emulator's start.
    pub at_ns: u64,
    /// The lines: 1 the core's, 2 the VIC's.
    pub lines: u32,
    /// When QEMU was signalled, in nanoseconds since the emulator's start; `null` where the guest still had
    /// another interrupt to look at, or has not looked at this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signalled_ns: Option<u64>,
    /// When the guest's first look at what is pending arrived after that: a read of the pending register of
    /// the interrupt controller, or of the core's or the VIC's interrupt status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_ns: Option<u64>,
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
mod tests {
    use super::*;
    use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
    use std::path::Path;

    /// Every line that goes over the socket, one definition each.
    fn schema() -> String {
        let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
        fn line<T: JsonSchema>(generator: &mut SchemaGenerator) -> serde_json::Value {
            generator.subschema_for::<T>().to_value()
        }
        let from_emulator = [
            line::<Greeting>(&mut generator),
            line::<Event>(&mut generator),
            line::<ErrorResponse>(&mut generator),
            line::<Status>(&mut generator),
            line::<FrameLogPage>(&mut generator),
            line::<Stepped>(&mut generator),
            line::<FaultStatus>(&mut generator),
            line::<Tracing>(&mut generator),
            line::<InterruptPage>(&mut generator),
            line::<Subscribed>(&mut generator),
            line::<Quitting>(&mut generator),
        ];
        let to_emulator = line::<Request>(&mut generator);
        let definitions = generator.take_definitions(true);
        let schema = serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "tx-isp-emulator monitor, protocol 1: one line",
            "description": "Requests and answers may have an id besides, of any type.",
            "oneOf": [
                { "title": "to the emulator", "anyOf": [to_emulator] },
                { "title": "from the emulator", "anyOf": from_emulator },
            ],
            "$defs": definitions,
        });
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        text
    }

    /// `UPDATE_SCHEMA=1` writes it anew.
    #[test]
    fn the_schema_that_is_kept_is_that_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitor.schema.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, schema()).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == schema(),
            "{} is old: run this test with UPDATE_SCHEMA=1",
            path.display()
        );
    }

    #[test]
    fn the_page_tells_of_every_command_event_and_code() {
        let page = include_str!("../../MONITOR.md");
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let mut words = Vec::new();
        collect_constants(&schema, &mut words);
        assert!(words.len() > 20, "{words:?}");
        for word in words {
            assert!(page.contains(&word), "MONITOR.md does not say {word}");
        }
    }

    /// The constants and values of enumerations of a schema.
    fn collect_constants(value: &serde_json::Value, words: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, field) in fields {
                    match (name.as_str(), field) {
                        ("const", serde_json::Value::String(word)) => words.push(word.clone()),
                        ("enum", serde_json::Value::Array(values)) => {
                            words.extend(
                                values.iter().filter_map(|v| v.as_str().map(str::to_owned)),
                            );
                        }
                        _ => collect_constants(field, words),
                    }
                }
            }
            serde_json::Value::Array(values) => {
                values
                    .iter()
                    .for_each(|value| collect_constants(value, words));
            }
            _ => {}
        }
    }

    #[test]
    fn requests_are_written_as_documented() {
        let parse = |text: &str| serde_json::from_str::<Request>(text).unwrap();
        assert_eq!(parse(r#"{"command":"status"}"#), Request::Status);
        assert_eq!(
            parse(r#"{"command":"ledger","channel":1}"#),
            Request::FrameLog {
                channel: 1,
                session: None,
                from: 0
            }
        );
        let page = Request::FrameLog {
            channel: 0,
            session: Some(2),
            from: 9,
        };
        let text = r#"{"command":"ledger","channel":0,"session":2,"from":9}"#;
        assert_eq!(parse(text), page);
        assert_eq!(serde_json::to_string(&page).unwrap(), text);
        assert_eq!(
            parse(r#"{"command":"step","frames":3}"#),
            Request::Step { frames: 3 }
        );
        assert_eq!(parse(r#"{"command":"quit"}"#), Request::Quit);
        let fault = Request::Fault {
            fault: "lost-frame:frame=5".parse().unwrap(),
        };
        let text = r#"{"command":"fault","fault":"lost-frame:frame=5"}"#;
        assert_eq!(parse(text), fault);
        assert_eq!(serde_json::to_string(&fault).unwrap(), text);
    }

    #[test]
    fn a_wrong_request_is_answered_with_what_is_right() {
        let message = |text: &str| {
            serde_json::from_str::<Request>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(message(r#"{"command":"dance"}"#).contains(
            "expected one of `status`, `ledger`, `step`, `fault`, `clear-faults`, `trace`, `interrupts`, `subscribe`, `quit`"
        ));
        assert!(message(r#"{"command":"step"}"#).contains("missing field `frames`"));
        assert!(
            message(r#"{"command":"step","frames":1,"fps":2}"#).contains("unknown field `fps`")
        );
    }
}
