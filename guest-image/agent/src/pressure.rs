// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `guest-agent pressure SEED ROUNDS`: clients come and go while another process fragments the
//! carve-out, holds blocks of it and lets them go, all of random sizes.
//!
//! After each round the other process is stopped and the carve-out's state must be sound: blocks in
//! address order without gap or overlap, no two free ones side by side, and counts that agree. Running
//! out of memory is expected; anything else that fails is not. In the end the other process is killed
//! with everything that it holds, and one free block must be left.

use std::process::ExitCode;
use std::time::Duration;

use fastrand::Rng;
use guest_protocol::message::{Failure, Memory};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::rmem::{Block, Query};

use crate::abi;
use crate::buffers::{Buffers, v4l2_memory};
use crate::device::Camera;
use crate::failure::{At, failure};
use crate::rmem::Rmem;

/// Blocks that the other process holds at most.
const HELD: usize = 24;
/// Its largest block in bytes.
const LARGEST: u32 = 3 << 20;
/// A frame comes within this time, or something is wrong.
const FRAME_LIMIT: Duration = Duration::from_secs(20);
/// What clients ask for.
const SIZES: [(u32, u32); 4] = [(1920, 1080), (1280, 720), (640, 360), (320, 192)];
/// Where their buffers come from.
const MEMORIES: [Memory; 3] = [Memory::Mmap, Memory::UserPtr, Memory::DmaBuf];
/// The strategy under which all of these are allowed: hybrid.
const HYBRID: i32 = 2;

/// What the rounds came to.
#[derive(Debug, Default)]
struct Tally {
    streamed: u32,
    fewer: u32,
    refused: u32,
    abandoned: u32,
}

/// The program: 0 if everything held, 1 with the reason if not, 2 for a wrong call.
pub fn main(arguments: &[String]) -> ExitCode {
    let numbers: Option<Vec<u32>> = arguments.iter().map(|word| word.parse().ok()).collect();
    let Some([seed, rounds]) = numbers.as_deref() else {
        eprintln!("usage: guest-agent pressure SEED ROUNDS (two numbers)");
        return ExitCode::from(2);
    };
    match run(u64::from(*seed), *rounds) {
        Ok(Tally {
            streamed,
            fewer,
            refused,
            abandoned,
        }) => {
            println!(
                "seed {seed}: {rounds} clients, {streamed} streamed ({fewer} with fewer buffers than asked for, \
                 {abandoned} closed while streaming), {refused} refused for want of memory; the pool was sound after each"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("seed {seed}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(seed: u64, rounds: u32) -> Result<Tally, Failure> {
    let mut random = Rng::with_seed(seed);
    let rmem = Rmem::open()?;
    let other = Other::start(random.fork())?;
    let mut tally = Tally::default();
    for round in 0..rounds {
        let outcome = client(&mut random, &mut tally);
        other.stop()?;
        outcome
            .and_then(|()| check(&rmem))
            .map_err(|error| failure(&format!("round {round}"), error.to_string()))?;
        other.go_on()?;
    }
    drop(other);
    let state = check(&rmem)?;
    if state.free != state.total {
        let text = format!("{} bytes are still held", state.total - state.free);
        return Err(failure("after the end", text));
    }
    Ok(tally)
}

/// One client: it asks, streams a few frames if it can, and goes, sometimes without a word.
fn client(random: &mut Rng, tally: &mut Tally) -> Result<(), Failure> {
    let channel = random.u32(0..3);
    let (width, height) = SIZES[random.usize(0..SIZES.len())];
    let memory = MEMORIES[random.usize(0..MEMORIES.len())];
    let wanted = random.u32(1..=8);
    let camera = Camera::open(&format!("/dev/video{channel}"))?;
    camera.set_control(abi::CID_STRATEGY, HYBRID)?;
    let mut granted = camera.set_format(width, height, PixelFormat::Nv12.fourcc())?;
    granted.buffers = match camera.request_buffers(wanted, v4l2_memory(memory)) {
        Ok(count) => count,
        Err(error) => return refused(error, tally),
    };
    let started = Buffers::new(&camera, &granted, memory).and_then(|buffers| {
        buffers.queue_all(&camera)?;
        camera.stream_on()?;
        Ok(buffers)
    });
    let buffers = match started {
        Ok(buffers) => buffers,
        Err(error) => return refused(error, tally),
    };
    for _ in 0..random.u32(0..4) {
        let frame = camera.wait(v4l2_memory(memory), FRAME_LIMIT)?;
        buffers.queue(&camera, frame.index)?;
    }
    tally.streamed += 1;
    tally.fewer += u32::from(granted.buffers < wanted);
    if random.bool() {
        tally.abandoned += 1;
        return Ok(());
    }
    camera.stream_off()
}

/// No memory is an answer; everything else is a failure.
fn refused(error: Failure, tally: &mut Tally) -> Result<(), Failure> {
    if error.errno != Some(libc::ENOMEM) {
        return Err(error);
    }
    tally.refused += 1;
    Ok(())
}

/// The process that holds blocks. Dropping it kills it.
struct Other(Pid);

impl Other {
    fn start(mut random: Rng) -> Result<Self, Failure> {
        // SAFETY: this process has one thread.
        match unsafe { fork() }.at("fork")? {
            ForkResult::Parent { child } => Ok(Self(child)),
            ForkResult::Child => {
                let error = hold_and_release(&mut random);
                eprintln!("the process that holds blocks: {error}");
                std::process::exit(1);
            }
        }
    }

    /// Stops it, and waits until it is out of the kernel.
    fn stop(&self) -> Result<(), Failure> {
        kill(self.0, Signal::SIGSTOP).at("stopping the other process")?;
        match waitpid(self.0, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Stopped(..)) => Ok(()),
            Ok(other) => Err(failure("stopping the other process", format!("{other:?}"))),
            Err(error) => Err(error).at("stopping the other process"),
        }
    }

    fn go_on(&self) -> Result<(), Failure> {
        kill(self.0, Signal::SIGCONT).at("waking the other process")
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // Each fails only if it has ended by itself, of which `stop` has told.
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

/// Takes and gives back blocks until it is killed; returns only what went wrong.
fn hold_and_release(random: &mut Rng) -> Failure {
    let rmem = match Rmem::open() {
        Ok(rmem) => rmem,
        Err(error) => return error,
    };
    let mut held = Vec::new();
    loop {
        let result = if held.len() == HELD || (random.u32(0..3) == 0 && !held.is_empty()) {
            let address = held.swap_remove(random.usize(0..held.len()));
            rmem.free(address)
        } else {
            let bytes = random.u32(1..=LARGEST) >> random.u32(0..8);
            let allocated = rmem.allocate(bytes.max(1), 0, "pressure");
            match allocated {
                Ok(address) => held.push(address),
                Err(error) if error.errno == Some(libc::ENOMEM) => {}
                Err(error) => return error,
            }
            Ok(())
        };
        if let Err(error) = result {
            return error;
        }
        std::thread::sleep(Duration::from_micros(random.u64(0..3000)));
    }
}

/// Whether the carve-out's blocks are sound.
fn check(rmem: &Rmem) -> Result<Query, Failure> {
    let mut blocks = Vec::new();
    while let Some(block) = rmem.block(u32::try_from(blocks.len()).unwrap_or(u32::MAX))? {
        blocks.push(block);
    }
    let state = rmem.query()?;
    sound(&blocks, &state).map_err(|reason| failure("the carve-out", reason))?;
    Ok(state)
}

fn sound(blocks: &[Block], state: &Query) -> Result<(), String> {
    let mut next = state.base;
    let (mut free, mut largest, mut after_free) = (0, 0, false);
    for block in blocks {
        let Block { address, bytes, .. } = *block;
        if address != next {
            return Err(format!("a block begins at {address:#x}, not at {next:#x}"));
        }
        if block.used == 0 {
            if after_free {
                return Err(format!("two free blocks meet at {address:#x}"));
            }
            free += bytes;
            largest = largest.max(bytes);
        }
        after_free = block.used == 0;
        next = address + bytes;
    }
    if next != state.base + state.total {
        return Err(format!("the last block ends at {next:#x}"));
    }
    if (free, largest) != (state.free, state.largest) {
        return Err(format!(
            "blocks: {free} bytes free, largest {largest}; counts: {}, {}",
            state.free, state.largest
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: u32, bytes: u32, used: u32) -> Block {
        Block {
            address,
            bytes,
            used,
            ..Block::default()
        }
    }

    const STATE: Query = Query {
        base: 0x1000,
        total: 0x1000,
        free: 0x600,
        largest: 0x400,
        reserved: 0,
    };

    #[test]
    fn each_kind_of_unsoundness_is_told() {
        let good = [
            block(0x1000, 0x400, 0),
            block(0x1400, 0xa00, 1),
            block(0x1e00, 0x200, 0),
        ];
        assert_eq!(sound(&good, &STATE), Ok(()));
        let says = |blocks: &[Block]| sound(blocks, &STATE).unwrap_err();
        assert!(says(&good[1..]).contains("begins at 0x1400"));
        assert!(says(&good[..2]).contains("ends at 0x1e00"));
        let mut wrong = good;
        wrong[1].used = 0;
        assert!(says(&wrong).contains("meet at 0x1400"));
        wrong = good;
        wrong[2].used = 1;
        assert!(says(&wrong).contains("1024 bytes free"));
    }
}
