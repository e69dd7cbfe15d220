// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A frame channel's buffers, from REQBUFS to DQBUF (T31 3.3, 2a.2).

use crate::List;
use crate::error::Errno;
use tx_isp_abi::vendor::{
    Buffer, FLAG_DONE, FLAG_ERROR, FLAG_MONOTONIC, FLAG_QUEUED, MEMORY_USERPTR, RequestBuffers,
    VIDEO_CAPTURE,
};

/// The most buffers of a channel; REQBUFS cuts what is more.
pub const MAX_BUFFERS: usize = 64;

/// Where a buffer is, as the vendor's driver numbers it (T31 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// With the client.
    #[default]
    Dequeued = 0,
    /// With the driver.
    Queued = 1,
    /// With the chip.
    Active = 3,
    /// Filled.
    Done = 4,
    /// Filled with something damaged, or passed over by the chip.
    Error = 5,
}

/// A buffer and what is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// Where it is.
    pub state: State,
    /// How often it was queued.
    pub queued: u32,
    /// How often it was dequeued.
    pub dequeued: u32,
    buffer: Buffer,
}

impl Entry {
    /// Its physical address, as it was queued last.
    #[must_use]
    pub const fn address(&self) -> u32 {
        self.buffer.address
    }
}

/// When a frame ended, by the raw monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Whole seconds.
    pub seconds: u32,
    /// And microseconds.
    pub microseconds: u32,
}

impl Time {
    /// The time so many nanoseconds after the clock's start.
    #[must_use]
    pub fn from_ns(ns: u64) -> Self {
        let second = 1_000_000_000;
        Self {
            seconds: u32::try_from(ns / second).unwrap_or(u32::MAX),
            microseconds: u32::try_from(ns % second / 1000).unwrap_or(0),
        }
    }
}

/// The buffers of one channel. All zeros is one without any.
#[derive(Clone, Debug)]
pub struct FrameQueue {
    entries: [Entry; MAX_BUFFERS],
    count: usize,
    streaming: bool,
    /// Queued and not finished, in the order of queueing.
    waiting: List<u8, MAX_BUFFERS>,
    /// Finished and not dequeued, in the order of finishing.
    done: List<u8, MAX_BUFFERS>,
    /// Finished since the channel was opened, less those that LISTEN_BUF has told of.
    completions: u32,
    /// Frames delivered since the channel was opened.
    pub frames: u32,
    /// Frames for buffers that the chip was not known to have.
    pub lost: u32,
}

impl Default for FrameQueue {
    fn default() -> Self {
        Self {
            entries: [Entry::default(); MAX_BUFFERS],
            count: 0,
            streaming: false,
            waiting: List::new(0),
            done: List::new(0),
            completions: 0,
            frames: 0,
            lost: 0,
        }
    }
}

impl FrameQueue {
    /// Starts counting anew, as opening a channel does.
    pub fn reset_counters(&mut self) {
        self.completions = 0;
        self.frames = 0;
        self.lost = 0;
    }

    /// The buffers that there are.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.count]
    }

    /// Whether frames are asked for.
    #[must_use]
    pub const fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// Whether the driver or the chip has any buffer.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        self.entries()
            .iter()
            .any(|entry| entry.state != State::Dequeued)
    }

    /// Whether the driver or the chip has buffer `index`.
    #[must_use]
    pub fn is_held(&self, index: u32) -> bool {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.entries().get(index))
            .is_some_and(|entry| matches!(entry.state, State::Queued | State::Active))
    }

    /// Queued buffers in order, with their addresses.
    pub fn waiting(&self) -> impl Iterator<Item = &Entry> + Clone {
        let entries = &self.entries;
        self.waiting
            .as_slice()
            .iter()
            .map(|index| &entries[usize::from(*index)])
    }

    /// Finished buffers in order.
    pub fn done(&self) -> impl Iterator<Item = &Entry> + Clone {
        let entries = &self.entries;
        self.done
            .as_slice()
            .iter()
            .map(|index| &entries[usize::from(*index)])
    }

    /// REQBUFS: `request.count` becomes the number that there are.
    ///
    /// # Errors
    /// `EBUSY` while streaming; `EINVAL` for memory that is not the client's, after all buffers were
    /// freed.
    pub fn request(&mut self, request: &mut RequestBuffers) -> Result<(), Errno> {
        if self.streaming {
            return Err(Errno::Ebusy);
        }
        self.free();
        if request.count == 0 {
            return Ok(());
        }
        if request.memory != MEMORY_USERPTR || request.kind != VIDEO_CAPTURE {
            return Err(Errno::Einval);
        }
        self.count = usize::try_from(request.count).map_or(MAX_BUFFERS, |n| n.min(MAX_BUFFERS));
        request.count = u32::try_from(self.count).unwrap_or(u32::MAX);
        for (index, entry) in (0..).zip(&mut self.entries[..self.count]) {
            *entry = Entry::default();
            entry.buffer = Buffer {
                index,
                kind: VIDEO_CAPTURE,
                memory: MEMORY_USERPTR,
                ..Buffer::default()
            };
        }
        Ok(())
    }

    /// Forgets all buffers.
    pub fn free(&mut self) {
        self.cancel();
        self.count = 0;
    }

    /// All buffers are the client's again.
    pub fn cancel(&mut self) {
        self.waiting.clear();
        self.done.clear();
        for entry in &mut self.entries[..self.count] {
            entry.state = State::Dequeued;
        }
    }

    fn index(&self, buffer: &Buffer) -> Result<usize, Errno> {
        usize::try_from(buffer.index)
            .ok()
            .filter(|index| *index < self.count && buffer.kind == VIDEO_CAPTURE)
            .ok_or(Errno::Einval)
    }

    /// Whether QBUF may take `buffer`: its queue's kind, a number that there is, the client's memory,
    /// exactly `image_bytes` long, and not queued already.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn check(&self, buffer: &Buffer, image_bytes: u32) -> Result<usize, Errno> {
        let index = self.index(buffer)?;
        let entry = &self.entries[index];
        let fits = buffer.memory == MEMORY_USERPTR && buffer.length == image_bytes;
        if fits && entry.state == State::Dequeued {
            Ok(index)
        } else {
            Err(Errno::Einval)
        }
    }

    /// QBUF; `buffer` is returned as it is kept. To be checked with [`FrameQueue::check`] first.
    ///
    /// # Errors
    /// As [`FrameQueue::check`].
    pub fn queue(&mut self, buffer: &mut Buffer, image_bytes: u32) -> Result<(), Errno> {
        let index = self.check(buffer, image_bytes)?;
        let place = u8::try_from(index).map_err(|_| Errno::Einval)?;
        if !self.waiting.push(place) {
            return Err(Errno::Einval);
        }
        let entry = &mut self.entries[index];
        entry.state = State::Queued;
        entry.queued = entry.queued.wrapping_add(1);
        entry.buffer = *buffer;
        *buffer = shown(entry);
        Ok(())
    }

    /// The next buffer that the chip does not have yet.
    #[must_use]
    pub fn next_for_chip(&self) -> Option<(u32, u32)> {
        self.waiting()
            .find(|entry| entry.state == State::Queued)
            .map(|entry| (entry.buffer.index, entry.buffer.address))
    }

    /// How many buffers the chip has.
    #[must_use]
    pub fn active(&self) -> usize {
        self.waiting()
            .filter(|entry| entry.state == State::Active)
            .count()
    }

    /// The chip has a buffer, or (`false`) has it no more.
    pub fn set_active(&mut self, index: u32, active: bool) {
        let state = if active { State::Active } else { State::Queued };
        let entry = self.entry_mut(index);
        if let Some(entry) =
            entry.filter(|entry| matches!(entry.state, State::Queued | State::Active))
        {
            entry.state = state;
        }
    }

    /// The chip has none of the buffers.
    pub fn take_from_chip(&mut self) {
        for entry in &mut self.entries[..self.count] {
            if entry.state == State::Active {
                entry.state = State::Queued;
            }
        }
    }

    fn entry_mut(&mut self, index: u32) -> Option<&mut Entry> {
        let index = usize::try_from(index).ok()?;
        self.entries[..self.count].get_mut(index)
    }

    /// A frame is in buffer `index`: it and all that were queued before it are done. Returns how many
    /// that are; 0 if it was not queued. Those before it, which the chip has passed over, and a frame that
    /// is not intact are marked as errors, where `marks` says so.
    pub fn finish(&mut self, index: u32, intact: bool, time: Time, marks: bool) -> u32 {
        let matches = |place: &u8| u32::from(*place) == index;
        let Some(found) = self.waiting.as_slice().iter().position(matches) else {
            return 0;
        };
        for position in 0..=found {
            let Some(place) = self.waiting.remove(0) else {
                break;
            };
            let entry = &mut self.entries[usize::from(place)];
            let is_match = position == found;
            if is_match && entry.state != State::Active {
                self.lost = self.lost.wrapping_add(1);
            }
            entry.state = if is_match && intact || !marks {
                State::Done
            } else {
                State::Error
            };
            entry.buffer.seconds = time.seconds;
            entry.buffer.microseconds = time.microseconds;
            let fits = self.done.push(place);
            debug_assert!(fits, "a buffer is in one list");
        }
        let finished = u32::try_from(found + 1).unwrap_or(u32::MAX);
        self.frames = self.frames.wrapping_add(finished);
        self.completions = self.completions.saturating_add(finished);
        finished
    }

    /// QUERYBUF.
    ///
    /// # Errors
    /// `EINVAL` for another kind of queue or a number that there is not.
    pub fn query(&self, buffer: &mut Buffer) -> Result<(), Errno> {
        let index = self.index(buffer)?;
        show(&self.entries[index], buffer);
        Ok(())
    }

    /// DQBUF: the oldest finished buffer. Its address and length stay as the client passed them.
    ///
    /// # Errors
    /// `EINVAL` for another kind of queue and where frames are not asked for, `EAGAIN` if none is
    /// finished.
    pub fn dequeue(&mut self, buffer: &mut Buffer) -> Result<(), Errno> {
        if buffer.kind != VIDEO_CAPTURE || !self.streaming {
            return Err(Errno::Einval);
        }
        let place = self.done.remove(0).ok_or(Errno::Eagain)?;
        let entry = &mut self.entries[usize::from(place)];
        show(entry, buffer);
        entry.state = State::Dequeued;
        entry.dequeued = entry.dequeued.wrapping_add(1);
        Ok(())
    }

    /// LISTEN_BUF: how many frames there were that it has not told of, this one included; it tells of
    /// each once.
    pub fn listen(&mut self) -> Option<u32> {
        let told = self.completions;
        self.completions = told.checked_sub(1)?;
        Some(told)
    }

    /// Frames are asked for.
    pub fn start(&mut self) {
        self.streaming = true;
    }

    /// No more frames are asked for; all buffers are the client's again.
    pub fn stop(&mut self) {
        self.streaming = false;
        self.cancel();
    }
}

/// What the client sees of a buffer.
fn shown(entry: &Entry) -> Buffer {
    let state = match entry.state {
        State::Dequeued => 0,
        State::Queued | State::Active => FLAG_QUEUED,
        State::Done => FLAG_DONE,
        State::Error => FLAG_ERROR,
    };
    Buffer {
        flags: FLAG_MONOTONIC | state,
        sequence: 0,
        reserved2: 0,
        reserved: 0,
        ..entry.buffer
    }
}

/// What QUERYBUF and DQBUF write: all but the address and the length (T31 3.3).
fn show(entry: &Entry, buffer: &mut Buffer) {
    *buffer = Buffer {
        address: buffer.address,
        length: buffer.length,
        ..shown(entry)
    };
}

#[cfg(test)]
mod tests;
