// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The whole emulator: device, DMA engine, and the event loop with timer, sockets and signals.

use crate::attach::{vfio_user, vhost_user};
use crate::config::Config;
use crate::device::Device;
use crate::dma::{Engine, FrameWriter};
use crate::exit_status::{BoxedError, ExitStatus};
use crate::monitor::{self, protocol::Status};
use crate::sandbox::{Needs, Sandbox, SandboxError, confine};
use crate::sensor::ClockMode;
use crate::signals::Signals;
use crate::strict::Strict;
use crate::timer::FrameTimer;
use event_manager::{EventManager, MutEventSubscriber, SubscriberOps};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tx_isp_chip::faults::{Scenario, ScenarioError};
use tx_isp_picture::{OpenError, Renderer};

/// How long the end waits for the DMA engine.
const END_LIMIT: Duration = Duration::from_millis(300);

/// Why the emulator does not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The picture source cannot be opened.
    #[error("--source: {0}")]
    Source(#[from] OpenError),
    /// The trace cannot be written.
    #[error("--trace: cannot write {}: {source}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of faults cannot be used.
    #[error("--faults: {0}")]
    Faults(#[from] ScenarioError),
    /// The VM's socket cannot be served.
    #[error("--socket: {0}")]
    Attach(#[from] vhost_user::ServerError),
    /// The same, for a VM that speaks vfio-user.
    #[error("--vfio-user: {0}")]
    VfioUser(#[from] vfio_user::ServerError),
    /// The operator's socket cannot be served.
    #[error("--monitor: {0}")]
    Monitor(#[from] monitor::ServerError),
    /// The process cannot be confined.
    #[error("--sandbox: {0}; --sandbox off does without")]
    Sandbox(#[from] SandboxError),
    /// The report cannot be written.
    #[error("--report: cannot write {}: {source}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The event loop cannot be set up or failed.
    #[error("event loop: {0}")]
    EventLoop(#[from] event_manager::Error),
    /// A part of the event loop gave up.
    #[error(transparent)]
    Part(BoxedError),
    /// A thread, a timer or a signal handler could not be made.
    #[error("{what}: {source}")]
    System {
        /// What it was for.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// An emulator that is ready to run.
pub struct Emulator {
    device: Arc<Device>,
    exit_status: Rc<ExitStatus>,
    events: EventManager<Box<dyn MutEventSubscriber>>,
    engine: Engine,
    report: Option<(PathBuf, File)>,
}

impl Emulator {
    /// Opens all that `config` names: afterwards a VM can connect.
    ///
    /// # Errors
    /// [`EmulatorError`].
    pub fn new(config: &Config) -> Result<Self, EmulatorError> {
        Self::with_writer(config, None)
    }

    /// As [`Emulator::new`], but frames are written by `writer`, for tests that hold one up.
    ///
    /// # Errors
    /// [`EmulatorError`].
    pub fn with_writer(
        config: &Config,
        writer: Option<Box<dyn FrameWriter>>,
    ) -> Result<Self, EmulatorError> {
        let renderer = Renderer::open(&config.source)?;
        if let Some(warning) = renderer.warning() {
            log::warn!("--source {}: {warning}", config.source);
        }
        if let Some(beyond) = config.fps.beyond(config.sensor) {
            log::warn!("--fps: {beyond}; the emulator does it nevertheless");
        }
        let report = config.report.as_deref().map(create_report).transpose()?;
        let source = config.source.to_string();
        let device = Arc::new(Device::new(*config.sensor, config.fps, source));
        device.set_carve_out(config.carve_out);
        device.set_soc(config.soc);
        device.set_behaviours(config.behaviours());
        if let Some(path) = &config.trace {
            let started = device.trace(Some(path));
            started.map_err(|source| EmulatorError::Trace {
                path: path.clone(),
                source,
            })?;
        }
        let scenario = config.faults.as_deref().map(Scenario::read).transpose()?;
        let scenario = scenario.unwrap_or_default();
        device.with_faults(|faults| faults.seed(config.seed.unwrap_or(scenario.seed)));
        for fault in scenario.faults.iter().chain(&config.fault) {
            device.inject(*fault);
        }
        let exit_status = Rc::new(ExitStatus::default());
        let mut events = EventManager::<Box<dyn MutEventSubscriber>>::new()?;

        if !matches!(config.fps, ClockMode::Max | ClockMode::Stepped) {
            let timer = FrameTimer::new(device.clone(), exit_status.clone())
                .map_err(system("cannot make the frame clock's timer"))?;
            events.add_subscriber(Box::new(timer));
        }
        if let Some(strictness) = config.strictness() {
            let strict = Strict::new(device.clone(), strictness, exit_status.clone())
                .map_err(system("cannot watch for findings"))?;
            events.add_subscriber(Box::new(strict));
        }
        if let Some(path) = &config.monitor {
            let traces = config.trace_folder();
            let server = monitor::Server::new(path, traces, device.clone(), exit_status.clone())?;
            events.add_subscriber(Box::new(server));
        }
        attach(config, &device, &exit_status, &mut events)?;

        let engine = match writer {
            Some(writer) => Engine::with_writer(device.clone(), writer),
            None => Engine::new(device.clone(), renderer),
        };
        Ok(Self {
            device,
            exit_status,
            events,
            engine,
            report,
        })
    }

    /// From now on SIGTERM and SIGINT end the emulator cleanly instead of at once.
    ///
    /// # Errors
    /// [`EmulatorError::System`].
    pub fn end_on_signals(&mut self) -> Result<(), EmulatorError> {
        let signals =
            Signals::new(self.exit_status.clone()).map_err(system("cannot catch signals"))?;
        self.events.add_subscriber(Box::new(signals));
        Ok(())
    }

    /// From now on the process can do no more than it needs, unless `config` says otherwise. For a
    /// process that is nothing but an emulator.
    ///
    /// # Errors
    /// [`EmulatorError::Sandbox`].
    pub fn confine(&self, config: &Config) -> Result<(), EmulatorError> {
        if config.sandbox == Sandbox::Off {
            return Ok(());
        }
        let sockets = [
            config.socket.clone(),
            config.vfio_user.clone(),
            config.monitor.clone(),
        ];
        let confined = confine(&Needs {
            traces: config.trace_folder(),
            sockets: sockets.into_iter().flatten().collect(),
        })?;
        log::info!("sandbox: {confined}");
        Ok(())
    }

    /// Runs until the VM is gone, a signal comes or the operator says so; writes the report and
    /// returns the last status.
    ///
    /// # Errors
    /// [`EmulatorError`]; the report is written all the same.
    pub fn run(mut self) -> Result<Status, EmulatorError> {
        let dma = self.engine.spawn();
        let dma = dma.map_err(system("cannot make a thread"))?;
        let result = loop {
            if let Some(result) = self.exit_status.take() {
                break result.map_err(EmulatorError::Part);
            }
            if let Err(error) = self.events.run() {
                break Err(error.into());
            }
        };
        // Sockets first: the VM's connection ends, so that nothing moves any more.
        drop(self.events);
        self.device.end();
        end_within(dma, END_LIMIT);
        let status = self.device.status();
        self.device.trace_with(None);
        if let Some((path, file)) = self.report {
            let written = write_report(file, &status);
            written.map_err(|source| EmulatorError::Report { path, source })?;
        }
        result.map(|()| status)
    }
}

/// Listens for a VM in the way that `config` names.
fn attach(
    config: &Config,
    device: &Arc<Device>,
    exit_status: &Rc<ExitStatus>,
    events: &mut EventManager<Box<dyn MutEventSubscriber>>,
) -> Result<(), EmulatorError> {
    let (device, exit_status) = (device.clone(), exit_status.clone());
    if let Some(path) = &config.socket {
        let server = vhost_user::Server::new(path, device, exit_status, config.persist)?;
        events.add_subscriber(Box::new(server));
        log::info!("a VM can connect to {}", path.display());
    } else if let Some(path) = &config.vfio_user {
        let server = vfio_user::Server::new(path, device, exit_status, config.persist)?;
        events.add_subscriber(Box::new(server));
        log::info!("a VM can connect to {} by vfio-user", path.display());
    }
    Ok(())
}

/// Waits for the DMA engine's thread, but not for ever: it may be reading a file that does not answer.
fn end_within(thread: JoinHandle<()>, limit: Duration) {
    let until = Instant::now() + limit;
    while !thread.is_finished() {
        if Instant::now() >= until {
            log::error!("the DMA engine's thread does not end within {limit:?}: it is left behind");
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    if thread.join().is_err() {
        log::error!("the DMA engine's thread has panicked");
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> EmulatorError {
    move |source| EmulatorError::System { what, source }
}

/// Created at the start, so that a wrong path is found before a VM has run for nothing.
fn create_report(path: &Path) -> Result<(PathBuf, File), EmulatorError> {
    match File::create(path) {
        Ok(file) => Ok((path.to_owned(), file)),
        Err(source) => Err(EmulatorError::Report {
            path: path.to_owned(),
            source,
        }),
    }
}

fn write_report(mut file: File, status: &Status) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut file, status)?;
    file.write_all(b"\n")
}
