// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What `/dev/framechanN` asks the front for: each channel, and whether it is linked to a sensor that
//! streams.

use super::{CHANNEL_LINKS, Front};
use crate::bus::Bus;
use crate::error::Errno;
use crate::isp::Isp;
use crate::vendor::queue::Time;
use crate::vendor::{Failure, Quirks};
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::vendor::{Buffer, FrameFormat, Part, RequestBuffers};

impl Front {
    pub(super) fn update<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        let ready = self.is_ready();
        let mut result = Ok(());
        for channel in &mut self.channels {
            result = result.and(channel.update(isp, ready));
        }
        result
    }

    fn is_ready(&self) -> bool {
        self.streaming && self.links == Some(CHANNEL_LINKS)
    }

    /// A frame channel is opened; its channel of the ISP must be free. The vendor's driver shares it.
    pub fn channel_open<B: Bus>(&mut self, isp: &mut Isp<B>, id: ChannelId) -> Result<(), Failure> {
        let shares = self.quirks == Quirks::Vendor;
        self.channels[id.index()].open(isp, shares)
    }

    /// A frame channel is closed; `last` if nobody has it open any more.
    pub fn channel_close<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        last: bool,
    ) -> Result<(), Failure> {
        let channel = &mut self.channels[id.index()];
        match last {
            true => channel.close(isp),
            false => channel.close_shared(isp),
        }
    }

    /// SET_FMT. With the vendor's faults what cannot be is taken all the same; then the answer says why
    /// nobody will see it.
    pub fn set_format<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        format: &mut FrameFormat,
    ) -> Result<Option<&'static str>, Failure> {
        let enabled = |format: &FrameFormat| -> Option<Part> {
            (format.front_crop_enable & 0xff != 0).then_some(format.front_crop)
        };
        let front_crop = if id.index() == 0 {
            enabled(format)
        } else {
            enabled(self.channels[0].format())
        };
        let image_bytes = self.answers.image_bytes;
        self.channels[id.index()].set_format(isp, format, front_crop, image_bytes, self.quirks)
    }

    /// How many bytes a frame has that the chip writes for a channel, whatever its client was told.
    #[must_use]
    pub fn written_bytes<B: Bus>(&self, isp: &Isp<B>, id: ChannelId) -> u32 {
        isp.layout(id).sizeimage
    }

    /// REQBUFS.
    pub fn request_buffers(
        &mut self,
        id: ChannelId,
        request: &mut RequestBuffers,
    ) -> Result<(), Failure> {
        let Some(answer) = self.answers.buffers else {
            return self.channels[id.index()].request_buffers(request);
        };
        if request.count > 0 {
            let count = answer.of(request.count).ok_or(Errno::Enomem)?;
            request.count = count.max(1);
        }
        self.channels[id.index()].request_buffers(request)
    }

    /// Whether QBUF would take the buffer, were its memory the client's.
    pub fn check_buffer(&self, id: ChannelId, buffer: &Buffer) -> Result<(), Failure> {
        if self.answers.refuses(buffer.index) {
            return Err(Errno::Enomem.into());
        }
        self.channels[id.index()].check(buffer)
    }

    /// QBUF.
    pub fn queue_buffer<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        buffer: &mut Buffer,
    ) -> Result<(), Failure> {
        self.channels[id.index()].queue_buffer(isp, buffer, self.quirks)
    }

    /// QUERYBUF.
    pub fn query_buffer(&self, id: ChannelId, buffer: &mut Buffer) -> Result<(), Failure> {
        self.channels[id.index()].query(buffer)
    }

    /// DQBUF; `EAGAIN` where the client is to wait.
    pub fn dequeue(&mut self, id: ChannelId, buffer: &mut Buffer) -> Result<(), Failure> {
        self.channels[id.index()].dequeue(buffer)
    }

    /// LISTEN_BUF: how many frames there were; `EAGAIN` where the client is to wait.
    pub fn listen(&mut self, id: ChannelId) -> Result<u32, Failure> {
        self.channels[id.index()].listen()
    }

    /// STREAMON of a frame channel. Before the sensor streams and the links are there it is a wish: it
    /// comes true when they are.
    pub fn channel_stream_on<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        kind: u32,
    ) -> Result<(), Failure> {
        let ready = self.is_ready();
        let channel = &mut self.channels[id.index()];
        channel.stream_on(kind)?;
        // The ISP may have stopped by itself since.
        let runs = if ready { isp.hold(true) } else { Ok(()) };
        let started = runs
            .map_err(Failure::from)
            .and_then(|()| channel.update(isp, ready));
        if started.is_err() {
            channel.cancel_start();
        }
        started
    }

    /// Begins to stop the ISP's channel, if it runs: [`Isp::stop_step`] is to be called until it has
    /// stopped, before the call that wants it stopped. Others need not wait meanwhile.
    pub fn stop_begin<B: Bus>(&mut self, isp: &mut Isp<B>, id: ChannelId) -> bool {
        let started = self.channels[id.index()].is_started();
        if started {
            // What has stopped by itself needs no stop.
            let _ = isp.stop_begin(id);
        }
        started
    }

    /// STREAMOFF of a frame channel.
    pub fn channel_stream_off<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        kind: u32,
    ) -> Result<(), Failure> {
        self.channels[id.index()].stream_off(isp, kind)
    }

    /// A frame is in a buffer. Returns how many buffers are done with it.
    pub fn finish<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        id: ChannelId,
        index: u32,
        intact: bool,
        time: Time,
    ) -> Result<u32, Failure> {
        self.channels[id.index()].finish(isp, index, intact, time, self.quirks)
    }

    /// The ISP has stopped by itself: whoever waits hears of it.
    pub fn abandon(&mut self) {
        for channel in &mut self.channels {
            channel.abandon();
        }
    }
}
