// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chip played by hand: each test writes the registers that a driver would. Addresses stand as
//! numbers on purpose, so that a wrong constant is caught.

use crate::behaviour::Behaviours;
use crate::{Chip, DmaJob, Frame, GuestErrorKind, MaskRectangle, RawOrStatistics, Window};
use std::time::Duration;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::mailbox::{LINE_CORE, LINE_VIC};
use tx_isp_abi::operation::RegisterFile;
use tx_isp_abi::sensor::GC2053;

mod anything;
mod board;
mod gates;
mod identity;
mod link_config;
mod raw_and_statistics;
mod recovery;
mod scaler;
mod sensor;
mod time;

const CORE: u32 = 0x1330_0000;
const MSCA: u32 = 0x1330_9800;
const CHANNEL0: u32 = 0x1330_9900;
const VIC: u32 = 0x133e_0000;
const CSI: u32 = 0x1002_3000;
const SRBC: u32 = 0x1000_00c4;

struct Bench(Chip);

impl Bench {
    fn read(&mut self, address: u32) -> u32 {
        self.0.read(PhysAddr(address))
    }
    fn write(&mut self, address: u32, value: u32) {
        self.0.write(PhysAddr(address), value);
    }
    /// A chip with PHY, VIC and core running and channel 0 set to 640x360 NV12.
    fn streaming() -> Self {
        let mut bench = Self(Chip::new(GC2053));
        bench.open_gates();
        bench.write(CORE + 0x0c, 0x3400_0009);
        bench.write(CORE + 0x10, 0x133);
        bench.write(CORE + 0xb0, u32::MAX);
        bench.write(CORE + 0x800, 1);
        for register in [0x0c, 0x10] {
            bench.write(CSI + register, 1);
        }
        bench.set_up_for_the_sensor();
        // The frame's own interrupt is masked, as by a driver that has no use for it.
        bench.write(VIC + 0x1e8, 1);
        bench.write(VIC, 1);
        bench.configure(640, 360);
        bench
    }
    /// Two lanes of MIPI with RAW10 in lines of 1920 pixels (T31 2.7, 2.8).
    fn set_up_for_the_sensor(&mut self) {
        self.write(CSI + 4, 1);
        self.write(VIC + 0xc, 2);
        self.write(VIC + 0x14, 1);
        self.write(VIC + 0x100, 0x258);
    }
    fn open_gates(&mut self) {
        self.write(0x1000_0020, 0);
        self.write(0x1000_0028, 0);
    }
    /// Holds the ISP in reset, after the handshake of T31 1.3.
    fn hold_in_reset(&mut self) {
        self.write(SRBC, 1 << 21);
        self.write(SRBC, 1 << 22);
    }
    fn configure(&mut self, width: u32, height: u32) {
        self.write(CHANNEL0, width << 16 | height);
        self.write(
            CHANNEL0 + 4,
            ((1920 * 512 / width) << 16) | (1080 * 512 / height),
        );
        self.write(CHANNEL0 + 0x2c, width << 16 | height);
        self.write(CHANNEL0 + 0x68, 0);
        self.write(CHANNEL0 + 0x80, width);
        self.write(CHANNEL0 + 0x98, width);
    }
    fn queue(&mut self, address: u32) {
        self.write(CHANNEL0 + 0x84, address + 0x39_800);
        self.write(CHANNEL0 + 0x6c, address);
    }
    fn frame(&mut self) -> Frame {
        let frame = self.0.frame_start().unwrap();
        self.0.frame_end(&frame, &[]);
        frame
    }
    fn guest_errors(&self) -> Vec<GuestErrorKind> {
        self.0
            .guest_errors()
            .entries()
            .map(|finding| finding.kind)
            .collect()
    }
}

#[test]
fn a_frame_goes_from_the_address_fifo_to_the_done_fifo() {
    let mut bench = Bench::streaming();
    bench.queue(0x0630_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.frame();
    assert_eq!(frame.number, 1);
    assert_eq!(frame.jobs.len(), 1);
    assert_eq!(frame.jobs[0].y, PhysAddr(0x0630_0000));
    assert_eq!(frame.jobs[0].uv, PhysAddr(0x0633_9800));
    assert_eq!(
        bench.read(CHANNEL0 + 0x7c) & 1,
        0,
        "the Y done FIFO holds the frame"
    );
    assert_eq!(bench.read(CHANNEL0 + 0x8c), 0x0633_9800);
    assert_eq!(bench.read(CHANNEL0 + 0x90), 1);
    assert_eq!(bench.read(CHANNEL0 + 0x74), 0x0630_0000);
    assert_eq!(
        bench.read(CHANNEL0 + 0x78),
        1,
        "the number belongs to the address just taken"
    );
    assert_eq!(bench.read(CHANNEL0 + 0x7c), 0x0001_1001, "empty again");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn frames_without_a_buffer_are_skipped_and_counted() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    assert!(bench.frame().jobs.is_empty());
    bench.queue(0x10_0000);
    let frame = bench.frame();
    assert_eq!((frame.number, frame.jobs.len()), (2, 1));
    let counters = bench.0.channel_counters(ChannelId::ALL[0]);
    assert_eq!((counters.starved, counters.written), (1, 1));
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn the_soft_reset_shakes_hands_and_returns_the_isp_to_reset_values() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    assert_eq!(bench.read(SRBC), 0);
    bench.write(SRBC, 1 << 21);
    assert_eq!(bench.read(SRBC), 1 << 21 | 1 << 20);
    bench.write(SRBC, 1 << 22);
    assert_eq!(bench.read(SRBC), 1 << 22);
    bench.write(SRBC, 0);
    assert_eq!(bench.read(CORE + 0x10), 0);
    assert_eq!(bench.read(VIC), 0);
    assert_eq!(bench.read(VIC + 0x1e8), 0, "nothing is masked (T31 3.3)");
    assert_eq!(bench.read(CHANNEL0 + 0x70), 1, "the address FIFO is empty");
    assert!(bench.0.frame_start().is_none());
}

#[test]
fn a_frame_that_a_reset_overtook_is_forgotten() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.0.frame_start().unwrap();
    bench.write(SRBC, 1 << 22);
    bench.write(SRBC, 0);
    bench.0.frame_end(&frame, &[]);
    assert_eq!(bench.read(CHANNEL0 + 0x7c), 1);
    assert_eq!(bench.0.irq_lines(), 0);
}

#[test]
fn the_core_line_follows_status_and_enable() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.0.frame_start().unwrap();
    assert_eq!(bench.read(CORE + 0xb4), 0x1000, "the first line");
    bench.0.frame_end(&frame, &[]);
    assert_eq!(bench.0.irq_lines(), LINE_CORE);
    assert_eq!(
        bench.read(CORE + 0xb4),
        0x3001,
        "channel 0 and the pipe are done"
    );
    bench.write(CORE + 0xb8, 0x1);
    assert_eq!(bench.0.irq_lines(), LINE_CORE);
    bench.write(CORE + 0xb8, 0x3000);
    assert_eq!((bench.0.irq_lines(), bench.read(CORE + 0xb4)), (0, 0));
    bench.frame();
    assert_eq!(bench.read(CORE + 0xb4), 0x3000, "channel 0 had no buffer");
    bench.write(CORE + 0xb0, 0);
    assert_eq!(bench.0.irq_lines(), 0);
    bench.write(VIC + 0x1e8, 0);
    assert_eq!(bench.0.irq_lines(), LINE_VIC);
    bench.write(VIC + 0x1f0, 1);
    assert_eq!(bench.0.irq_lines(), 0);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn each_channel_that_has_written_has_its_bit() {
    let mut bench = Bench::streaming();
    let mut behaviours = Behaviours::default();
    behaviours.choose("start-transient=on".parse().unwrap());
    for (channels, bits) in [
        (0b001, 0x3001),
        (0b010, 0x3002),
        (0b110, 0x3006),
        (0b111, 0x3007),
    ] {
        bench.write(MSCA + 4, 0xf_0000 | channels);
        for channel in 0..3 {
            let page = CHANNEL0 + 0x100 * channel;
            for clear in [0x9c, 0xa0, 0xa4, 0xa8] {
                bench.write(page + clear, 1);
            }
            bench.write(page + 0x6c, 0x100_0000 * (channel + 1));
            bench.write(page + 0x84, 0x180_0000 * (channel + 1));
        }
        bench.frame();
        assert_eq!(bench.read(CORE + 0xb4), bits);
        bench.write(CORE + 0xb8, bits);
        for channel in 0..3 {
            let state = bench.read(CHANNEL0 + 0x100 * channel + 0x7c);
            assert_eq!(state & 1 == 0, channels >> channel & 1 == 1);
        }
    }
    bench.0.set_behaviours(behaviours);
    bench.write(CORE + 0x10, 0);
    bench.write(CORE + 0x10, 0x133);
    bench.write(CORE + 0x800, 1);
    bench.frame();
    assert_eq!(
        bench.read(CORE + 0xb4) & 0x7ff,
        0x500,
        "the pattern of T31 2.2"
    );
}

#[test]
fn settings_take_effect_with_the_frame_after_the_strobe() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    assert_eq!(bench.read(MSCA + 4), 1, "the strobes read 0");
    let size = |bench: &mut Bench| {
        bench.queue(0x10_0000);
        bench.frame().jobs[0].size.width
    };
    assert_eq!(size(&mut bench), 640);
    bench.configure(320, 180);
    assert_eq!(size(&mut bench), 640, "no strobe");
    bench.write(MSCA + 4, 0xe_0001);
    bench.queue(0x20_0000);
    let frame = bench.0.frame_start().unwrap();
    assert_eq!(frame.jobs[0].size.width, 320);
    bench.configure(640, 360);
    bench.write(MSCA + 4, 0x2_0001);
    bench.0.frame_end(&frame, &[]);
    assert_eq!(size(&mut bench), 640);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_channel_that_starts_without_its_strobe_keeps_what_was_in_effect() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 1);
    assert_eq!(bench.frame().jobs[0].size.width, 1920, "as after reset");
    assert_eq!(bench.guest_errors(), [GuestErrorKind::SettingsNotLatched]);
}

#[test]
fn y_and_uv_come_in_either_order_and_a_half_pair_waits() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    bench.write(CHANNEL0 + 0x6c, 0x10_0000);
    assert!(bench.frame().jobs.is_empty());
    bench.write(CHANNEL0 + 0x84, 0x18_0000);
    let job = bench.frame().jobs[0];
    assert_eq!((job.y, job.uv), (PhysAddr(0x10_0000), PhysAddr(0x18_0000)));
    assert_eq!(bench.guest_errors(), [GuestErrorKind::LumaWithoutChroma]);
}

#[test]
fn a_driver_that_reads_only_y_is_served_on() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    for frame in 1..9 {
        bench.queue(0x10_0000 * frame);
        bench.frame();
        assert_eq!(bench.read(CHANNEL0 + 0x7c) & 1, 0);
        assert_eq!(bench.read(CHANNEL0 + 0x74), 0x10_0000 * frame);
    }
    assert_eq!(
        bench.read(CHANNEL0 + 0x94) >> 8 & 0xf,
        5,
        "UV has stopped at five"
    );
}

#[test]
fn open_behaviours_can_be_chosen() {
    let with = |text: &str| {
        let mut bench = Bench::streaming();
        let mut behaviours = Behaviours::default();
        behaviours.choose(text.parse().unwrap());
        bench.0.set_behaviours(behaviours);
        bench.write(MSCA + 4, 0xf_0001);
        bench
    };
    let mut bench = with("empty-fifo=last-address");
    bench.queue(0x10_0000);
    bench.frame();
    assert_eq!(bench.frame().jobs[0].y, PhysAddr(0x10_0000));
    let mut bench = with("sixth-push=oldest");
    (1..7).for_each(|buffer| bench.queue(0x10_0000 * buffer));
    assert_eq!(bench.frame().jobs[0].y, PhysAddr(0x20_0000));
    let mut bench = with("small-crop=stall");
    bench.write(MSCA + 0x64, 320 << 16 | 180);
    bench.write(MSCA + 4, 0xf_0001);
    bench.frame();
    bench.write(MSCA + 0x64, 1920 << 16 | 1080);
    bench.write(MSCA + 4, 0xf_0001);
    bench.queue(0x10_0000);
    assert!(bench.frame().jobs.is_empty(), "stalled until a reset");
}

#[test]
fn a_channel_whose_fifo_is_emptied_goes_on_or_stops() {
    for (choice, jobs, enabled) in [("fifo-clear=go-on", 1, 1), ("fifo-clear=stop", 0, 0)] {
        let mut bench = Bench::streaming();
        let mut behaviours = Behaviours::default();
        behaviours.choose(choice.parse().unwrap());
        bench.0.set_behaviours(behaviours);
        bench.queue(0x10_0000);
        bench.write(MSCA + 4, 0xf_0001);
        bench.write(CHANNEL0 + 0x9c, 1);
        bench.write(CHANNEL0 + 0xa0, 1);
        assert_eq!(bench.read(MSCA + 4), enabled, "{choice}");
        bench.queue(0x20_0000);
        assert_eq!(bench.frame().jobs.len(), jobs, "{choice}");
        bench.write(MSCA + 4, 0xf_0001);
        bench.queue(0x30_0000);
        assert_eq!(bench.frame().jobs.len(), 1, "{choice}");
    }
}

#[test]
fn the_noise_filter_keeps_frames_in_its_store() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    bench.queue(0x630_0000);
    assert!(bench.frame().noise.is_empty(), "it has no memory");
    bench
        .0
        .set_carve_out(Some("29M@0x6300000".parse().unwrap()));
    let (luma, stride) = (0x700_0000, 1920);
    for (register, value) in [
        (0x7820, luma),
        (0x7824, stride),
        (0x7828, luma + stride * 1080),
        (0x782c, stride),
        (0x7830, 0x7fff_0000),
        (0x7834, 64),
    ] {
        bench.write(CORE + register, value);
    }
    bench.queue(0x640_0000);
    let noise = bench.frame().noise;
    let places: Vec<(u32, u64)> = noise
        .iter()
        .map(|plane| (plane.address.0, plane.bytes))
        .collect();
    let expected = [
        (luma, 1920 * 1080),
        (luma + 1920 * 1080, 1920 * 540),
        (0x7fff_0000, 64 * 69),
    ];
    assert_eq!(places, expected);
    assert_eq!(bench.guest_errors(), [GuestErrorKind::DmaOutsideCarveOut]);
    let first = &bench.0.guest_errors().entries().next().unwrap().first;
    assert!(first.contains("reference 0"), "{first}");
    bench.write(CORE + 0x0c, 0x3401_0009);
    bench.queue(0x650_0000);
    assert!(bench.frame().noise.is_empty(), "bypassed");
}

#[test]
fn the_line_is_told_while_a_frame_passes() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0000);
    bench.0.advance(Duration::from_secs(1));
    let frame = bench.0.frame_start().unwrap();
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 0);
    assert_eq!(bench.read(CSI + 0x14), 0x300);
    // 2200 / 78 MHz is 28.2 us a line.
    bench
        .0
        .advance(Duration::from_secs(1) + Duration::from_micros(2821));
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 100);
    assert_eq!(bench.read(MSCA + 0x8c) >> 16, 33, "the same in 360 lines");
    bench.0.advance(Duration::from_secs(2));
    assert_eq!(bench.read(MSCA + 0x88) >> 16, 1079);
    bench.0.frame_end(&frame, &[]);
    assert_eq!(bench.read(MSCA + 0x88), 1080 << 16);
    assert_eq!(
        (bench.read(MSCA + 0xcc), bench.read(CSI + 0x14)),
        (1, 0x330)
    );
}

#[test]
fn a_disabled_channel_finishes_its_frame_before_it_reads_idle() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let frame = bench.0.frame_start().unwrap();
    bench.write(MSCA + 4, 0);
    assert_eq!(bench.read(MSCA + 8), 1);
    bench.0.frame_end(&frame, &[]);
    assert_eq!(bench.read(MSCA + 8), 0);
    assert!(bench.frame().jobs.is_empty());
}

#[test]
fn clear_registers_empty_their_fifos() {
    let mut bench = Bench::streaming();
    for buffer in 0..3 {
        bench.queue(0x10_0000 * (buffer + 1));
    }
    bench.write(MSCA + 4, 0xf_0001);
    bench.frame();
    for (state, clear) in [(0x70, 0x9c), (0x88, 0xa0), (0x7c, 0xa4), (0x94, 0xa8)] {
        assert_eq!(bench.read(CHANNEL0 + state) & 1, 0);
        bench.write(CHANNEL0 + clear, 1);
        assert_eq!(bench.read(CHANNEL0 + state), 1);
    }
}

#[test]
fn a_stale_address_survives_a_restart_unless_it_is_cleared() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.write(MSCA + 4, 0xf_0001);
    bench.write(MSCA + 4, 0);
    bench.queue(0x20_0000);
    bench.write(MSCA + 4, 0xf_0001);
    let job = bench.frame().jobs[0];
    assert_eq!(job.y, PhysAddr(0x10_0000), "T31 8, row 6");
    assert_eq!(job.session, 2);
}

#[test]
fn frame_rate_control_keeps_the_frames_of_its_mask() {
    let mut bench = Bench::streaming();
    bench.write(CHANNEL0 + 0x30, 2);
    bench.write(CHANNEL0 + 0x34, 0b101);
    bench.write(MSCA + 4, 0xf_0001);
    let kept: Vec<bool> = (0..6)
        .map(|_| {
            bench.queue(0x10_0000);
            let kept = !bench.frame().jobs.is_empty();
            bench.write(CHANNEL0 + 0x9c, 1);
            bench.write(CHANNEL0 + 0xa0, 1);
            kept
        })
        .collect();
    assert_eq!(kept, [true, false, true, true, false, true]);
    assert_eq!(bench.0.channel_counters(ChannelId::ALL[0]).skipped, 2);
}

#[test]
fn nothing_comes_without_the_phy_the_vic_or_the_core() {
    for (address, value) in [
        (CSI + 0x0c, 0),
        (CSI + 0x10, 0),
        (VIC, 4),
        (VIC, 0x10),
        (VIC, 0),
        (CORE + 0x10, 0),
        (CORE + 0x800, 0),
    ] {
        let mut bench = Bench::streaming();
        assert_eq!(bench.read(CSI + 0x14), 0x330);
        bench.write(address, value);
        assert!(bench.0.frame_start().is_none(), "{address:#x} = {value}");
        assert_eq!(bench.read(VIC) & 6, 0, "2 and 4 clear themselves");
    }
}

#[test]
fn each_mistake_has_its_finding() {
    use GuestErrorKind as Kind;
    type Mistake = fn(&mut Bench);
    let cases: [(Kind, Mistake); 17] = [
        (Kind::UndefinedRegister, |bench| {
            assert_eq!(bench.read(CORE + 0xf00), 0)
        }),
        (Kind::UndefinedRegister, |bench| bench.write(0x1234_5678, 1)),
        (Kind::WriteToReadOnly, |bench| bench.write(CORE, 0)),
        (Kind::AddressFifoOverflow, |bench| {
            (1..7).for_each(|n| bench.queue(0x10_0000 * n))
        }),
        (Kind::DoneFifoUnderflow, |bench| {
            assert_eq!(bench.read(CHANNEL0 + 0x74), 0)
        }),
        (Kind::AcknowledgeNotRaised, |bench| {
            bench.write(CORE + 0xb8, 1)
        }),
        (Kind::UndefinedValue, |bench| bench.write(VIC, 3)),
        (Kind::LumaWithoutChroma, |bench| {
            bench.write(CHANNEL0 + 0x6c, 0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            assert!(bench.frame().jobs.is_empty());
        }),
        (Kind::ChannelNotConfigured, |bench| {
            bench.write(CHANNEL0, 0);
            bench.write(CHANNEL0 + 0x2c, 0);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::ChannelNotConfigured, |bench| {
            bench.write(CHANNEL0 + 0x68, 7);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::BadStride, |bench| {
            bench.write(CHANNEL0 + 0x80, 632);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::BadStride, |bench| {
            bench.write(CHANNEL0 + 0x98, 644);
            bench.write(MSCA + 4, 0xf_0001);
        }),
        (Kind::ChromaWithoutLuma, |bench| {
            bench.write(CHANNEL0 + 0x84, 0x10_0000);
            bench.write(CHANNEL0 + 0x84, 0x20_0000);
        }),
        (Kind::BufferQueuedTwice, |bench| {
            bench.queue(0x10_0000);
            bench.queue(0x10_0000);
        }),
        (Kind::BufferQueuedTwice, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.0.frame_start().unwrap();
            bench.queue(0x10_0000);
        }),
        (Kind::BufferTakenBack, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.0.frame_start().unwrap();
            bench.write(MSCA + 4, 0);
            bench.write(CHANNEL0 + 0x9c, 1);
        }),
        (Kind::DoneEntryUnread, |bench| {
            bench.queue(0x10_0000);
            bench.write(MSCA + 4, 0xf_0001);
            bench.frame();
            bench.write(CHANNEL0 + 0xa4, 1);
        }),
    ];
    for (kind, mistake) in cases {
        let mut bench = Bench::streaming();
        mistake(&mut bench);
        assert_eq!(bench.guest_errors(), [kind]);
    }
}

#[test]
fn a_done_fifo_that_nobody_drains_overflows_loudly() {
    let mut bench = Bench::streaming();
    bench.write(MSCA + 4, 0xf_0001);
    for _ in 0..8 {
        bench.queue(0x10_0000);
        bench.frame();
    }
    assert_eq!(bench.guest_errors(), [GuestErrorKind::DoneFifoOverflow]);
}

#[test]
fn a_buffer_outside_of_the_carve_out_is_found_when_it_is_pushed_and_when_it_ends() {
    for (y, kinds) in [
        (0x0630_0000, &[][..]),
        (0x062f_ff00, &[GuestErrorKind::DmaOutsideCarveOut][..]),
        // The UV plane begins inside and ends outside.
        (
            0x0638_0000 - 0x39_900,
            &[GuestErrorKind::DmaOutsideCarveOut][..],
        ),
    ] {
        let mut bench = Bench::streaming();
        bench
            .0
            .set_carve_out(Some("512K@0x6300000".parse().unwrap()));
        bench.queue(y);
        bench.write(MSCA + 4, 0xf_0001);
        bench.frame();
        assert_eq!(bench.guest_errors(), kinds, "{y:#x}");
    }
}

#[test]
fn a_finding_shows_the_decoded_accesses_before_it() {
    let mut bench = Bench::streaming();
    bench.queue(0x10_0000);
    bench.queue(0x10_0000);
    let finding = bench.0.guest_errors().entries().next().unwrap().clone();
    assert_eq!(
        finding.first,
        "channel 0: Y address 0x00100000 pushed while it waits in a FIFO"
    );
    let before: Vec<String> = finding.before.iter().map(ToString::to_string).collect();
    assert_eq!(
        before[before.len() - 3..],
        [
            "W 0x13309984 0x00139800 MSCA_CH0.DMAOUT_UV_ADDR",
            "W 0x1330996c 0x00100000 MSCA_CH0.DMAOUT_Y_ADDR",
            "W 0x13309984 0x00139800 MSCA_CH0.DMAOUT_UV_ADDR",
        ]
    );
}
