// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The socket on which a VM connects, one at a time.

use super::Backend;
use crate::device::Device;
use crate::exit_status::ExitStatus;
use crate::lock::lock;
use crate::socket::{SocketError, SocketFile, listen};
use event_manager::{EventOps, EventSet, Events, MutEventSubscriber};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use tx_isp_abi::pci::WINDOW_BYTES;
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_AUTOMASKED, VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_INFO_MASKABLE,
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX,
    VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_READ,
    VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info,
};
use vfio_user::{Error as ProtocolError, IrqInfo, ServerRegion};
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

/// Why the attachment failed.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The VM's end broke the protocol.
    #[error("vfio-user: {0}")]
    Protocol(String),
    /// A system call failed.
    #[error("vfio-user: {0}")]
    Io(#[from] io::Error),
}

/// How connections ended that the event loop has not yet heard of.
type Ended = Arc<Mutex<Vec<Result<(), ServerError>>>>;

/// Listens for a VM; belongs on the event loop, and serves on a thread of its own.
pub struct Server {
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
    persist: bool,
    _file: SocketFile,
    /// Written when a VM's connection has ended.
    disconnected: EventFd,
    ended: Ended,
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
        let protocol =
            vfio_user::Server::from_owned_fd(listener.into(), true, interrupts(), regions());
        let disconnected = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
        let ended = Ended::default();
        let thread = thread::Builder::new().name("vfio-user".to_owned());
        // It ends with the process: what it waits for cannot be taken from it.
        thread.spawn({
            let (device, ended) = (device.clone(), ended.clone());
            let disconnected = disconnected.try_clone()?;
            move || serve(&protocol, &device, &ended, &disconnected)
        })?;
        Ok(Self {
            device,
            exit_status,
            persist,
            _file: file,
            disconnected,
            ended,
        })
    }
}

/// Serves one VM after the other.
fn serve(protocol: &vfio_user::Server, device: &Arc<Device>, ended: &Ended, told: &EventFd) {
    loop {
        let mut backend = Backend::new(device.clone());
        let interrupts = backend.interrupts.clone();
        let repeater = thread::Builder::new()
            .name("intx".to_owned())
            .spawn(move || interrupts.intx.repeat());
        if let Err(error) = repeater {
            tell(ended, told, Err(error.into()));
            return;
        }
        let result = Outcome {
            ended,
            told,
            result: None,
        };
        let result = result.run(protocol, &mut backend);
        if !backend.has_spoken() {
            log::debug!("somebody connected and left without a word");
            continue;
        }
        log::info!("the VM is gone");
        device.disconnect();
        drop(backend);
        tell(ended, told, result);
    }
}

/// Tells the event loop also if the protocol's code panics: a VM that is not answered would hang.
struct Outcome<'a> {
    ended: &'a Ended,
    told: &'a EventFd,
    result: Option<Result<(), ServerError>>,
}

impl Outcome<'_> {
    fn run(
        mut self,
        protocol: &vfio_user::Server,
        backend: &mut Backend,
    ) -> Result<(), ServerError> {
        self.result = Some(match protocol.run(backend) {
            Err(error) if !is_hang_up(&error) => Err(ServerError::Protocol(error.to_string())),
            _ => Ok(()),
        });
        self.result.take().unwrap_or(Ok(()))
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let text = "the VM's end sent what is no message".to_owned();
            tell(self.ended, self.told, Err(ServerError::Protocol(text)));
        }
    }
}

fn tell(ended: &Ended, told: &EventFd, result: Result<(), ServerError>) {
    lock(ended).push(result);
    if let Err(error) = told.write(1) {
        log::error!("the connection's end cannot be told: {error}");
    }
}

/// Whether the peer has just gone, at whatever place in a message.
fn is_hang_up(error: &ProtocolError) -> bool {
    matches!(
        error,
        ProtocolError::StreamRead(_)
            | ProtocolError::StreamWrite(_)
            | ProtocolError::ReceiveWithFd(_)
    )
}

fn interrupts() -> Vec<IrqInfo> {
    let flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
    (0..VFIO_PCI_NUM_IRQS)
        .map(|index| match index {
            VFIO_PCI_INTX_IRQ_INDEX => IrqInfo {
                index,
                count: 1,
                flags,
            },
            _ => IrqInfo {
                index,
                count: 0,
                flags: 0,
            },
        })
        .collect()
}

fn regions() -> Vec<ServerRegion> {
    (0..VFIO_PCI_NUM_REGIONS)
        .map(|index| {
            let size = match index {
                VFIO_PCI_BAR0_REGION_INDEX => u64::from(WINDOW_BYTES),
                VFIO_PCI_CONFIG_REGION_INDEX => super::config_space::BYTES as u64,
                _ => 0,
            };
            let flags = match size {
                0 => 0,
                _ => VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
            };
            ServerRegion {
                region_info: vfio_region_info {
                    argsz: u32::try_from(size_of::<vfio_region_info>()).unwrap_or(0),
                    index,
                    size,
                    flags,
                    ..vfio_region_info::default()
                },
                sparse_areas: Vec::new(),
                mmap_fd: None,
            }
        })
        .collect()
}

impl MutEventSubscriber for Server {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let disconnected = Events::new(&self.disconnected, EventSet::IN);
        self.exit_status.check(ops.add(disconnected));
    }

    fn process(&mut self, _events: Events, _ops: &mut EventOps<'_>) {
        // Read so that the event is over; its count tells nothing.
        let _ = self.disconnected.read();
        let ended = std::mem::take(&mut *lock(&self.ended));
        for result in ended {
            match result {
                Ok(()) if self.persist => {}
                Ok(()) => self.exit_status.end(),
                Err(error) if self.persist => log::error!("{error}"),
                Err(error) => self.exit_status.fail(error),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.device.disconnect();
    }
}
