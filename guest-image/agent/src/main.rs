// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's first process: mounts what every program needs, loads the image's modules, and
//! serves the lab's requests on a serial port of its own. The console is only its log. With
//! `lab.shell` on the kernel command line the console is a shell instead.

mod abi;
mod buffers;
mod camera_client;
mod carve_out;
mod device;
mod failure;
mod init;
mod modules;
mod port;
mod rmem;
mod run;
mod serve;
mod shell;
mod stream;

use std::process::ExitCode;

/// The argument with which init starts itself again to serve requests.
const SERVE: &str = "serve";

fn main() -> ExitCode {
    let serving = std::env::args().nth(1).is_some_and(|word| word == SERVE);
    if serving {
        return serve::main();
    }
    if std::process::id() != 1 {
        eprintln!(
            "guest-agent is the first process of the lab's guest (init); there is nothing it could do here"
        );
        return ExitCode::FAILURE;
    }
    init::main()
}
