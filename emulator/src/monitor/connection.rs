// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One operator's connection: lines in, lines out, one request at a time, events in between.

use super::protocol::{ErrorCode, ErrorResponse, Event, EventKind, MAX_REQUEST_BYTES};
use super::response::line_of;
use event_manager::{EventOps, EventSet, Events};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The most bytes of events that wait for a reader.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// A connection. The next request is looked at when the answer to the one before is sent, so what
/// it keeps is bounded by one request, one answer and some events.
pub(super) struct Connection {
    stream: UnixStream,
    number: u32,
    received: Vec<u8>,
    to_send: Vec<u8>,
    sent: usize,
    /// An answer is still to come.
    held: bool,
    /// The rest of a line that is too long is thrown away.
    skipping: bool,
    end_of_input: bool,
    /// What it has subscribed to.
    subscribed: Vec<EventKind>,
    /// Events that are to be sent behind the answer.
    events: Vec<u8>,
    /// Events that found no room.
    lost: u64,
    /// When something last came.
    last_heard: Instant,
    /// What the event loop waits for.
    waits_for: EventSet,
}

/// What can be done with a connection.
pub(super) enum Next {
    /// Here is a request, without its line's end.
    Request(Vec<u8>),
    /// A request was too long and is thrown away.
    TooLong(ErrorResponse),
    /// Nothing before the socket moves, or the held answer is given.
    Wait,
    /// The operator is gone.
    Gone,
}

impl Connection {
    /// A connection whose first line out is `greeting`.
    pub(super) fn new(
        stream: UnixStream,
        number: u32,
        greeting: Vec<u8>,
        ops: &mut EventOps<'_>,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let connection = Self {
            stream,
            number,
            received: Vec::new(),
            to_send: greeting,
            sent: 0,
            held: false,
            skipping: false,
            end_of_input: false,
            subscribed: Vec::new(),
            events: Vec::new(),
            lost: 0,
            last_heard: Instant::now(),
            waits_for: EventSet::IN,
        };
        ops.add(connection.events()).map_err(io::Error::other)?;
        Ok(connection)
    }

    fn events(&self) -> Events {
        Events::with_data(&self.stream, self.number, self.waits_for)
    }

    /// Sends what is to be sent, then looks for a request.
    pub(super) fn advance(&mut self) -> Next {
        while self.has_to_send() {
            while self.sent < self.to_send.len() {
                match self.stream.write(&self.to_send[self.sent..]) {
                    Ok(count) => self.sent += count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                    Err(_) => return Next::Gone,
                }
            }
            self.to_send = std::mem::take(&mut self.events);
            self.sent = 0;
        }
        loop {
            if self.held {
                return Next::Wait;
            }
            let end = self.received.iter().position(|&byte| byte == b'\n');
            if self.skipping {
                self.received
                    .drain(..end.map_or(self.received.len(), |end| end + 1));
                self.skipping = end.is_none();
                if end.is_some() {
                    continue;
                }
            } else if let Some(end) = end {
                let rest = self.received.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                return Next::Request(line);
            }
            if self.received.len() >= MAX_REQUEST_BYTES {
                self.received.clear();
                self.skipping = true;
                return Next::TooLong(ErrorResponse::new(
                    ErrorCode::TooLong,
                    format!(
                        "the request is longer than {MAX_REQUEST_BYTES} bytes: send one JSON object in a line"
                    ),
                ));
            }
            if self.end_of_input {
                return Next::Gone;
            }
            let mut chunk = [0; MAX_REQUEST_BYTES];
            match self.stream.read(&mut chunk) {
                Ok(0) => self.end_of_input = true,
                Ok(count) => {
                    self.last_heard = Instant::now();
                    self.received.extend_from_slice(&chunk[..count]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Wait,
                Err(_) => return Next::Gone,
            }
        }
    }

    /// Gives the answer to the last request.
    pub(super) fn answer(&mut self, line: Vec<u8>) {
        self.held = false;
        self.to_send = line;
        self.sent = 0;
    }

    /// Whether something is still to be sent.
    pub(super) fn has_to_send(&self) -> bool {
        !self.to_send.is_empty() || !self.events.is_empty()
    }

    /// Sets what it is told of.
    pub(super) fn subscribe(&mut self, events: Vec<EventKind>) {
        self.subscribed = events;
    }

    /// What it is told of.
    pub(super) fn subscribed(&self) -> &[EventKind] {
        &self.subscribed
    }

    /// Tells of an event if it has subscribed to it; a reader that is too slow is told how many it has
    /// missed.
    pub(super) fn tell(&mut self, event: &Event) {
        let wanted = match event.kind() {
            Some(kind) => self.subscribed.contains(&kind),
            None => !self.subscribed.is_empty(),
        };
        if !wanted {
            return;
        }
        if self.events.len() + self.to_send.len() >= MAX_EVENT_BYTES {
            self.lost += 1;
            return;
        }
        if self.lost > 0 {
            let count = std::mem::take(&mut self.lost);
            self.events.extend(line_of(&Event::Lost { count }));
        }
        self.events.extend(line_of(event));
    }

    /// How long nothing was heard from somebody who waits for nothing; `None` from one who does.
    pub(super) fn idle(&self) -> Option<Duration> {
        let waits = self.held || !self.subscribed.is_empty();
        (!waits).then(|| self.last_heard.elapsed())
    }

    /// The answer to the last request comes later.
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// Whether the answer to the last request comes later.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Sets what the event loop waits for to what can move the connection on.
    pub(super) fn listen(&mut self, ops: &mut EventOps<'_>) -> io::Result<()> {
        let waits_for = if self.has_to_send() {
            EventSet::OUT
        } else if self.held {
            EventSet::empty()
        } else {
            EventSet::IN
        };
        if waits_for != self.waits_for {
            self.waits_for = waits_for;
            ops.modify(self.events()).map_err(io::Error::other)?;
        }
        Ok(())
    }

    pub(super) fn close(&self, ops: &mut EventOps<'_>) {
        if let Err(error) = ops.remove(self.events()) {
            log::debug!("a closed connection was not waited for: {error}");
        }
    }
}
