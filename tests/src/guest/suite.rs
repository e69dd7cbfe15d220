// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The harness of tests that need a guest: `cargo test -p tx-isp-tests --test guest_streams`.
//!
//! The tests of a binary run one after the other, and those of one guest share it: it boots when the
//! first of them needs it. nextest gives each test a process of its own, and no guest outlives one: there
//! the tests of a guest are one test, which says how each of them went ([`grouped`]). At a guest's end its
//! kernel is asked whether it has anything to warn of.
//!
//! Which guest, is said in the environment, as `cargo lab test` does with its options:
//! `TX_ISP_TEST_KERNEL`, `_QEMU`, `_ATTACH` (one carrier or several, with commas between), `_MEMORY` and
//! `_YES`; `TX_ISP_TEST_JUNIT` names a folder for the results.

mod environment;
mod grouped;
mod junit;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use guest_image::ImageRequest;
use guest_protocol::NO_DRIVER_WORD;
use libtest_mimic::Arguments;
use testbed::config::GuestConfig;
use testbed::explain;
use testbed::guest::Guest;
use testbed::prepare::{Prepared, repository};
use testbed::progress::Steps;
use testbed::qemu::{Carrier, Qemu};
use testbed::sensor::SensorConfig;
use testbed::share;
use tx_isp_emulator::sensor::ClockMode;

use super::health;
use environment::{config, wanted_carriers};
use grouped::{Test, grouped};
use junit::TestResult;

/// The tests of one binary.
pub struct Suite {
    name: &'static str,
    config: Result<GuestConfig, String>,
    tests: Vec<Test>,
    guests: Vec<Arc<SharedGuest>>,
    results: Results,
}

/// The tests of one binary over one carrier.
pub struct CarrierSuite<'a> {
    suite: &'a mut Suite,
    carrier: Carrier,
}

/// What more an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// v4l2-ctl and v4l2-compliance.
    Usual,
    /// GStreamer beside them.
    GStreamer,
    /// The vendor's device nodes, and the program that tries them.
    Vendor,
}

/// Builds the modules that a test loads by itself.
pub type BuildModules = fn(&GuestConfig) -> Result<Vec<PathBuf>>;

/// What a guest boots with.
pub struct Boot {
    /// What the camera sees, and how fast. On a busy machine the sensor's own clock would leave frames
    /// out, so frames come as fast as buffers do if nothing else is said.
    pub sensor: SensorConfig,
    /// What the image has.
    pub programs: Programs,
    /// What the emulator is told, by the guest's memory.
    pub emulator: fn(&Prepared) -> Vec<OsString>,
    /// What QEMU is told beside the guest.
    pub qemu: Vec<OsString>,
    /// The modules that are in the guest, to be loaded by the test, in place of the driver.
    pub modules: Option<BuildModules>,
    /// Makes the folder of the host that the guest can read.
    pub share: Option<fn() -> Result<PathBuf>>,
    /// What must be done before.
    pub before: Option<Box<dyn Fn() -> Result<()> + Send + Sync>>,
}

impl Default for Boot {
    fn default() -> Self {
        Self {
            sensor: SensorConfig {
                fps: ClockMode::Max,
                ..SensorConfig::default()
            },
            programs: Programs::Usual,
            emulator: |_| Vec::new(),
            qemu: Vec::new(),
            modules: None,
            share: None,
            before: None,
        }
    }
}

/// A guest that boots when it is first needed.
pub struct SharedGuest {
    config: Result<GuestConfig, String>,
    carrier: Carrier,
    boot: Boot,
    logs: PathBuf,
    state: Mutex<State>,
}

enum State {
    NotBooted,
    Running(Box<Running>),
    /// It did not boot, and why; or it is over.
    Gone(String),
}

/// A guest and what it was booted with.
pub struct Running {
    /// The guest.
    pub guest: Guest,
    /// What it was booted with.
    pub prepared: Prepared,
    /// What its camera sees.
    pub sensor: SensorConfig,
    /// Where its logs go.
    pub logs: PathBuf,
}

type Results = Arc<Mutex<Vec<TestResult>>>;

/// Runs a binary's tests as its command line says; `add` adds them for each carrier that this QEMU
/// has.
pub fn main(name: &'static str, add: impl Fn(&mut CarrierSuite<'_>)) -> ExitCode {
    main_over(name, &Carrier::ALL, add)
}

/// The same over other carriers.
pub fn main_over(
    name: &'static str,
    carriers: &[Carrier],
    add: impl Fn(&mut CarrierSuite<'_>),
) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A guest ends with the thread that started it.
    arguments.test_threads = Some(1);
    let mut suite = Suite {
        name,
        config: config().map_err(|error| explain(&error)),
        tests: Vec::new(),
        guests: Vec::new(),
        results: Results::default(),
    };
    let wanted = match wanted_carriers(env::var("TX_ISP_TEST_ATTACH").ok().as_deref()) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let qemu = match &suite.config {
        Ok(config) => Qemu::find(config.qemu.as_deref()).map_err(|error| error.to_string()),
        Err(error) => Err(error.clone()),
    };
    for &carrier in carriers.iter().filter(|carrier| wanted.contains(carrier)) {
        match left_out(carrier, &qemu) {
            None => add(&mut CarrierSuite {
                suite: &mut suite,
                carrier,
            }),
            Some(reason) => {
                if !arguments.list {
                    eprintln!("{carrier}: not tested: {reason}");
                }
                let all = format!("{carrier}: all of them");
                suite.tests.push(Test {
                    name: all,
                    guest: None,
                    run: Box::new(move || Err(reason)),
                    left_out: true,
                });
            }
        }
    }
    let tests = match env::var_os("NEXTEST") {
        Some(_) => grouped(suite.tests),
        None => suite.tests,
    };
    let trials = tests.into_iter().map(Test::trial).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut code = conclusion.exit_code();
    for guest in &suite.guests {
        if let Err(error) = guest.end() {
            eprintln!("error: at the guest's end: {}", explain(&error));
            code = ExitCode::FAILURE;
        }
    }
    if let Err(error) = junit::write(name, &lock(&suite.results)) {
        eprintln!("error: {}", explain(&error));
        code = ExitCode::FAILURE;
    }
    code
}

/// Why a carrier is not tested, if so. Without a QEMU the oldest one's carrier is, and fails.
fn left_out(carrier: Carrier, qemu: &Result<Qemu, String>) -> Option<String> {
    match qemu {
        Ok(qemu) if !qemu.carriers.contains(&carrier) => Some(format!(
            "QEMU {} cannot create {}",
            qemu.version,
            carrier.device()
        )),
        Err(error) if carrier != Carrier::Gpio => Some(format!("there is no QEMU: {error}")),
        _ => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CarrierSuite<'_> {
    /// What the tests go over.
    #[must_use]
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// A guest that the tests added with it share.
    pub fn guest(&mut self, boot: Boot) -> Arc<SharedGuest> {
        self.guest_over(self.carrier, boot)
    }

    /// The same over another carrier, for tests that compare.
    pub fn guest_over(&mut self, carrier: Carrier, boot: Boot) -> Arc<SharedGuest> {
        let logs = match repository() {
            Ok(repository) => repository.join("out/test"),
            Err(_) => env::temp_dir().join("tx-isp-test"),
        };
        let guest = Arc::new(SharedGuest {
            config: self.suite.config.clone(),
            carrier,
            boot,
            logs: logs.join(self.suite.name).join(carrier.name()),
            state: Mutex::new(State::NotBooted),
        });
        self.suite.guests.push(Arc::clone(&guest));
        guest
    }

    /// Where logs and other files of this carrier's tests go.
    pub fn logs(&mut self) -> PathBuf {
        self.guest(Boot::default()).logs.clone()
    }

    /// A test.
    pub fn test(&mut self, name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) {
        self.add(None, name, test);
    }

    fn add(
        &mut self,
        guest: Option<&Arc<SharedGuest>>,
        name: &str,
        test: impl FnOnce() -> Result<()> + Send + 'static,
    ) {
        let name = format!("{}: {name}", self.carrier);
        let results = Arc::clone(&self.suite.results);
        let mut guests = self.suite.guests.iter();
        let guest = guest.and_then(|guest| guests.position(|other| Arc::ptr_eq(other, guest)));
        self.suite.tests.push(Test {
            name: name.clone(),
            guest,
            run: Box::new(move || {
                let begin = Instant::now();
                let result = test().map_err(|error| explain(&error));
                lock(&results).push((name, begin.elapsed(), result.clone()));
                result
            }),
            left_out: false,
        });
    }

    /// A test in a guest.
    pub fn test_in(
        &mut self,
        guest: &Arc<SharedGuest>,
        name: &str,
        test: impl FnOnce(&mut Running) -> Result<()> + Send + 'static,
    ) {
        let own = Arc::clone(guest);
        self.add(Some(guest), name, move || own.with(test));
    }

    /// The test that a guest boots.
    pub fn boots(&mut self, guest: &Arc<SharedGuest>, name: &str) {
        self.test_in(guest, name, |_| Ok(()));
    }

    /// The test of a guest's end, behind all others in it.
    pub fn close(&mut self, guest: &Arc<SharedGuest>, behind: &str) {
        let name = format!("the kernel has nothing to complain of behind {behind}");
        let own = Arc::clone(guest);
        self.add(Some(guest), &name, move || {
            own.with(|running| health::check(&mut running.guest))?;
            own.power_off();
            Ok(())
        });
    }
}

impl SharedGuest {
    /// Runs a test in the guest, which boots now if it has not yet.
    ///
    /// # Errors
    /// If there is no guest, or the test fails.
    pub fn with<T>(&self, test: impl FnOnce(&mut Running) -> Result<T>) -> Result<T> {
        let mut state = lock(&self.state);
        if matches!(*state, State::NotBooted) {
            *state = match self.boot() {
                Ok(running) => State::Running(Box::new(running)),
                Err(error) => State::Gone(explain(&error)),
            };
        }
        match &mut *state {
            State::Running(running) => test(running),
            State::Gone(reason) => bail!("there is no guest: {reason}"),
            State::NotBooted => bail!("there is no guest"),
        }
    }

    fn boot(&self) -> Result<Running> {
        if let Some(before) = &self.boot.before {
            before()?;
        }
        let mut prepared = self.prepare()?;
        prepared.emulator_options = (self.boot.emulator)(&prepared);
        prepared.qemu_options.extend(self.boot.qemu.iter().cloned());
        let sensor = self.boot.sensor.clone();
        let guest = Guest::boot(&prepared, &sensor, &self.logs, &|text| eprintln!("{text}"))?;
        Ok(Running {
            guest,
            prepared,
            sensor,
            logs: self.logs.clone(),
        })
    }

    fn prepare(&self) -> Result<Prepared> {
        let config = self.config.as_ref().map_err(|error| anyhow!("{error}"))?;
        let steps = Steps::new();
        let programs = self.boot.programs;
        let config = GuestConfig {
            vendor: programs == Programs::Vendor,
            ..config.clone()
        };
        let modules = self.boot.modules.map(|build| build(&config)).transpose()?;
        let mut prepared = Prepared::with_image(&config, &steps, |image: &mut ImageRequest| {
            image.modules = modules.clone().unwrap_or_default();
            image.with_share = self.boot.share.is_some();
            image.with_compliance = programs == Programs::Usual;
            image.with_gstreamer = programs == Programs::GStreamer;
        })?;
        if let Some(make) = self.boot.share {
            share::add(&mut prepared, &make()?)?;
        }
        if modules.is_some() {
            let words = &mut prepared.image.command_line_extra;
            words.push(NO_DRIVER_WORD.to_owned());
        }
        Ok(Prepared {
            carrier: self.carrier,
            ..prepared
        })
    }

    /// Ends a guest that is to be dead already, however it is.
    pub fn abandon(&self) {
        *lock(&self.state) = State::Gone("it is dead".to_owned());
    }

    fn power_off(&self) {
        let over = State::Gone("it was powered off".to_owned());
        let state = std::mem::replace(&mut *lock(&self.state), over);
        if let State::Running(running) = state {
            running.guest.power_off();
        }
    }

    /// Ends a guest whose own end was not among the tests that ran.
    fn end(&self) -> Result<()> {
        let running = matches!(*lock(&self.state), State::Running(_));
        if running {
            self.with(|running| health::log_is_clean(&mut running.guest))?;
            self.power_off();
        }
        Ok(())
    }
}
