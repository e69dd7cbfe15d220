// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SIGTERM and SIGINT on the event loop: a clean end.

use crate::ending::Ending;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

/// Ends the event loop when a signal asks for it.
pub struct Signals {
    pipe: UnixStream,
    ending: Rc<Ending>,
}

impl Signals {
    /// Catches SIGTERM and SIGINT from now on.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn new(ending: Rc<Ending>) -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        pipe::register(SIGTERM, sender.try_clone()?)?;
        pipe::register(SIGINT, sender)?;
        Ok(Self {
            pipe: receiver,
            ending,
        })
    }
}

impl MutEventSubscriber for Signals {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        self.ending
            .check(ops.add(Events::new(&self.pipe, EventSet::IN)));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        log::info!("ended by a signal");
        self.ending.end();
    }
}
