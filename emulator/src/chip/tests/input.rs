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
    assert_eq!(bench.findings(), []);
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
        assert_eq!(bench.read(VIC + 0x1e0), status, "facts 2.7");
        assert_eq!(bench.findings(), [FindingKind::FrameSizeMismatch]);
    }
    let mut bench = Bench::streaming();
    bench.write(CORE + 4, 1280 << 16 | 720);
    bench.frame();
    assert_eq!(bench.read(VIC + 0x1e0), 1);
    assert_eq!(bench.findings(), [FindingKind::FrameSizeMismatch]);
}

#[test]
fn a_vic_that_waits_for_dvp_gets_nothing_from_mipi() {
    let mut bench = Bench::streaming();
    bench.write(VIC + 0xc, 3);
    assert!(bench.0.frame_start().is_none(), "facts 8, row 10");
    bench.write(VIC + 0xc, 2);
    bench.frame();
}
