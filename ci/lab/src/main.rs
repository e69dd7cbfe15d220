// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab`: boots a MIPS guest with the emulated ISP, runs scenarios, judges and reports.

mod doctor;
mod emulator;
mod guest;
mod interrupt;
mod judge;
mod launch;
mod layout;
mod options;
mod picture;
mod prepare;
mod process;
mod progress;
mod qemu;
mod report;
mod scene;
mod shell;
mod stream;
mod tail;
mod tests_cmd;
mod trouble;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Command, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match &options.command {
        Command::Stream(options) => stream::command(options),
        Command::Test(options) => tests_cmd::command(options),
        Command::Shell(options) => shell::command(options),
        Command::Doctor(options) => doctor::command(options),
        Command::Setup(options) => doctor::setup(options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
