// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's end of the socket.

use super::protocol::{
    ErrorResponse, Event, EventKind, FaultStatus, FrameLogEntry, FrameLogPage, Greeting,
    InterruptEntry, InterruptPage, PROTOCOL, Quitting, Request, Status, Stepped, Subscribed,
    Tracing,
};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tx_isp_chip::faults::Fault;

/// A connection to a running emulator. Each call blocks until it is answered or its deadline is over.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    timeout: Duration,
    /// Bytes that were received and not yet used.
    received: Vec<u8>,
    /// Events that came while an answer was waited for.
    events: VecDeque<Event>,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the path.
    #[error("cannot connect to the emulator's monitor {path}: {source}")]
    Connect {
        /// The path.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the emulator's monitor broke: {0}")]
    Io(#[from] io::Error),
    /// The emulator closed the connection.
    #[error("the emulator closed its monitor's connection")]
    Closed,
    /// No answer came in time. The connection is of no use any more: a late answer would be taken
    /// for that of the next call.
    #[error("the emulator did not answer {request} within {after:?}")]
    Deadline {
        /// What was asked.
        request: String,
        /// How long was waited.
        after: Duration,
    },
    /// The emulator refused, and says why.
    #[error("the emulator refused: {0}")]
    Refused(String),
    /// The answer is not one of this version.
    #[error("the emulator's answer cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Whoever listens there is no emulator of this version.
    #[error(
        "{path} greets with {greeting:?}: the monitor of an emulator with protocol {PROTOCOL} is needed"
    )]
    Stranger {
        /// The path.
        path: String,
        /// The first line.
        greeting: String,
    },
}

impl Client {
    /// Connects to the emulator whose `--monitor` is `path`. `timeout` is the deadline of each call.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] when there are too many connections.
    pub fn connect(path: &Path, timeout: Duration) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(path).map_err(|source| ClientError::Connect {
            path: path.display().to_string(),
            source,
        })?;
        let mut client = Self {
            stream,
            timeout,
            received: Vec::new(),
            events: VecDeque::new(),
        };
        let line = client
            .receive(Instant::now() + timeout)
            .map_err(|error| client.name("its greeting", error))?;
        if let Ok(ErrorResponse { error, .. }) = serde_json::from_slice(&line) {
            return Err(ClientError::Refused(error));
        }
        match serde_json::from_slice(&line) {
            Ok(Greeting { protocol, .. }) if protocol == PROTOCOL => Ok(client),
            _ => Err(ClientError::Stranger {
                path: path.display().to_string(),
                greeting: String::from_utf8_lossy(&line).into_owned(),
            }),
        }
    }

    /// A failure as the deadline's, if it is that.
    fn name(&self, request: &str, error: ClientError) -> ClientError {
        match error {
            ClientError::Io(error) if is_timeout(&error) => ClientError::Deadline {
                request: request.to_owned(),
                after: self.timeout,
            },
            other => other,
        }
    }

    /// Is told of events from now on: take them with [`Client::next_event`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn subscribe(&mut self, events: &[EventKind]) -> Result<Subscribed, ClientError> {
        self.call(&Request::Subscribe {
            events: events.to_vec(),
        })
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// [`ClientError::Deadline`] when none comes in time.
    pub fn next_event(&mut self) -> Result<Event, ClientError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        let line = self
            .receive(Instant::now() + self.timeout)
            .map_err(|error| self.name("an event", error))?;
        Ok(serde_json::from_slice(&line)?)
    }

    /// Sets the deadline of the calls that follow.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The emulator's state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn status(&mut self) -> Result<Status, ClientError> {
        self.call(&Request::Status)
    }

    /// One page of a channel's frame log: see [`Request::FrameLog`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn frame_log_page(
        &mut self,
        channel: u32,
        session: Option<u32>,
        from: u32,
    ) -> Result<FrameLogPage, ClientError> {
        self.call(&Request::FrameLog {
            channel,
            session,
            from,
        })
    }

    /// All entries of one session of a channel from sequence number `from` on; of the newest
    /// session if none is named.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn frame_log(
        &mut self,
        channel: u32,
        session: Option<u32>,
        from: u32,
    ) -> Result<Vec<FrameLogEntry>, ClientError> {
        let mut page = self.frame_log_page(channel, session, from)?;
        let mut entries = std::mem::take(&mut page.entries);
        while page.more {
            let Some(next) = entries.last().and_then(|last| last.sequence.checked_add(1)) else {
                break;
            };
            page = self.frame_log_page(channel, Some(page.session), next)?;
            entries.append(&mut page.entries);
        }
        Ok(entries)
    }

    /// Advances the stepped clock by `frames` frames and waits until their DMA is over.
    ///
    /// # Errors
    /// [`ClientError`]; refused unless the clock is stepped and the guest streams.
    pub fn step(&mut self, frames: u32) -> Result<Stepped, ClientError> {
        self.call(&Request::Step { frames })
    }

    /// Arms a fault.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn inject(&mut self, fault: Fault) -> Result<FaultStatus, ClientError> {
        self.call(&Request::Fault { fault })
    }

    /// Takes all faults away.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn clear_faults(&mut self) -> Result<Status, ClientError> {
        self.call(&Request::ClearFaults)
    }

    /// Records register accesses to a file of the emulator's from now on; `None` ends the record.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn trace(&mut self, file: Option<&Path>) -> Result<Tracing, ClientError> {
        self.call(&Request::Trace {
            file: file.map(Path::to_owned),
        })
    }

    /// All interrupts that the guest was told of from a time on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn interrupts(&mut self, from_ns: u64) -> Result<Vec<InterruptEntry>, ClientError> {
        let mut entries: Vec<InterruptEntry> = Vec::new();
        let mut from_ns = from_ns;
        loop {
            let mut page: InterruptPage = self.call(&Request::Interrupts { from_ns })?;
            entries.append(&mut page.entries);
            match entries.last() {
                Some(last) if page.more => from_ns = last.at_ns + 1,
                _ => return Ok(entries),
            }
        }
    }

    /// Tells the emulator to end.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn quit(&mut self) -> Result<Quitting, ClientError> {
        self.call(&Request::Quit)
    }

    fn call<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let told = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        self.send(&line, deadline)
            .map_err(|error| self.name(&told, error))?;
        loop {
            let answer = self.receive(deadline);
            let answer = answer.map_err(|error| self.name(&told, error))?;
            if answer.starts_with(b"{\"event\":") {
                self.events.push_back(serde_json::from_slice(&answer)?);
                continue;
            }
            if let Ok(ErrorResponse { error, .. }) = serde_json::from_slice(&answer) {
                return Err(ClientError::Refused(error));
            }
            return Ok(serde_json::from_slice(&answer)?);
        }
    }

    fn send(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), ClientError> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next line without its end.
    fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, ClientError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.received[searched..].iter().position(|&b| b == b'\n') {
                let rest = self.received.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                return Ok(line);
            }
            searched = self.received.len();
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The time until `deadline`, never 0: that would mean no time-out at all.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// A client whose emulator answers each line by the next of `answers`, then keeps silent.
    fn client_of(answers: Vec<&'static str>, timeout: Duration) -> (Client, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut greeting = serde_json::to_vec(&Greeting::ours()).unwrap();
            greeting.push(b'\n');
            stream.write_all(&greeting).unwrap();
            let mut buffer = [0; 1024];
            for answer in answers {
                assert!(stream.read(&mut buffer).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
            while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        let mut client = Client::connect(&path, LONG).unwrap();
        client.set_timeout(timeout);
        (client, dir)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_answer_is_read_and_a_refusal_is_an_error() {
        let answers = vec![
            "{\"frames\":2,\"last_frame\":7}\n",
            "{\"error\":\"no: say please\",\"code\":\"busy\"}\n",
            "{}\n",
        ];
        let (mut client, _dir) = client_of(answers, LONG);
        let stepped = Stepped {
            frames: 2,
            last_frame: 7,
        };
        assert_eq!(client.step(2).unwrap(), stepped);
        let error = client.step(2).unwrap_err();
        assert_eq!(error.to_string(), "the emulator refused: no: say please");
        assert!(matches!(client.step(2), Err(ClientError::Malformed(_))));
    }

    #[test]
    fn who_is_no_emulator_is_not_talked_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for greeting in [
                "220 mail\n",
                "{\"greeting\":\"x\",\"protocol\":2,\"version\":\"\"}\n",
            ] {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(greeting.as_bytes()).unwrap();
            }
        });
        for _ in 0..2 {
            let error = Client::connect(&path, LONG).unwrap_err();
            assert!(
                error.to_string().contains("protocol 1 is needed"),
                "{error}"
            );
        }
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let (mut client, _dir) = client_of(vec![], Duration::from_millis(30));
        let error = client.quit().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"the emulator did not answer {"command":"quit"} within 30ms"#
        );
    }

    #[test]
    fn nobody_at_the_path_is_named() {
        let error = Client::connect(Path::new("/nowhere/control"), LONG).unwrap_err();
        assert!(error.to_string().contains("/nowhere/control"), "{error}");
    }
}
