// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Guest memory, the input's to the last byte, as virtqueues: descriptor chains, rings, requests.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tx_isp_abi::sensor::GC2053;
use tx_isp_emulator::attach::GuestMemory;
use tx_isp_emulator::attach::vhost_user::{Backend, Vring};
use tx_isp_emulator::device::Device;
use tx_isp_emulator::sensor::ClockMode;
use vhost_user_backend::{VhostUserBackend, VringT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;

const RAM: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let Some((set_up, content)) = data.split_at_checked(16) else {
        return;
    };
    let map = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), RAM)]).unwrap();
    map.write_slice(&content[..content.len().min(RAM)], GuestAddress(0)).unwrap();
    let memory = GuestMemory::new(map);
    let device = Arc::new(Device::new(GC2053, ClockMode::Stepped, "bars".to_owned()));
    let backend = Backend::new(device.clone(), memory.clone()).unwrap();
    let vrings = [0, 8].map(|at| {
        let place = |n: usize| u64::from(u16::from_le_bytes([set_up[at + n], set_up[at + n + 1]]));
        let vring = Vring::new(memory.clone(), 1024).unwrap();
        vring.set_queue_event_idx(set_up[at + 7] & 1 != 0);
        vring.set_queue_size(1 << (set_up[at + 6] % 11));
        let placed = vring.set_queue_info(place(0) & !15, place(2) & !1, place(4) & !3);
        vring.set_queue_ready(placed.is_ok());
        vring.set_enabled(true);
        vring
    });
    for event in [0, 1, 4, 0, 1] {
        let _ = backend.handle_event(event, EventSet::IN, &vrings, 0);
    }
    let _ = backend.stop_vring(0);
    let _ = backend.stop_vring(1);
    device.disconnect();
});
