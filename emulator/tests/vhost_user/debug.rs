// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the operator breaks and looks at while a VM runs.

use crate::vm::{Emulation, Vm};
use std::time::{Duration, Instant};
use tx_isp_emulator::trace::{Coverage, parse};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const LUMA: u32 = WIDTH * HEIGHT;
const BUFFER: u32 = 0x10_0000;

fn queue(vm: &mut Vm, count: u32) {
    for n in 1..=count {
        vm.queue_buffer(BUFFER * n, BUFFER * n + LUMA);
    }
}

#[test]
fn a_fault_armed_over_the_socket_hits_its_frame() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    let mut operator = emulation.operator();
    let armed = operator
        .inject("lost-frame:frame=2".parse().unwrap())
        .unwrap();
    assert_eq!(
        (armed.fault.as_str(), armed.fired),
        ("lost-frame:frame=2", 0)
    );
    queue(&mut vm, 3);
    operator.step(4).unwrap();
    let entries = operator.frame_log(0, None, 0).unwrap();
    let sequences: Vec<u32> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [0, 2, 3]);
    let status = operator.status().unwrap();
    assert_eq!(status.faults[0].fired, 1);
    assert!(status.guest_errors.is_empty(), "{:?}", status.guest_errors);
    assert!(operator.clear_faults().unwrap().faults.is_empty());
}

#[test]
fn a_corrupted_picture_is_not_what_the_frame_log_says() {
    let arguments = ["--fps", "stepped", "--fault", "corrupted-picture:frame=2"];
    let emulation = Emulation::start(&arguments);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    let mut operator = emulation.operator();
    queue(&mut vm, 3);
    operator.step(3).unwrap();
    let bytes = (LUMA + LUMA / 2) as usize;
    let entries = operator.frame_log(0, None, 0).unwrap();
    let equal: Vec<bool> = entries
        .iter()
        .map(|entry| entry.crc32 == vm.checksum(entry.y_address.into(), bytes))
        .collect();
    assert_eq!(equal, [true, false, true]);
}

#[test]
fn a_trace_is_recorded_from_when_the_operator_says_to_when_he_says() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    let mut operator = emulation.operator();
    let path = emulation.path("trace");
    let started = operator.trace(Some(&path)).unwrap();
    assert_eq!((started.tracing, started.recorded), (true, 0));
    vm.stream(WIDTH, HEIGHT);
    queue(&mut vm, 2);
    let ended = operator.trace(None).unwrap();
    vm.read(0x1330_0000);
    let trace = parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((ended.tracing, ended.recorded), (false, trace.len() as u64));
    assert!(trace.iter().all(|access| access.address.0 != 0x1330_0000));
    assert!(trace.windows(2).all(|pair| pair[0].at_ns <= pair[1].at_ns));
    let feeds = Coverage::of(&trace).sequences[2];
    assert_eq!(feeds, 2);
    let refused = operator.trace(Some(std::path::Path::new("/nowhere/trace")));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("cannot be written")
    );
}

#[test]
fn the_time_of_each_interrupt_is_kept() {
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(WIDTH, HEIGHT);
    let mut operator = emulation.operator();
    queue(&mut vm, 1);
    operator.step(1).unwrap();
    // The step's end and the guest's interrupt are told by two threads.
    let end = Instant::now() + Duration::from_secs(20);
    let interrupts = loop {
        let interrupts = operator.interrupts(0).unwrap();
        if !interrupts.is_empty() {
            break interrupts;
        }
        assert!(Instant::now() < end, "no interrupt was told of");
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(
        interrupts
            .windows(2)
            .all(|pair| pair[0].at_ns <= pair[1].at_ns)
    );
    let frame = &operator.frame_log(0, None, 0).unwrap()[0];
    assert!(interrupts.iter().all(|entry| entry.at_ns >= frame.start_ns));
    let last = interrupts.last().unwrap().at_ns;
    assert!(operator.interrupts(last + 1).unwrap().is_empty());
}
