// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pictures in guest memory, and what the operator sees of them.

use crate::vm::{ALIAS, DEADLINE, Emulation, RAM, Vm, until};
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use tx_isp_emulator::monitor::protocol::{AttachState, FrameLogEntry, Status};
use tx_isp_emulator::monitor::{Client, ClientError};
use tx_isp_picture::frame_overlay;
use vm_memory::{Bytes, GuestAddress};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const LUMA: u32 = WIDTH * HEIGHT;
const BYTES: usize = (LUMA + LUMA / 2) as usize;
const BUFFER: u32 = 0x10_0000;

fn stepped() -> (Emulation, Vm, Client) {
    let emulation = Emulation::start(&["--fps", "stepped", "--source", "gradient"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    let operator = emulation.operator();
    (emulation, vm, operator)
}

fn ram(vm: &Vm, from: u32, bytes: u32) -> Vec<u8> {
    let mut data = vec![0; bytes as usize];
    vm.memory
        .read_slice(&mut data, GuestAddress(from.into()))
        .unwrap();
    data
}

#[test]
fn the_frame_log_has_the_checksum_of_what_is_in_memory() {
    let (_emulation, mut vm, mut operator) = stepped();
    for n in 0..3 {
        let y = BUFFER * (n + 1);
        vm.queue_buffer(y, y + LUMA);
    }
    let stepped = operator.step(3).unwrap();
    assert_eq!((stepped.frames, stepped.last_frame), (3, 3));
    let entries = operator.frame_log(0, None, 0).unwrap();
    assert_eq!(entries.len(), 3);
    for (n, entry) in (0..).zip(&entries) {
        let expected = FrameLogEntry {
            channel: 0,
            session: 1,
            frame: n + 1,
            sequence: n,
            bytes: BYTES as u64,
            crc32: vm.checksum(u64::from(BUFFER * (n + 1)), BYTES),
            y_address: BUFFER * (n + 1),
            width: WIDTH,
            height: HEIGHT,
            format: "nv12".to_owned(),
            start_ns: entry.start_ns,
            done_ns: entry.done_ns,
        };
        assert_eq!(*entry, expected);
        assert!(0 < entry.start_ns && entry.start_ns < entry.done_ns);
        let luma = ram(&vm, entry.y_address, LUMA);
        let side = |pixels: u32| pixels as usize;
        let number = frame_overlay::read(&luma, side(WIDTH), side(WIDTH), side(HEIGHT));
        assert_eq!(number, Some(n + 1));
        // The done FIFO tells the same.
        assert_eq!(vm.read(0x1330_9974), entry.y_address);
        assert_eq!(vm.read(0x1330_9978), entry.frame);
    }
    assert_eq!(operator.frame_log(0, Some(1), 2).unwrap(), entries[2..]);
    assert_eq!(operator.frame_log(1, None, 0).unwrap(), []);
    let status = operator.status().unwrap();
    assert_eq!((status.dma.frames, status.dma.bytes), (3, 3 * BYTES as u64));
    assert!(status.dma.busy_seconds > 0.0 && status.dma.bytes_per_second > 0.0);
    assert_eq!((status.frames.started, status.frames.finished), (3, 3));
    assert_eq!(status.channels[0].frames_written, 3);
    assert!(
        status.streaming && status.guest_errors.is_empty(),
        "{:?}",
        status.guest_errors
    );
}

/// Checks that a buffer is refused and that RAM stays as it is.
#[track_caller]
fn refused(y: u32, uv: u32) {
    let (_emulation, mut vm, mut operator) = stepped();
    let size = u32::try_from(RAM).unwrap() - BUFFER;
    let before = vec![0x5a; size as usize];
    vm.memory
        .write_slice(&before, GuestAddress(BUFFER.into()))
        .unwrap();
    vm.queue_buffer(y, uv);
    operator.step(1).unwrap();
    assert!(ram(&vm, BUFFER, size) == before, "something was written");
    let status = operator.status().unwrap();
    let error = &status.guest_errors[0];
    assert_eq!((error.id.as_str(), error.count), ("dma-outside-memory", 1));
    assert!(error.first.starts_with("frame 1: "), "{}", error.first);
    assert_eq!(
        (status.dma.frames, status.channels[0].frames_written),
        (0, 0)
    );
    assert_eq!(operator.frame_log(0, None, 0).unwrap(), []);
    // The next buffer is written as if nothing had been.
    vm.queue_buffer(BUFFER, BUFFER + LUMA);
    operator.step(1).unwrap();
    assert_eq!(operator.frame_log(0, None, 0).unwrap().len(), 1);
}

#[test]
fn a_buffer_outside_of_ram_is_a_guest_error_and_not_written() {
    let end = u32::try_from(RAM).unwrap();
    let alias = u32::try_from(ALIAS).unwrap();
    refused(end, end + LUMA);
    // The UV plane alone, by one byte; the Y plane alone.
    refused(BUFFER, end - LUMA / 2 + 1);
    refused(end - LUMA + 1, BUFFER);
    // Into the second view of the RAM from below, and out of the 32-bit space.
    refused(alias - WIDTH, BUFFER);
    refused(u32::MAX - WIDTH + 1, BUFFER);
}

#[test]
fn a_buffer_may_end_with_the_ram_and_lie_in_its_second_view() {
    let (_emulation, mut vm, mut operator) = stepped();
    let end = u32::try_from(RAM).unwrap();
    let alias = u32::try_from(ALIAS).unwrap();
    vm.queue_buffer(end - LUMA - LUMA / 2, end - LUMA / 2);
    vm.queue_buffer(alias + BUFFER, alias + BUFFER + LUMA);
    operator.step(2).unwrap();
    let entries = operator.frame_log(0, None, 0).unwrap();
    assert_eq!(entries[0].crc32, vm.checksum(RAM - BYTES as u64, BYTES));
    assert_eq!(entries[1].crc32, vm.checksum(BUFFER.into(), BYTES));
    assert_eq!(entries[1].y_address, alias + BUFFER);
}

#[test]
fn what_lies_between_the_lines_is_not_written() {
    let (_emulation, mut vm, mut operator) = stepped();
    let stride = WIDTH + 64;
    vm.write(0x1330_9980, stride);
    vm.write(0x1330_9998, stride);
    vm.write(0x1330_9804, 0xf_0001);
    let uv = BUFFER + stride * HEIGHT;
    vm.memory
        .write_slice(&vec![0; 1 << 20], GuestAddress(BUFFER.into()))
        .unwrap();
    vm.queue_buffer(BUFFER, uv);
    operator.step(1).unwrap();
    let lines = ram(&vm, BUFFER, stride * HEIGHT * 3 / 2);
    let visible: Vec<u8> = lines
        .chunks(stride as usize)
        .flat_map(|line| &line[..WIDTH as usize])
        .copied()
        .collect();
    assert_eq!(
        operator.frame_log(0, None, 0).unwrap()[0].crc32,
        crc32fast::hash(&visible)
    );
    assert!(
        lines
            .chunks(stride as usize)
            .all(|line| line[WIDTH as usize..].iter().all(|&byte| byte == 0))
    );
}

#[test]
fn the_max_clock_runs_while_there_are_buffers() {
    let emulation = Emulation::start(&["--fps", "max"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    vm.offer_event_buffer();
    for n in 0..5 {
        vm.queue_buffer(BUFFER + n * 0x2_0000, BUFFER + n * 0x2_0000 + LUMA);
    }
    until("all are written", || emulation.status().dma.frames == 5);
    vm.event();
    let status = emulation.status();
    assert_eq!((status.frames.started, status.channels[0].starved), (5, 0));
    assert_eq!(status.clock.to_string(), "max");
}

#[test]
fn the_clock_of_a_rate_runs_by_itself_and_stops_with_the_queue() {
    let emulation = Emulation::start(&["--fps", "240"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    vm.queue_buffer(BUFFER, BUFFER + LUMA);
    until("it is written", || {
        emulation.status().channels[0].frames_written == 1
    });
    until("frames starve", || {
        emulation.status().channels[0].starved > 2
    });
    let base = vm.stop(tx_isp_abi::mailbox::REQUEST_QUEUE);
    let before = emulation.status();
    assert!(!before.streaming);
    std::thread::sleep(std::time::Duration::from_millis(30));
    assert_eq!(emulation.status().frames, before.frames);
    vm.start(tx_isp_abi::mailbox::REQUEST_QUEUE, base);
    until("frames go on", || {
        emulation.status().frames.started > before.frames.started
    });
}

#[test]
fn a_step_is_refused_where_it_makes_no_sense() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut operator = emulation.operator();
    let mut refusal = |frames| match operator.step(frames) {
        Err(ClientError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refusal(1).starts_with("the guest does not stream"));
    assert_eq!(refusal(0), "cannot step 0 frames: use 1 to 10000");
    assert!(refusal(10_001).contains("use 1 to 10000"));
    let emulation = Emulation::start(&[]);
    let error = emulation.operator().step(1).unwrap_err().to_string();
    assert!(
        error.contains("the clock is sensor, not stepped"),
        "{error}"
    );
}

#[test]
fn a_step_ends_when_the_guest_stops() {
    let (_emulation, mut vm, mut operator) = stepped();
    let stepping = std::thread::spawn(move || operator.step(10_000));
    vm.write(0x133e_0000, 0);
    match stepping.join().unwrap() {
        Err(ClientError::Refused(reason)) => {
            let expected = [
                "the guest stopped streaming after",
                "the guest does not stream",
            ];
            assert!(
                expected.iter().any(|start| reason.starts_with(start)),
                "{reason}"
            );
        }
        Ok(stepped) => assert_eq!(stepped.frames, 10_000),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn several_operators_are_served_and_nonsense_is_answered() {
    let emulation = Emulation::start(&[]);
    let stream = UnixStream::connect(emulation.path("control")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let greeting = lines.next().unwrap().unwrap();
    assert!(
        greeting.starts_with(r#"{"greeting":"tx-isp-emulator","protocol":1,"#),
        "{greeting}"
    );
    let mut ask = |line: &str| {
        (&stream).write_all(line.as_bytes()).unwrap();
        lines.next().map(Result::unwrap)
    };
    assert!(
        ask("{\"command\":\"dance\"}\n")
            .unwrap()
            .contains("expected one of `status`")
    );
    assert!(
        ask("\n")
            .unwrap()
            .starts_with("{\"error\":\"this is no request")
    );
    let no_channel = ask("{\"command\":\"ledger\",\"channel\":3}\n").unwrap();
    assert_eq!(
        no_channel,
        r#"{"error":"there is no channel 3: the T31 has channels 0 to 2","code":"bad-argument"}"#
    );
    assert_eq!(emulation.status().attach, AttachState::Listening);
    // Two requests at once, the first in two parts.
    (&stream).write_all(b"{\"command\":").unwrap();
    let status = ask("\"status\"}\n{\"command\":\"status\"}\n").unwrap();
    serde_json::from_str::<Status>(&status).unwrap();
    serde_json::from_str::<Status>(&ask("").unwrap()).unwrap();
    assert!(
        ask(&"x".repeat(5000))
            .unwrap()
            .contains("longer than 4096 bytes")
    );
    // What is too long is answered at once and skipped up to its end.
    let status = ask("x\n{\"command\":\"status\"}\n").unwrap();
    serde_json::from_str::<Status>(&status).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(lines.next().is_none());
}

#[test]
fn the_operator_ends_the_emulator_and_the_report_stays() {
    let (emulation, mut vm, mut operator) = stepped();
    vm.read(0x1330_0bac);
    assert!(operator.quit().unwrap().quitting);
    let report = emulation.path("report");
    let dir = &emulation.dir.path().to_owned();
    let socket = emulation.path("isp");
    assert!(dir.exists());
    until("the report is there", || {
        std::fs::read(&report).is_ok_and(|text| serde_json::from_slice::<Status>(&text).is_ok())
    });
    let written: Status = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let status = emulation.ended();
    assert_eq!(written, status);
    assert_eq!(status.guest_errors[0].id, "undefined-register");
    assert!(!socket.exists());
}

#[test]
fn the_emulator_ends_with_its_vm() {
    let emulation = Emulation::start(&[]);
    // Somebody who only looks whether the socket answers is no VM.
    drop(UnixStream::connect(emulation.path("isp")).unwrap());
    let mut vm = Vm::connect(&emulation, 0);
    assert_eq!(vm.read(0x1300_002c), 0x1003_1000);
    assert_eq!(emulation.status().attach, AttachState::Connected);
    drop(vm);
    assert_eq!(emulation.ended().mailbox.batches, 1);
}

#[test]
fn a_persistent_emulator_takes_the_next_vm() {
    let emulation = Emulation::start(&["--persist", "--fps", "max"]);
    for _ in 0..3 {
        let mut vm = Vm::connect(&emulation, 0);
        vm.stream(WIDTH, HEIGHT);
        vm.queue_buffer(BUFFER, BUFFER + LUMA);
        let written = |status: Status| status.channels[0].frames_written;
        until("it is written", || written(emulation.status()) == 1);
        drop(vm);
        until("it is gone", || {
            emulation.status().attach == AttachState::Listening
        });
    }
    assert_eq!(emulation.status().dma.frames, 3);
    emulation.operator().quit().unwrap();
    emulation.ended();
}
