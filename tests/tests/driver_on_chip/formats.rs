// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Formats and settings of a channel.

use crate::board::*;

#[test]
fn the_chroma_plane_begins_where_the_client_wants_it() {
    let board = Board::new();
    let mut isp = board.probe();
    let luma = 0x0630_0000;
    for (start_at, chroma) in [
        (ChromaStart::Adjoining, luma + 1920 * 1080),
        (ChromaStart::Aligned, luma + 1920 * 1088),
    ] {
        isp.set_chroma_start(MAIN, start_at).unwrap();
        isp.queue(MAIN, buffer(0)).unwrap();
        let _ = board.take_traffic();
        isp.stream_on(MAIN).unwrap();
        let pushed = (PhysAddr(0x1330_9984), chroma);
        assert!(board.take_traffic().writes.contains(&pushed));
        assert_eq!(
            isp.set_chroma_start(MAIN, start_at),
            Err(Error::Busy(MAIN)),
            "the chip holds addresses"
        );
        board.frame().unwrap();
        let report = isp.handle_interrupt().unwrap();
        assert_eq!(
            (report.completed.as_slice().len(), report.unmatched),
            (1, 0)
        );
        isp.stream_off(MAIN).unwrap();
    }
    assert_eq!(guest_errors(&board), [""; 0]);
}

#[test]
fn a_second_channel_in_rgb_is_refused() {
    let board = Board::new();
    let mut isp = board.probe();
    let [_, second, third] = ChannelId::ALL;
    let size = Size::new(640, 360);
    for (number, channel) in (0..).zip([second, third]) {
        isp.set_layout(channel, PixelFormat::Rgb565, size).unwrap();
        isp.queue(channel, buffer(number)).unwrap();
    }
    isp.stream_on(second).unwrap();
    assert_eq!(
        isp.stream_on(third),
        Err(Error::RgbTaken(second)),
        "T31 2.4"
    );
    isp.stream_off(second).unwrap();
    isp.stream_on(third).unwrap();
    isp.stream_off(third).unwrap();
    assert_eq!(guest_errors(&board), [""; 0]);
}

#[test]
fn each_format_streams_with_its_own_addresses() {
    for format in PixelFormat::ALL {
        let board = Board::new();
        let mut isp = board.probe();
        let size = Size::new(640, 360);
        isp.set_layout(MAIN, format, size).unwrap();
        isp.set_layout(ChannelId::ALL[1], PixelFormat::Nv12, size)
            .unwrap();
        start(&mut isp, MAIN, 3);
        for index in 4..7 {
            isp.queue(ChannelId::ALL[1], buffer(index)).unwrap();
        }
        isp.stream_on(ChannelId::ALL[1]).unwrap();
        for sequence in 0..2 {
            let frame = board.frame().unwrap();
            let job = frame.jobs[0];
            assert_eq!((job.format, job.size), (format, size));
            assert_eq!(job.y_stride, isp.layout(MAIN).y_stride);
            let report = isp.handle_interrupt().unwrap();
            assert_eq!(report.unmatched, 0);
            let done: Vec<_> = report
                .completed
                .as_slice()
                .iter()
                .map(|done| (done.channel, done.sequence, done.intact))
                .collect();
            assert_eq!(
                done,
                [(MAIN, sequence, true), (ChannelId::ALL[1], sequence, true)]
            );
        }
        isp.stream_off(MAIN).unwrap();
        isp.stream_off(ChannelId::ALL[1]).unwrap();
        assert_eq!(guest_errors(&board), [""; 0]);
    }
}

#[test]
fn settings_that_the_channel_cannot_do_are_refused() {
    let board = Board::new();
    let mut isp = board.probe();
    for size in [
        Size::new(640, 361),
        Size::new(650, 360),
        Size::new(2048, 1080),
        Size::new(64, 64),
    ] {
        assert_eq!(
            isp.set_layout(MAIN, PixelFormat::Nv12, size),
            Err(Error::UnsupportedSize(size))
        );
    }
    start(&mut isp, MAIN, 2);
    assert_eq!(isp.stream_on(MAIN), Err(Error::Busy(MAIN)));
    let set = isp.set_layout(MAIN, PixelFormat::Nv12, Size::new(640, 360));
    assert_eq!(set, Err(Error::Busy(MAIN)));
    isp.stream_off(MAIN).unwrap();
    assert_eq!(isp.stream_off(MAIN), Err(Error::NotStreaming(MAIN)));
}
