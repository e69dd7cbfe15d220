// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab`: boots a MIPS guest with the emulated ISP, runs scenarios, verified and reports.

mod cli;
mod commands;
mod options;
mod output;
mod save;
#[cfg(test)]
mod schemas;
#[cfg(not(feature = "driver"))]
#[cfg_attr(test, expect(dead_code, reason = "tests have the driver"))]
mod with_driver;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use host_setup::invocation;
use testbed::{explain, interrupt};

use crate::cli::{Command, Options};
use crate::commands::{
    bench, bundle, compare, compliance, doctor, faults, generate, oom, plan, registers, run, sdk,
    shell, stream, test, trace,
};

/// The exit code of a run that was interrupted, as shells have it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let mut options = parse();
    if options.offline {
        host_setup::offline::forbid_network();
    }
    let taken = match &options.bundle {
        Some(path) => testbed::bundle::take(path),
        None => testbed::bundle::take_if_inside(),
    };
    let result = taken.and_then(|()| perform(&mut options.command));
    let interrupted = interrupt::requested();
    match result {
        _ if interrupted => {
            if let Err(error) = result {
                eprintln!("error: {}", explain(&error));
            }
            ExitCode::from(INTERRUPTED)
        }
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line; ends with an explanation where it is wrong.
fn parse() -> Options {
    let name = invocation::lab();
    let matches = Options::command().name(name).bin_name(name).get_matches();
    Options::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Runs a command.
fn perform(command: &mut Command) -> anyhow::Result<ExitCode> {
    output::reserve_for_json(command.json());
    // The folder is this run's as long as it lives.
    let mut folder = None;
    if let Some(out) = command.out() {
        let claimed = folder.insert(output::claim(out)?);
        *out = claimed.path.clone();
    }
    let is_well = match command {
        // These end as what runs in the guest does.
        Command::Run(options) => return Ok(run::command(options)),
        Command::Shell(options) => return Ok(shell::command(options)),
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
        Command::Sdk(options) => sdk::command(options),
        Command::Doctor(options) => doctor::command(options),
        Command::Setup(options) => doctor::setup(options),
        Command::Bundle(options) => bundle::command(options),
        Command::Man(options) => generate::man(options, Options::command()),
        Command::Completions(options) => generate::completions(options, Options::command()),
    }?;
    Ok(match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
