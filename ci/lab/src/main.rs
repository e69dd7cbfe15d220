// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab`: boots a MIPS guest with the emulated ISP, runs scenarios, judges and reports.

mod bench;
mod channels;
mod clock;
mod complaints;
mod compliance;
mod doctor;
mod emulator;
mod faults;
mod guest;
mod interrupt;
mod json;
mod judge;
mod launch;
mod layout;
mod memory;
mod options;
mod picture;
mod prepare;
mod process;
mod program;
mod progress;
mod qemu;
mod registers;
mod report;
mod run;
mod scene;
mod sdk;
mod shell;
mod sight;
mod stream;
mod tail;
mod tests_cmd;
mod timeline;
mod trace;
mod trouble;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Command, Options};

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
    let result = match &options.command {
        Command::Stream(options) => stream::command(options),
        Command::Test(options) => tests_cmd::command(options),
        Command::Bench(options) => bench::command(options),
        Command::Compliance(options) => compliance::command(options),
        Command::Oom(options) => memory::oom::command(options),
        Command::Plan(options) => memory::plan::command(options),
        Command::Compare(options) => memory::compare::command(options),
        Command::Merge(options) => memory::compare::merge(options),
        Command::Faults(options) => faults::command(options),
        Command::Trace(options) => trace::command(&options.command),
        Command::Registers(options) => registers::command(options),
        Command::Shell(options) => shell::command(options),
        Command::Run(options) => return run::command(options),
        Command::Sdk(options) => sdk::command(options),
        Command::Doctor(options) => doctor::command(options),
        Command::Setup(options) => doctor::setup(options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, without those that its text tells already.
fn explain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            told if told.contains(&cause) => text,
            told => format!("{told}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read a.png: no such file");
        assert_eq!(explain(&error), "cannot read a.png: no such file");
        let error = anyhow::anyhow!("no such file")
            .context("reading a.png")
            .context("starting");
        assert_eq!(explain(&error), "starting: reading a.png: no such file");
    }
}
