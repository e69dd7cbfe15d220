// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tells what the guest's driver does wrong in the moment in which it does.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use tx_isp_emulator::monitor::protocol::{Event, EventKind, GuestError};
use tx_isp_emulator::monitor::{Client, ClientError};

/// How long the emulator may take to greet.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked whether this is over.
const STEP: Duration = Duration::from_millis(200);

/// Prints each kind of guest error the first time, on standard error, until dropped.
#[derive(Debug)]
pub struct GuestErrorWatch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl GuestErrorWatch {
    /// Listens at the emulator's monitor.
    ///
    /// # Errors
    /// If that does not answer.
    pub fn start(monitor: &Path) -> Result<Self> {
        let mut client = Client::connect(monitor, CONNECT_LIMIT)
            .and_then(|mut client| {
                client.subscribe(&[EventKind::GuestError])?;
                Ok(client)
            })
            .context("listening for guest errors")?;
        client.set_timeout(STEP);
        // A terminal that the guest has is in its raw mode: lines do not return by themselves.
        let end = match std::io::stdin().is_terminal() {
            true => "\r\n",
            false => "\n",
        };
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                match client.next_event() {
                    Ok(Event::GuestError { error }) => eprint!("{}{end}", line(&error)),
                    Ok(_) | Err(ClientError::Deadline { .. }) => {}
                    // The emulator has ended, which others tell.
                    Err(_) => return,
                }
            }
        });
        Ok(Self {
            over,
            thread: Some(thread),
        })
    }
}

impl Drop for GuestErrorWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It can only have panicked while it printed.
            let _ = thread.join();
        }
    }
}

fn line(error: &GuestError) -> String {
    let severity = error
        .severity
        .map_or_else(String::new, |severity| format!(" ({severity})"));
    format!(
        "guest error{severity}: {}: {}: {}",
        error.id, error.first, error.help
    )
}
