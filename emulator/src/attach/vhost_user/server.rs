// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The socket on which a VM connects, one at a time.

use super::Backend;
use crate::attach::GuestMemory;
use crate::device::{Device, lock};
use crate::ending::Ending;
use crate::socket::{SocketError, SocketFile, listen};
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use vhost::vhost_user::{Error as VhostUserError, Listener};
use vhost_user_backend::{Error as DaemonError, ShutdownHandle, VhostUserDaemon};
use vm_memory::GuestMemoryMmap;
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

const CONNECT: u32 = 0;
const DISCONNECTED: u32 = 1;

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
    ending: Rc<Ending>,
    /// Go on listening after a VM is gone.
    persist: bool,
    listener: Listener,
    _file: SocketFile,
    /// Written when the connection has ended.
    disconnected: EventFd,
    connection: Option<Connection>,
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
        ending: Rc<Ending>,
        persist: bool,
    ) -> Result<Self, ServerError> {
        let (listener, file) = listen(path)?;
        Ok(Self {
            device,
            ending,
            persist,
            listener: listener.into(),
            _file: file,
            disconnected: EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?,
            connection: None,
        })
    }

    fn connect(&mut self) -> Result<(), ServerError> {
        let memory = GuestMemory::new(GuestMemoryMmap::new());
        let backend = Arc::new(Backend::new(self.device.clone(), memory.clone()));
        let mut daemon = Daemon::new("vhost-user".to_owned(), backend.clone(), memory)?;
        daemon.start(&mut self.listener)?;
        let shutdown = daemon.shutdown_handle();
        let result = Arc::new(Mutex::new(None));
        let thread = thread::Builder::new().name("vhost-user-end".to_owned());
        let thread = thread.spawn({
            let (result, disconnected) = (result.clone(), self.disconnected.try_clone()?);
            move || {
                *lock(&result) = Some(daemon.wait());
                for handler in daemon.get_epoll_handlers() {
                    handler.send_exit_event();
                }
                if let Err(error) = disconnected.write(1) {
                    log::error!("the connection's end cannot be told: {error}");
                }
            }
        })?;
        self.connection = Some(Connection {
            backend,
            shutdown,
            thread,
            result,
        });
        Ok(())
    }

    /// Clears up after a connection: whether there was a VM at its other end.
    fn disconnect(&mut self) -> Result<bool, ServerError> {
        let Some(connection) = self.connection.take() else {
            return Ok(false);
        };
        if connection.thread.join().is_err() {
            log::error!("the thread of the connection's end has panicked");
        }
        self.device.disconnect();
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
        for events in [listener, disconnected] {
            self.ending.check(ops.add(events));
        }
    }

    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        let listener = Events::with_data(&self.listener, CONNECT, EventSet::IN);
        match events.data() {
            CONNECT => {
                log::info!("somebody connects");
                // One at a time: others wait in the socket's backlog.
                self.ending.check(ops.remove(listener));
                if let Err(error) = self.connect() {
                    self.ending.fail(error);
                }
            }
            DISCONNECTED => {
                // Read so that the event is over; its count tells nothing.
                let _ = self.disconnected.read();
                match self.disconnect() {
                    Ok(was_vm) if self.persist || !was_vm => {
                        self.ending.check(ops.add(listener));
                    }
                    Ok(_) => self.ending.end(),
                    Err(error) if self.persist => {
                        log::error!("{error}");
                        self.ending.check(ops.add(listener));
                    }
                    Err(error) => self.ending.fail(error),
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
