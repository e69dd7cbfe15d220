// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the driver says of the sensor's picture.

use super::*;

const FULL_HD: u32 = 1920 << 16 | 1080;

#[test]
fn the_sensors_own_size_is_no_error() {
    let mut bench = Bench::streaming();
    bench.write(VIC + 4, FULL_HD);
    bench.write(CORE + 4, FULL_HD);
    bench.frame();
    assert_eq!(bench.read(VIC + 0x1e0), 1);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn another_size_is_an_error_of_the_lines_or_of_their_number() {
    for (size, status) in [
        (1280 << 16 | 1080, 1 << 10 | 1),
        (1920 << 16 | 720, 1 << 14 | 1),
        (1280 << 16 | 720, 1 << 14 | 1 << 10 | 1),
    ] {
        let mut bench = Bench::streaming();
        bench.write(VIC + 4, size);
        bench.frame();
        assert_eq!(bench.read(VIC + 0x1e0), status, "T31 2.7");
        assert_eq!(bench.guest_errors(), [GuestErrorKind::FrameSizeMismatch]);
    }
    let mut bench = Bench::streaming();
    bench.write(CORE + 4, 1280 << 16 | 720);
    bench.frame();
    assert_eq!(bench.read(VIC + 0x1e0), 1);
    assert_eq!(bench.guest_errors(), [GuestErrorKind::FrameSizeMismatch]);
}

#[test]
fn a_vic_that_waits_for_another_interface_gets_nothing_from_mipi() {
    let mut bench = Bench::streaming();
    for interface in [0, 1, 3, 4] {
        bench.write(VIC + 0xc, interface);
        assert!(bench.0.frame_start().is_none(), "T31 2.7; 8, row 10");
    }
    bench.write(VIC + 0xc, 2);
    bench.frame();
}

#[test]
fn settings_for_another_sensor_are_found_when_the_vic_starts() {
    // Interface, data type, words of a line, lanes, each as for another sensor.
    for (register, value) in [
        (VIC + 0xc, 3),
        (VIC + 0x14, 0),
        (VIC + 0x100, 0x2d0),
        (CSI + 4, 0),
    ] {
        let mut bench = Bench::streaming();
        bench.write(VIC, 0);
        bench.write(register, value);
        assert_eq!(bench.guest_errors(), []);
        bench.write(VIC, 1);
        assert_eq!(bench.guest_errors(), [GuestErrorKind::SensorMismatch]);
    }
}

#[test]
fn what_is_read_only_and_unknown_keeps_its_value() {
    let mut bench = Bench::streaming();
    let before = bench.read(CORE + 0x90);
    bench.write(CORE + 0x90, !before);
    assert_eq!(bench.read(CORE + 0x90), before);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn the_mipi_pages_hold_what_is_written() {
    let mut bench = Bench::streaming();
    bench.write(0x1002_2008, 0xe3);
    assert_eq!(bench.read(0x1002_2008), 0xe3, "T31 2.8");
    assert_eq!(bench.guest_errors(), []);
}
