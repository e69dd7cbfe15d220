// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What ends the right to write to memory does not wait for drawing, and nothing is written after it.

use crate::process::soon;
use crate::vm::{DEADLINE, Emulation, RAM, Vm, until};
use std::sync::mpsc::{Receiver, Sender, channel};
use tx_isp_abi::mailbox::REQUEST_QUEUE;
use tx_isp_emulator::device::{Outcome, Revoked, StartedFrame};
use tx_isp_emulator::dma::FrameWriter;
use tx_isp_emulator::monitor::protocol::AttachState;
use vm_memory::{Bytes, GuestAddress, GuestAddressSpace};

const SOFT_RESET: u32 = 0x1000_00c4;
const BUFFER: u32 = 0x10_0000;

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
