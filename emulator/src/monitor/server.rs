// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The emulator's end of the operator's socket, on the event loop.

use super::connection::{Connection, Next};
use super::protocol::{
    ErrorCode, ErrorResponse, EventKind, FaultStatus, Greeting, Quitting, Request, Stepped,
    Subscribed,
};
use super::response::{error_line, line_of, with_id};
use crate::device::{Device, StepError};
use crate::exit_status::ExitStatus;
use crate::socket::{SocketError, SocketFile, listen};
use crate::timer_fd::Timer;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip::faults::Faults;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

const ACCEPT: u32 = 0;
const STEPPED: u32 = 1;
const DEADLINE: u32 = 2;
const EVENTS: u32 = 3;
const RETRY: u32 = 4;
/// Connections are numbered from here on.
const FIRST_CONNECTION: u32 = 5;

/// The most connections at a time; further ones are told so and closed.
const MAX_CONNECTIONS: usize = 32;
/// Who has said nothing for so long makes place for somebody new.
const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// How long is waited when the process may have no further descriptors.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The most faults that may be armed at a time.
const MAX_FAULTS: usize = 256;
/// How long a `step` may take, whatever the number of frames.
const STEP_DEADLINE: Duration = Duration::from_secs(60);

/// Why the operator's socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A system call failed.
    #[error("monitor: {0}")]
    Io(#[from] io::Error),
}

/// Serves the operator's socket.
pub struct Server {
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
    listener: UnixListener,
    _file: SocketFile,
    /// Written when a step is over.
    stepped: EventFd,
    /// Written when there are events.
    events: EventFd,
    /// Expires when connections are to be taken again.
    retry: Timer,
    /// The folder in which traces are made.
    traces: Option<PathBuf>,
    /// Expires when a step takes too long.
    deadline: Timer,
    step_until: Instant,
    connections: BTreeMap<u32, Connection>,
    next_number: u32,
    /// The connection that waits for a step's end.
    stepping: Option<u32>,
    /// The id of its request.
    step_id: Option<Value>,
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
    pub fn new(
        path: &Path,
        traces: Option<PathBuf>,
        device: Arc<Device>,
        exit_status: Rc<ExitStatus>,
    ) -> Result<Self, ServerError> {
        let (listener, file) = listen(path)?;
        listener.set_nonblocking(true)?;
        let stepped = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = stepped.try_clone()?;
        device.on_step(move || {
            if let Err(error) = notify.write(1) {
                log::error!("the end of a step cannot be told: {error}");
            }
        });
        let events = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let notify = events.try_clone()?;
        device.on_events(move || {
            if let Err(error) = notify.write(1) {
                log::error!("an event cannot be told: {error}");
            }
        });
        Ok(Self {
            device,
            exit_status,
            listener,
            _file: file,
            stepped,
            events,
            retry: Timer::new()?,
            traces,
            deadline: Timer::new()?,
            step_until: Instant::now(),
            connections: BTreeMap::new(),
            next_number: FIRST_CONNECTION,
            stepping: None,
            step_id: None,
        })
    }

    fn accept(&mut self, ops: &mut EventOps<'_>) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.connections.len() >= MAX_CONNECTIONS && !self.make_place(ops) {
                        refuse(&stream);
                        continue;
                    }
                    self.welcome(stream, ops);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Most likely no descriptor is left: the listener would be ready all the time.
                    log::debug!("an operator has to wait: {error}");
                    self.exit_status.check(ops.remove(self.listener_events()));
                    self.exit_status.check(self.retry.once(RETRY_AFTER));
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, stream: UnixStream, ops: &mut EventOps<'_>) {
        let number = self.next_number;
        self.next_number = number.checked_add(1).unwrap_or(FIRST_CONNECTION);
        match Connection::new(stream, number, line_of(&Greeting::ours()), ops) {
            Ok(connection) => {
                self.connections.insert(number, connection);
                self.serve(number, ops);
            }
            Err(error) => log::debug!("an operator cannot be served: {error}"),
        }
    }

    /// Closes the connection that has been idle longest, if that is long: whether there was one.
    fn make_place(&mut self, ops: &mut EventOps<'_>) -> bool {
        let idle = |(number, connection): (&u32, &Connection)| Some((connection.idle()?, *number));
        let longest = self.connections.iter().filter_map(idle).max();
        match longest {
            Some((idle, number)) if idle >= IDLE_LIMIT => {
                self.leave(number, ops);
                true
            }
            _ => false,
        }
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
                    self.exit_status.end();
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
        if let Some(connection) = self.connections.remove(&number) {
            connection.close(ops);
            self.want_events();
        }
    }

    /// Tells the device what anybody has subscribed to.
    fn want_events(&self) {
        let subscribed = self.connections.values().map(Connection::subscribed);
        let wanted: Vec<EventKind> = subscribed.flatten().copied().collect();
        self.device.want_events(&wanted);
    }

    fn tell_events(&mut self, ops: &mut EventOps<'_>) {
        for event in self.device.take_events() {
            for connection in self.connections.values_mut() {
                connection.tell(&event);
            }
        }
        let numbers: Vec<u32> = self.connections.keys().copied().collect();
        for number in numbers {
            self.serve(number, ops);
        }
    }

    /// Answers a line; its `id` is in the answer.
    fn answer(&mut self, number: u32, line: &[u8]) -> Answer {
        let bad = |error: serde_json::Error| {
            let usage = r#"use for example {"command":"status"}"#;
            let error = format!("this is no request: {error}; {usage}");
            error_line(ErrorCode::BadRequest, error)
        };
        let mut request: Map<String, Value> = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => return Answer::Line(bad(error)),
        };
        let id = request.remove("id");
        let answer = match serde_json::from_value(Value::Object(request)) {
            Ok(request) => self.carry_out(number, request),
            Err(error) => Answer::Line(bad(error)),
        };
        match answer {
            Answer::Line(line) => Answer::Line(with_id(line, id.as_ref())),
            Answer::Last(line) => Answer::Last(with_id(line, id.as_ref())),
            Answer::Later => {
                self.step_id = id;
                Answer::Later
            }
        }
    }

    fn carry_out(&mut self, number: u32, request: Request) -> Answer {
        match request {
            Request::Status => Answer::Line(line_of(&self.device.status())),
            Request::FrameLog {
                channel,
                session,
                from,
            } => Answer::Line(match ChannelId::new(channel) {
                Ok(channel) => line_of(&self.device.frame_log_page(channel, session, from)),
                Err(error) => error_line(ErrorCode::BadArgument, error.to_string()),
            }),
            Request::Step { frames } => match self.begin_step(frames) {
                Ok(()) => {
                    self.stepping = Some(number);
                    Answer::Later
                }
                Err(error) => Answer::Line(line_of(&error)),
            },
            Request::Fault { fault } => {
                if self.device.faults_armed() >= MAX_FAULTS {
                    let error = format!("{MAX_FAULTS} faults are armed: clear them first");
                    return Answer::Line(error_line(ErrorCode::TooMany, error));
                }
                self.device.inject(fault);
                let fault = fault.to_string();
                Answer::Line(line_of(&FaultStatus { fault, fired: 0 }))
            }
            Request::ClearFaults => {
                self.device.with_faults(Faults::clear);
                Answer::Line(line_of(&self.device.status()))
            }
            Request::Trace { file } => Answer::Line(self.trace(file.as_deref())),
            Request::Interrupts { from_ns } => {
                Answer::Line(line_of(&self.device.interrupts(from_ns)))
            }
            Request::Subscribe { events } => {
                if let Some(connection) = self.connections.get_mut(&number) {
                    connection.subscribe(events.clone());
                }
                self.want_events();
                Answer::Line(line_of(&Subscribed { subscribed: events }))
            }
            Request::Quit => {
                log::info!("ended by the operator");
                Answer::Last(line_of(&Quitting { quitting: true }))
            }
        }
    }

    fn trace(&self, file: Option<&Path>) -> Vec<u8> {
        let folder = self.traces.as_deref().unwrap_or(Path::new("."));
        let recorder = file.map(|file| self.device.new_trace(folder, file));
        match recorder.transpose() {
            Ok(recorder) => line_of(&self.device.trace_with(recorder)),
            Err(error) => error_line(
                ErrorCode::File,
                format!("the trace cannot be written: {error}"),
            ),
        }
    }

    fn begin_step(&mut self, frames: u32) -> Result<(), ErrorResponse> {
        let timer = self.deadline.once(STEP_DEADLINE);
        timer.map_err(|error| {
            ErrorResponse::new(ErrorCode::Busy, format!("there is no timer: {error}"))
        })?;
        self.step_until = Instant::now() + STEP_DEADLINE;
        self.device.step(frames).map_err(|error| step_error(&error))
    }

    /// Answers the connection that waits for a step.
    fn end_step(&mut self, outcome: &Result<Stepped, StepError>, ops: &mut EventOps<'_>) {
        if let Err(error) = self.deadline.clear() {
            log::warn!("the step's deadline cannot be taken back: {error}");
        }
        let Some(number) = self.stepping.take() else {
            return;
        };
        let id = self.step_id.take();
        if let Some(connection) = self.connections.get_mut(&number) {
            let line = match outcome {
                Ok(stepped) => line_of(stepped),
                Err(error) => line_of(&step_error(error)),
            };
            connection.answer(with_id(line, id.as_ref()));
            self.serve(number, ops);
        }
    }
}

impl MutEventSubscriber for Server {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let stepped = Events::with_data(&self.stepped, STEPPED, EventSet::IN);
        let deadline = Events::with_data(&self.deadline, DEADLINE, EventSet::IN);
        let happened = Events::with_data(&self.events, EVENTS, EventSet::IN);
        let retry = Events::with_data(&self.retry, RETRY, EventSet::IN);
        for events in [self.listener_events(), stepped, deadline, happened, retry] {
            self.exit_status.check(ops.add(events));
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
            DEADLINE => {
                // Read so that the event is over.
                let _ = self.deadline.expired();
            }
            EVENTS => {
                let _ = self.events.read();
                self.tell_events(ops);
            }
            RETRY => {
                let _ = self.retry.expired();
                self.exit_status.check(ops.add(self.listener_events()));
            }
            number => {
                let waits = self
                    .connections
                    .get(&number)
                    .is_some_and(|connection| connection.is_held() && !connection.has_to_send());
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

/// Tells somebody that there is no place.
fn refuse(mut stream: &UnixStream) {
    let error = format!("{MAX_CONNECTIONS} connections are open: close one");
    let line = error_line(ErrorCode::TooMany, error);
    // A line of this length always fits; if it does not, there is nobody to tell.
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(&line);
}

fn step_error(error: &StepError) -> ErrorResponse {
    let code = match error {
        StepError::NotStepped(_) => ErrorCode::NotStepped,
        StepError::NotStreaming => ErrorCode::NotStreaming,
        StepError::Stopped { .. } => ErrorCode::Stopped,
        StepError::Busy => ErrorCode::Busy,
        StepError::BadCount(_) => ErrorCode::BadArgument,
        StepError::Deadline { .. } => ErrorCode::Deadline,
    };
    ErrorResponse::new(code, error.to_string())
}
