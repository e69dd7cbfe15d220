// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sensor on its I2C bus.

use super::*;
use std::time::Duration;

const I2C: u32 = 0x1005_0000;

impl Bench {
    /// The controller on, at fast speed.
    fn start_i2c(&mut self) {
        self.write(I2C, 0x65);
        self.write(I2C + 0x6c, 1);
        assert_eq!(self.read(I2C + 0x9c), 1);
    }

    /// The bytes of a register's number.
    fn send_register(&mut self, sensor: &tx_isp_abi::sensor::Sensor, register: u16) {
        let bytes = register.to_be_bytes();
        for byte in &bytes[2 - sensor.control.address_width.bytes()..] {
            self.write(I2C + 0x10, u32::from(*byte));
        }
    }

    fn sensor_read(&mut self, register: u32) -> u32 {
        self.start_i2c();
        self.write(I2C + 4, 0x37);
        self.write(I2C + 0x10, register);
        self.write(I2C + 0x10, 0x300);
        assert_eq!(self.read(I2C + 0x80), 0, "nothing was aborted");
        assert_eq!(self.read(I2C + 0x78), 1);
        self.read(I2C + 0x10)
    }

    pub(super) fn sensor_write(&mut self, register: u32, value: u32) {
        self.start_i2c();
        self.write(I2C + 4, 0x37);
        self.write(I2C + 0x10, register);
        self.write(I2C + 0x10, value | 0x200);
        assert_eq!(self.read(I2C + 0x80), 0, "nothing was aborted");
    }
}

#[test]
fn a_gc2053_tells_its_id_and_its_timing() {
    let mut bench = Bench(Chip::new(GC2053));
    let read = [0xf0, 0xf1, 0x05, 0x06, 0x41, 0x42].map(|register| bench.sensor_read(register));
    assert_eq!(read, [0x20, 0x53, 0x04, 0x4c, 0x05, 0x8a], "T31 7.3");
    bench.sensor_write(0xf0, 0);
    assert_eq!(bench.sensor_read(0xf0), 0x20, "the id stays");
    bench.sensor_write(0x99, 0x55);
    assert_eq!(bench.sensor_read(0x99), 0x55, "others hold what is written");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn the_register_stays_from_one_message_to_the_next_and_counts_up() {
    let mut bench = Bench(Chip::new(GC2053));
    bench.start_i2c();
    bench.write(I2C + 4, 0x37);
    // A message that only names a register, then reads in messages of their own.
    bench.write(I2C + 0x10, 0xf0 | 0x200);
    bench.write(I2C + 0x10, 0x300);
    assert_eq!(bench.read(I2C + 0x10), 0x20);
    bench.write(I2C + 0x10, 0x100);
    bench.write(I2C + 0x10, 0x300);
    assert_eq!(bench.read(I2C + 0x10), 0x53);
    assert_eq!(bench.read(I2C + 0x10), 0);
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn registers_with_numbers_of_two_bytes_are_written_and_read() {
    let mut bench = Bench(Chip::new(tx_isp_abi::sensor::IMX307));
    bench.start_i2c();
    bench.write(I2C + 4, 0x1a);
    for byte in [0x30, 0x18, 0xca, 0x08 | 0x200] {
        bench.write(I2C + 0x10, byte);
    }
    assert_eq!(bench.read(I2C + 0x80), 0, "nothing was aborted");
    for (number, value) in [(0x18, 0xca), (0x19, 0x08), (0x1a, 0), (0x08, 0xa0)] {
        bench.write(I2C + 0x10, 0x30);
        bench.write(I2C + 0x10, number);
        bench.write(I2C + 0x10, 0x300);
        assert_eq!(bench.read(I2C + 0x10), value, "{number:#x}");
    }
    // 2250 lines of 4400 at 148.5 MHz.
    let period = bench.0.frame_period();
    assert_eq!(period, Duration::from_nanos(66_666_666));
    bench.write(I2C + 4, 0x37);
    bench.write(I2C + 0x10, 0x30);
    assert_eq!(bench.read(I2C + 0x80), 1, "no other sensor is there");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn nobody_answers_elsewhere() {
    let mut bench = Bench(Chip::new(GC2053));
    for (controller, target) in [(I2C, 0x3f), (I2C + 0x1000, 0x37)] {
        bench.write(controller + 0x6c, 1);
        bench.write(controller + 0x30, 0x258);
        bench.write(controller + 4, target);
        bench.write(controller + 0x10, 0xf0);
        bench.write(controller + 0x10, 0x300);
        assert_eq!(
            bench.read(controller + 0x2c),
            0x750,
            "abort, empty, activity, stop, start"
        );
        assert_eq!(bench.read(controller + 0x80), 1);
        assert_eq!(bench.read(controller + 0x78), 0, "nothing was read");
        assert_eq!(bench.read(controller + 0x54), 1);
        assert_eq!(bench.read(controller + 0x80), 0);
        assert_eq!(bench.read(controller + 0x2c) & 0x40, 0);
    }
    assert_eq!(bench.sensor_read(0xf1), 0x53);
    assert_eq!(bench.guest_errors(), [], "a driver may look for a sensor");
}

#[test]
fn a_controller_that_is_off_sends_nothing() {
    let mut bench = Bench(Chip::new(GC2053));
    assert_eq!(bench.read(I2C + 0x70), 6, "idle and empty");
    bench.write(I2C + 0x10, 0xf0);
    assert_eq!(
        bench.guest_errors(),
        [GuestErrorKind::TransferWhileDisabled]
    );
}

/// The steps of the kernel's driver (T31 2d): a register is written, then read in two messages.
#[test]
fn the_kernels_driver_reads_and_writes_by_interrupt() {
    let mut bench = Bench(Chip::new(GC2053));
    bench.start_i2c();
    bench.write(0x1000_102c, 1 << 28);
    bench.write(I2C + 4, 0x37);
    bench.write(I2C + 0x3c, 32);
    bench.write(I2C + 0x10, 0x99);
    bench.write(I2C + 0x10, 0x25a);
    bench.write(I2C + 0x3c, 0);
    assert_eq!(bench.read(I2C + 0x70) & 4, 4, "sent");
    bench.write(I2C + 0x30, 0x258);
    assert_eq!(bench.read(0x1000_1030), 1 << 28, "source 60");
    assert!(bench.0.intc_output());
    assert_eq!(bench.read(I2C + 0x2c) & 0x200, 0x200, "stop");
    assert_eq!(bench.read(I2C + 0x60), 1);
    bench.write(I2C + 0x30, 0);
    assert!(!bench.0.intc_output());

    bench.write(I2C + 0x10, 0x99);
    bench.write(I2C + 0x30, 0x58);
    assert_eq!(
        bench.read(I2C + 0x2c) & 0x10,
        0x10,
        "nothing is left to send"
    );
    bench.write(I2C + 0x38, 0);
    assert_eq!((bench.read(I2C + 0x74), bench.read(I2C + 0x78)), (0, 0));
    bench.write(I2C + 0x10, 0x300);
    bench.write(I2C + 0x30, 0x244);
    assert!(bench.0.intc_output());
    assert_eq!(bench.read(I2C + 0x2c) & 4, 4, "received");
    assert_eq!(bench.read(I2C + 0x70) & 8, 8);
    assert_eq!(bench.read(I2C + 0x10), 0x5a);
    assert_eq!(bench.read(I2C + 0x70), 6);
    assert_eq!(bench.guest_errors(), []);
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

#[test]
fn every_sensor_of_the_table_tells_its_id_and_sends_its_picture() {
    for sensor in tx_isp_abi::sensor::SENSORS {
        let mut bench = Bench(Chip::new(*sensor));
        bench.start_i2c();
        bench.write(I2C + 4, sensor.control.target.into());
        for (register, value) in sensor.control.id {
            bench.send_register(sensor, register);
            bench.write(I2C + 0x10, 0x300);
            assert_eq!(bench.read(I2C + 0x10), value.into(), "{}", sensor.name);
        }
        let size = sensor.size.to_register();
        bench.write(CORE + 0x04, size);
        bench.write(CORE + 0x10, 0x133);
        bench.write(CORE + 0x800, 1);
        for register in [0x0c, 0x10] {
            bench.write(CSI + register, 1);
        }
        bench.write(VIC + 0x04, size);
        let twelve_bits = sensor.bits_per_pixel == 12;
        bench.write(VIC + 0x14, if twelve_bits { 2 } else { 1 });
        let words = (sensor.bits_per_pixel * sensor.border.line_pixels).div_ceil(32);
        bench.write(VIC + 0x100, words);
        bench.write(VIC, 1);
        bench.write(MSCA + 0x64, size);
        for (register, value) in [(0, size), (4, 0x0200_0200), (0x2c, size)] {
            bench.write(CHANNEL0 + register, value);
        }
        bench.write(CHANNEL0 + 0x80, sensor.size.width);
        bench.write(CHANNEL0 + 0x98, sensor.size.width);
        bench.write(CHANNEL0 + 0x6c, 0x100_0000);
        bench.write(CHANNEL0 + 0x84, 0x140_0000);
        bench.write(MSCA + 4, 0xf_0001);
        assert_eq!(bench.frame().jobs[0].size, sensor.size, "{}", sensor.name);
        assert_eq!(bench.guest_errors(), [], "{}", sensor.name);
    }
}
