// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The one loop that streams: it sends a client's request and takes what the client says, and looks
//! up for each frame what DMA wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guest_protocol::camera::Report;
use guest_protocol::message::{
    CameraEvent, CameraRequest, Frame, Granted, Reply, Request, StreamDone, StreamEvent,
    StreamRequest,
};
use tx_isp_abi::channel::ChannelId;
use tx_isp_emulator::monitor::protocol::FrameLogEntry;

use crate::guest::{Guest, unexpected};
use crate::guest_failure::GuestFailure;
use crate::verify::FrameLog;

/// How much longer the lab waits for the client's word than the client for a frame: the guest may be
/// busy, and a camera's client writes to all of its memory first.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// What a client says.
#[derive(Debug)]
pub enum Event {
    /// The driver granted buffers and started.
    Started(Granted),
    /// Frames of a channel were dequeued.
    Frames {
        /// The channel's number.
        channel: u32,
        /// In order.
        frames: Vec<DequeuedFrame>,
    },
    /// A part of a kept frame's picture.
    Picture {
        /// Which frame, counted from 0.
        index: u32,
        /// Bytes of the whole picture.
        total: u32,
        /// The next of them.
        part: Vec<u8>,
    },
    /// A stream came to its end.
    Done(StreamDone),
    /// A camera's client came to its end.
    Ended {
        /// How many times its channels were enabled and delivered their frames.
        survived: u32,
        /// What it was granted.
        report: Report,
    },
}

/// A frame that the client has, and what DMA wrote as that.
#[derive(Debug, Clone)]
pub struct DequeuedFrame {
    /// What the client says about it.
    pub frame: Frame,
    /// What the frame log has; `None` if it has no such frame, or was not asked.
    pub written: Option<FrameLogEntry>,
}

/// A client that streams.
pub struct Stream<'a> {
    /// The guest that it runs in.
    pub guest: &'a mut Guest,
    logs: FrameLogs,
    limit: Duration,
}

/// Where what DMA wrote is looked up.
enum FrameLogs {
    /// Nowhere: the frames are only counted.
    None,
    /// In the log of one channel's newest start.
    One(u32, FrameLog),
    /// In those of all channels, each of which may be started several times.
    All {
        /// The number of each channel's newest start.
        sessions: BTreeMap<u32, u32>,
        logs: BTreeMap<u32, FrameLog>,
    },
}

impl<'a> Stream<'a> {
    /// Starts a stream of one device; with a channel, each frame is looked up in its frame log.
    ///
    /// # Errors
    /// If the guest is gone.
    pub fn start(
        guest: &'a mut Guest,
        request: StreamRequest,
        channel: Option<ChannelId>,
    ) -> Result<Self> {
        let limit = Duration::from_millis(request.frame_deadline_ms.into()) + ANSWER_LIMIT;
        guest.send(&Request::Stream(request))?;
        let logs = match channel {
            None => FrameLogs::None,
            Some(channel) => FrameLogs::One(channel.number(), FrameLog::newest(channel)),
        };
        Ok(Self { guest, logs, limit })
    }

    /// Starts a camera's client.
    ///
    /// # Errors
    /// If guest or emulator is gone.
    pub fn start_camera(guest: &'a mut Guest, request: CameraRequest) -> Result<Self> {
        let limit = Duration::from_millis(request.frame_deadline_ms.into()) + ANSWER_LIMIT;
        let status = guest.emulator.monitor.status();
        // The guest may be starts ahead of the frames that are looked up: each start has a number.
        let sessions = status
            .context("asking the emulator for its channels")?
            .channels
            .iter()
            .map(|channel| (channel.channel, channel.session))
            .collect();
        guest.send(&Request::Camera(request))?;
        let logs = FrameLogs::All {
            sessions,
            logs: BTreeMap::new(),
        };
        Ok(Self { guest, logs, limit })
    }

    /// What the client says next.
    ///
    /// # Errors
    /// [`GuestFailure`], which includes the client's own failure; or why the emulator does not answer.
    pub fn event(&mut self) -> Result<Event> {
        let reply = self.guest.next("the next frame", self.limit)?;
        Ok(match reply {
            Reply::Stream(StreamEvent::Started(granted)) => Event::Started(granted),
            Reply::Stream(StreamEvent::Frames(frames)) => {
                let channel = match &self.logs {
                    FrameLogs::One(channel, _) => *channel,
                    _ => 0,
                };
                self.frames(channel, frames)?
            }
            Reply::Stream(StreamEvent::Picture { index, total, part }) => {
                Event::Picture { index, total, part }
            }
            Reply::Stream(StreamEvent::Done(done)) => Event::Done(done),
            Reply::Camera(CameraEvent::Frames { channel, frames }) => {
                self.frames(channel, frames)?
            }
            Reply::Camera(CameraEvent::Ended { survived, report }) => {
                Event::Ended { survived, report }
            }
            other => return Err(unexpected(&other).into()),
        })
    }

    fn frames(&mut self, channel: u32, frames: Vec<Frame>) -> Result<Event> {
        let frames = frames.into_iter().map(|frame| self.look_up(channel, frame));
        let frames = frames.collect::<Result<_>>()?;
        Ok(Event::Frames { channel, frames })
    }

    fn look_up(&mut self, channel: u32, frame: Frame) -> Result<DequeuedFrame> {
        let Some(log) = self.logs.of(channel, &frame)? else {
            return Ok(DequeuedFrame {
                frame,
                written: None,
            });
        };
        match log.entry(frame.sequence, &mut self.guest.emulator.monitor) {
            Ok(written) => Ok(DequeuedFrame { frame, written }),
            // If the emulator is gone, that is what the user is to hear.
            Err(error) => Err(match self.guest.gone_emulator() {
                Some(reason) => reason.into(),
                None => anyhow::Error::from(error).context("asking the emulator for its frame log"),
            }),
        }
    }
}

impl FrameLogs {
    fn of(&mut self, channel: u32, frame: &Frame) -> Result<Option<&mut FrameLog>> {
        match self {
            Self::None => Ok(None),
            Self::One(_, log) => Ok(Some(log)),
            Self::All { sessions, logs } => {
                if frame.index == 0 {
                    // A stream of its own: the channel was enabled anew.
                    let session = sessions.entry(channel).or_default();
                    *session += 1;
                    logs.insert(channel, FrameLog::of(channel, *session));
                }
                match logs.get_mut(&channel) {
                    Some(log) => Ok(Some(log)),
                    None => bail!(
                        "the guest's first frame of channel {channel} is number {}",
                        frame.index
                    ),
                }
            }
        }
    }
}

/// The guest's own failure, if that is what an error is.
///
/// # Errors
/// Every other error.
pub fn client_failure(error: anyhow::Error) -> Result<guest_protocol::message::Failure> {
    match error.downcast() {
        Ok(GuestFailure::Guest(failure)) => Ok(failure),
        Ok(other) => Err(other.into()),
        Err(other) => Err(other),
    }
}
