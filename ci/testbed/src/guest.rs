// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A running guest: emulator, QEMU and the agent inside, from spawn to end.

mod agent_port;
pub mod terminal;

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use guest_protocol::message::{self, Failure, Reply, Request};
use guest_protocol::wire::{self, WireError};
use tx_isp_abi::channel::ChannelId;

use crate::emulator::Emulator;
use crate::guest_failure::GuestFailure;
use crate::interrupt;
use crate::log_follower::{LogFollower, SHOWN_LINES};
use crate::prepare::Prepared;
use crate::process::Process;
use crate::qemu_command::{Control, Launch};
use crate::sensor::SensorConfig;

/// A boot that takes longer hangs; Debian's kernel needs about 4 seconds.
const BOOT_LIMIT: Duration = Duration::from_secs(60);
/// How often a hung boot is tried.
const ATTEMPTS: u32 = 2;
/// How often to look at everything that can end.
const STEP: Duration = Duration::from_millis(20);
/// How long the guest's client may take to notice that the emulator is gone.
const NOTICE_LIMIT: Duration = Duration::from_secs(20);
/// How long a short job in the guest may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long the guest may take to power off.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How the driver's own lines in the kernel's log are marked.
const DRIVER_MARK: &str = "tx-isp: ";
/// The first line of a kernel's last words.
const LAST_WORDS: [&str; 3] = ["Oops[", "Kernel bug detected", "Kernel panic"];

/// A guest that has answered. Dropping it ends everything.
pub struct Guest {
    // Fields are dropped in this order: QEMU before the emulator that it is attached to.
    qemu: Process,
    console: LogFollower,
    qemu_says: LogFollower,
    stream: UnixStream,
    replies: Receiver<Result<Reply, WireError>>,
    /// The emulated ISP.
    pub emulator: Emulator,
    /// What the agent says about the guest.
    pub hello: message::Guest,
    /// When QEMU was started.
    pub spawned: Instant,
    /// From then to the agent's first answer.
    pub boot_time: Duration,
    /// How many boots it took: 2 if the first one hung.
    pub boots: u32,
    _sockets: tempfile::TempDir,
}

impl Guest {
    /// Starts emulator and QEMU and waits for the agent. A boot that hangs is tried once more.
    ///
    /// # Errors
    /// Whatever keeps the agent from answering, with the console's last lines.
    pub fn boot(
        prepared: &Prepared,
        scene: &SensorConfig,
        logs: &Path,
        say: &dyn Fn(&str),
    ) -> Result<Self> {
        interrupt::install().context("preparing for Ctrl-C")?;
        fs::create_dir_all(logs).with_context(|| format!("creating {}", logs.display()))?;
        let mut attempt = 1;
        loop {
            match Self::boot_once(prepared, scene, logs, attempt) {
                Err(error) if attempt < ATTEMPTS && is_hang(&error) => {
                    say(&format!(
                        "the guest hung while booting; trying once more ({error})"
                    ));
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    fn boot_once(
        prepared: &Prepared,
        scene: &SensorConfig,
        logs: &Path,
        boots: u32,
    ) -> Result<Self> {
        let sockets = tempfile::Builder::new()
            .prefix("tx-isp-")
            .tempdir()
            .context("creating a folder for sockets")?;
        let emulator =
            Emulator::start(prepared, scene, sockets.path(), &logs.join("emulator.log"))?;
        let agent_socket = sockets.path().join("agent");
        let listener = UnixListener::bind(&agent_socket)
            .with_context(|| format!("listening at {}", agent_socket.display()))?;
        let arguments = Launch {
            image: &prepared.image,
            memory: prepared.memory,
            carrier: prepared.carrier,
            isp_socket: &emulator.socket,
            control: Control::Agent(agent_socket),
        }
        .arguments()?;

        let spawned = Instant::now();
        let mut qemu = Process::spawn(
            Command::new(&prepared.qemu.program)
                .args(arguments)
                .args(&prepared.qemu_options)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                // A Ctrl-C at the terminal is for the lab, which ends QEMU itself.
                .process_group(0),
        )
        .with_context(|| format!("starting {}", prepared.qemu.program.display()))?;
        let pipes = (qemu.child().stdout.take(), qemu.child().stderr.take());
        let (Some(stdout), Some(stderr)) = pipes else {
            bail!("QEMU has no output");
        };
        let console = LogFollower::follow(stdout, &logs.join("console.log"))
            .context("writing console.log")?;
        let qemu_says =
            LogFollower::follow(stderr, &logs.join("qemu.log")).context("writing qemu.log")?;
        let stream = agent_port::accept(&listener, &mut qemu, &qemu_says)?;
        let replies = agent_port::receive_from(&stream)?;
        let mut guest = Self {
            qemu,
            console,
            qemu_says,
            stream,
            replies,
            emulator,
            hello: message::Guest {
                version: 0,
                kernel_release: String::new(),
                uptime_ns: 0,
                modules: Vec::new(),
                video: Vec::new(),
            },
            spawned,
            boot_time: Duration::ZERO,
            boots,
            _sockets: sockets,
        };
        guest.greet()?;
        Ok(guest)
    }

    /// Asks the agent what it has.
    fn ask_hello(&mut self, limit: Duration) -> Result<(), GuestFailure> {
        let version = guest_protocol::VERSION;
        self.send(&Request::Hello { version })?;
        match self.next("the guest's agent", limit)? {
            Reply::Hello(hello) => self.hello = hello,
            other => return Err(unexpected(&other)),
        }
        Ok(())
    }

    /// Waits for the agent and checks that it is the lab's own.
    fn greet(&mut self) -> Result<()> {
        let version = guest_protocol::VERSION;
        self.ask_hello(BOOT_LIMIT)?;
        self.boot_time = self.spawned.elapsed();
        if self.hello.version != version {
            bail!(
                "the guest's agent speaks version {} of the messages, the lab version {version}; build the image anew",
                self.hello.version
            );
        }
        if let Some(failure) = self
            .hello
            .modules
            .iter()
            .find_map(|module| module.failure.clone())
        {
            let console = self.console.last(SHOWN_LINES);
            return Err(GuestFailure::from(failure)).with_context(|| {
                format!(
                    "a kernel module was not loaded; the console's last lines:\n    {}",
                    console.join("\n    ")
                )
            });
        }
        Ok(())
    }

    /// Sends a request; answers are taken with [`Guest::next`].
    ///
    /// # Errors
    /// [`GuestFailure`], if the guest is gone.
    pub fn send(&mut self, request: &Request) -> Result<(), GuestFailure> {
        wire::send(&mut self.stream, request).map_err(|error| self.cause().unwrap_or(error.into()))
    }

    /// The next answer.
    ///
    /// # Errors
    /// [`GuestFailure`]: the guest's own failures, or that none came, and why.
    pub fn next(&mut self, what: &str, limit: Duration) -> Result<Reply, GuestFailure> {
        let end = Instant::now() + limit;
        loop {
            match self.replies.recv_timeout(STEP) {
                Ok(Ok(Reply::Failed(failure))) => {
                    // A dead emulator is the reason of whatever fails in the guest.
                    return Err(match self.emulator.process.wait(STEP) {
                        Some(_) => self.emulator.ended(Some(failure)),
                        None => failure.into(),
                    });
                }
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) => return Err(self.cause().unwrap_or(error.into())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let closed = io::Error::from(io::ErrorKind::ConnectionReset);
                    return Err(self.cause().unwrap_or(WireError::Io(closed).into()));
                }
            }
            if let Some(failure) = self.failure() {
                return Err(failure);
            }
            if Instant::now() > end {
                return Err(GuestFailure::Deadline {
                    what: what.to_owned(),
                    limit,
                    console: self.console.last(SHOWN_LINES),
                });
            }
        }
    }

    /// Sends a request that has one answer, and waits for it.
    ///
    /// # Errors
    /// [`GuestFailure`].
    pub fn call(&mut self, request: &Request, limit: Duration) -> Result<Reply, GuestFailure> {
        self.send(request)?;
        self.next("the guest's answer", limit)
    }

    /// Unloads the driver and loads it again.
    ///
    /// # Errors
    /// [`GuestFailure`]; the guest may be without the driver then.
    pub fn reload_module(&mut self) -> Result<(), GuestFailure> {
        self.reload_module_with("")
    }

    /// The same, with the driver's parameters as insmod takes them.
    ///
    /// # Errors
    /// As [`Guest::reload_module`].
    pub fn reload_module_with(&mut self, parameters: &str) -> Result<(), GuestFailure> {
        let requests = [
            Request::UnloadModule {
                name: "tx_isp".to_owned(),
            },
            Request::LoadModule {
                path: "/lib/modules/tx-isp.ko".to_owned(),
                parameters: parameters.to_owned(),
            },
        ];
        for request in requests {
            match self.call(&request, ANSWER_LIMIT)? {
                Reply::Ok => {}
                other => return Err(unexpected(&other)),
            }
        }
        self.ask_hello(ANSWER_LIMIT)
    }

    /// The newest of the last lines on the console that are the driver's.
    pub fn driver_said(&self) -> Option<String> {
        let lines = self.console.last(SHOWN_LINES);
        let said = lines.iter().rev();
        said.filter_map(|line| Some(line.split_once(DRIVER_MARK)?.1.to_owned()))
            .next()
    }

    /// The last lines on the console.
    pub fn console_end(&self) -> Vec<String> {
        self.console.last(SHOWN_LINES)
    }

    /// Powers the guest off and waits for QEMU's end; what does not end in time is killed.
    pub fn power_off(mut self) {
        if self.call(&Request::Poweroff, END_LIMIT).is_ok() {
            self.qemu.wait(END_LIMIT);
        }
    }

    /// Why the connection to the agent may have broken: it is the first to notice.
    fn cause(&mut self) -> Option<GuestFailure> {
        self.qemu.wait(END_LIMIT);
        self.failure()
    }

    /// What ended that should not have.
    fn failure(&mut self) -> Option<GuestFailure> {
        if interrupt::requested() {
            return Some(GuestFailure::Interrupted);
        }
        // A guest that is gone ends the emulator in order; then QEMU tells why.
        if self
            .emulator
            .process
            .ended()
            .is_some_and(|status| status.success())
        {
            self.qemu.wait(END_LIMIT);
        }
        if self.qemu.ended().is_none() && self.emulator.process.ended().is_some() {
            let failure = self.last_failure();
            return Some(self.emulator.ended(failure));
        }
        let status = self.qemu.ended()?;
        self.console.wait_end(END_LIMIT);
        self.qemu_says.wait_end(END_LIMIT);
        let last_words = LAST_WORDS
            .iter()
            .find_map(|word| self.console.since(word, SHOWN_LINES));
        if let Some(console) = last_words {
            return Some(GuestFailure::Panic { console });
        }
        Some(GuestFailure::QemuEnded {
            status,
            said: self.qemu_says.last(SHOWN_LINES),
            console: self.console.last(SHOWN_LINES),
        })
    }

    /// What happened if the emulator has just ended, also if that is about to be seen.
    pub fn gone_emulator(&mut self) -> Option<GuestFailure> {
        self.emulator.process.wait(Duration::from_secs(1))?;
        self.failure()
    }

    /// What the guest's client gets when the emulator is gone: it should notice by itself.
    fn last_failure(&mut self) -> Option<Failure> {
        let end = Instant::now() + NOTICE_LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left).ok()? {
                Ok(Reply::Failed(failure)) => return Some(failure),
                Ok(_) => {} // frames that came before
                Err(_) => return None,
            }
        }
    }

    /// What QEMU said before it ended, if it did so within `limit`.
    pub fn qemu_last_words(&mut self, limit: Duration) -> Option<Vec<String>> {
        self.qemu.wait(limit)?;
        self.qemu_says.wait_end(limit);
        Some(self.qemu_says.last(SHOWN_LINES))
    }

    /// QEMU's process.
    pub fn qemu_pid(&mut self) -> u32 {
        self.qemu.child().id()
    }

    /// The path of a channel's video device in the guest.
    ///
    /// # Errors
    /// If there is none.
    pub fn camera(&self, channel: ChannelId) -> Result<String> {
        // The driver registers its channels in order.
        let found = self
            .hello
            .video
            .iter()
            .filter(|device| device.driver == "tx-isp")
            .nth(channel.index());
        match found {
            Some(device) => Ok(device.path.clone()),
            None => bail!(
                "the guest has no video device of driver tx-isp for channel {channel}; the console's last lines:\n    {}",
                self.console.last(SHOWN_LINES).join("\n    ")
            ),
        }
    }
}

/// Whether a boot failed in the way that is worth another try.
fn is_hang(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(GuestFailure::Deadline { .. }))
}

/// What is said about an answer of the wrong kind.
pub fn unexpected(reply: &Reply) -> GuestFailure {
    let text: String = format!("{reply:?}").chars().take(80).collect();
    GuestFailure::Unexpected(text)
}
