// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The connection to the agent in the guest: a virtio serial port that QEMU connects to a socket.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use guest_protocol::message::Reply;
use guest_protocol::wire::{self, WireError};

use crate::guest_failure::GuestFailure;
use crate::interrupt;
use crate::log_follower::{LogFollower, SHOWN_LINES};
use crate::process::Process;

/// QEMU connects to its sockets before it starts the machine.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// How long the output of a QEMU that has ended may take.
const OUTPUT_LIMIT: Duration = Duration::from_secs(10);

/// QEMU's connection for the agent's port.
pub fn accept(
    listener: &UnixListener,
    qemu: &mut Process,
    qemu_says: &LogFollower,
) -> Result<UnixStream> {
    listener
        .set_nonblocking(true)
        .context("listening for QEMU")?;
    let end = Instant::now() + CONNECT_LIMIT;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream
                    .set_nonblocking(false)
                    .context("connecting to QEMU")?;
                stream
                    .set_write_timeout(Some(CONNECT_LIMIT))
                    .context("connecting to QEMU")?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("waiting for QEMU's connection"),
        }
        if let Some(status) = qemu.ended() {
            qemu_says.wait_end(OUTPUT_LIMIT);
            return Err(GuestFailure::QemuEnded {
                status,
                said: qemu_says.last(SHOWN_LINES),
                console: Vec::new(),
            }
            .into());
        }
        if interrupt::requested() {
            return Err(GuestFailure::Interrupted.into());
        }
        if Instant::now() > end {
            bail!("QEMU did not connect within {} s", CONNECT_LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Receives messages on a thread of its own, so that they can be waited for with a deadline.
pub fn receive_from(stream: &UnixStream) -> Result<Receiver<Result<Reply, WireError>>> {
    let mut stream = stream.try_clone().context("connecting to QEMU")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        while let Some(message) = wire::receive(&mut stream).transpose() {
            let broken = message.is_err();
            if sender.send(message).is_err() || broken {
                break;
            }
        }
    });
    Ok(receiver)
}
