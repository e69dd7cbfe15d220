// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Channels that show a part of the sensor's picture.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use proptest::prelude::*;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::{PhysAddr, Rectangle, Size};
use tx_isp_chip::DmaJob;
use tx_isp_driver::Error;
use tx_isp_driver::channel::Buffer;
use tx_isp_driver::isp::Isp;
use tx_isp_tests::Board;

const MAIN: ChannelId = ChannelId::ALL[0];

const fn rectangle(left: u32, top: u32, width: u32, height: u32) -> Rectangle {
    Rectangle {
        left,
        top,
        size: Size::new(width, height),
    }
}

/// What a channel writes at its next stream-on.
fn job(board: &Board, isp: &mut Isp<Board>, channel: ChannelId) -> DmaJob {
    let address = PhysAddr(0x0630_0000 + channel.number() * 0x40_0000);
    isp.queue(channel, Buffer { index: 0, address }).unwrap();
    isp.stream_on(channel).unwrap();
    let frame = board.frame().unwrap();
    let _ = isp.handle_interrupt().unwrap();
    isp.stream_off(channel).unwrap();
    frame.jobs[0]
}

fn no_guest_errors(board: &Board) -> bool {
    board.chip(|chip| chip.guest_errors().is_empty())
}

#[test]
fn a_part_is_scaled_and_cut_out() {
    let board = Board::new();
    let mut isp = board.probe();
    let size = Size::new(640, 360);
    isp.set_layout(MAIN, PixelFormat::Nv12, size).unwrap();
    let middle = rectangle(480, 270, 960, 540);
    assert_eq!(isp.set_source(MAIN, middle), Ok(middle));
    let job = job(&board, &mut isp, MAIN);
    assert_eq!((job.size, job.window.full), (size, Size::new(1280, 720)));
    assert_eq!((job.window.left, job.window.top), (320, 180));
    assert!(no_guest_errors(&board));
}

#[test]
fn channels_show_different_parts() {
    let board = Board::new();
    let mut isp = board.probe();
    let size = Size::new(640, 360);
    let mut windows = Vec::new();
    for (channel, left) in ChannelId::ALL.into_iter().zip([0, 640, 1280]) {
        isp.set_layout(channel, PixelFormat::Nv21, size).unwrap();
        isp.set_source(channel, rectangle(left, 0, 640, 360))
            .unwrap();
        windows.push(job(&board, &mut isp, channel).window);
    }
    let lefts: Vec<u32> = windows.iter().map(|window| window.left).collect();
    assert_eq!(lefts, [0, 640, 1280]);
    assert!(
        windows
            .iter()
            .all(|window| window.full == Size::new(1920, 1080))
    );
    assert!(no_guest_errors(&board));
}

#[test]
fn a_larger_picture_needs_a_larger_part() {
    let board = Board::new();
    let mut isp = board.probe();
    isp.set_layout(MAIN, PixelFormat::Nv12, Size::new(320, 240))
        .unwrap();
    assert_eq!(
        isp.set_source(MAIN, rectangle(1800, 1000, 1, 1)),
        Ok(rectangle(1600, 840, 320, 240)),
        "no part is enlarged"
    );
    isp.set_layout(MAIN, PixelFormat::Nv12, Size::new(1920, 1080))
        .unwrap();
    assert_eq!(isp.source(MAIN), rectangle(0, 0, 1920, 1080));
    let address = PhysAddr(0x0630_0000);
    isp.queue(MAIN, Buffer { index: 0, address }).unwrap();
    isp.stream_on(MAIN).unwrap();
    let whole = rectangle(0, 0, 1920, 1080);
    assert_eq!(isp.set_source(MAIN, whole), Err(Error::Busy(MAIN)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_part_is_shown_where_it_is_to_the_pixel_pair(
        left in 0u32..1920, top in 0u32..1080, width in 1u32..1920, height in 1u32..1080, across in 8u32..=120, down in 64u32..=540,
    ) {
        let board = Board::new();
        let mut isp = board.probe();
        isp.set_layout(MAIN, PixelFormat::Nv12, Size::new(across * 16, down * 2)).unwrap();
        let source = isp.set_source(MAIN, rectangle(left, top, width, height)).unwrap();
        let job = job(&board, &mut isp, MAIN);
        // The window's start in the sensor's pixels is the source's, but for the rounding of the
        // scaled size and of the position.
        let start = job.window.left * 1920 / job.window.full.width;
        let pixel = 1920 / job.window.full.width + 1;
        prop_assert!(start.abs_diff(source.left) <= 4 * pixel, "{} {:?}", start, source);
        prop_assert!(no_guest_errors(&board));
    }
}
