// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Batches of register operations against the whole device, with frames in between.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::Operation;
use tx_isp_abi::sensor::GC2053;
use tx_isp_emulator::attach::{GuestMemory, InterruptSink};
use tx_isp_emulator::device::Device;
use tx_isp_emulator::dma::Engine;
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::{Renderer, Source};
use vm_memory::{GuestAddress, GuestMemoryMmap};

struct Nobody;

impl InterruptSink for Nobody {
    fn raise(&self, _lines: u32) {}
}

/// Where registers are; the rest of an address is the input's.
const BASES: [u32; 16] = [
    0x1000_0000, 0x1002_3000, 0x1005_0000, 0x1300_0000, 0x1330_0000, 0x1330_0800, 0x1330_9800,
    0x1330_9900, 0x1330_9a00, 0x1330_9b00, 0x1330_a000, 0x1330_b000, 0x133e_0000, 0x133e_0300,
    0x1354_0000, 0,
];

fn address(kind: u8, word: u16) -> PhysAddr {
    PhysAddr(BASES[usize::from(kind >> 4)] + u32::from(word))
}

fuzz_target!(|data: &[u8]| {
    let device = Arc::new(Device::new(GC2053, ClockMode::Stepped, "bars".to_owned()));
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 1 << 20)]).unwrap();
    device.connect(GuestMemory::new(memory), Arc::new(Nobody));
    device.resume();
    let mut engine = Engine::new(device.clone(), Renderer::open(&Source::Bars).unwrap());
    let mut batch = Vec::new();
    for record in data.chunks_exact(7).take(2000) {
        let at = address(record[0], u16::from_le_bytes([record[1], record[2]]) & 0xffc);
        let value = u32::from_le_bytes([record[3], record[4], record[5], record[6]]);
        match record[0] & 7 {
            0 | 1 => batch.push(Operation::Write(at, value)),
            2 => batch.push(Operation::Read(at)),
            3 => batch.push(Operation::Acknowledge {
                status: at,
                clear: PhysAddr(at.0 + 4),
            }),
            4 => batch.push(Operation::Drain {
                status: at,
                empty: value & 0xff,
                reads: record[5] % 4,
                limit: record[6] % 16,
            }),
            5 => {
                let (result, lines) = device.execute(&batch, &mut [0; 1022]);
                let _ = result;
                device.announce(lines);
                batch.clear();
            }
            6 => {
                if device.step(1).is_err() {
                    continue;
                }
                engine.write_next();
                let _ = device.take_step_outcome();
                let _ = device.abandon_step();
            }
            _ => device.reset(),
        }
        if record[0] & 7 == 7 {
            device.resume();
        }
    }
});
