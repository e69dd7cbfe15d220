// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's first process: mounts what every program needs, loads the image's modules, and
//! serves the lab's requests on a serial port of its own. The console is only its log. With
//! `lab.shell` on the kernel command line the console is a shell instead. As `guest-agent` it is also a
//! program to be called there.

mod abi;
mod buffers;
mod camera_client;
mod carve_out;
mod checksum;
mod clock;
mod command_line;
mod device;
mod failure;
mod follow;
mod init;
mod interrupts;
mod modules;
mod planes;
mod port;
mod pressure;
mod rights;
mod rmem;
mod run;
mod serve;
mod share;
mod shell;
mod starts;
mod stream;
mod vendor;

use std::process::ExitCode;

/// The argument that asks for [`pressure`].
const PRESSURE: &str = "pressure";
/// The argument that asks for [`rights`].
const RIGHTS: &str = "rights";
/// The argument that asks for [`starts`].
const STARTS: &str = "starts";
/// The argument that asks for [`checksum`].
const CHECKSUM: &str = "checksum";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((word, _)) if word == serve::WORD => serve::main(),
        Some((word, rest)) if word == PRESSURE => pressure::main(rest),
        Some((word, [])) if word == RIGHTS => rights::main(),
        Some((word, rest)) if word == STARTS => starts::main(rest),
        Some((word, rest)) if word == CHECKSUM => checksum::main(rest),
        _ if std::process::id() == 1 => init::main(),
        _ => {
            eprintln!(
                "guest-agent is the first process of the lab's guest (init). In the guest it can be asked for\n  \
                 guest-agent pressure SEED ROUNDS    clients come and go while memory is short\n  \
                 guest-agent rights    what clients may not do to one another is tried\n  \
                 guest-agent starts COUNT    starts and stops a stream so often\n  \
                 guest-agent checksum FILE FORMAT WIDTH HEIGHT BYTES    CRC-32 of each frame in a file"
            );
            ExitCode::FAILURE
        }
    }
}
