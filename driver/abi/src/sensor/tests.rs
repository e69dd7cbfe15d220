// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;

#[test]
fn the_gc2053_runs_at_25_frames_per_second() {
    // 2200 * 1418 / 78 MHz = 39.995 ms (T31 7.3).
    assert_eq!(GC2053.frame_period_ns(), 39_994_871);
    assert_eq!(GC2053.frame_length_for(30), 0x49d);
    assert_eq!(GC2053.frame_length_for(25), 0x58a);
    assert_eq!(GC2053.period_ns(2200, 0x49d), 33_310_256);
}

/// T31 7.3, 7.4, repeated on purpose.
#[test]
fn the_gc2053_is_controlled_as_the_reference_says() {
    let control = GC2053.control;
    assert_eq!(control.target, 0x37);
    assert_eq!(control.id, [(0xf0, 0x20), (0xf1, 0x53)]);
    assert_eq!(
        (control.line_length, control.frame_length),
        ([5, 6], [0x41, 0x42])
    );
    assert_eq!(0x44c * control.line_length_unit, GC2053.line_length);
    assert_eq!(GC2053.max_exposure(1418), 1410);
}

/// The timing registers of the vendor's tables: 0x6c0 and 0x5dc, 0x384 and 0x640.
#[test]
fn the_other_sensors_run_at_25_frames_per_second() {
    assert_eq!(0x6c0 * 2, JXF37.line_length);
    assert_eq!(JXF37.frame_period_ns(), 40_000_000);
    assert_eq!(0x384 * 4, JXQ03.line_length);
    assert_eq!(JXQ03.frame_period_ns(), 40_025_015);
}

/// VMAX is 0x465 and HMAX 0x1130 in the vendor's table: 30 frames per second.
#[test]
fn the_imx307_has_wide_addresses_and_counts_exposure_from_the_frames_end() {
    let control = IMX307.control;
    assert_eq!((0x1130, 0x465), (IMX307.line_length, IMX307.frame_length));
    assert_eq!(IMX307.frame_period_ns(), 33_333_333);
    assert_eq!(IMX307.frame_length_for(30), 1125);
    assert_eq!(control.address_width.bytes(), 2);
    assert_eq!(IMX307.max_exposure(1125), 1123);
    let first = control.exposure_code.convert(1123, 1125);
    assert_eq!(first, 1, "SHS1 is at least 1");
    assert_eq!(control.exposure_code.convert(first, 1125), 1123);
    assert_eq!(control.exposure_code.convert(2000, 1125), 0);
}

#[test]
fn a_picture_turned_twice_has_its_order_again() {
    for order in [
        BayerOrder::Rggb,
        BayerOrder::Bggr,
        BayerOrder::Grbg,
        BayerOrder::Gbrg,
    ] {
        let ways = [(false, false), (true, false), (false, true), (true, true)];
        let turned = ways.map(|(horizontal, vertical)| {
            let flips = Flips {
                horizontal,
                vertical,
            };
            assert_eq!(order.turned(flips).turned(flips), order);
            assert_eq!(flips.and(flips), Flips::default());
            order.turned(flips)
        });
        for (index, one) in turned.iter().enumerate() {
            assert!(!turned[..index].contains(one), "{order:?}");
        }
    }
    let both = Flips {
        horizontal: true,
        vertical: true,
    };
    assert_eq!(BayerOrder::Rggb.turned(both), BayerOrder::Bggr);
}

#[test]
fn every_sensor_is_consistent() {
    for sensor in SENSORS {
        let control = &sensor.control;
        let rate = |lines| sensor.pixel_clock / sensor.line_length / lines;
        assert!((sensor.min_fps..=sensor.max_fps).contains(&rate(sensor.frame_length)));
        assert!(sensor.frame_length >= sensor.size.height);
        assert!(control.default_exposure <= sensor.max_exposure(sensor.frame_length));
        assert_eq!(sensor.line_length % control.line_length_unit, 0);
        let light = sensor.light(control.default_exposure, 0, gain::DIGITAL_UNITY);
        assert_eq!(light, 1 << 16, "{} as it is after power-up", sensor.name);
        let registers = [control.exposure, control.frame_length, control.line_length];
        let last = control.address_width.last();
        assert!(registers.iter().flatten().all(|register| *register <= last));
        assert!(sensor.border.left + sensor.size.width <= sensor.border.line_pixels);
    }
}

#[test]
fn light_follows_exposure_and_both_gains() {
    let light = |exposure, analogue, digital| GC2053.light(exposure, analogue, digital);
    assert_eq!(light(1410, 0, [1, 0]), 2 << 16);
    assert_eq!(light(705, 16, [1, 0]), 2 << 16);
    assert_eq!(light(705, 0, [2, 0x80]), 5 << 15);
    assert_eq!(light(0, 108, [15, 0xfc]), 0);
    assert_eq!(light(1410, 16, [2, 0]), 8 << 16);
}
