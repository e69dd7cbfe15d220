// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SIGTERM and SIGINT on the event loop: a clean end.

use crate::exit_status::ExitStatus;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

/// How long the clean end may take once a signal has asked for it.
const END_LIMIT: Duration = Duration::from_millis(800);

/// Ends the process if it has not ended by itself soon after a signal, whatever its threads wait for.
fn watch_the_end() -> io::Result<()> {
    let (mut receiver, sender) = UnixStream::pair()?;
    pipe::register(SIGTERM, sender.try_clone()?)?;
    pipe::register(SIGINT, sender)?;
    let thread = thread::Builder::new().name("end".to_owned());
    thread.spawn(move || {
        let mut byte = [0];
        if receiver.read_exact(&mut byte).is_ok() {
            thread::sleep(END_LIMIT);
            log::error!("the clean end takes longer than {END_LIMIT:?}: this is the end");
            std::process::exit(1);
        }
    })?;
    Ok(())
}

/// Ends the event loop when a signal asks for it.
pub struct Signals {
    pipe: UnixStream,
    exit_status: Rc<ExitStatus>,
}

impl Signals {
    /// Catches SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn new(exit_status: Rc<ExitStatus>) -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        pipe::register(SIGTERM, sender.try_clone()?)?;
        pipe::register(SIGINT, sender)?;
        watch_the_end()?;
        Ok(Self {
            pipe: receiver,
            exit_status,
        })
    }
}

impl MutEventSubscriber for Signals {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        self.exit_status
            .check(ops.add(Events::new(&self.pipe, EventSet::IN)));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        log::info!("ended by a signal");
        self.exit_status.end();
    }
}
