// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Controls, selection and channels, in front of a picture that nothing repeats in.

use std::process::ExitCode;

use testbed::config::Io;
use testbed::debug::DebugConfig;
use testbed::qemu::Carrier;
use testbed::sensor::SensorConfig;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::sensor::{AddressWidth, GC2053, SENSORS, Sensor};
use tx_isp_chip::Severity;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;
use tx_isp_tests::guest::controls::{draw, three_channels};
use tx_isp_tests::guest::streams::{FRAMES, main_stream};
use tx_isp_tests::guest::suite::{self, Boot, CarrierSuite};

fn main() -> ExitCode {
    suite::main("guest_controls", add)
}

fn add(suite: &mut CarrierSuite<'_>) {
    let still = suite.logs().join("still.png");
    let guest = suite.guest(Boot {
        sensor: SensorConfig {
            source: Source::Image(still.clone()),
            fps: ClockMode::Max,
            ..SensorConfig::default()
        },
        emulator: |prepared| {
            // A guest error is to end it.
            let debug = DebugConfig {
                strict: Some(Severity::Error),
                ..DebugConfig::default()
            };
            debug.emulator_options(prepared.memory, Io::Mmap)
        },
        before: Some(Box::new({
            let still = still.clone();
            move || draw(&still)
        })),
        ..Boot::default()
    });
    suite.test("a test picture is drawn", move || draw(&still));
    suite.boots(&guest, "a guest boots before a still picture");
    suite.test_in(
        &guest,
        "exposure and gain change the picture's light as much as they say",
        |running| running.lights(),
    );
    suite.test_in(
        &guest,
        "mirroring and flipping turn every pixel to the other side",
        |running| running.flips(),
    );
    suite.test_in(
        &guest,
        "a selection shows that part of the picture",
        |running| running.selection(),
    );
    suite.test_in(
        &guest,
        "three channels at once bring every frame as written",
        |running| three_channels(&mut running.guest, running.prepared.memory),
    );
    suite.test_in(
        &guest,
        "streams in the carve-out have no guest error under --strict",
        |running| running.strictly(),
    );
    suite.close(&guest, "these pictures");
    // The registers of a sensor are the same over every carrier. How they are reached is not: over the mailbox by the
    // driver's own messages, over vfio-user by the kernel's I2C.
    let carrier = suite.carrier();
    let is_usual = |sensor: &Sensor| *sensor == GC2053;
    let is_wide = |sensor: &Sensor| sensor.control.address_width == AddressWidth::Bits16;
    for sensor in SENSORS.iter().filter(|sensor| !is_usual(sensor)) {
        if carrier == Carrier::Gpio || carrier == Carrier::VfioUser && is_wide(sensor) {
            add_sensor(suite, sensor);
        }
    }
}

/// A guest with another sensor than the usual one: the driver finds out which, and a mistake that is only suspect ends it.
fn add_sensor(suite: &mut CarrierSuite<'_>, sensor: &'static Sensor) {
    let guest = suite.guest(Boot {
        sensor: SensorConfig {
            model: sensor,
            fps: ClockMode::Max,
            ..SensorConfig::default()
        },
        emulator: |prepared| {
            let debug = DebugConfig {
                strict: Some(Severity::Suspect),
                ..DebugConfig::default()
            };
            debug.emulator_options(prepared.memory, Io::Mmap)
        },
        ..Boot::default()
    });
    let name = format!("all {} of a {} arrive as written", sensor.size, sensor.name);
    suite.test_in(&guest, &name, move |running| {
        let config = main_stream(sensor.size, PixelFormat::Nv12, FRAMES);
        running.stream(&config).map(drop)
    });
    suite.close(&guest, &format!("a {}", sensor.name));
}
