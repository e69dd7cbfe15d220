// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The frame log: what DMA has written, so that it can be compared with what a client received.

use crate::monitor::protocol::{FrameLogEntry, FrameLogPage};
use std::collections::VecDeque;
use std::time::Duration;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::{PhysAddr, Size};

/// How many pictures of each channel are remembered: more than 40 minutes at 25 frames per second.
pub const ENTRIES_PER_CHANNEL: usize = 65_536;

/// A picture that DMA has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The channel.
    pub channel: ChannelId,
    /// The channel's session.
    pub session: u32,
    /// The frame's number, as STATS_NUM tells it.
    pub frame: u32,
    /// Bytes written.
    pub bytes: u64,
    /// CRC-32 of them.
    pub crc32: u32,
    /// Where the Y plane begins.
    pub y: PhysAddr,
    /// Size in pixels.
    pub size: Size,
    /// Format.
    pub format: PixelFormat,
    /// When the frame began, since the emulator's start.
    pub start: Duration,
    /// When its last byte was written, since the emulator's start.
    pub done: Duration,
}

/// The pictures of one channel, oldest first, at most [`ENTRIES_PER_CHANNEL`].
#[derive(Debug, Default)]
struct Pages {
    /// With the sequence number of each.
    records: VecDeque<(u32, Record)>,
    /// Newest session and the number of its first frame.
    newest: Option<(u32, u32)>,
    evicted: u64,
}

/// The pictures that DMA has written, by channel.
#[derive(Debug)]
pub struct FrameLog {
    channels: [Pages; ChannelId::COUNT],
    capacity: usize,
}

impl Default for FrameLog {
    fn default() -> Self {
        Self::with_capacity(ENTRIES_PER_CHANNEL)
    }
}

impl FrameLog {
    /// An empty frame log that remembers so many pictures of each channel.
    #[must_use]
    pub fn with_capacity(entries_per_channel: usize) -> Self {
        Self {
            channels: Default::default(),
            capacity: entries_per_channel,
        }
    }

    /// Appends a picture; the channel's oldest makes place if need be. Tells its sequence number.
    pub fn record(&mut self, record: Record) -> u32 {
        let pages = &mut self.channels[record.channel.index()];
        let first = match pages.newest {
            Some((session, first)) if session == record.session => first,
            _ => record.frame,
        };
        pages.newest = Some((record.session, first));
        if pages.records.len() >= self.capacity {
            pages.records.pop_front();
            pages.evicted += 1;
        }
        let sequence = record.frame.wrapping_sub(first);
        pages.records.push_back((sequence, record));
        sequence
    }

    /// Pictures of a channel that made place for newer ones.
    #[must_use]
    pub fn evicted(&self, channel: ChannelId) -> u64 {
        self.channels[channel.index()].evicted
    }

    /// At most `limit` pictures of one session (the newest if `None`), from sequence number `from` on.
    #[must_use]
    pub fn page(
        &self,
        channel: ChannelId,
        session: Option<u32>,
        from: u32,
        limit: usize,
    ) -> FrameLogPage {
        let pages = &self.channels[channel.index()];
        let newest = pages.newest.map_or(0, |(session, _)| session);
        let session = session.unwrap_or(newest);
        let start = pages
            .records
            .partition_point(|(sequence, record)| (record.session, *sequence) < (session, from));
        let mut matching = pages
            .records
            .range(start..)
            .take_while(|(_, record)| record.session == session);
        let entries = matching.by_ref().take(limit).map(entry).collect();
        FrameLogPage {
            channel: channel.number(),
            session,
            entries,
            more: matching.next().is_some(),
            evicted: pages.evicted,
        }
    }
}

pub(crate) fn entry((sequence, record): &(u32, Record)) -> FrameLogEntry {
    FrameLogEntry {
        channel: record.channel.number(),
        session: record.session,
        frame: record.frame,
        sequence: *sequence,
        bytes: record.bytes,
        crc32: record.crc32,
        y_address: record.y.0,
        width: record.size.width,
        height: record.size.height,
        format: record.format.name().to_owned(),
        start_ns: nanoseconds(record.start),
        done_ns: nanoseconds(record.done),
    }
}

/// Nanoseconds as the protocol tells them: 64 bits last 584 years.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId::ALL[1];

    fn record(session: u32, frame: u32) -> Record {
        Record {
            channel: CHANNEL,
            session,
            frame,
            bytes: 24_576,
            crc32: frame ^ 0xffff_ffff,
            y: PhysAddr(0x0630_0000),
            size: Size::new(128, 128),
            format: PixelFormat::Nv21,
            start: Duration::from_micros(40),
            done: Duration::from_micros(50),
        }
    }

    fn sequences(page: &FrameLogPage) -> Vec<u32> {
        page.entries.iter().map(|entry| entry.sequence).collect()
    }

    #[test]
    fn sequence_numbers_count_from_the_first_frame_of_the_session() {
        let mut frame_log = FrameLog::default();
        for (session, frame) in [(1, 5), (1, 6), (1, 9), (2, 30), (2, 31)] {
            frame_log.record(record(session, frame));
        }
        let first = frame_log.page(CHANNEL, Some(1), 0, 100);
        assert_eq!(sequences(&first), [0, 1, 4]);
        let newest = frame_log.page(CHANNEL, None, 0, 100);
        assert_eq!((newest.session, sequences(&newest)), (2, vec![0, 1]));
        assert_eq!(newest.entries[1].frame, 31);
        assert_eq!(newest.entries[1].crc32, 31 ^ 0xffff_ffff);
        assert_eq!(newest.entries[1].format, "nv21");
        assert_eq!(newest.entries[1].done_ns, 50_000);
        assert!(sequences(&frame_log.page(CHANNEL, Some(3), 0, 100)).is_empty());
    }

    #[test]
    fn a_page_begins_where_asked_and_says_whether_there_is_more() {
        let mut frame_log = FrameLog::default();
        for frame in 100..110 {
            frame_log.record(record(1, frame));
        }
        frame_log.record(record(2, 200));
        let page = frame_log.page(CHANNEL, Some(1), 3, 4);
        assert_eq!((sequences(&page), page.more), (vec![3, 4, 5, 6], true));
        let page = frame_log.page(CHANNEL, Some(1), 7, 4);
        assert_eq!((sequences(&page), page.more), (vec![7, 8, 9], false));
    }

    #[test]
    fn the_oldest_make_place_and_are_counted() {
        let mut frame_log = FrameLog::with_capacity(4);
        for frame in 1..=6 {
            frame_log.record(record(1, frame));
        }
        let page = frame_log.page(CHANNEL, None, 0, 100);
        assert_eq!(sequences(&page), [2, 3, 4, 5]);
        assert_eq!((page.evicted, frame_log.evicted(CHANNEL)), (2, 2));
        assert_eq!(frame_log.evicted(ChannelId::ALL[0]), 0);
    }

    #[test]
    fn a_channel_that_never_started_has_no_session() {
        let page = FrameLog::default().page(ChannelId::ALL[0], None, 0, 100);
        assert_eq!((page.session, page.entries.len(), page.more), (0, 0, false));
    }
}
