// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A frame channel's stream: it starts and stops, the ISP gets its buffers and gives them back.

use super::{FrameChannel, State};
use crate::bus::Bus;
use crate::channel::{Buffer as IspBuffer, MAX_BUFFERS};
use crate::error::{Errno, Error};
use crate::isp::Isp;
use crate::vendor::queue::{self, Time};
use crate::vendor::{Failure, Quirks};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::vendor::VIDEO_CAPTURE;

impl FrameChannel {
    /// STREAMON as far as the client is concerned; [`FrameChannel::update`] does the rest.
    pub(in crate::vendor) fn stream_on(&mut self, kind: u32) -> Result<(), Failure> {
        if self.state != State::Initialised {
            return Err(Errno::Eperm.into());
        }
        if kind != VIDEO_CAPTURE {
            return Err(Errno::Einval.into());
        }
        // Only behind a second client's open.
        if self.queue.is_streaming() {
            return Err(Errno::Ebusy.into());
        }
        self.queue.start();
        self.state = State::Running;
        Ok(())
    }

    pub(in crate::vendor) fn stream_off<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        kind: u32,
    ) -> Result<(), Failure> {
        if kind != VIDEO_CAPTURE || !self.queue.is_streaming() {
            return Err(Errno::Einval.into());
        }
        let stopped = self.stop(isp);
        self.queue.stop();
        self.failed = false;
        if self.state == State::Running {
            self.state = State::Initialised;
        }
        stopped
    }

    /// The client hears that starting was refused: as if it had not asked.
    pub(in crate::vendor) fn cancel_start(&mut self) {
        self.queue.stop();
        self.state = State::Initialised;
    }

    /// Starts or stops the ISP's channel as it should be: while the client wants frames, and `ready`:
    /// the sensor streams and the channel is linked to it.
    pub(in crate::vendor) fn update<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        ready: bool,
    ) -> Result<(), Failure> {
        let wanted = ready && !self.failed && self.queue.is_streaming() && self.picture.is_some();
        if wanted == self.started {
            return Ok(());
        }
        if !wanted {
            return self.stop(isp);
        }
        let started = self.start(isp);
        if started.is_err() {
            isp.take_back(self.id);
            self.queue.take_from_chip();
        }
        self.started = started.is_ok();
        started
    }

    fn start<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.feed(isp)?;
        isp.stream_on(self.id)?;
        Ok(self.write_drop_rule(isp)?)
    }

    pub(in crate::vendor) fn stop<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        self.queue.take_from_chip();
        let stopped = match core::mem::take(&mut self.started) {
            true => isp.stream_off(self.id),
            false => Ok(()),
        };
        self.release_idle(isp);
        match stopped {
            // It was stopped already: what was queued since waits for no start.
            Err(Error::NotStreaming(_)) => {
                isp.take_back(self.id);
                Ok(())
            }
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The ISP forgets what is the client's again.
    fn release_idle<B: Bus>(&mut self, isp: &mut Isp<B>) {
        for index in 0..u32::try_from(queue::MAX_BUFFERS).unwrap_or(0) {
            if !self.queue.is_held(index) {
                isp.release(self.id, index);
            }
        }
    }

    /// Gives the ISP as many buffers as it takes.
    pub(in crate::vendor) fn feed<B: Bus>(&mut self, isp: &mut Isp<B>) -> Result<(), Failure> {
        while self.picture.is_some() && self.queue.active() < MAX_BUFFERS {
            let Some((index, address)) = self.queue.next_for_chip() else {
                break;
            };
            isp.queue(
                self.id,
                IspBuffer {
                    index,
                    address: PhysAddr(address),
                },
            )?;
            self.queue.set_active(index, true);
        }
        Ok(())
    }

    /// A frame is in buffer `index`. Returns how many buffers are done with it.
    pub(in crate::vendor) fn finish<B: Bus>(
        &mut self,
        isp: &mut Isp<B>,
        index: u32,
        intact: bool,
        time: Time,
        quirks: Quirks,
    ) -> Result<u32, Failure> {
        let marks = quirks == Quirks::None;
        let finished = self.queue.finish(index, intact, time, marks);
        isp.release(self.id, index);
        self.feed(isp)?;
        Ok(finished)
    }

    /// The ISP has stopped by itself.
    pub(in crate::vendor) fn abandon(&mut self) {
        self.failed |= self.queue.is_streaming();
        self.started = false;
        self.queue.take_from_chip();
    }
}
