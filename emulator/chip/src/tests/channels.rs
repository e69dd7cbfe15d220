// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Channels: their strobes, their stop, their rate; resets and interrupts.

use super::*;

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
