// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The socket on which a VM connects, one at a time.

use super::{Backend, END, LOST, MORE};
use crate::attach::GuestMemory;
use crate::device::Device;
use crate::exit_status::ExitStatus;
use crate::lock::lock;
use crate::socket::{SocketError, SocketFile, listen};
use crate::timer_fd::Timer;
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vhost::vhost_user::{Error as VhostUserError, Listener};
use vhost_user_backend::{Error as DaemonError, ShutdownHandle, VhostUserDaemon};
use vm_memory::GuestMemoryMmap;
use vmm_sys_util::epoll::EventSet as EpollSet;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

const CONNECT: u32 = 0;
const DISCONNECTED: u32 = 1;
const RETRY: u32 = 2;
const SILENCE: u32 = 3;

/// How long a VM waits that could not be served.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// How long a peer may say nothing before it is hung up on: others wait behind it.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);
/// How long the threads of a connection may take to end.
const END_LIMIT: Duration = Duration::from_millis(500);

type Daemon = VhostUserDaemon<Arc<Backend>>;

/// Why the attachment failed.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The VM's end broke the protocol, or a thread or an event could not be made.
    #[error("vhost-user: {0}")]
    Daemon(String),
    /// A system call failed.
    #[error("vhost-user: {0}")]
    Io(#[from] io::Error),
}

impl From<DaemonError> for ServerError {
    /// Keeps the message alone: the library's error is no `std::error::Error`.
    fn from(error: DaemonError) -> Self {
        Self::Daemon(error.to_string())
    }
}

/// Listens for a VM; belongs on the event loop.
pub struct Server {
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
    /// Go on listening after a VM is gone.
    persist: bool,
    listener: Listener,
    _file: SocketFile,
    /// Written when the connection has ended.
    disconnected: EventFd,
    connection: Option<Connection>,
    /// Expires when a VM that could not be served is to be served after all.
    retry: Timer,
    /// Descriptors or memory were short when a VM was last to be served.
    is_short: bool,
    /// Expires when a peer has said nothing for too long.
    silence: Timer,
}

/// The library's threads for one connection; ends them when dropped.
struct Queues {
    daemon: Daemon,
    backend: Arc<Backend>,
}

impl Queues {
    fn new(backend: Arc<Backend>, memory: GuestMemory) -> Result<Self, ServerError> {
        let daemon = Daemon::new("vhost-user".to_owned(), backend.clone(), memory)?;
        for handler in daemon.get_epoll_handlers() {
            for (event, number) in [
                (&backend.end, END),
                (&backend.more, MORE),
                (&backend.lost, LOST),
            ] {
                let listens =
                    handler.register_listener(event.as_raw_fd(), EpollSet::IN, number.into());
                if let Err(error) = listens {
                    // Its thread waits for ever: to drop the daemon would wait for the thread.
                    std::mem::forget(daemon);
                    return Err(error.into());
                }
            }
        }
        Ok(Self { daemon, backend })
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        self.backend.end_thread();
    }
}

/// Waits for a thread's end, no longer than `limit`: whether it has ended.
fn join_within(thread: JoinHandle<()>, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while !thread.is_finished() {
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    if thread.join().is_err() {
        log::error!("a thread of the connection has panicked");
    }
    true
}

/// A VM that is there.
struct Connection {
    backend: Arc<Backend>,
    shutdown: Option<ShutdownHandle>,
    /// Waits for the connection's end.
    thread: JoinHandle<()>,
    result: Arc<Mutex<Option<Result<(), DaemonError>>>>,
}

impl Server {
    /// Listens at `path`. After the first VM is gone the event loop is ended, unless `persist`.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn new(
        path: &Path,
        device: Arc<Device>,
        exit_status: Rc<ExitStatus>,
        persist: bool,
    ) -> Result<Self, ServerError> {
        let (listener, file) = listen(path)?;
        Ok(Self {
            device,
            exit_status,
            persist,
            listener: listener.into(),
            _file: file,
            disconnected: EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?,
            connection: None,
            retry: Timer::new()?,
            is_short: false,
            silence: Timer::new()?,
        })
    }

    fn connect(&mut self) -> Result<(), ServerError> {
        let memory = GuestMemory::new(GuestMemoryMmap::new());
        let backend = Arc::new(Backend::new(self.device.clone(), memory.clone())?);
        let mut queues = Queues::new(backend.clone(), memory)?;
        queues.daemon.start(&mut self.listener)?;
        let shutdown = queues.daemon.shutdown_handle();
        if let Some(shutdown) = shutdown.clone() {
            // It was not there before: the backend is new.
            let _ = backend.shutdown.set(shutdown);
        }
        let result = Arc::new(Mutex::new(None));
        let thread = thread::Builder::new().name("vhost-user-end".to_owned());
        let thread = thread.spawn({
            let (result, disconnected) = (result.clone(), self.disconnected.try_clone()?);
            let backend = backend.clone();
            move || {
                *lock(&result) = Some(queues.daemon.wait());
                backend.close();
                drop(queues);
                if let Err(error) = disconnected.write(1) {
                    log::error!("the connection's end cannot be told: {error}");
                }
            }
        })?;
        if let Err(error) = self.silence.once(SILENCE_LIMIT) {
            log::warn!("a peer that says nothing is waited for: {error}");
        }
        self.connection = Some(Connection {
            backend,
            shutdown,
            thread,
            result,
        });
        Ok(())
    }

    /// A VM cannot be served now, most likely for want of descriptors: later.
    fn connect_later(&mut self, error: &ServerError) {
        self.device.disconnect();
        if !std::mem::replace(&mut self.is_short, true) {
            log::warn!("a VM cannot be served now, it has to wait: {error}");
        }
        if let Err(error) = self.retry.once(RETRY_AFTER) {
            self.exit_status.fail(error);
        }
    }

    /// Hangs up on a peer that has not spoken vhost-user and keeps VMs out.
    fn end_silence(&self) {
        if let Some(connection) = &self.connection
            && !connection.backend.has_spoken()
            && let Some(shutdown) = &connection.shutdown
        {
            log::warn!("somebody has connected and said nothing for {SILENCE_LIMIT:?}: hung up");
            shutdown.shutdown();
        }
    }

    /// Clears up after a connection: whether there was a VM at its other end.
    fn disconnect(&mut self) -> Result<bool, ServerError> {
        let Some(connection) = self.connection.take() else {
            return Ok(false);
        };
        connection.backend.close();
        self.device.disconnect();
        if !join_within(connection.thread, END_LIMIT) {
            log::error!("a thread of the connection does not end: it is left behind");
        }
        if !connection.backend.has_spoken() {
            log::debug!("somebody connected and left without a word");
            return Ok(false);
        }
        log::info!("the VM is gone");
        match lock(&connection.result).take() {
            Some(Err(error)) if !is_hang_up(&error) => Err(error.into()),
            _ => Ok(true),
        }
    }
}

/// Whether the peer has just gone, at whatever place in a message.
fn is_hang_up(error: &DaemonError) -> bool {
    use VhostUserError::{Disconnected, PartialMessage, SocketBroken};
    matches!(
        error,
        DaemonError::HandleRequest(Disconnected | PartialMessage | SocketBroken(_))
    )
}

impl MutEventSubscriber for Server {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let listener = Events::with_data(&self.listener, CONNECT, EventSet::IN);
        let disconnected = Events::with_data(&self.disconnected, DISCONNECTED, EventSet::IN);
        let retry = Events::with_data(&self.retry, RETRY, EventSet::IN);
        let silence = Events::with_data(&self.silence, SILENCE, EventSet::IN);
        for events in [listener, disconnected, retry, silence] {
            self.exit_status.check(ops.add(events));
        }
    }

    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        let listener = Events::with_data(&self.listener, CONNECT, EventSet::IN);
        match events.data() {
            CONNECT => {
                log::debug!("somebody connects");
                // One at a time: others wait in the socket's backlog.
                self.exit_status.check(ops.remove(listener));
                match self.connect() {
                    Ok(()) => self.is_short = false,
                    Err(error) => self.connect_later(&error),
                }
            }
            RETRY => {
                // Read so that the event is over; its count tells nothing.
                let _ = self.retry.expired();
                if self.connection.is_none() {
                    self.exit_status.check(ops.add(listener));
                }
            }
            SILENCE => {
                let _ = self.silence.expired();
                self.end_silence();
            }
            DISCONNECTED => {
                // Read so that the event is over; its count tells nothing.
                let _ = self.disconnected.read();
                match self.disconnect() {
                    Ok(was_vm) if self.persist || !was_vm => {
                        self.exit_status.check(ops.add(listener));
                    }
                    Ok(_) => self.exit_status.end(),
                    Err(error) if self.persist => {
                        log::error!("{error}");
                        self.exit_status.check(ops.add(listener));
                    }
                    Err(error) => self.exit_status.fail(error),
                }
            }
            _ => {}
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(shutdown) = self.connection.as_ref().and_then(|c| c.shutdown.as_ref()) {
            shutdown.shutdown();
        }
        if let Err(error) = self.disconnect() {
            log::debug!("the connection ended with: {error}");
        }
    }
}
