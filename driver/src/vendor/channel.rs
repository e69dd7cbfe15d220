// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A frame channel: the picture that was asked for, its buffers, and how far it has come.

mod stream;

use super::answers::Answer;
use super::queue::FrameQueue;
use super::{Failure, Quirks, picture};
use crate::bring_up::write;
use crate::bus::Bus;
use crate::channel::Buffer as IspBuffer;
use crate::error::{Errno, Error};
use crate::isp::Isp;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{ChromaStart, PixelFormat};
use tx_isp_abi::registers::Channel as Registers;
use tx_isp_abi::vendor::{
    Buffer, COLORSPACE_SRGB, DropRule, FIELD_INTERLACED, FrameFormat, Part, RequestBuffers,
    VIDEO_CAPTURE,
};
use tx_isp_abi::{PhysAddr, Rectangle, Size};

/// How far a channel has come, as the vendor's driver numbers it (T31 3.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Not set up yet.
    #[default]
    Undefined = 0,
    /// `/dev/tx-isp` is not open.
    Slake = 1,
    /// It is.
    Activated = 2,
    /// The channel is open.
    Initialised = 3,
    /// It streams, as far as its client knows.
    Running = 4,
}

/// What the channel was before its client came.
#[derive(Clone, Copy, Debug)]
struct Before {
    format: PixelFormat,
    size: Size,
    source: Rectangle,
    chroma: ChromaStart,
}

/// One frame channel.
#[derive(Clone, Debug)]
pub struct FrameChannel {
    id: ChannelId,
    state: State,
    format: FrameFormat,
    /// The chip writes such pictures; `None` for formats that only the client knows.
    picture: Option<PixelFormat>,
    queue: FrameQueue,
    /// The ISP's channel runs.
    started: bool,
    /// The ISP stopped by itself: who waits hears of it, until the stream is stopped.
    failed: bool,
    before: Option<Before>,
    drop_rule: DropRule,
}

impl FrameChannel {
    /// A channel that nobody uses.
    #[must_use]
    pub fn new(id: ChannelId) -> Self {
        let mut channel = Self {
            id,
            state: State::Slake,
            format: FrameFormat::default(),
            picture: None,
            queue: FrameQueue::default(),
            started: false,
            failed: false,
            before: None,
            drop_rule: DropRule::default(),
        };
        channel.reset(id);
        channel
    }

    /// Makes this a channel that nobody uses, in place, of whatever bytes were there that are valid.
    pub(super) fn reset(&mut self, id: ChannelId) {
        self.id = id;
        self.state = State::Slake;
        self.picture = None;
        self.before = None;
        self.started = false;
        self.failed = false;
        self.drop_rule = DropRule {
            enabled: 0,
            period: 0,
            mask: 1,
        };
    }

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The picture that was asked for.
    #[must_use]
    pub const fn format(&self) -> &FrameFormat {
        &self.format
    }

    /// Its buffers.
    #[must_use]
    pub const fn queue(&self) -> &FrameQueue {
        &self.queue
    }

    /// Which frames it leaves out.
    #[must_use]
    pub const fn drop_rule(&self) -> DropRule {
        self.drop_rule
    }

    pub(super) fn set_drop_rule<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        rule: DropRule,
    ) -> Result<(), Failure> {
        self.drop_rule = rule;
        if self.started {
            self.write_drop_rule(isp)?;
        }
        Ok(())
    }

    /// What FRAME_DROP writes (T31 2.5).
    pub(super) fn write_drop_rule<B: Bus>(&self, isp: &mut Isp<B>) -> Result<(), Error> {
        let DropRule {
            enabled,
            period,
            mask,
        } = self.drop_rule;
        let (period, mask) = if enabled == 0 { (0, 1) } else { (period, mask) };
        isp.bus_mut().post(&[
            write(Registers::RateLoop.of(self.id), period & 0xff),
            write(Registers::RateMask.of(self.id), mask),
        ])?;
        Ok(())
    }

    /// `/dev/tx-isp` was opened, or closed for the last time.
    pub(super) fn activate(&mut self, active: bool) {
        self.state = match (active, self.state) {
            (true, State::Undefined | State::Slake) => State::Activated,
            (false, _) => State::Slake,
            (true, state) => state,
        };
    }

    /// A client comes, or (`shares`) another one: it makes the channel look as if it had just been opened.
    pub(super) fn open<B: Bus>(&mut self, isp: &mut Isp<B>, shares: bool) -> Result<(), Failure> {
        match self.state {
            State::Undefined | State::Slake => return Err(Errno::Eperm.into()),
            State::Initialised | State::Running if shares => {
                self.queue.reset_counters();
                self.state = State::Initialised;
                return Ok(());
            }
            State::Initialised | State::Running => {
                let why = "a frame channel is open already; it has one client at a time";
                return Err(Failure::Refused(Errno::Ebusy, why));
            }
            State::Activated => {}
        }
        // A client that closed /dev/tx-isp first may have left it.
        self.close(isp)?;
        let layout = isp.layout(self.id);
        self.before = Some(Before {
            format: layout.format,
            size: layout.size,
            source: isp.source(self.id),
            chroma: isp.chroma_start(self.id),
        });
        isp.set_chroma_start(self.id, ChromaStart::Aligned)?;
        isp.return_skipped(self.id, true);
        self.format = FrameFormat {
            kind: VIDEO_CAPTURE,
            width: layout.size.width,
            height: layout.size.height,
            fourcc: PixelFormat::Nv12.fourcc(),
            field: FIELD_INTERLACED,
            colorspace: COLORSPACE_SRGB,
            ..FrameFormat::default()
        };
        picture::fill_sizes(&mut self.format);
        self.picture = Some(PixelFormat::Nv12);
        isp.set_layout(self.id, PixelFormat::Nv12, layout.size)?;
        self.queue.reset_counters();
        self.state = State::Initialised;
        Ok(())
    }

    /// One of several clients is gone, and takes the others' buffers along.
    pub(super) fn close_shared<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.queue.stop();
        self.failed = false;
        let stopped = self.stop(isp);
        self.queue.free();
        if self.state != State::Slake {
            self.state = State::Activated;
        }
        stopped
    }

    /// The client is gone: what runs is stopped, and the channel is as it was before.
    pub(super) fn close<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        let stopped = self.close_shared(isp);
        if let Some(before) = self.before.take() {
            isp.return_skipped(self.id, false);
            isp.set_chroma_start(self.id, before.chroma)?;
            isp.set_layout(self.id, before.format, before.size)?;
            isp.set_source(self.id, before.source)?;
        }
        stopped
    }

    /// SET_FMT. `front_crop` is channel 0's: the input is cut for all (T31 2.5). With the vendor's faults
    /// a crop that is not inside and a size that the chip cannot write are taken, too: the answer says
    /// what becomes of them. What that driver's chip would write then, beyond the buffer, it does not.
    pub(super) fn set_format<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        format: &mut FrameFormat,
        front_crop: Option<Part>,
        image_bytes: Option<Answer>,
        quirks: Quirks,
    ) -> Result<Option<&'static str>, Failure> {
        let field_is_known = format.field == 0 || format.field == FIELD_INTERLACED;
        if format.kind != VIDEO_CAPTURE || !field_is_known || format.colorspace != COLORSPACE_SRGB {
            let why = "SET_FRAME_FORMAT wants type 1, field 0 or 4, and colour space 8";
            return Err(Failure::Refused(Errno::Einval, why));
        }
        if self.queue.is_streaming() || self.queue.holds_any() {
            let why = "SET_FRAME_FORMAT while buffers are queued";
            return Err(Failure::Refused(Errno::Ebusy, why));
        }
        format.field = FIELD_INTERLACED;
        let mut written = picture::written(format.fourcc);
        let mut taken = None;
        if let Some(picture) = written {
            let sensor = isp.sensor().size;
            let source = match picture::source(sensor, format, front_crop) {
                Err(Failure::Refused(_, _)) if quirks == Quirks::Vendor => {
                    taken =
                        Some("SET_FRAME_FORMAT: a crop that is not inside: the picture is not cut");
                    Rectangle {
                        left: 0,
                        top: 0,
                        size: sensor,
                    }
                }
                other => other?,
            };
            match isp.set_layout(self.id, picture, Size::new(format.width, format.height)) {
                Err(Error::UnsupportedSize(_)) if quirks == Quirks::Vendor => {
                    taken = Some("SET_FRAME_FORMAT: a size that cannot be: no frame will come");
                    written = None;
                }
                other => {
                    other?;
                    isp.set_source(self.id, source)?;
                }
            }
            picture::fill_sizes(format);
            if let Some(answer) = image_bytes {
                format.image_bytes = answer.of(format.image_bytes).ok_or(Errno::Einval)?;
            }
        }
        self.picture = written;
        self.format = *format;
        Ok(taken)
    }

    pub(super) fn request_buffers(&mut self, request: &mut RequestBuffers) -> Result<(), Failure> {
        Ok(self.queue.request(request)?)
    }

    /// Whether QBUF would take the buffer; then its memory is to be looked at.
    pub(super) fn check(&self, buffer: &Buffer) -> Result<(), Failure> {
        self.queue.check(buffer, self.format.image_bytes)?;
        Ok(())
    }

    /// QBUF. The buffer's memory is the client's, as far as anybody asked.
    pub(super) fn queue_buffer<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        buffer: &mut Buffer,
        quirks: Quirks,
    ) -> Result<(), Failure> {
        self.check(buffer)?;
        if self.picture.is_some() && quirks == Quirks::None {
            match isp.prepare(self.id, isp_buffer(buffer)) {
                // It is looked at when others are done.
                Ok(()) | Err(Error::QueueFull(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.queue.queue(buffer, self.format.image_bytes)?;
        if self.started {
            self.feed(isp)?;
        }
        Ok(())
    }

    pub(super) fn query(&self, buffer: &mut Buffer) -> Result<(), Failure> {
        Ok(self.queue.query(buffer)?)
    }

    pub(super) fn dequeue(&mut self, buffer: &mut Buffer) -> Result<(), Failure> {
        match self.queue.dequeue(buffer) {
            Err(Errno::Eagain) => Err(self.nothing().into()),
            other => Ok(other?),
        }
    }

    pub(super) fn listen(&mut self) -> Result<u32, Failure> {
        self.queue.listen().ok_or_else(|| self.nothing().into())
    }

    /// What is said where there is no frame.
    const fn nothing(&self) -> Errno {
        if self.failed {
            Errno::Eio
        } else {
            Errno::Eagain
        }
    }

    /// Whether the ISP's channel is this front's.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.before.is_some()
    }

    /// Whether the ISP's channel runs for it.
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.started
    }
}

const fn isp_buffer(buffer: &Buffer) -> IspBuffer {
    IspBuffer {
        index: buffer.index,
        address: PhysAddr(buffer.address),
    }
}
