// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A front end and a guest that mean harm, and one that is only quick.

use crate::process::{Process, SOON, operator, soon};
use crate::vm::{Buffer, EVENT_IDX, Emulation, RAM, Vm, encode, until};
use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{EVENT_QUEUE, LINE_CORE, REQUEST_QUEUE, Request, Status};
use tx_isp_abi::operation::Operation;
use tx_isp_emulator::monitor::protocol::AttachState;
use vm_memory::{Bytes, GuestAddress};
use vmm_sys_util::eventfd::EventFd;

const ID: u32 = 0x1300_002c;
const BUFFER: u32 = 0x10_0000;

#[test]
fn a_kick_descriptor_may_be_replaced_at_any_time() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    for _ in 0..300 {
        // The queues' thread may hold the event of this kick when its descriptor goes.
        vm.requests.kick();
        vm.events.kick();
        vm.replace_kick(REQUEST_QUEUE);
        vm.replace_kick(EVENT_QUEUE);
        assert_eq!(vm.read(ID), 0x1003_1000);
    }
}

#[test]
fn a_blocking_or_full_call_descriptor_holds_nobody_up() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    let call = EventFd::new(0).unwrap();
    call.write(u64::MAX - 1).unwrap();
    vm.replace_call(REQUEST_QUEUE, &call);
    vm.replace_call(EVENT_QUEUE, &call);
    vm.stream(128, 128);
    vm.offer_event_buffer();
    emulation.operator().step(1).unwrap();
    assert_eq!(vm.event(), LINE_CORE);
    assert_eq!(vm.read(ID), 0x1003_1000);
    emulation.operator().quit().unwrap();
    soon("the end", || emulation.ended());
}

#[test]
fn a_kick_of_a_vm_that_is_gone_moves_nothing_of_the_next() {
    let emulation = Emulation::start(&["--persist"]);
    let kicks = {
        let mut vm = Vm::connect(&emulation, 0);
        assert_eq!(vm.read(ID), 0x1003_1000);
        [&vm.requests.kick, &vm.events.kick].map(|kick| kick.try_clone().unwrap())
    };
    until("the VM is gone", || {
        emulation.status().attach == AttachState::Listening
    });
    let mut vm = Vm::connect(&emulation, 0);
    assert_eq!(vm.read(ID), 0x1003_1000);
    let before = vm.requests.returned();
    // Offered, but not yet kicked by its own VM.
    vm.requests.offer(&[
        Buffer::readable(0x1_0000, 4),
        Buffer::writable(0x1_8000, 64),
    ]);
    for kick in &kicks {
        kick.write(1).unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(vm.requests.returned(), before);
    vm.requests.kick();
    until("it is answered", || vm.requests.returned() != before);
}

/// Lays a queue's used ring over its available ring: each buffer that is given back offers another.
fn lay_used_over_available(vm: &mut Vm, queue: u16) {
    let base = vm.stop(queue);
    let ring = if queue == REQUEST_QUEUE {
        &mut vm.requests
    } else {
        &mut vm.events
    };
    ring.used_at = ring.addresses()[1];
    vm.start(queue, base);
}

#[test]
fn a_ring_that_never_ends_keeps_neither_the_front_end_nor_the_end_waiting() {
    for queue in [EVENT_QUEUE, REQUEST_QUEUE] {
        let mut process = Process::start(256, &["--persist", "--fps", "240"]);
        let mut vm = Vm::connect_to(&process.path("isp"), 0);
        vm.stream(128, 128);
        lay_used_over_available(&mut vm, queue);
        let ring = if queue == REQUEST_QUEUE {
            &mut vm.requests
        } else {
            &mut vm.events
        };
        ring.offer(&[Buffer::writable(0x7000, 2)]);
        ring.kick();
        std::thread::sleep(Duration::from_millis(100));
        soon("GET_VRING_BASE", || vm.stop(queue));
        vm.start(queue, 0);
        let ring = if queue == REQUEST_QUEUE {
            &mut vm.requests
        } else {
            &mut vm.events
        };
        ring.offer(&[Buffer::writable(0x7000, 2)]);
        ring.kick();
        let mut operator = operator(&process.path("control"));
        soon("the status", || operator.status().unwrap());
        drop(vm);
        until("the VM is gone", || {
            operator.status().unwrap().attach == AttachState::Listening
        });
        let mut vm = Vm::connect_to(&process.path("isp"), 0);
        assert_eq!(vm.read(ID), 0x1003_1000);
        lay_used_over_available(&mut vm, queue);
        vm.requests.offer(&[Buffer::writable(0x7000, 2)]);
        vm.requests.kick();
        process.terminate();
    }
}

#[test]
fn nothing_is_written_to_a_queue_that_is_stopped() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    for round in 0..60 {
        let words = encode(&Request::Batch(&[Operation::Read(PhysAddr(ID)); 100]));
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        vm.memory
            .write_slice(&bytes, GuestAddress(0x1_0000))
            .unwrap();
        let length = u32::try_from(bytes.len()).unwrap();
        for n in 0..7 {
            vm.requests.offer(&[
                Buffer::readable(0x1_0000, length),
                Buffer::writable(0x2_0000 + n * 0x1000, 4096),
            ]);
        }
        vm.requests.kick();
        for _ in 0..round * 10 {
            std::hint::spin_loop();
        }
        let base = vm.stop(REQUEST_QUEUE);
        let ring = vm.requests.addresses()[2];
        let look = |vm: &Vm| (vm.checksum(ring, 0x100), vm.checksum(0x2_0000, 0x8000));
        let before = look(&vm);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(look(&vm), before, "written after the answer");
        assert_eq!(
            vm.requests.returned(),
            base,
            "each is answered or not begun"
        );
        vm.memory
            .write_slice(&[0; 0x8000], GuestAddress(0x2_0000))
            .unwrap();
        vm.requests.clear();
        vm.start(REQUEST_QUEUE, 0);
    }
}

#[test]
fn an_interrupt_that_finds_no_buffer_is_delivered_with_the_next_one() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    vm.stream(128, 128);
    let acknowledge = [Operation::Acknowledge {
        status: PhysAddr(0x1330_00b4),
        clear: PhysAddr(0x1330_00b8),
    }];
    vm.events.offer(&[Buffer::writable(0x7000, 4)]);
    vm.events.kick();
    for _ in 0..3 {
        emulation.operator().step(1).unwrap();
        assert_eq!(vm.event(), LINE_CORE);
        vm.batch(&acknowledge);
        // The line rises while the driver has no buffer in the queue.
        emulation.operator().step(1).unwrap();
        until("a kick is wanted for the next buffer", || {
            vm.events.kick_wanted_for() == vm.events.available
        });
        vm.events.offer(&[Buffer::writable(0x7000, 4)]);
        assert!(vm.events.kick_if_wanted());
        assert_eq!(vm.event(), LINE_CORE);
        vm.batch(&acknowledge);
        vm.events.offer(&[Buffer::writable(0x7000, 4)]);
        vm.events.kick_if_wanted();
    }
}

#[test]
fn two_requests_at_a_time_are_both_answered_without_event_idx() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    let words = encode(&Request::Batch(&[Operation::Read(PhysAddr(ID))]));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    vm.memory
        .write_slice(&bytes, GuestAddress(0x1_0000))
        .unwrap();
    let length = u32::try_from(bytes.len()).unwrap();
    for _ in 0..5000 {
        for n in 0..2 {
            vm.requests.offer(&[
                Buffer::readable(0x1_0000, length),
                Buffer::writable(0x2_0000 + n * 0x1000, 64),
            ]);
            // As the driver does: no kick where the device wants none.
            if vm.requests.wants_kicks() {
                vm.requests.kick();
            }
        }
        assert_eq!((vm.requests.wait_used(), vm.requests.wait_used()), (12, 12));
    }
}

#[test]
fn a_batch_that_would_take_for_ever_is_refused() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    // A hundred times 255 looks at a state that is never empty.
    let drain = |limit| Operation::Drain {
        status: PhysAddr(ID),
        empty: 0,
        reads: 0,
        limit,
    };
    let (_, response) = vm.exchange(&encode(&Request::Batch(&[drain(255); 100])), 4096);
    assert_eq!(response, [Status::MalformedOperation as u32, 0]);
    // What a driver needs is taken.
    assert_eq!(vm.batch(&[drain(8)]), [8]);
}

#[test]
fn frames_keep_their_rate_while_the_guest_floods_us_with_requests() {
    let emulation = Emulation::start(&["--fps", "100"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    let end = Instant::now() + Duration::from_secs(2);
    let before = emulation.status().frames.started;
    let slowest = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while Instant::now() < end {
                let begin = Instant::now();
                emulation.status();
                slowest = slowest.max(begin.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            slowest
        });
        while Instant::now() < end {
            vm.batch(&[Operation::Read(PhysAddr(ID)); 128]);
        }
        watcher.join().unwrap()
    });
    let frames = emulation.status().frames.started - before;
    assert!(frames >= 60, "{frames} frames in 2 s at 100 a second");
    assert!(slowest < SOON, "a status took {slowest:?}");
}

#[test]
fn memory_that_is_shorter_than_its_map_ends_the_connection_and_not_the_emulator() {
    let emulation = Emulation::start(&["--persist", "--fps", "240"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
    let short = tempfile::tempfile().unwrap();
    short.set_len(RAM / 2).unwrap();
    let _ = vm.set_memory(&short);
    until("the VM is hung up on", || {
        emulation.status().attach == AttachState::Listening
    });
    let mut vm = Vm::connect(&emulation, 0);
    assert_eq!(vm.read(ID), 0x1003_1000);
}

#[test]
fn memory_that_is_cut_off_under_us_ends_the_connection_and_not_the_emulator() {
    let mut process = Process::start(256, &["--persist", "--fps", "240"]);
    let mut vm = Vm::connect_to(&process.path("isp"), 0);
    vm.stream(128, 128);
    // The rings lie in the lower half.
    vm.file.set_len(RAM / 2).unwrap();
    let beyond = u32::try_from(RAM / 4 * 3).unwrap();
    let words = encode(&Request::Batch(&[
        Operation::Write(PhysAddr(0x1330_9984), beyond + 128 * 128),
        Operation::Write(PhysAddr(0x1330_996c), beyond),
    ]));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let at = GuestAddress(0x1_0000);
    vm.memory.write_slice(&bytes, at).unwrap();
    let length = u32::try_from(bytes.len()).unwrap();
    vm.requests.offer(&[
        Buffer::readable(at.0, length),
        Buffer::writable(0x1_8000, 64),
    ]);
    vm.requests.kick();
    let mut operator = operator(&process.path("control"));
    until("the VM is hung up on", || {
        operator.status().unwrap().attach == AttachState::Listening
    });
    drop(vm);
    let mut vm = Vm::connect_to(&process.path("isp"), 0);
    assert_eq!(vm.read(ID), 0x1003_1000);
    assert!(process.child.try_wait().unwrap().is_none());
    process.terminate();
}

#[test]
fn the_longest_frame_that_a_driver_can_set_does_not_outlive_it() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    let frames = |emulation: &Emulation| emulation.status().frames.started;
    until("frames come", || frames(&emulation) > 2);
    // 65535 lines of 65535 clocks: two minutes, or what the sensor makes of it.
    for (register, value) in [(0x05, 0xff), (0x06, 0xff), (0x41, 0xff), (0x42, 0xff)] {
        for (offset, word) in [
            (0x6c, 1),
            (4, 0x37),
            (0x10, register),
            (0x10, value | 0x200),
        ] {
            vm.write(0x1005_0000 + offset, word);
        }
    }
    let before = frames(&emulation);
    std::thread::sleep(Duration::from_millis(400));
    assert!(
        frames(&emulation) <= before + 1,
        "the new length holds at once"
    );
    // A driver that is loaded anew.
    vm.stop(REQUEST_QUEUE);
    vm.requests.clear();
    vm.start(REQUEST_QUEUE, 0);
    vm.stream(128, 128);
    let before = frames(&emulation);
    soon("three frames", || {
        until("frames come again", || frames(&emulation) >= before + 3);
    });
}
