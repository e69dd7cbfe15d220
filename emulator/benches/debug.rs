// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What looking on costs: an interrupt's batch of register operations with and without a trace, and
//! with a fault armed: `cargo bench -p tx-isp-emulator --bench debug`.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot run has nothing to say"
)]

use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::sensor::GC2053;
use tx_isp_emulator::device::Device;
use tx_isp_emulator::sensor::ClockMode;

const ROUNDS: u32 = 9;
const BATCHES: u32 = 20_000;

/// What the driver does at an interrupt of one channel: three acknowledges, a drain, two pushes'
/// worth of state reads.
fn batch() -> Vec<Operation> {
    let acknowledge = |status, clear| Operation::Acknowledge {
        status: PhysAddr(status),
        clear: PhysAddr(clear),
    };
    let read = |address| Operation::Read(PhysAddr(address));
    vec![
        acknowledge(0x1330_00b4, 0x1330_00b8),
        acknowledge(0x133e_01e0, 0x133e_01f0),
        acknowledge(0x133e_01e4, 0x133e_01f4),
        Operation::Drain {
            status: PhysAddr(0x1330_997c),
            empty: 1,
            reads: 2,
            limit: 7,
        },
        read(0x1330_9974),
        read(0x1330_9978),
        read(0x1330_9970),
        read(0x1330_9988),
        Operation::Write(PhysAddr(0x1330_9980), 1920),
        Operation::Write(PhysAddr(0x1330_9998), 1920),
    ]
}

/// A device whose clock gates are open.
fn device() -> Device {
    let device = Device::new(GC2053, ClockMode::Stepped, "bars".to_owned());
    let gates = [0x1000_0020, 0x1000_0028].map(|gate| Operation::Write(PhysAddr(gate), 0));
    device.execute(&gates, &mut []).0.unwrap();
    device
}

fn time(device: &Device) -> Duration {
    let batch = batch();
    let mut results = [0; 32];
    let begin = Instant::now();
    for _ in 0..BATCHES {
        let (result, lines) = device.execute(&batch, &mut results);
        result.unwrap();
        device.announce(lines);
    }
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let plain = device();
    let traced = device();
    let armed = device();
    let file = tempfile::NamedTempFile::new().unwrap();
    traced.trace(Some(file.path())).unwrap();
    armed.inject("lost-frame:frame=1000000".parse().unwrap());
    let devices = [
        ("no trace", &plain),
        ("trace", &traced),
        ("fault armed", &armed),
    ];
    let mut times = [const { Vec::new() }; 3];
    // Side by side, so that a busy machine is as unfair to each.
    for _ in 0..ROUNDS {
        for ((_, device), times) in devices.iter().zip(&mut times) {
            times.push(time(device));
        }
    }
    let medians = times.map(median);
    assert!(
        devices
            .iter()
            .all(|(_, device)| device.status().guest_errors.is_empty())
    );
    for ((name, _), median) in devices.iter().zip(medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        println!(
            "{name:12} {:>9.0?} a batch, ratio {ratio:.2}",
            median / BATCHES
        );
    }
}
