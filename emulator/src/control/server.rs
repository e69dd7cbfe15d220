// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulator's end of the operator's socket, on the event loop.

use super::connection::{Connection, Next};
use super::protocol::{ErrorResponse, FaultStatus, Quitting, Request, Stepped, Tracing};
use crate::device::{Device, StepError};
use crate::ending::Ending;
use crate::socket::{SocketError, SocketFile, listen};
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip::faults::Faults;
use vmm_sys_util::errno;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};
use vmm_sys_util::timerfd::TimerFd;

const ACCEPT: u32 = 0;
const STEPPED: u32 = 1;
const DEADLINE: u32 = 2;
/// Connections are numbered from here on.
const FIRST_CONNECTION: u32 = 3;

/// The most connections at a time; others wait in the socket's backlog.
const MAX_CONNECTIONS: usize = 32;
/// How long a `step` may take, whatever the number of frames.
const STEP_DEADLINE: Duration = Duration::from_secs(60);

/// Why the operator's socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A system call failed.
    #[error("control socket: {0}")]
    Io(#[from] io::Error),
    /// A system call failed.
    #[error("control socket: {0}")]
    Timer(#[from] errno::Error),
}

/// Serves the operator's socket.
pub struct Server {
    device: Arc<Device>,
    ending: Rc<Ending>,
    listener: UnixListener,
    _file: SocketFile,
    /// Written when a step is over.
    stepped: EventFd,
    /// Expires when a step takes too long.
    deadline: TimerFd,
    step_until: Instant,
    connections: BTreeMap<u32, Connection>,
    next_number: u32,
    /// The connection that waits for a step's end.
    stepping: Option<u32>,
}

/// What is to become of a request.
enum Answer {
    /// This line goes back.
    Line(Vec<u8>),
    /// The answer comes when the step is over.
    Later,
    /// This line goes back, then the emulator ends.
    Last(Vec<u8>),
}

impl Server {
    /// Listens at `path`.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn new(path: &Path, device: Arc<Device>, ending: Rc<Ending>) -> Result<Self, ServerError> {
        let (listener, file) = listen(path)?;
        listener.set_nonblocking(true)?;
        let stepped = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = stepped.try_clone()?;
        device.on_step(move || {
            if let Err(error) = notify.write(1) {
                log::error!("the end of a step cannot be told: {error}");
            }
        });
        Ok(Self {
            device,
            ending,
            listener,
            _file: file,
            stepped,
            deadline: TimerFd::new()?,
            step_until: Instant::now(),
            connections: BTreeMap::new(),
            next_number: FIRST_CONNECTION,
            stepping: None,
        })
    }

    fn accept(&mut self, ops: &mut EventOps<'_>) {
        while self.connections.len() < MAX_CONNECTIONS {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let number = self.next_number;
                    self.next_number = number.checked_add(1).unwrap_or(FIRST_CONNECTION);
                    match Connection::new(stream, number, ops) {
                        Ok(connection) => drop(self.connections.insert(number, connection)),
                        Err(error) => log::warn!("an operator cannot be served: {error}"),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    log::warn!("an operator cannot connect: {error}");
                    return;
                }
            }
        }
        // Full: listen again when somebody leaves.
        self.ending.check(ops.remove(self.listener_events()));
    }

    fn listener_events(&self) -> Events {
        Events::with_data(&self.listener, ACCEPT, EventSet::IN)
    }

    /// Moves one connection on as far as it goes.
    fn serve(&mut self, number: u32, ops: &mut EventOps<'_>) {
        while let Some(connection) = self.connections.get_mut(&number) {
            let answer = match connection.advance() {
                Next::Request(line) => self.answer(number, &line),
                Next::TooLong(error) => Answer::Line(line_of(&error)),
                Next::Wait => break,
                Next::Gone => return self.leave(number, ops),
            };
            let Some(connection) = self.connections.get_mut(&number) else {
                return;
            };
            match answer {
                Answer::Line(line) => connection.answer(line),
                Answer::Later => connection.hold(),
                Answer::Last(line) => {
                    connection.answer(line);
                    // As much as the socket takes: a line of this length always fits.
                    let _ = connection.advance();
                    self.ending.end();
                    return;
                }
            }
        }
        if let Some(connection) = self.connections.get_mut(&number)
            && let Err(error) = connection.listen(ops)
        {
            log::warn!("an operator cannot be served: {error}");
            self.leave(number, ops);
        }
    }

    fn leave(&mut self, number: u32, ops: &mut EventOps<'_>) {
        let was_full = self.connections.len() >= MAX_CONNECTIONS;
        if let Some(connection) = self.connections.remove(&number) {
            connection.close(ops);
            if was_full {
                self.ending.check(ops.add(self.listener_events()));
            }
        }
    }

    fn answer(&mut self, number: u32, line: &[u8]) -> Answer {
        let request = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => {
                let usage = r#"use for example {"command":"status"}"#;
                return Answer::Line(error_line(format!("this is no request: {error}; {usage}")));
            }
        };
        match request {
            Request::Status => Answer::Line(line_of(&self.device.status())),
            Request::Ledger {
                channel,
                session,
                from,
            } => Answer::Line(match ChannelId::new(channel) {
                Ok(channel) => line_of(&self.device.ledger_page(channel, session, from)),
                Err(error) => error_line(error.to_string()),
            }),
            Request::Step { frames } => match self.begin_step(frames) {
                Ok(()) => {
                    self.stepping = Some(number);
                    Answer::Later
                }
                Err(error) => Answer::Line(error_line(error)),
            },
            Request::Fault { fault } => {
                self.device.inject(fault);
                let fault = fault.to_string();
                Answer::Line(line_of(&FaultStatus { fault, fired: 0 }))
            }
            Request::ClearFaults => {
                self.device.with_faults(Faults::clear);
                Answer::Line(line_of(&self.device.status()))
            }
            Request::Trace { file } => Answer::Line(match self.device.trace(file.as_deref()) {
                Ok(recorded) => line_of(&Tracing {
                    tracing: file.is_some(),
                    recorded,
                }),
                Err(error) => error_line(format!("the trace cannot be written: {error}")),
            }),
            Request::Interrupts { from_ns } => {
                Answer::Line(line_of(&self.device.interrupts(from_ns)))
            }
            Request::Quit => {
                log::info!("ended by the operator");
                Answer::Last(line_of(&Quitting { quitting: true }))
            }
        }
    }

    fn begin_step(&mut self, frames: u32) -> Result<(), String> {
        let timer = self.deadline.reset(STEP_DEADLINE, None);
        timer.map_err(|error| format!("there is no timer: {error}"))?;
        self.step_until = Instant::now() + STEP_DEADLINE;
        self.device.step(frames).map_err(|error| error.to_string())
    }

    /// Answers the connection that waits for a step.
    fn end_step(&mut self, outcome: &Result<Stepped, StepError>, ops: &mut EventOps<'_>) {
        if let Err(error) = self.deadline.clear() {
            log::warn!("the step's deadline cannot be taken back: {error}");
        }
        let Some(number) = self.stepping.take() else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.answer(match outcome {
                Ok(stepped) => line_of(stepped),
                Err(error) => error_line(error.to_string()),
            });
            self.serve(number, ops);
        }
    }
}

impl MutEventSubscriber for Server {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let stepped = Events::with_data(&self.stepped, STEPPED, EventSet::IN);
        let deadline = Events::with_data(&self.deadline, DEADLINE, EventSet::IN);
        for events in [self.listener_events(), stepped, deadline] {
            self.ending.check(ops.add(events));
        }
    }

    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        match events.data() {
            ACCEPT => self.accept(ops),
            STEPPED => {
                // Read so that the event is over; its count tells nothing.
                let _ = self.stepped.read();
                if let Some(outcome) = self.device.take_step_outcome() {
                    self.end_step(&outcome, ops);
                }
            }
            // The timer may have been set anew since the event loop saw it.
            DEADLINE if self.stepping.is_some() && Instant::now() >= self.step_until => {
                let outcome = self.device.take_step_outcome();
                let outcome = outcome.unwrap_or_else(|| Err(self.device.abandon_step()));
                self.end_step(&outcome, ops);
            }
            DEADLINE => {}
            number => {
                let waits = self
                    .connections
                    .get(&number)
                    .is_some_and(Connection::is_held);
                if waits {
                    // Nothing else is waited for: the operator has left in the middle of a step.
                    self.leave(number, ops);
                } else {
                    self.serve(number, ops);
                }
            }
        }
    }
}

fn line_of(response: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(response)
        .unwrap_or_else(|error| error_line(format!("the answer cannot be written: {error}")));
    if !line.ends_with(b"\n") {
        line.push(b'\n');
    }
    line
}

fn error_line(error: String) -> Vec<u8> {
    line_of(&ErrorResponse { error })
}
