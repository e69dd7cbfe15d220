// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `tx-isp-emulator`: an Ingenic T31 ISP as a vhost-user backend.

use clap::Parser;
use std::process::ExitCode;
use tx_isp_emulator::config::Config;
use tx_isp_emulator::emulator::{Emulator, EmulatorError};
use tx_isp_emulator::monitor::protocol::Status;

fn main() -> ExitCode {
    let config = Config::parse();
    // What the guest does wrong with its queues is counted and told by us.
    let environment = env_logger::Env::default().default_filter_or("info,virtio_queue=off");
    env_logger::Builder::from_env(environment)
        .format_timestamp_millis()
        .init();
    // Half an emulator is worse than none: a thread that panics takes the others with it.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::abort();
    }));
    match run(&config) {
        Ok(status) => {
            summarize(&status);
            ExitCode::SUCCESS
        }
        // The message has its causes in it.
        Err(error) => {
            eprintln!("tx-isp-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> Result<Status, EmulatorError> {
    let mut emulator = Emulator::new(config)?;
    emulator.end_on_signals()?;
    emulator.confine(config)?;
    emulator.run()
}

/// The last words in the log.
fn summarize(status: &Status) {
    for error in &status.guest_errors {
        log::warn!(
            "guest error {} ({} times), first: {}: {}",
            error.id,
            error.count,
            error.first,
            error.help
        );
    }
    log::info!(
        "{} pictures written, {} requests answered, {} guest errors",
        status.dma.frames,
        status.mailbox.batches,
        status.guest_errors.len()
    );
}
