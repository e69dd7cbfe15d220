// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mailbox round trips and the `max` clock's frame rate as a VM without QEMU sees them:
//! `cargo bench -p tx-isp-emulator --bench mailbox`.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement ends at the first surprise"
)]
#![allow(dead_code, reason = "the VM can do more than is measured")]

#[path = "../tests/vhost_user/vm/mod.rs"]
mod vm;

use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::Request;
use tx_isp_abi::operation::Operation;
use vm::{Buffer, EVENT_IDX, Emulation, Vm, encode};
use vm_memory::{Bytes, GuestAddress};

const ROUND_TRIPS: usize = 20_000;
const FRAMES: u64 = 1000;

fn main() {
    for (name, pause) in [
        ("back to back", Duration::ZERO),
        ("100 us apart", Duration::from_micros(100)),
    ] {
        for operations in [1, 32] {
            let mut times = round_trips(operations, pause);
            times.sort_unstable();
            let at = |part: usize| times[times.len() * part / 100];
            println!(
                "mailbox round trip, {operations:2} writes, {name}: p50 {:?}, p99 {:?}",
                at(50),
                at(99)
            );
        }
    }
    frames(1920, 1080);
    frames(640, 368);
}

/// A driver that spins until the used ring moves.
fn round_trips(operations: usize, pause: Duration) -> Vec<Duration> {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    let batch = vec![Operation::Write(PhysAddr(0x1000_0024), 0x1c); operations];
    let words = encode(&Request::Batch(&batch));
    for (word, at) in words.iter().zip((0x1_0000u64..).step_by(4)) {
        vm.memory.write_obj(*word, GuestAddress(at)).unwrap();
    }
    let length = u32::try_from(words.len() * 4).unwrap();
    let chain = [
        Buffer::readable(0x1_0000, length),
        Buffer::writable(0x1_8000, 64),
    ];
    (0..ROUND_TRIPS)
        .map(|_| {
            let resume = Instant::now() + pause;
            while Instant::now() < resume {
                std::hint::spin_loop();
            }
            let begin = Instant::now();
            let index = vm.requests.available;
            vm.requests.offer(&chain);
            if vm.requests.kick_wanted_for() == index {
                vm.requests.kick();
            }
            while vm.requests.returned() == 0 {
                std::hint::spin_loop();
            }
            let time = begin.elapsed();
            vm.requests.wait_used();
            time
        })
        .collect()
}

/// A driver that gives each buffer back at once.
fn frames(width: u32, height: u32) {
    let emulation = Emulation::start(&["--fps", "max"]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    vm.stream(width, height);
    let begin = Instant::now();
    let mut queued = 0;
    let mut done = 0;
    while done < FRAMES {
        while queued < done + 2 {
            vm.queue_buffer(
                0x10_0000 + 0x30_0000 * u32::from(queued % 2 == 1),
                0x30_0000,
            );
            queued += 1;
        }
        // The done FIFO: empty, address.
        if vm.read(0x1330_997c) & 1 == 0 {
            vm.read(0x1330_9974);
            done += 1;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let dma = emulation.status().dma;
    println!(
        "max clock, {width}x{height} NV12 bars: {:.0} frames/s, DMA {:.2} GB/s while it writes",
        1000.0 / seconds,
        dma.bytes_per_second / 1e9
    );
}
