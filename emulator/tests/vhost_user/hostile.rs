// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A front end and a guest that mean harm, and one that is only quick.

use crate::vm::{Buffer, DEADLINE, EVENT_IDX, Emulation, RAM, Vm, encode, until};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::mailbox::{EVENT_QUEUE, LINE_CORE, REQUEST_QUEUE, Request, Status};
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::Vic;
use tx_isp_emulator::device::{Outcome, Revoked, StartedFrame};
use tx_isp_emulator::dma::FrameWriter;
use tx_isp_emulator::monitor::protocol::AttachState;
use vm_memory::{Bytes, GuestAddress, GuestAddressSpace};
use vmm_sys_util::eventfd::EventFd;

/// What is promised within a second; a busy machine gets some more.
const SOON: Duration = Duration::from_secs(5);
const ID: u32 = 0x1300_002c;
const SOFT_RESET: u32 = 0x1000_00c4;
const BUFFER: u32 = 0x10_0000;

#[track_caller]
fn soon<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = act();
    let took = begin.elapsed();
    assert!(took < SOON, "{what} took {took:?}");
    result
}

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

/// The emulator as a process of its own.
struct Process {
    child: Child,
    dir: tempfile::TempDir,
}

impl Process {
    fn start(descriptors: u32, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new("sh")
            .args(["-c", "ulimit -n $0 && exec \"$@\""])
            .arg(descriptors.to_string())
            .arg(env!("CARGO_BIN_EXE_tx-isp-emulator"))
            .args(["--socket", &path("isp"), "--control", &path("control")])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut process = Self { child, dir };
        until("it listens", || {
            assert!(process.child.try_wait().unwrap().is_none(), "it has ended");
            process.path("isp").exists() && UnixStream::connect(process.path("control")).is_ok()
        });
        process
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    fn terminate(&mut self) {
        let pid = self.child.id().to_string();
        soon("the end after SIGTERM", || {
            let killed = Command::new("kill").arg(pid).status().unwrap();
            assert!(killed.success());
            until("it ends", || self.child.try_wait().unwrap().is_some());
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

impl Process {
    /// The processor's time that it has used so far.
    fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).unwrap();
        // Behind the name, which may hold anything: user and system time are the 12th and 13th fields, in
        // hundredths of a second (USER_HZ).
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.map(|n| n.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
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

fn operator(path: &Path) -> tx_isp_emulator::monitor::Client {
    tx_isp_emulator::monitor::Client::connect(path, DEADLINE).unwrap()
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
fn who_has_subscribed_is_told_of_drivers_frames_and_guest_errors() {
    use tx_isp_emulator::monitor::protocol::{Event, EventKind};
    let emulation = Emulation::start(&["--fps", "stepped"]);
    let mut watcher = emulation.operator();
    let kinds = [EventKind::Frame, EventKind::GuestError, EventKind::Driver];
    assert_eq!(watcher.subscribe(&kinds).unwrap().subscribed, kinds);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
    emulation.operator().step(1).unwrap();
    vm.read(0x1330_0bac);
    vm.read(0x1330_0bac);
    vm.stop(REQUEST_QUEUE);
    let next = |watcher: &mut tx_isp_emulator::monitor::Client| watcher.next_event().unwrap();
    assert!(matches!(
        next(&mut watcher),
        Event::Driver { begins: true, .. }
    ));
    let entry = emulation
        .operator()
        .frame_log(0, None, 0)
        .unwrap()
        .remove(0);
    assert_eq!(next(&mut watcher), Event::Frame { entry });
    match next(&mut watcher) {
        Event::GuestError { error } => assert_eq!(error.id, "undefined-register"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        next(&mut watcher),
        Event::Driver { begins: false, .. }
    ));
    // Requests are answered among them.
    assert_eq!(watcher.status().unwrap().dma.frames, 1);
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

/// A writer that draws until it is told to write, as slowly as a test likes.
struct HeldUp {
    drawing: Sender<StartedFrame>,
    write: Receiver<()>,
    wrote: Sender<Result<(), Revoked>>,
}

/// The test's end of it.
struct Holder {
    drawing: Receiver<StartedFrame>,
    write: Sender<()>,
    wrote: Receiver<Result<(), Revoked>>,
}

fn held_up() -> (Box<dyn FrameWriter>, Holder) {
    let (drawing, is_drawing) = channel();
    let (may_write, write) = channel();
    let (wrote, has_written) = channel();
    let writer = HeldUp {
        drawing,
        write,
        wrote,
    };
    let holder = Holder {
        drawing: is_drawing,
        write: may_write,
        wrote: has_written,
    };
    (Box::new(writer), holder)
}

impl FrameWriter for HeldUp {
    fn write_frame(&mut self, started: &StartedFrame) -> Outcome {
        let mut outcome = Outcome::default();
        let _ = self.drawing.send(started.clone());
        // The test's end of the channel is gone when it is over.
        let _ = self.write.recv();
        let memory = started.memory.memory();
        let at = GuestAddress(BUFFER.into());
        let written = started
            .permit
            .write(|| memory.write_obj(0xdead_beef_u32, at));
        outcome.revoked = written.is_err();
        let _ = self.wrote.send(written.map(|_| ()));
        outcome
    }
}

impl Holder {
    /// Waits until a frame is being drawn.
    fn drawing(&self) -> StartedFrame {
        self.drawing.recv_timeout(DEADLINE).unwrap()
    }

    /// Lets the writer write: whether it could.
    fn write(&self) -> Result<(), Revoked> {
        self.write.send(()).unwrap();
        self.wrote.recv_timeout(DEADLINE).unwrap()
    }
}

fn streaming_with(arguments: &[&str]) -> (Emulation, Vm, Holder) {
    let (writer, holder) = held_up();
    let emulation = Emulation::start_with(arguments, Some(writer));
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
    (emulation, vm, holder)
}

fn canary(vm: &Vm) -> u32 {
    vm.memory.read_obj(GuestAddress(BUFFER.into())).unwrap()
}

#[test]
fn a_reset_does_not_wait_for_drawing_and_nothing_is_written_after_it() {
    let (_emulation, mut vm, holder) = streaming_with(&["--fps", "240"]);
    holder.drawing();
    soon("the reset", || {
        vm.write(SOFT_RESET, 1 << 21);
        assert_ne!(vm.read(SOFT_RESET) & 1 << 20, 0, "acknowledged");
        vm.write(SOFT_RESET, 1 << 22);
        vm.write(SOFT_RESET, 0);
    });
    assert_eq!(holder.write(), Err(Revoked));
    assert_eq!(canary(&vm), 0);
}

#[test]
fn a_flush_does_not_wait_for_drawing_and_nothing_is_written_after_it() {
    let (_emulation, mut vm, holder) = streaming_with(&["--fps", "240"]);
    holder.drawing();
    soon("the flush", || {
        vm.write(0x1330_0020, 4);
        vm.write(0x1330_0020, 0);
    });
    assert_eq!(holder.write(), Err(Revoked));
    assert_eq!(canary(&vm), 0);
}

#[test]
fn a_queue_that_is_stopped_interrupts_the_frame_and_it_goes_on_with_the_queue() {
    let (_emulation, mut vm, holder) = streaming_with(&["--fps", "240"]);
    let number = holder.drawing().frame.number;
    let base = soon("GET_VRING_BASE", || vm.stop(REQUEST_QUEUE));
    assert_eq!(holder.write(), Err(Revoked));
    assert_eq!(canary(&vm), 0);
    vm.start(REQUEST_QUEUE, base);
    assert_eq!(holder.drawing().frame.number, number);
    assert_eq!(holder.write(), Ok(()));
    assert_eq!(canary(&vm), 0xdead_beef);
}

#[test]
fn a_new_memory_map_interrupts_the_frame_and_it_is_written_by_the_new_one() {
    let (_emulation, mut vm, holder) = streaming_with(&["--fps", "240"]);
    let number = holder.drawing().frame.number;
    let other = tempfile::tempfile().unwrap();
    other.set_len(RAM).unwrap();
    soon("SET_MEM_TABLE", || vm.set_memory(&other).unwrap());
    assert_eq!(holder.write(), Err(Revoked));
    assert_eq!(holder.drawing().frame.number, number);
    assert_eq!(holder.write(), Ok(()));
    assert_eq!(canary(&vm), 0, "the old memory is left alone");
    let mut written = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(&other, &mut written, BUFFER.into()).unwrap();
    assert_eq!(u32::from_le_bytes(written), 0xdead_beef);
}

#[test]
fn the_ends_of_vm_and_emulator_do_not_wait_for_drawing() {
    let (emulation, vm, holder) = streaming_with(&["--fps", "240", "--persist"]);
    holder.drawing();
    let memory = vm.memory.clone();
    drop(vm);
    until("the VM is gone", || {
        emulation.status().attach == AttachState::Listening
    });
    assert_eq!(holder.write(), Err(Revoked));
    let word: u32 = memory.read_obj(GuestAddress(BUFFER.into())).unwrap();
    assert_eq!(word, 0);
    let mut vm = Vm::connect(&emulation, 0);
    vm.stream(128, 128);
    vm.queue_buffer(BUFFER, BUFFER + 128 * 128);
    holder.drawing();
    emulation.operator().quit().unwrap();
    soon("the end", || emulation.ended());
    assert_eq!(holder.write(), Err(Revoked));
}
