// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the chip's time passes, from event to event (T31 9.3, 2b.11).
//!
//! | event | what happens at it |
//! |---|---|
//! | first line | the frame counts; strobed registers take effect; each enabled channel takes its addresses |
//! | last line of a channel's picture | its done entries, its bits of the core's and the multi-scaler's status |
//! | the sensor's last line | raw picture, statistics, the pipe's done bit |
//! | blanking | nothing; it lasts until the sensor's next first line |
//!
//! Whoever draws does so between the first line and the last as fast as it can: nothing that the guest sees
//! depends on it, unless it is late. Then the ends wait for it, and first lines that come meanwhile are lost:
//! the frame number counts them, no picture has them (assumption: as with an overloaded bus).

use super::Chip;
use super::frame::{Frame, RawOrStatistics};
use super::frame_clock::{Event, OpenFrame, Pace, Written};
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, Msca};

/// Frames whose light is followed when many are lost at once: more than any sensor's delay.
const FOLLOWED: u64 = 16;

impl Chip {
    /// What decides when the sensor begins a frame.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.frame_clock.pace = pace;
    }

    /// What decides when the sensor begins a frame.
    #[must_use]
    pub const fn pace(&self) -> Pace {
        self.frame_clock.pace
    }

    /// The chip's time.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.frame_clock.now
    }

    /// Frames that were lost because the one before was not written yet.
    #[must_use]
    pub const fn late_frames(&self) -> u64 {
        self.frame_clock.late
    }

    /// From one first line to the next.
    #[must_use]
    pub fn frame_interval(&self) -> Duration {
        match self.frame_clock.pace {
            Pace::Sensor(shortest) => self.frame_period().max(shortest),
            Pace::Every(period) => period.max(Duration::from_nanos(1)),
            Pace::OnDemand => self.frame_period(),
        }
    }

    /// When the chip is to be looked at next, if nothing is written to it before: never earlier than
    /// [`Chip::now`]. `None` if time alone brings nothing about.
    #[must_use]
    pub fn next_event(&self) -> Option<Duration> {
        let first_lines = self.frame_clock.pace != Pace::OnDemand && self.is_streaming();
        let first_line = first_lines.then(|| self.next_first_line());
        [self.frame_clock.next_look(), first_line]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets time pass up to `to`, or up to the next event on the way, which it returns: call it again until
    /// there is none. A time that has passed already changes nothing.
    pub fn advance(&mut self, to: Duration) -> Option<Event> {
        loop {
            match self.next_event().filter(|at| *at <= to) {
                Some(at) => {
                    self.frame_clock.now = at;
                    if let Some(event) = self.event_at(at, to) {
                        return Some(event);
                    }
                }
                None => {
                    self.frame_clock.now = self.frame_clock.now.max(to);
                    if self.frame_clock.pace != Pace::OnDemand {
                        self.pass_first_lines(self.frame_clock.now);
                    }
                    return None;
                }
            }
        }
    }

    /// The sensor begins a frame at once, if the blanking after the one before is over; else when that is.
    /// `None` while the ISP does not run, or the frame before has not ended.
    pub fn frame_start(&mut self) -> Option<Frame> {
        if !self.is_streaming() || self.frame_clock.open.is_some() {
            return None;
        }
        let at = self.next_first_line();
        self.frame_clock.now = at;
        self.frame_clock.last_first = at;
        self.first_line()
    }

    /// What a frame writes is in memory, except the `failed` channels' pictures and the `lost` rest. Its ends
    /// come at their lines, or with the next [`Chip::advance`] where those have passed. A frame that began
    /// before a reset is forgotten.
    pub fn frame_written(&mut self, frame: &Frame, failed: &[ChannelId], lost: &[RawOrStatistics]) {
        if self.frame_clock.is_open(frame)
            && let Some(open) = &mut self.frame_clock.open
        {
            open.written = Some(Written {
                failed: failed.iter().fold(0, |bits, id| bits | id.bit()),
                lost: lost.to_vec(),
            });
        }
    }

    /// Lets time pass up to the next end of a frame that was written; `None` when there is no such frame.
    pub fn finish(&mut self) -> Option<Event> {
        let at = self.frame_clock.end_due()?;
        self.frame_clock.now = at;
        self.end_lines_with_faults(at)
    }

    /// A frame was written, and time passes up to its last line.
    pub fn frame_end(&mut self, frame: &Frame, failed: &[ChannelId]) {
        self.frame_end_without(frame, failed, &[]);
    }

    /// As [`Chip::frame_end`], where not all that goes beside the channels' pictures was written either.
    pub fn frame_end_without(
        &mut self,
        frame: &Frame,
        failed: &[ChannelId],
        lost: &[RawOrStatistics],
    ) {
        self.frame_written(frame, failed, lost);
        if self.frame_clock.is_open(frame) {
            while self.finish().is_some() {}
        }
    }

    /// When the sensor sends its next first line.
    fn next_first_line(&self) -> Duration {
        let clock = &self.frame_clock;
        let next = clock.last_first.saturating_add(self.frame_interval());
        next.max(clock.now)
    }

    /// What happens at an event's time, on the way to `to`.
    fn event_at(&mut self, at: Duration, to: Duration) -> Option<Event> {
        if self.frame_clock.end_due() == Some(at) {
            return self.end_lines_with_faults(at);
        }
        let is_first = self.frame_clock.pace != Pace::OnDemand
            && self.is_streaming()
            && self.next_first_line() == at;
        if !is_first {
            return None;
        }
        if self.frame_clock.open.is_some() {
            let end = self.frame_clock.end_due();
            self.lose_frames(end.map_or(to, |end| end.min(to)));
            return None;
        }
        self.frame_clock.last_first = at;
        self.first_line().map(Event::FirstLine)
    }

    fn first_line(&mut self) -> Option<Frame> {
        let frame = self.begin_frame_with_faults()?;
        if frame.lost {
            return Some(frame);
        }
        let began = self.frame_clock.now;
        let readout = self.readout_time();
        let lines = self.sensor.size.height.max(1);
        let mut channel_ends = [None; ChannelId::COUNT];
        for job in &frame.jobs {
            let end = readout.saturating_mul(job.last_line.min(lines)) / lines;
            channel_ends[job.channel.index()] = Some(began.saturating_add(end));
        }
        self.frame_clock.open = Some(OpenFrame {
            frame: frame.clone(),
            began,
            channel_ends,
            end: began.saturating_add(readout),
            written: None,
            ended: false,
        });
        Some(frame)
    }

    /// First lines that come up to `to` while a frame has not ended: nobody takes them.
    fn lose_frames(&mut self, to: Duration) {
        let lost = self.pass_first_lines(to);
        self.frame_clock.late += lost;
        let number = u32::try_from(lost % (1 << 32)).unwrap_or(0);
        self.frame_number = self.frame_number.wrapping_add(number);
        let time = self.frame_period();
        let times = u32::try_from(lost).unwrap_or(u32::MAX);
        self.time = self.time.saturating_add(time.saturating_mul(times));
        for _ in 0..lost.min(FOLLOWED) {
            self.sensor_model.next_light();
        }
    }

    /// The sensor's first lines up to `to` are over: how many there were.
    fn pass_first_lines(&mut self, to: Duration) -> u64 {
        let interval = self.frame_interval().as_nanos().max(1);
        let passed = to.saturating_sub(self.frame_clock.last_first).as_nanos();
        let count = u64::try_from(passed / interval).unwrap_or(u64::MAX);
        let rest = u64::try_from(passed % interval).unwrap_or(0);
        if count > 0 {
            self.frame_clock.last_first = to.saturating_sub(Duration::from_nanos(rest));
        }
        count
    }

    /// The ends that are due at `at`.
    pub(super) fn end_lines(&mut self, at: Duration) -> Option<Event> {
        let mut open = self.frame_clock.open.take()?;
        let written = open.written.clone();
        let failed = written.as_ref().map_or(u32::MAX, |written| written.failed);
        open.ended = true;
        let mut channels = 0;
        for job in &open.frame.jobs {
            let end = &mut open.channel_ends[job.channel.index()];
            if end.take_if(|end| *end <= at).is_none() {
                continue;
            }
            channels |= job.channel.bit();
            self.end_channel(&open.frame, job.channel, failed);
        }
        let over = open.end <= at;
        if over && let Some(written) = written {
            self.end_raw_and_statistics(&open.frame, &written.lost);
        }
        if !open.frame.effects.coalesced && self.core_is_active() {
            let done = std::mem::take(&mut self.unannounced);
            let pipe = Core::IRQ_IP_DONE.of(u32::from(over));
            self.core_status |= Core::IRQ_CHANNELS_DONE.of(done) | pipe;
        }
        let event = Event::LastLine {
            number: open.frame.number,
            channels,
            over,
            interrupt_lost: open.frame.effects.interrupt_lost,
        };
        if !over {
            self.frame_clock.open = Some(open);
        }
        Some(event)
    }

    fn end_channel(&mut self, frame: &Frame, id: ChannelId, failed: u32) {
        let Some(job) = frame.jobs.iter().find(|job| job.channel == id) else {
            return;
        };
        let overflows = frame.effects.overflow & id.bit() != 0;
        let written = failed & id.bit() == 0 && !overflows;
        self.writing[id.index()] = None;
        self.channels[id.index()].end_frame(job, frame.number, written, &mut self.guest_errors);
        if written {
            self.msca_status |= Msca::IRQ_CHANNELS_DONE.of(id.bit());
            self.unannounced |= id.bit();
        }
    }
}
