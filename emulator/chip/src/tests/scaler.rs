// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Crops, formats, masks and limits of the output channels.

use super::*;
use tx_isp_abi::Size;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::sensor::Flips;

const CHANNEL1: u32 = CHANNEL0 + 0x100;

impl Bench {
    /// Sets channel 1 up like channel 0.
    fn configure_second(&mut self, width: u32, height: u32, out_fmt: u32, stride: u32) {
        self.write(CHANNEL1, width << 16 | height);
        let step = ((1920 * 512 / width) << 16) | (1080 * 512 / height);
        self.write(CHANNEL1 + 4, step);
        self.write(CHANNEL1 + 0x2c, width << 16 | height);
        self.write(CHANNEL1 + 0x68, out_fmt);
        self.write(CHANNEL1 + 0x80, stride);
        self.write(CHANNEL1 + 0x98, stride);
    }

    /// The job of channel 0's next frame.
    fn job(&mut self) -> Option<DmaJob> {
        self.queue(0x10_0000);
        self.write(MSCA + 4, 0xf_0001);
        self.frame().jobs.first().copied()
    }
}

#[test]
fn without_crops_the_window_is_the_whole_picture() {
    let job = Bench::streaming().job().unwrap();
    assert_eq!(job.size, Size::new(640, 360));
    let whole = Window {
        full: Size::new(640, 360),
        left: 0,
        top: 0,
        flips: Flips::default(),
    };
    assert_eq!((job.window, job.masks), (whole, [None; 4]));
}

#[test]
fn the_crop_behind_the_scaler_is_what_is_written() {
    let mut bench = Bench::streaming();
    bench.write(CHANNEL0 + 0x28, 100 << 16 | 51);
    bench.write(CHANNEL0 + 0x2c, 320 << 16 | 240);
    let job = bench.job().unwrap();
    assert_eq!(job.size, Size::new(320, 240));
    assert_eq!((job.window.left, job.window.top), (100, 50), "even lines");
    assert_eq!(job.window.full, Size::new(640, 360));
    assert_eq!(bench.guest_errors(), []);
}

/// A crop is taken from what the sensor sends, so from its other end where the sensor turns its picture about; the
/// channel turns only what it writes (T31 2b.5).
#[test]
fn a_picture_is_turned_about_by_the_sensor_before_its_crop_and_by_the_channel_behind_it() {
    let cropped = || {
        let mut bench = Bench::streaming();
        bench.write(CHANNEL0 + 0x28, 100 << 16 | 50);
        bench.write(CHANNEL0 + 0x2c, 320 << 16 | 240);
        bench
    };
    let [mut by_sensor, mut by_channel] = [cropped(), cropped()];
    by_sensor.sensor_write(0x17, 0x3);
    let window = by_sensor.job().unwrap().window;
    assert_eq!((window.left, window.top), (640 - 100 - 320, 360 - 50 - 240));
    assert!(window.flips.horizontal && window.flips.vertical);

    // Channel 1's bits are not channel 0's.
    by_channel.write(MSCA + 0x18, 0xe | 2 << 4 | 1 << 7);
    let window = by_channel.job().unwrap().window;
    assert_eq!((window.left, window.top), (100, 50));
    assert!(window.flips.horizontal && !window.flips.vertical);
    for bench in [by_sensor, by_channel] {
        assert_eq!(bench.guest_errors(), []);
    }
}

#[test]
fn the_input_crop_is_scaled_with_the_picture() {
    let mut bench = Bench::streaming();
    // The middle half of the sensor's picture, halved: as a quarter of the whole one.
    bench.write(MSCA + 0x60, 480 << 16 | 270);
    bench.write(MSCA + 0x64, 960 << 16 | 540);
    bench.write(CHANNEL0, 480 << 16 | 270);
    bench.write(CHANNEL0 + 0x2c, 0);
    bench.write(CHANNEL0 + 4, 0x400_0400);
    let job = bench.job().unwrap();
    assert_eq!(job.size, Size::new(480, 270));
    assert_eq!(job.window.full, Size::new(960, 540));
    assert_eq!((job.window.left, job.window.top), (240, 134));
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_step_that_does_not_fit_the_sizes_is_found() {
    for step in [0, 0x200_0200, 0x600_0601] {
        let mut bench = Bench::streaming();
        bench.write(CHANNEL0 + 4, step);
        assert!(bench.job().is_some(), "the picture is written all the same");
        assert_eq!(bench.guest_errors(), [GuestErrorKind::ScalerStepMismatch]);
    }
    // 1920 * 512 / 1000 = 983.04 may be rounded either way.
    for step in [983, 984] {
        let mut bench = Bench::streaming();
        bench.configure(1000, 360);
        bench.write(CHANNEL0 + 4, step << 16 | 0x600);
        assert!(bench.job().is_some());
        assert_eq!(bench.guest_errors(), []);
    }
}

#[test]
fn crops_outside_of_their_picture_write_nothing() {
    for (position, size) in [(0x28, 0x2c), (0x60, 0x64)] {
        let mut bench = Bench::streaming();
        let base = if position == 0x28 { CHANNEL0 } else { MSCA };
        let all = if position == 0x28 {
            (640, 360)
        } else {
            (1920, 1080)
        };
        bench.write(base + position, 2);
        bench.write(base + size, all.0 << 16 | all.1);
        assert_eq!(bench.job(), None);
        assert_eq!(bench.read(MSCA + 0xc), 1 << 3, "crop error of channel 0");
        assert_eq!(bench.guest_errors(), [GuestErrorKind::CropOutsidePicture]);
    }
}

#[test]
fn sizes_beyond_the_channels_limits_write_nothing() {
    // Below the minimum, larger than the input, odd.
    for (width, height) in [
        (126, 128),
        (128, 126),
        (1920, 1082),
        (2048, 1080),
        (641, 360),
    ] {
        let mut bench = Bench::streaming();
        bench.configure(width, height);
        assert_eq!(bench.job(), None, "{width}x{height}");
        assert_eq!(bench.guest_errors(), [GuestErrorKind::ChannelNotConfigured]);
    }
    for (width, height) in [(128, 128), (1920, 1080)] {
        let mut bench = Bench::streaming();
        bench.configure(width, height);
        assert!(bench.job().is_some(), "{width}x{height}");
        assert_eq!(bench.guest_errors(), []);
    }
}

#[test]
fn rgb_needs_no_chroma_address_and_a_stride_of_its_own() {
    for (out_fmt, format, bytes) in [(0x1f, PixelFormat::Rgb565, 2), (2, PixelFormat::Bgr32, 4)] {
        let mut bench = Bench::streaming();
        bench.write(CHANNEL0 + 0x68, out_fmt);
        bench.write(CHANNEL0 + 0x98, 0);
        bench.write(CHANNEL0 + 0x80, 640 * bytes - 1);
        bench.write(CHANNEL0 + 0x6c, 0x10_0000);
        bench.write(CHANNEL0 + 0x6c, 0x20_0000);
        bench.write(MSCA + 4, 0xf_0001);
        assert!(bench.frame().jobs.is_empty());
        assert_eq!(bench.guest_errors(), [GuestErrorKind::BadStride]);
        bench.write(CHANNEL0 + 0x80, 640 * bytes);
        bench.write(MSCA + 4, 0xf_0001);
        let frame = bench.frame();
        assert_eq!(
            (frame.jobs[0].format, frame.jobs[0].y),
            (format, PhysAddr(0x20_0000))
        );
        assert_eq!(bench.read(CHANNEL0 + 0x74), 0x20_0000);
        assert_eq!(bench.read(CHANNEL0 + 0x94), 1, "no UV is reported");
    }
}

#[test]
fn a_second_rgb_channel_is_found_and_writes_nothing() {
    let mut bench = Bench::streaming();
    bench.write(CHANNEL0 + 0x68, 2);
    bench.write(CHANNEL0 + 0x80, 640 * 4);
    bench.configure_second(320, 180, 0x1f, 640);
    bench.write(CHANNEL0 + 0x6c, 0x10_0000);
    bench.write(CHANNEL1 + 0x6c, 0x80_0000);
    bench.write(MSCA + 4, 0xf_0003);
    let writers: Vec<ChannelId> = bench.frame().jobs.iter().map(|job| job.channel).collect();
    assert_eq!(writers, [ChannelId::ALL[0]]);
    assert_eq!(bench.guest_errors(), [GuestErrorKind::SecondRgbChannel]);
}

#[test]
fn masks_are_taken_from_their_registers() {
    let mut bench = Bench::streaming();
    bench.write(CHANNEL0 + 0x5c, 10 << 16 | 20);
    bench.write(CHANNEL0 + 0x60, 30 << 16 | 40);
    bench.write(CHANNEL0 + 0x64, 0x51_5af0);
    assert_eq!(
        bench.job().unwrap().masks,
        [None; 4],
        "CH_EN does not ask for them"
    );
    bench.queue(0x20_0000);
    bench.write(MSCA + 4, 0xe_0009);
    let masked = bench.frame().jobs[0];
    let mask = MaskRectangle {
        left: 10,
        top: 20,
        size: Size::new(30, 40),
        colour: [0x51, 0x5a, 0xf0],
    };
    assert_eq!(masked.masks, [None, None, None, Some(mask)]);
}

#[test]
fn an_unknown_format_storms_with_0x600() {
    let mut bench = Bench::streaming();
    bench.job();
    bench.write(CORE + 0xb8, 0x3001);
    bench.write(CHANNEL0 + 0x68, 7);
    for _ in 0..2 {
        assert_eq!(bench.job(), None);
        assert_eq!(bench.read(CORE + 0xb4), 0x3600, "T31 8, row 11");
        bench.write(CORE + 0xb8, 0x3600);
    }
    assert_eq!(bench.guest_errors(), [GuestErrorKind::ChannelNotConfigured]);
}
