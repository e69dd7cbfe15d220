// SPDX-License-Identifier: Apache-2.0 OR MIT
//! GPIO, the sensor's clock and the interrupt controller.

use super::*;

const GPIO_A: u32 = 0x1001_0000;
const PA18: u32 = 1 << 18;
const I2C: u32 = 0x1005_0000;

fn answers(bench: &mut Bench) -> bool {
    bench.write(I2C + 0x6c, 1);
    bench.write(I2C + 4, 0x37);
    bench.read(I2C + 0x54);
    bench.write(I2C + 0x10, 0xf0);
    bench.write(I2C + 0x10, 0x300);
    let answered = bench.read(I2C + 0x80) == 0;
    assert!(!answered || bench.read(I2C + 0x10) == 0x20);
    answered
}

#[test]
fn a_sensor_in_reset_does_not_answer_and_sends_nothing() {
    let mut bench = Bench::streaming();
    assert!(answers(&mut bench), "the board pulls its reset up");
    assert_eq!(bench.read(GPIO_A) & PA18, PA18);
    bench.write(GPIO_A + 0x38, PA18);
    assert_eq!(bench.read(GPIO_A + 0x30), !PA18);
    assert_eq!(bench.read(GPIO_A) & PA18, 0, "an output, low");
    assert!(!answers(&mut bench));
    assert!(bench.0.frame_start().is_none());
    bench.write(GPIO_A + 0x44, PA18);
    assert_eq!(bench.read(GPIO_A) & PA18, PA18);
    assert!(answers(&mut bench));
    bench.frame();
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_reset_of_the_sensor_forgets_its_settings() {
    let mut bench = Bench::streaming();
    bench.write(I2C + 0x6c, 1);
    bench.write(I2C + 4, 0x37);
    bench.write(I2C + 0x10, 0x41);
    bench.write(I2C + 0x10, 0x20a);
    let slow = bench.0.frame_period();
    bench.write(GPIO_A + 0x38, PA18);
    bench.write(GPIO_A + 0x34, PA18);
    assert!(bench.0.frame_period() < slow);
}

/// The words with which the client library sets pin PB08's drive strength (T31 2e.2).
#[test]
fn drive_strength_has_registers_that_set_and_clear_its_bits() {
    let mut bench = Bench::streaming();
    let port_b = 0x1001_1000;
    bench.write(port_b + 0x138, 0x3_0000);
    bench.write(port_b + 0x134, 0x2_0000);
    assert_eq!(bench.read(port_b + 0x130), 0x2_0000);
    bench.write(port_b + 0x138, 0x3cfc_0000);
    bench.write(port_b + 0x134, 0x1454_0000);
    assert_eq!(bench.read(port_b + 0x130), 0x1456_0000);
    assert_eq!(bench.read(port_b + 0x134), 0, "a command");
    assert_eq!(bench.read(0x1001_0130), 0, "another port's");
    assert_eq!(bench.guest_errors(), []);
}

#[test]
fn a_sensor_without_its_clock_does_not_answer() {
    let mut bench = Bench::streaming();
    bench.write(0x1000_007c, 1 << 27);
    assert!(!answers(&mut bench));
    assert!(bench.0.frame_start().is_none());
    bench.write(0x1000_007c, 1 << 29 | 0x31);
    assert!(answers(&mut bench));
}

#[test]
fn the_interrupt_controller_masks_its_sources() {
    let mut bench = Bench::streaming();
    bench.write(VIC + 0x1e8, 0);
    bench.frame();
    assert_eq!(bench.read(0x1000_1000), 1 << 29 | 1 << 30, "ISP and VIC");
    assert_eq!(bench.read(0x1000_1010), 0, "all are masked");
    assert!(!bench.0.intc_output());
    bench.write(0x1000_100c, 1 << 30);
    assert_eq!(bench.read(0x1000_1004), !(1 << 30));
    assert_eq!(bench.read(0x1000_1010), 1 << 30);
    assert!(bench.0.intc_output());
    bench.write(VIC + 0x1f0, 1);
    assert!(!bench.0.intc_output());
    bench.write(0x1000_1004, 0);
    assert!(bench.0.intc_output());
    bench.write(0x1000_1008, 1 << 29);
    assert!(!bench.0.intc_output());
    assert_eq!(bench.guest_errors(), []);
}
