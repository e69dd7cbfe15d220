// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every request of the lab and every answer of the guest.
//!
//! The lab sends one request at a time. Each is answered by exactly one [`Reply`], except
//! [`Request::Stream`]: its answers are [`Reply::Stream`], any number of them, the last of which is
//! [`StreamEvent::Done`], or [`Reply::Failed`]; [`Request::Follow`]; and [`Request::Camera`], whose last answer is
//! [`CameraEvent::Ended`] or [`Reply::Failed`].

use serde::{Deserialize, Serialize};

use crate::camera::{AllocationPolicy, Cycles, Report, Setup};

/// What the lab asks of the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The first request on every connection; answered by [`Reply::Hello`]. It must stay the first
    /// kind in this list, so that two versions can at least tell each other that they differ.
    Hello {
        /// The lab's [`crate::VERSION`].
        version: u32,
    },
    /// Streams frames from a capture device.
    Stream(StreamRequest),
    /// Behaves like a camera's main program.
    Camera(CameraRequest),
    /// Runs a program to its end; answered by [`Reply::Ran`].
    Run(RunRequest),
    /// Runs a program and tells what it says as it says it: any number of [`Reply::Output`], then
    /// [`Reply::Ran`] without any output, or [`Reply::Failed`].
    Follow {
        /// The program.
        run: RunRequest,
        /// Whether its standard error goes the way of its standard output, which keeps the order of
        /// the two.
        merged: bool,
    },
    /// Reads a whole file; answered by [`Reply::Content`].
    ReadFile {
        /// Its path in the guest.
        path: String,
    },
    /// Writes a whole file, replacing one that is there; answered by [`Reply::Ok`].
    WriteFile {
        /// Its path in the guest.
        path: String,
        /// Its permission bits.
        mode: u32,
        /// What goes into it.
        #[serde(with = "serde_bytes")]
        content: Vec<u8>,
    },
    /// Loads a kernel module; answered by [`Reply::Ok`].
    LoadModule {
        /// The module file's path in the guest.
        path: String,
        /// `name=value` pairs with spaces between.
        parameters: String,
    },
    /// Unloads a kernel module that nobody uses; answered by [`Reply::Ok`].
    UnloadModule {
        /// The module's name, as in `tx_isp`.
        name: String,
    },
    /// Reads the clock that the driver's time stamps are of; answered by [`Reply::Clock`].
    Clock,
    /// Ends the guest; answered by [`Reply::Ok`] before it does.
    Poweroff,
    /// Makes the guest's kernel panic; answered by [`Reply::Ok`] before it does.
    Panic,
}

/// How to stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRequest {
    /// The device's path in the guest, as in `/dev/video0`.
    pub device: String,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The V4L2 code of the pixel format.
    pub fourcc: u32,
    /// How many buffers to ask for; the driver may grant another number.
    pub buffers: u32,
    /// How many frames to take.
    pub frames: u32,
    /// Whether frames that the driver marked with an error are reported but not counted.
    pub only_intact: bool,
    /// Whose memory the buffers are.
    pub memory: Memory,
    /// Who is to allocate this queue's buffers, as the driver's control numbers it; `None` leaves it
    /// as it is.
    pub strategy: Option<i32>,
    /// Whether to report each frame's checksum.
    pub checksum: bool,
    /// Frames (counted from 0) whose pictures are sent, after the stream's end unless they are many.
    pub keep: Vec<u32>,
    /// How long to wait for each frame, in milliseconds.
    pub frame_deadline_ms: u32,
}

/// Whose memory the buffers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Memory {
    /// The driver's, mapped into the client.
    Mmap,
    /// The client's, from anywhere.
    UserPtr,
    /// The client's, in a carve-out that it manages alone.
    Rmem,
    /// Blocks of the carve-out, shared as dma-bufs.
    DmaBuf,
}

/// A camera's main program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraRequest {
    /// What it asks for.
    pub setup: Setup,
    /// How it asks.
    pub policy: AllocationPolicy,
    /// How many frames each channel must deliver, each time it is enabled.
    pub frames: u32,
    /// How many times the channels are enabled, and what happens between.
    pub cycles: Cycles,
    /// How long to wait for frames, in milliseconds.
    pub frame_deadline_ms: u32,
}

/// What happens to a camera's main program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CameraEvent {
    /// Frames of a channel were dequeued.
    Frames {
        /// The channel's number.
        channel: u32,
        /// In order.
        frames: Vec<Frame>,
    },
    /// It came to its end, and everything was given back.
    Ended {
        /// How many times the channels were enabled and delivered their frames.
        survived: u32,
        /// What was granted, and what held the carve-out, at the last time.
        report: Report,
    },
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// How long it may take, in milliseconds; then it is killed with all it started.
    pub deadline_ms: u32,
}

/// What the guest answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Who answers. It must stay the first kind in this list.
    Hello(Guest),
    /// The request was done.
    Ok,
    /// The request could not be done.
    Failed(Failure),
    /// A file's content.
    Content(#[serde(with = "serde_bytes")] Vec<u8>),
    /// What a program said and how it ended.
    Ran(RunResult),
    /// What a program says while it runs.
    Output {
        /// Whether it is its standard error.
        error: bool,
        /// The next bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Something happened on a stream.
    Stream(StreamEvent),
    /// Something happened to a camera's main program.
    Camera(CameraEvent),
    /// What the clock showed.
    Clock {
        /// The guest's monotonic clock, in nanoseconds.
        monotonic_ns: u64,
    },
}

/// The guest as it is after its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// The agent's [`crate::VERSION`]. It must stay the first field.
    pub version: u32,
    /// The kernel's release, as `uname -r` says it.
    pub kernel_release: String,
    /// Time from the kernel's start to this answer, in nanoseconds.
    pub uptime_ns: u64,
    /// The modules of the image in the order of their loading.
    pub modules: Vec<ModuleLoad>,
    /// The video devices that were there.
    pub video: Vec<VideoDevice>,
}

/// A module that was to be loaded at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleLoad {
    /// Its file's path.
    pub path: String,
    /// Why it could not be loaded, if so.
    pub failure: Option<Failure>,
}

/// A video device of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoDevice {
    /// Its path, as in `/dev/video0`.
    pub path: String,
    /// Its driver's name, as VIDIOC_QUERYCAP says it.
    pub driver: String,
    /// Its own name, likewise.
    pub card: String,
}

/// What went wrong in the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{step}: {message}")]
pub struct Failure {
    /// What was being done, as in `VIDIOC_REQBUFS`.
    pub step: String,
    /// The error number of the guest's kernel, if it gave one.
    pub errno: Option<i32>,
    /// The reason.
    pub message: String,
}

/// What a program said and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// How it ended.
    pub end: RunEnd,
    /// Its standard output, at most [`RunResult::MAX_OUTPUT`] bytes of it.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// Its standard error, likewise.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
}

impl RunResult {
    /// How many bytes of each of a program's outputs are kept.
    pub const MAX_OUTPUT: usize = 1 << 20;
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEnd {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It was killed because it took too long.
    Deadline,
}

/// Something that happened on a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StreamEvent {
    /// VIDIOC_STREAMON succeeded.
    Started(Granted),
    /// Frames were dequeued; several in one message when they come fast.
    Frames(Vec<Frame>),
    /// A part of a kept frame's visible bytes; parts come in order, frame after frame.
    Picture {
        /// Which frame, counted from 0.
        index: u32,
        /// Bytes of the whole picture: lines of luma, then lines of chroma, or lines of RGB, without gaps.
        total: u32,
        /// The next of them.
        #[serde(with = "serde_bytes")]
        part: Vec<u8>,
    },
    /// All frames were taken and everything was given back.
    Done(StreamDone),
}

/// What the driver granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The V4L2 code of the pixel format.
    pub fourcc: u32,
    /// Bytes from one line to the next.
    pub bytesperline: u32,
    /// Bytes of a buffer.
    pub sizeimage: u32,
    /// How many buffers there are.
    pub buffers: u32,
}

/// A dequeued frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its number in this stream, counted from 0 without gaps.
    pub index: u32,
    /// The driver's sequence number; gaps are frames that nobody got.
    pub sequence: u32,
    /// The buffer it came in.
    pub buffer: u32,
    /// The driver's time stamp on the guest's monotonic clock, in nanoseconds.
    pub timestamp_ns: u64,
    /// When the client had dequeued it, on the same clock.
    pub dequeued_ns: u64,
    /// Bytes that the driver says it filled.
    pub bytesused: u32,
    /// The V4L2 flags of the buffer.
    pub flags: u32,
    /// Checksum of the visible bytes, if asked for.
    pub crc32: Option<u32>,
    /// How long the client waited for it, in nanoseconds.
    pub wait_ns: u64,
}

impl Frame {
    /// The flag that marks a buffer whose content is not to be trusted (V4L2_BUF_FLAG_ERROR).
    pub const FLAG_ERROR: u32 = 0x40;

    /// Whether the driver marked the buffer with an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.flags & Self::FLAG_ERROR != 0
    }
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamDone {
    /// How many frames were dequeued.
    pub frames: u32,
    /// From VIDIOC_STREAMON's return to the last frame's dequeuing, in nanoseconds.
    pub elapsed_ns: u64,
    /// How long the client was busy with checksums and copies, in nanoseconds.
    pub touch_ns: u64,
    /// How long VIDIOC_REQBUFS took, in nanoseconds.
    pub request_ns: u64,
    /// From VIDIOC_REQBUFS to the last buffer's first VIDIOC_QBUF: the client's own allocation and
    /// all mapping included, in nanoseconds.
    pub buffers_ns: u64,
    /// Bytes by which the carve-out's use grew with that; `None` if there is none.
    pub pool_bytes: Option<u32>,
}
