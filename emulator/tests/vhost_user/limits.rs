// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Connections, descriptors, memory and processor time: there is an end to what is used of each.

use crate::process::{Process, operator};
use crate::vm::{DEADLINE, Emulation, Vm, until};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};
use tx_isp_abi::registers::Vic;
use tx_isp_emulator::monitor::protocol::AttachState;

const ID: u32 = 0x1300_002c;
const BUFFER: u32 = 0x10_0000;

#[test]
fn connections_leave_no_descriptor_behind() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let emulation = Emulation::start(&["--persist"]);
    let gone = |emulation: &Emulation| {
        until("the VM is gone", || {
            emulation.status().attach == AttachState::Listening
        });
    };
    drop(Vm::connect(&emulation, 0));
    gone(&emulation);
    let before = open();
    for _ in 0..30 {
        assert_eq!(Vm::connect(&emulation, 0).read(ID), 0x1003_1000);
        gone(&emulation);
    }
    // Other tests of this process open and close some, too.
    until("no more are open than before", || open() <= before + 20);
}

#[test]
fn two_thousand_connections_are_survived_with_few_descriptors() {
    let mut process = Process::start(48, &["--persist"]);
    for n in 0..2000 {
        until("a connection is accepted", || {
            UnixStream::connect(process.path("isp")).is_ok()
        });
        assert!(
            n % 100 != 0 || process.child.try_wait().unwrap().is_none(),
            "it has ended after {n} connections"
        );
    }
    let mut vm = Vm::connect_to(&process.path("isp"), 0);
    assert_eq!(vm.read(ID), 0x1003_1000);
    process.terminate();
}

#[test]
fn frames_that_write_nothing_cost_next_to_no_processor_time_by_any_clock() {
    // Frame-rate control that keeps no frame; raw capture that nobody has set up.
    let nothing: [&[(u32, u32)]; 2] = [
        &[(0x1330_9930, 0), (0x1330_9934, 0)],
        &[(Vic::MdmaEnable.address().0, u32::MAX)],
    ];
    for clock in ["25", "240", "max", "stepped"] {
        for registers in nothing {
            let process = Process::start(256, &["--fps", clock]);
            let mut vm = Vm::connect_to(&process.path("isp"), 0);
            vm.stream(128, 128);
            for (address, value) in registers {
                vm.write(*address, *value);
            }
            if registers.len() > 1 {
                vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
            }
            let (begin, before) = (Instant::now(), process.cpu());
            std::thread::sleep(Duration::from_secs(1));
            // Its own time: whatever else the machine does, it is none the more. One that spins takes 0.67
            // and more of the time that passes; this, less than 0.05.
            let (used, passed) = (process.cpu() - before, begin.elapsed());
            assert!(
                used * 4 < passed,
                "{used:?} in {passed:?}, clock {clock}, {registers:x?}"
            );
        }
    }
}

#[test]
fn the_33rd_operator_is_answered_and_faults_are_bounded() {
    let emulation = Emulation::start(&[]);
    let mut operators: Vec<_> = (0..32).map(|_| emulation.operator()).collect();
    let error = tx_isp_emulator::monitor::Client::connect(&emulation.path("control"), DEADLINE);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("32 connections are open"), "{error}");
    let operator = &mut operators[0];
    for _ in 0..256 {
        operator.inject("lost-frame".parse().unwrap()).unwrap();
    }
    let error = operator.inject("lost-frame".parse().unwrap()).unwrap_err();
    assert!(
        error.to_string().contains("256 faults are armed"),
        "{error}"
    );
    operators.pop();
    until("there is a place again", || {
        tx_isp_emulator::monitor::Client::connect(&emulation.path("control"), DEADLINE).is_ok()
    });
}

#[test]
fn a_vm_that_finds_no_descriptor_left_is_served_when_there_are_some_again() {
    let process = Process::start(48, &["--persist"]);
    let operators: Vec<_> = (0..32)
        .map_while(|_| UnixStream::connect(process.path("control")).ok())
        .collect();
    let isp = process.path("isp");
    let vm = std::thread::spawn(move || Vm::connect_to(&isp, 0).read(ID));
    std::thread::sleep(Duration::from_millis(500));
    assert!(!vm.is_finished(), "there were descriptors left: open more");
    drop(operators);
    assert_eq!(vm.join().unwrap(), 0x1003_1000);
    assert!(operator(&process.path("control")).status().is_ok());
}

#[test]
fn a_picture_bomb_is_refused_within_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, header) in [
        ("image", "P6 100000 100000 255\n"),
        ("image", "P6 16384 16384 65535\n"),
        ("y4m", "YUV4MPEG2 W16384 H16384 F25:1 C444\nFRAME\n"),
    ] {
        let file = dir.path().join("bomb");
        std::fs::write(&file, header).unwrap();
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 400000 && exec \"$@\"", "sh"])
            .arg(env!("CARGO_BIN_EXE_tx-isp-emulator"))
            .arg("--socket")
            .arg(dir.path().join("isp"))
            .args(["--source", &format!("{kind}:{}", file.display())])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{header}: {text}");
        assert!(text.contains("at most 16384 on a side"), "{header}: {text}");
    }
}
