// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensor on its I2C bus.

use super::*;
use std::time::Duration;

const I2C: u32 = 0x1005_0000;

impl Bench {
    fn sensor_read(&mut self, register: u32) -> u32 {
        self.write(I2C, 0x37);
        self.write(I2C + 4, register);
        self.write(I2C + 0xc, 1);
        assert_eq!(self.read(I2C + 0x10), 1);
        self.read(I2C + 8)
    }

    fn sensor_write(&mut self, register: u32, value: u32) {
        self.write(I2C, 0x37);
        self.write(I2C + 4, register);
        self.write(I2C + 8, value);
        self.write(I2C + 0xc, 2);
        assert_eq!(self.read(I2C + 0x10), 1);
    }
}

#[test]
fn a_gc2053_tells_its_id_and_its_timing() {
    let mut bench = Bench(Chip::new(GC2053));
    let read = [0xf0, 0xf1, 0x05, 0x06, 0x41, 0x42].map(|register| bench.sensor_read(register));
    assert_eq!(read, [0x20, 0x53, 0x04, 0x4c, 0x05, 0x8a], "facts 7.3");
    bench.sensor_write(0xf0, 0);
    assert_eq!(bench.sensor_read(0xf0), 0x20, "the id stays");
    bench.sensor_write(0x99, 0x55);
    assert_eq!(bench.sensor_read(0x99), 0x55, "others hold what is written");
    assert_eq!(bench.findings(), []);
}

#[test]
fn nobody_answers_elsewhere() {
    let mut bench = Bench(Chip::new(GC2053));
    bench.sensor_read(0xf0);
    for command in [1, 2] {
        bench.write(I2C, 0x3f);
        bench.write(I2C + 0xc, command);
        assert_eq!(bench.read(I2C + 0x10), 3);
    }
    assert_eq!(bench.sensor_read(0xf1), 0x53);
    assert_eq!(bench.findings(), [], "a driver may look for a sensor");
    bench.write(I2C + 0xc, 3);
    assert_eq!(bench.findings(), [FindingKind::UndefinedValue]);
}

#[test]
fn the_period_follows_line_and_frame_length() {
    let mut bench = Bench(Chip::new(GC2053));
    assert_eq!(bench.0.frame_period(), Duration::from_nanos(39_994_871));
    bench.sensor_write(0x05, 0x08);
    bench.sensor_write(0x06, 0x98);
    assert_eq!(
        bench.0.frame_period(),
        Duration::from_nanos(2 * 39_994_871 + 1)
    );
    for register in [0x05, 0x06, 0x41, 0x42] {
        bench.sensor_write(register, 0);
    }
    // No frame is shorter than its picture: 2200 * 1080 / 78 MHz.
    assert_eq!(bench.0.frame_period(), Duration::from_nanos(30_461_538));
}

#[test]
fn the_streams_time_is_the_sum_of_its_periods() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.frame().time, Duration::ZERO);
    assert_eq!(bench.frame().time, Duration::from_nanos(39_994_871));
    bench.sensor_write(0x41, 0x04);
    bench.sensor_write(0x42, 0x9d);
    assert_eq!(bench.frame().time, Duration::from_nanos(2 * 39_994_871));
    let expected = 2 * 39_994_871 + 33_310_256;
    assert_eq!(bench.frame().time, Duration::from_nanos(expected));
}

#[test]
fn the_sensor_keeps_its_settings_over_a_reset_of_the_isp() {
    let mut bench = Bench::streaming();
    bench.sensor_write(0x03, 0);
    bench.sensor_write(0x04, 0);
    bench.hold_in_reset();
    bench.write(SRBC, 0);
    assert_eq!(bench.sensor_read(0x04), 0);
}
