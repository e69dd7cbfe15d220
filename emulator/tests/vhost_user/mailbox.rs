// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Requests and events over vhost-user, and what a guest can do wrong with them.

use crate::vm::{ALIAS, Buffer, EVENT_IDX, Emulation, RAM, Ring, Vm, encode, until};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{EVENT_QUEUE, LINE_CORE, REQUEST_MAGIC, REQUEST_QUEUE, Request, Status};
use tx_isp_abi::operation::Operation;

/// A register that holds what is written.
const PLAIN: u32 = 0x1000_0024;
/// A read of PLAIN as words, the numbers repeated on purpose.
const READ_MODE: [u32; 6] = [0x5053_4954, 1, 2, PLAIN, 0, 0];

#[test]
fn the_first_exchange_tells_that_this_is_a_t31() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    let (used, response) = vm.exchange(&encode(&Request::Identify), 64);
    assert_eq!(used, 24);
    assert_eq!(response, [0, 4, REQUEST_MAGIC, 1, 0x1003_1000, 0]);
}

#[test]
fn registers_are_written_and_read() {
    for features in [0, EVENT_IDX] {
        let emulation = Emulation::start(&[]);
        let mut vm = Vm::connect(&emulation, features);
        assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
        let results = vm.batch(&[
            Operation::Write(PhysAddr(PLAIN), 0x1c),
            Operation::Read(PhysAddr(PLAIN)),
            Operation::Read(PhysAddr(0x1300_002c)),
        ]);
        assert_eq!(results, [0x1c, 0x1003_1000]);
        assert!(vm.requests.call.read().is_ok(), "the guest is interrupted");
        let mailbox = emulation.status().mailbox;
        assert_eq!(
            (mailbox.batches, mailbox.operations, mailbox.refused),
            (2, 4, 0)
        );
    }
}

#[test]
fn requests_in_one_kick_are_answered_in_order() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    for n in 0..6u32 {
        let write = Operation::Write(PhysAddr(PLAIN), n + 1);
        let read = Operation::Read(PhysAddr(PLAIN));
        let (at, room) = (
            0x2_0000 + u64::from(n) * 0x100,
            0x3_0000 + u64::from(n) * 0x100,
        );
        let words = encode(&Request::Batch(&[read, write]));
        for (word, at) in words.iter().zip((at..).step_by(4)) {
            vm_memory::Bytes::write_obj(&vm.memory, *word, vm_memory::GuestAddress(at)).unwrap();
        }
        vm.requests
            .offer(&[Buffer::readable(at, 40), Buffer::writable(room, 12)]);
    }
    vm.requests.kick();
    until("a kick is wanted for the next", || {
        vm.requests.kick_wanted_for() == 6
    });
    for n in 0..6u32 {
        assert_eq!(vm.requests.wait_used(), 12);
        assert_eq!(vm.words(0x3_0000 + u64::from(n) * 0x100, 12), [0, 1, n]);
    }
}

#[test]
fn a_malformed_request_gets_a_status() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    let malformed = [Status::MalformedRequest as u32, 0];
    for words in [
        &[][..],
        &[REQUEST_MAGIC],
        &[1, 1, 2, PLAIN, 0, 0],
        &[REQUEST_MAGIC, 2, 2, PLAIN, 0, 0],
    ] {
        assert_eq!(
            vm.exchange(words, 64),
            (8, malformed.to_vec()),
            "{words:x?}"
        );
    }
    let huge = [REQUEST_MAGIC, u32::MAX];
    assert_eq!(vm.exchange(&huge, 64), (8, malformed.to_vec()));
    for operation in [
        [99, 0, 0, 0],
        [2, 0, 1, 0],
        [0, 0, 0, 0],
        [5, 0, 1, 0x1_0000],
    ] {
        let words = [&[REQUEST_MAGIC, 1][..], &operation].concat();
        let refused = vec![Status::MalformedOperation as u32, 0];
        assert_eq!(vm.exchange(&words, 64), (8, refused), "{operation:?}");
    }
    // A drain whose reads are missing.
    let drain = [REQUEST_MAGIC, 1, 5, 0x1330_997c, 1, 0x0702];
    let refused = vec![Status::MalformedOperation as u32, 0];
    assert_eq!(vm.exchange(&drain, 64), (8, refused));
    // Bytes that make no whole word are not there.
    let mut bytes: Vec<u8> = READ_MODE
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    bytes.pop();
    assert_eq!(vm.exchange_bytes(&bytes, 64), (8, malformed.to_vec()));
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
    assert_eq!(emulation.status().mailbox.refused, 10);
}

#[test]
fn too_little_room_for_the_response_is_refused() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    let refused = vec![Status::NoRoomForResults as u32, 0];
    assert_eq!(vm.exchange(&READ_MODE, 8), (8, refused.clone()));
    assert_eq!(vm.exchange(&READ_MODE, 11), (8, refused.clone()));
    assert_eq!(vm.exchange(&encode(&Request::Identify), 20), (8, refused));
    // Without room for a header nothing is carried out.
    let write = [REQUEST_MAGIC, 1, 3, PLAIN, 77, 0];
    for room in [0, 4, 7] {
        assert_eq!(vm.exchange(&write, room), (0, vec![]));
    }
    assert_eq!(vm.exchange(&READ_MODE, 12), (12, vec![0, 1, 0]));
    assert_eq!(vm.requests.exchange(&[Buffer::readable(0x1_0000, 24)]), 0);
}

#[test]
fn a_chain_outside_of_memory_comes_back() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    let response = 0x1_8000;
    for bad in [RAM, RAM - 4, ALIAS + RAM, u64::MAX - 3] {
        let used = vm
            .requests
            .exchange(&[Buffer::readable(bad, 24), Buffer::writable(response, 64)]);
        assert_eq!(used, 8, "{bad:#x}");
        assert_eq!(vm.words(response, 8), [Status::MalformedRequest as u32, 0]);
        let used = vm
            .requests
            .exchange(&[Buffer::readable(0x1_0000, 24), Buffer::writable(bad, 64)]);
        assert_eq!(used, 0, "{bad:#x}");
    }
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
}

#[test]
fn a_chain_that_bites_its_tail_and_a_wrong_head_do_no_harm() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.requests
        .describe(0, Buffer::readable(0x1_0000, 24), Some(1));
    vm.requests
        .describe(1, Buffer::writable(0x1_8000, 64), Some(0));
    vm.requests.offer_head(0);
    vm.requests.kick();
    assert!(vm.requests.wait_used() >= 8);
    // A head that is no descriptor cannot be given back; the next request is answered.
    vm.requests.offer_head(Ring::SIZE + 5);
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
}

#[test]
fn an_available_index_that_cannot_be_does_not_stop_the_emulator() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
    let real = vm.requests.available;
    vm.requests.available = real.wrapping_add(1000);
    vm.requests.offer_head(0);
    vm.requests.kick();
    until("it is refused", || emulation.status().mailbox.refused > 0);
    vm.requests.available = real;
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
}

#[test]
fn the_configuration_space_is_zero() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    for bytes in [1, 8, 256] {
        assert_eq!(vm.config(bytes), vec![0; bytes as usize]);
    }
}

/// Makes the core's line rise: a step of one frame.
fn raise(emulation: &Emulation) {
    emulation.operator().step(1).unwrap();
}

const ACKNOWLEDGE: [Operation; 1] = [Operation::Acknowledge {
    status: PhysAddr(0x1330_00b4),
    clear: PhysAddr(0x1330_00b8),
}];

#[test]
fn a_line_that_rises_is_an_event() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.offer_event_buffer();
    raise(&emulation);
    assert_eq!(vm.event(), LINE_CORE);
    assert!(vm.events.call.read().is_ok(), "the guest is interrupted");
    // It stays high: no further event, whatever else is written.
    vm.offer_event_buffer();
    raise(&emulation);
    vm.write(PLAIN, 1);
    assert_eq!(vm.events.returned(), 0);
    // It falls and rises again.
    assert_ne!(vm.batch(&ACKNOWLEDGE)[0] & 0x2000, 0);
    raise(&emulation);
    assert_eq!(vm.event(), LINE_CORE);
    assert_eq!(emulation.status().mailbox.events, 2);
}

#[test]
fn a_line_that_an_acknowledge_leaves_high_is_an_event_again() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.write(0x1330_00b0, 0x3000); // first line, and the pipe is done
    vm.offer_event_buffer();
    raise(&emulation);
    assert_eq!(vm.event(), LINE_CORE);
    vm.offer_event_buffer();
    vm.write(0x1330_00b8, 0x1000); // only one of them is acknowledged
    assert_eq!(vm.event(), LINE_CORE);
    vm.offer_event_buffer();
    assert_ne!(vm.batch(&ACKNOWLEDGE)[0] & 0x2000, 0);
    assert_eq!(vm.read(0x1330_00b4) & 0x3000, 0);
    assert_eq!(vm.events.returned(), 0);
}

#[test]
fn lines_wait_for_an_event_buffer() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, EVENT_IDX);
    vm.stream(128, 128);
    raise(&emulation);
    // A buffer that cannot hold an event comes back empty and does not lose it.
    vm.events.offer(&[Buffer::writable(0x7000, 2)]);
    vm.events.offer(&[Buffer::readable(0x7000, 4)]);
    vm.events.offer(&[Buffer::writable(RAM, 4)]);
    vm.events.kick();
    assert_eq!(
        [
            vm.events.wait_used(),
            vm.events.wait_used(),
            vm.events.wait_used()
        ],
        [0; 3]
    );
    vm.offer_event_buffer();
    assert_eq!(vm.event(), LINE_CORE);
    // The same while the queue is stopped.
    vm.batch(&ACKNOWLEDGE);
    let base = vm.stop(EVENT_QUEUE);
    raise(&emulation);
    vm.start(EVENT_QUEUE, base);
    vm.offer_event_buffer();
    assert_eq!(vm.event(), LINE_CORE);
}

#[test]
fn a_paused_vm_goes_on_and_a_new_driver_finds_a_new_chip() {
    let emulation = Emulation::start(&[]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.write(PLAIN, 0x1c);
    let base = vm.stop(REQUEST_QUEUE);
    assert_eq!(base, 1);
    vm.start(REQUEST_QUEUE, base);
    assert_eq!(vm.read(PLAIN), 0x1c);
    // A driver that is loaded anew begins at index 0.
    vm.read(0x1330_0bac);
    vm.stop(REQUEST_QUEUE);
    vm.requests.clear();
    vm.start(REQUEST_QUEUE, 0);
    assert_eq!(vm.read(PLAIN), 0);
    // A reset of the device has the same effect; its queues are started again.
    vm.write(PLAIN, 0x1e);
    vm.reset_device();
    let base = vm.stop(REQUEST_QUEUE);
    vm.start(REQUEST_QUEUE, base);
    assert_eq!(vm.read(PLAIN), 0);
    let guest_errors = emulation.status().guest_errors;
    assert_eq!(guest_errors.len(), 1, "{guest_errors:?}");
    assert_eq!(
        (guest_errors[0].id.as_str(), guest_errors[0].count),
        ("undefined-register", 1)
    );
}
