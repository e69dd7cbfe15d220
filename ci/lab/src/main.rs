// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab`: boots a MIPS guest with the emulated ISP, runs scenarios, judges and reports.

mod cli;
mod commands;
mod json;
mod options;

use std::process::ExitCode;

use clap::Parser;
use testbed::explain;

use crate::cli::{Command, Options};
use crate::commands::{
    bench, bundle, compare, compliance, doctor, faults, oom, plan, registers, shell, stream, test,
    trace,
};

/// How std begins to say that standard output takes no more.
const NO_OUTPUT: &str = "failed printing to stdout";

/// Ends the program in order where its standard output is closed, as by `head`, or full.
fn end_without_output() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        match said.filter(|said| said.starts_with(NO_OUTPUT)) {
            Some(said) => {
                eprintln!("error: {said}");
                std::process::exit(1);
            }
            None => usual(panic),
        }
    }));
}

fn main() -> ExitCode {
    end_without_output();
    let options = Options::parse();
    let taken = match &options.bundle {
        Some(path) => testbed::bundle::take(path),
        None => testbed::bundle::take_if_inside(),
    };
    let result = taken.and_then(|()| run(&options));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; true if it ended as wanted.
fn run(options: &Options) -> anyhow::Result<bool> {
    match &options.command {
        Command::Stream(options) => stream::command(options),
        Command::Test(options) => test::command(options),
        Command::Bench(options) => bench::command(options),
        Command::Compliance(options) => compliance::command(options),
        Command::Oom(options) => oom::command(options),
        Command::Plan(options) => plan::command(options),
        Command::Compare(options) => compare::command(options),
        Command::Merge(options) => compare::merge(options),
        Command::Faults(options) => faults::command(options),
        Command::Trace(options) => trace::command(&options.command),
        Command::Registers(options) => registers::command(options),
        Command::Shell(options) => shell::command(options),
        Command::Doctor(options) => doctor::command(options),
        Command::Setup(options) => doctor::setup(options),
        Command::Bundle(options) => bundle::command(options),
    }
}
