// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Raw capture and statistics.

use super::*;
use tx_isp_abi::Size;
use tx_isp_abi::sensor::BayerOrder;
use tx_isp_abi::statistics::{Kind, Zones};

impl Bench {
    /// Raw capture of 640x480 into three banks.
    fn capturing() -> Self {
        let mut bench = Self::streaming();
        bench.write(VIC + 0x300, 3 << 16 | 0x8000_0020);
        bench.write(VIC + 0x304, 640 << 16 | 480);
        bench.write(VIC + 0x310, 1280);
        for bank in 0..3 {
            bench.write(VIC + 0x318 + 4 * bank, 0x100_0000 * (bank + 1));
        }
        bench.write(VIC + 0x308, 1);
        bench
    }
}

#[test]
fn raw_pictures_go_to_the_banks_in_turn() {
    let mut bench = Bench::capturing();
    bench.write(CORE + 0x08, 3);
    for bank in [1, 2, 3, 1] {
        let raw = bench.frame().raw.unwrap();
        assert_eq!(raw.address, PhysAddr(0x100_0000 * bank));
        assert_eq!((raw.size, raw.stride), (Size::new(640, 480), 1280));
        assert_eq!(raw.bayer, BayerOrder::Gbrg);
        assert_eq!(bench.read(VIC + 0x380), 0x100_0000 * bank);
        assert_eq!(bench.read(VIC + 0x1e4), 1);
        bench.write(VIC + 0x1f4, 1);
    }
    bench.write(VIC + 0x308, 0);
    assert_eq!(bench.frame().raw, None);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn the_filters_order_turns_with_the_picture_only_where_that_is_asked_for() {
    for (choice, expected) in [
        ("flip-bayer=keep", BayerOrder::Rggb),
        ("flip-bayer=turn", BayerOrder::Grbg),
    ] {
        let mut bench = Bench::capturing();
        let mut behaviours = Behaviours::default();
        behaviours.choose(choice.parse().unwrap());
        bench.0.set_behaviours(behaviours);
        bench.write(CORE + 0x08, 0);
        bench.sensor_write(0x17, 1);
        let frame = bench.frame();
        assert!(frame.flips.horizontal && !frame.flips.vertical);
        assert_eq!(frame.raw.unwrap().bayer, expected, "{choice}");
    }
}

#[test]
fn raw_capture_needs_no_core_but_the_vic() {
    let mut bench = Bench::capturing();
    bench.write(CORE + 0x10, 0);
    let frame = bench.frame();
    assert!(frame.raw.is_some() && frame.jobs.is_empty());
    assert_eq!(bench.read(CORE + 0xb4), 0);
    bench.write(VIC, 0);
    assert!(bench.0.frame_start().is_none());
}

#[test]
fn the_vics_line_rises_with_a_raw_picture() {
    let mut bench = Bench::capturing();
    bench.write(CORE + 0xb0, 0);
    bench.write(VIC + 0x1ec, u32::MAX);
    bench.frame();
    assert_eq!(bench.0.irq_lines(), 0);
    bench.write(VIC + 0x1ec, 0xffff_fffc);
    assert_eq!(bench.0.irq_lines(), LINE_VIC);
    bench.write(VIC + 0x1f4, 1);
    assert_eq!(bench.0.irq_lines(), 0);
}

#[test]
fn the_control_limit_is_raised_where_raw_capture_is_impossible() {
    let cases = [
        (0x300, 0x8000_0020),
        (0x300, 4 << 16 | 0x8000_0020),
        (0x300, 6 << 16 | 0x8000_0020),
        (0x31c, 0),
        (0x304, 1922 << 16 | 480),
        (0x304, 0),
        (0x310, 1279),
    ];
    for (register, value) in cases {
        let mut bench = Bench::capturing();
        bench.write(VIC + register, value);
        assert_eq!(bench.frame().raw, None, "{register:#x} = {value:#x}");
        assert_eq!(bench.read(VIC + 0x1e0), 1 << 21 | 1, "T31 8, row 9");
        assert_eq!(bench.read(VIC + 0x1e4), 0);
        assert_eq!(bench.guest_errors(), [GuestErrorKind::MdmaNotConfigured]);
    }
}

#[test]
fn raw_capture_ends_with_a_control_of_0() {
    let mut bench = Bench::capturing();
    assert!(bench.frame().raw.is_some());
    bench.write(VIC + 0x1f4, 1);
    bench.write(VIC + 0x1f0, 1);
    bench.write(VIC + 0x300, 0);
    assert_eq!(bench.read(VIC + 0x308), 1, "the vendor's driver leaves it");
    assert_eq!(bench.frame().raw, None);
    assert_eq!(bench.read(VIC + 0x1e0), 1, "a frame, and no error");
    assert_eq!(bench.read(VIC + 0x1e4), 0);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_raw_picture_that_was_not_written_is_not_reported() {
    let mut bench = Bench::capturing();
    let frame = bench.0.frame_start().unwrap();
    bench
        .0
        .frame_end_without(&frame, &[], &[RawOrStatistics::Raw]);
    assert_eq!(bench.read(VIC + 0x1e4), 0);
}

#[test]
fn statistics_are_taken_only_of_what_has_banks() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.frame().statistics, []);
    bench.write(CORE + 0xb8, 0x3000);
    for bank in 0..4 {
        bench.write(CORE + 0xb03c + 4 * bank, 0x22c_0000 + 0x1000 * bank);
    }
    for bank in [1u32, 2, 3, 0] {
        let statistics = bench.frame().statistics;
        let address = PhysAddr(0x22c_0000 + 0x1000 * bank);
        assert_eq!(statistics.len(), 1);
        assert_eq!(
            (statistics[0].kind, statistics[0].address),
            (Kind::WhiteBalance, address)
        );
        assert_eq!(bench.read(CORE + 0xb050), bank);
        assert_eq!(bench.read(CORE + 0xb4), 0x4000_3000);
        bench.write(CORE + 0xb8, 0x4000_3000);
    }
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn each_kind_of_statistics_has_its_interrupt() {
    for (bank, kind, bits) in [
        (0xa02c, Kind::Exposure, 1 << 26),
        (0xa048, Kind::ExposureHistogram, 1 << 27),
        (0xa82c, Kind::SecondExposure, 1 << 28),
        (0xa83c, Kind::SecondHistogram, 1 << 29),
        (0xb048, Kind::WhiteBalance, 1 << 30),
        (0xb8a8, Kind::Focus, 1 << 31),
        (0x4494, Kind::DynamicRange, 1 << 18),
        (0x5b90, Kind::Defog, 1 << 20),
    ] {
        let mut bench = Bench::streaming();
        bench.write(CORE + bank, 0x200_0000);
        let statistics = bench.frame().statistics;
        let address = PhysAddr(0x200_0000);
        assert_eq!((statistics[0].kind, statistics[0].address), (kind, address));
        assert_eq!(bench.read(CORE + 0xb4), 0x3000 | bits);
        bench.write(CORE + 0xb8, 0x3000 | bits);
        let frame = bench.0.frame_start().unwrap();
        let lost = [RawOrStatistics::Statistics(kind)];
        bench.0.frame_end_without(&frame, &[], &lost);
        assert_eq!(bench.read(CORE + 0xb4), 0x3000, "nothing was written");
    }
}

#[test]
fn parameter_tables_hold_what_is_written_until_a_reset() {
    let mut bench = Bench::streaming();
    for offset in [0x1000, 0x97fc, 0x9c00, 0xb8fc, 0x2_8000, 0x4_01fc, 0x7_868c] {
        bench.write(CORE + offset, offset);
        assert_eq!(bench.read(CORE + offset), offset);
    }
    bench.hold_in_reset();
    bench.write(SRBC, 0);
    assert_eq!(bench.read(CORE + 0x1000), 0);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn the_newest_banks_are_named_where_the_vendors_parser_looks() {
    let mut bench = Bench::streaming();
    for bank in 0..4 {
        for (register, step) in [(0xa02c, 0x1000), (0xa03c, 0x800), (0xb8a8, 0x1000)] {
            bench.write(CORE + register + 4 * bank, 0x200_0000 + step * bank);
        }
        bench.write(CORE + 0x4494 + 4 * bank, 0x210_0000 + 0x1000 * bank);
        bench.write(CORE + 0x5b84 + 4 * bank, 0x220_0000 + 0x1000 * bank);
    }
    for bank in [0, 1, 2, 3, 0] {
        bench.frame();
        assert_eq!(bench.read(CORE + 0xa050), bank << 4 | bank);
        assert_eq!(bench.read(CORE + 0xb8bc), bank);
        assert_eq!(bench.read(CORE + 0x44b0), 0x210_0000 + 0x1000 * bank);
        assert_eq!(bench.read(CORE + 0x5ba4), 0x220_0000 + 0x1000 * bank);
    }
}

#[test]
fn what_is_bypassed_takes_no_statistics() {
    for (register, bit) in [(0xa82c, 20), (0xb8a8, 22), (0x4494, 7), (0x5b84, 11)] {
        let mut bench = Bench::streaming();
        bench.write(CORE + register, 0x200_0000);
        assert_eq!(bench.frame().statistics.len(), 1);
        bench.write(CORE + 0xc, 1 << bit);
        assert_eq!(bench.frame().statistics, []);
    }
}

#[test]
fn zones_lie_where_the_geometry_registers_say() {
    let mut bench = Bench::streaming();
    for (bank, geometry) in [
        (0xa02c, 0xa004),
        (0xa82c, 0xa804),
        (0xb03c, 0xb004),
        (0xb8a8, 0xb804),
    ] {
        bench.write(CORE + bank, 0x200_0000);
        let zones = |bench: &mut Bench| bench.frame().statistics[0].zones;
        let size = Size::new(1920, 1080);
        assert_eq!(zones(&mut bench), Zones::even([15, 15], size), "not set");
        // Two columns of 100 and 50, three rows of 20, from line 4 and pixel 8 on.
        bench.write(CORE + geometry, 0x2008_3004);
        bench.write(CORE + geometry + 4, 0x3264);
        bench.write(CORE + geometry + 0x14, 0x14_1414);
        let unit = if bank == 0xb8a8 { 1 } else { 2 };
        let zones = zones(&mut bench);
        let columns: Vec<_> = zones.columns.zones().collect();
        assert_eq!(
            columns,
            [(8, 108), (108, 158)].map(|(a, b)| (a * unit, b * unit))
        );
        let rows: Vec<_> = zones.rows.zones().collect();
        let expected = [(4, 24), (24, 44), (44, 64)].map(|(a, b)| (a * unit, b * unit));
        assert_eq!(rows, expected);
        bench.write(CORE + bank, 0);
    }
}
