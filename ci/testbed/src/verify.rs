// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares what the client received with what DMA wrote.

use std::collections::VecDeque;

use guest_protocol::message::Frame;
use tx_isp_abi::channel::ChannelId;
use tx_isp_emulator::frame_log::ENTRIES_PER_CHANNEL;
use tx_isp_emulator::monitor::protocol::{FrameLogEntry, FrameLogPage};
use tx_isp_emulator::monitor::{Client, ClientError};

/// What has been seen of a stream so far.
#[derive(Debug, Default)]
pub struct Verifier {
    /// Frames that the client dequeued.
    pub received: u32,
    /// Sequence numbers that were left out.
    pub dropped: u32,
    /// Frames whose checksum is not that of what DMA wrote, or that DMA never wrote.
    pub mismatched: u32,
    /// Frames that the driver marked with an error.
    pub errors: u32,
    /// What is wrong, the first of each kind.
    pub problems: Vec<String>,
    /// When the client got the frames that DMA wrote: as many of the newest as the frame log remembers.
    pub dequeues: VecDeque<Dequeue>,
    next_sequence: u32,
    first_ns: Option<u64>,
    last_ns: u64,
}

/// When the client got a frame; times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dequeue {
    /// The channel.
    pub channel: u32,
    /// The channel's session in the frame log.
    pub session: u32,
    /// The frame's number as the chip counts.
    pub frame: u32,
    /// The driver's sequence number.
    pub sequence: u32,
    /// When DMA had written it, since the emulator's start.
    pub written_ns: u64,
    /// The driver's time stamp, on the guest's clock.
    pub stamped_ns: u64,
    /// When the client had dequeued it, on the guest's clock.
    pub dequeued_ns: u64,
}

impl Verifier {
    /// Takes a frame and what the frame log has of it.
    pub fn take(&mut self, frame: &Frame, written: Option<&FrameLogEntry>) {
        self.received += 1;
        self.first_ns.get_or_insert(frame.timestamp_ns);
        self.last_ns = frame.timestamp_ns;
        self.take_sequence(frame);
        if frame.is_error() {
            if self.errors == 0 {
                self.note(frame, "the driver marked it with an error");
            }
            self.errors += 1;
        }
        self.dequeues.extend(written.map(|entry| Dequeue {
            channel: entry.channel,
            session: entry.session,
            frame: entry.frame,
            sequence: frame.sequence,
            written_ns: entry.done_ns,
            stamped_ns: frame.timestamp_ns,
            dequeued_ns: frame.dequeued_ns,
        }));
        if self.dequeues.len() > ENTRIES_PER_CHANNEL {
            self.dequeues.pop_front();
        }
        // What is in a buffer that is marked says nothing.
        let Some(crc32) = frame.crc32.filter(|_| !frame.is_error()) else {
            return;
        };
        let difference = match written {
            None => Some("DMA wrote no frame of that sequence number".to_owned()),
            Some(entry) if entry.crc32 != crc32 => Some(format!(
                "the client's checksum is {crc32:#010x}, that of what DMA wrote {:#010x}",
                entry.crc32
            )),
            Some(_) => None,
        };
        if let Some(difference) = difference {
            if self.mismatched == 0 {
                self.note(frame, &difference);
            }
            self.mismatched += 1;
        }
    }

    fn take_sequence(&mut self, frame: &Frame) {
        let sequence = frame.sequence;
        match sequence.checked_sub(self.next_sequence) {
            Some(0) => {}
            Some(gap) => {
                if self.dropped == 0 {
                    self.note(frame, &format!("{gap} frames before it were not received"));
                }
                self.dropped = self.dropped.saturating_add(gap);
            }
            None => self.note(frame, "its sequence number goes back"),
        }
        self.next_sequence = sequence.wrapping_add(1);
    }

    fn note(&mut self, frame: &Frame, what: &str) {
        self.problems.push(format!(
            "frame {} (sequence {}): {what}",
            frame.index, frame.sequence
        ));
    }

    /// Frames per second by the buffers' time stamps, if there were two frames at different times.
    pub fn fps(&self) -> Option<f64> {
        let nanoseconds = self.last_ns.checked_sub(self.first_ns?)?;
        let intervals = self.received.checked_sub(1)?;
        (nanoseconds > 0 && intervals > 0)
            .then(|| f64::from(intervals) * 1e9 / approximate(nanoseconds))
    }
}

/// As near as a float comes to a count.
pub fn approximate(count: u64) -> f64 {
    // 2^32 times the upper half plus the lower half; neither cast loses anything.
    let (high, low) = (count >> 32, count & u64::from(u32::MAX));
    let part = |half: u64| f64::from(u32::try_from(half).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

/// The frame log's entries of one stream, fetched as they are needed.
#[derive(Debug, Default)]
pub struct FrameLog {
    channel: u32,
    session: Option<u32>,
    /// Entries in order, from the oldest that may still be asked for.
    entries: Vec<FrameLogEntry>,
}

impl FrameLog {
    /// That of a channel's start of that number, counted from 1; the default is the first channel's
    /// newest.
    pub fn of(channel: u32, session: u32) -> Self {
        Self {
            channel,
            session: Some(session),
            entries: Vec::new(),
        }
    }

    /// That of a channel's newest start, as it is when the first frame is asked for.
    pub fn newest(channel: ChannelId) -> Self {
        Self {
            channel: channel.number(),
            ..Self::default()
        }
    }

    /// What DMA wrote as the frame of that number; numbers are asked for in rising order.
    ///
    /// # Errors
    /// If the emulator does not answer.
    pub fn entry(
        &mut self,
        sequence: u32,
        emulator: &mut Client,
    ) -> Result<Option<FrameLogEntry>, ClientError> {
        let known = |entries: &[FrameLogEntry]| {
            entries.last().is_some_and(|last| last.sequence >= sequence)
        };
        if !known(&self.entries) {
            self.entries.clear();
            let page = emulator.frame_log_page(self.channel, self.session, sequence)?;
            let FrameLogPage {
                session, entries, ..
            } = page;
            self.session = Some(session);
            self.entries = entries;
        }
        let found = self
            .entries
            .binary_search_by_key(&sequence, |entry| entry.sequence);
        Ok(found.ok().map(|index| self.entries[index].clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(index: u32, sequence: u32, crc32: u32) -> Frame {
        Frame {
            index,
            sequence,
            buffer: 0,
            timestamp_ns: 1_000_000_000 + u64::from(index) * 40_000_000,
            dequeued_ns: 1_001_000_000 + u64::from(index) * 40_000_000,
            bytesused: 1,
            flags: 0,
            crc32: Some(crc32),
            wait_ns: 0,
        }
    }

    fn entry(sequence: u32, crc32: u32) -> FrameLogEntry {
        FrameLogEntry {
            channel: 0,
            session: 1,
            frame: sequence,
            sequence,
            bytes: 1,
            crc32,
            y_address: 0,
            width: 128,
            height: 128,
            format: "nv12".into(),
            start_ns: 0,
            done_ns: 0,
        }
    }

    #[test]
    fn frames_that_match_leave_nothing_to_say() {
        let mut verifier = Verifier::default();
        for n in 0..26 {
            verifier.take(&frame(n, n, n), Some(&entry(n, n)));
        }
        assert_eq!(
            (verifier.received, verifier.dropped, verifier.mismatched),
            (26, 0, 0)
        );
        assert!(verifier.problems.is_empty());
        assert!((verifier.fps().unwrap() - 25.0).abs() < 1e-9);
        let waits = verifier
            .dequeues
            .iter()
            .map(|got| got.dequeued_ns - got.stamped_ns);
        assert_eq!(waits.collect::<Vec<_>>(), [1_000_000; 26]);
    }

    #[test]
    fn gaps_are_counted_also_in_front() {
        let mut verifier = Verifier::default();
        verifier.take(&frame(0, 2, 0), Some(&entry(2, 0)));
        verifier.take(&frame(1, 6, 0), Some(&entry(6, 0)));
        assert_eq!(verifier.dropped, 5);
        assert_eq!(
            verifier.problems,
            ["frame 0 (sequence 2): 2 frames before it were not received"]
        );
        verifier.take(&frame(2, 3, 0), Some(&entry(3, 0)));
        assert!(verifier.problems[1].contains("goes back"));
    }

    #[test]
    fn a_wrong_checksum_and_an_unknown_frame_are_mismatches() {
        let mut verifier = Verifier::default();
        verifier.take(&frame(0, 0, 7), Some(&entry(0, 8)));
        verifier.take(&frame(1, 1, 7), None);
        assert_eq!(verifier.mismatched, 2);
        assert_eq!(
            verifier.problems,
            [
                "frame 0 (sequence 0): the client's checksum is 0x00000007, that of what DMA wrote 0x00000008"
            ]
        );
    }

    #[test]
    fn a_spoilt_frame_is_counted_and_an_unchecked_one_is_not_compared() {
        let mut verifier = Verifier::default();
        let mut erroneous = frame(0, 0, 0);
        erroneous.flags = Frame::FLAG_ERROR;
        erroneous.crc32 = None;
        verifier.take(&erroneous, None);
        assert_eq!((verifier.errors, verifier.mismatched), (1, 0));
        assert_eq!(verifier.fps(), None);
    }

    #[test]
    fn counts_become_floats_without_a_visible_loss() {
        assert!((approximate(1 << 40) - 1_099_511_627_776.0).abs() < 1e-3);
        assert!((approximate(3) - 3.0).abs() < 1e-12);
    }
}
