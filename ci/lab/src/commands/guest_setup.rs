// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a user brings into the guest: files, modules, a camera's memory; for `run` and `shell`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use guest_image::{ImageBuilder, Progress};
use guest_protocol::{GDB_WORD, LOAD_WORD, NO_BOARD_WORD, NO_DRIVER_WORD};
use host_setup::invocation;
use memlab::camera::Camera;
use memlab::catalogue;
use testbed::config::Io;
use testbed::gdb::{self, kernel_name};
use testbed::guest::Guest;
use testbed::prepare::{Prepared, install, repository};
use testbed::progress::Steps;
use testbed::sensor::SensorConfig;
use testbed::share;
use testbed::user_module::load;
use tx_isp_abi::sensor::{GC2053, Sensor};
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::Source;

use crate::options::{DebugOptions, GuestOptions};

/// The kernel's name of the board's module.
const BOARD: &str = "tx_isp_t31_board";
/// How long a module may take to load.
const LOAD_LIMIT: Duration = Duration::from_secs(30);

/// What the guest is made of.
#[derive(Debug, Clone, Args)]
pub struct SetupOptions {
    /// Copy what this folder holds over the guest's root; repeatable
    #[arg(long, value_name = "DIR")]
    pub add: Vec<PathBuf>,
    /// Let the guest read this folder, at /mnt/host: what changes here changes there at once
    #[arg(long, value_name = "DIR")]
    pub share: Option<PathBuf>,
    /// Run kbuild in this folder first, and load the modules it makes; repeatable
    #[arg(long, value_name = "DIR")]
    pub build: Vec<PathBuf>,
    /// Load this module instead of the project's driver, with its parameters behind it:
    /// "FILE.ko name=value"; repeatable
    #[arg(long, value_name = "FILE.ko")]
    pub module: Vec<UserModule>,
    /// Load no driver
    #[arg(long)]
    pub no_driver: bool,
    /// Leave out the board's module, which gives drivers interrupts, clocks, pins and a bus where the chip
    /// is attached by vfio-user
    #[arg(long)]
    pub no_board: bool,
    /// Parameters of the board's module, as in "platform_devices=0"
    #[arg(long, value_name = "NAME=VALUE …", conflicts_with = "no_board")]
    pub board: Option<String>,
    /// Open QEMU's stub for gdb at this port of this machine alone, and say how to attach with the
    /// symbols of kernel and modules
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "1234", value_parser = clap::value_parser!(u16).range(1..))]
    pub gdb: Option<u16>,
    /// The memory of this camera (ci/cameras), or of a camera's file
    #[arg(long, value_name = "NAME", conflicts_with = "memory")]
    pub camera: Option<String>,
    /// How long what runs in the guest may take, in seconds; a shell at a terminal has no end
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub timeout: u32,
    /// Bring this file or folder of the guest into --out afterwards; repeatable
    #[arg(long, value_name = "PATH")]
    pub get: Vec<String>,
    /// The sensor in front of the ISP: gc2053, jxf37, jxq03 (2304x1296) or imx307 (12 bits)
    #[arg(long, value_name = "NAME", default_value = GC2053.name, value_parser = tx_isp_emulator::sensor::by_name)]
    pub sensor: &'static Sensor,
    /// What the camera sees: bars, gradient, noise, image:FILE or y4m:FILE
    #[arg(long, value_name = "SOURCE", default_value = "bars", value_parser = Source::from_str)]
    pub source: Source,
    /// What to look at, and what is to fail.
    #[command(flatten)]
    pub debug: DebugOptions,
    /// Which guest.
    #[command(flatten)]
    pub guest: GuestOptions,
}

/// A module file with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserModule {
    /// The file.
    pub path: PathBuf,
    /// As insmod takes them.
    pub parameters: String,
}

impl FromStr for UserModule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, parameters) = match text.find(".ko ") {
            Some(end) => text.split_at(end + ".ko".len()),
            None => (text, ""),
        };
        if !path.ends_with(".ko") {
            return Err(
                "a module is a file that ends with .ko, with its parameters behind it".to_owned(),
            );
        }
        if !Path::new(path).is_file() {
            return Err(format!("there is no file {path}"));
        }
        Ok(Self {
            path: path.into(),
            parameters: parameters.trim().to_owned(),
        })
    }
}

impl SetupOptions {
    /// What can be refused before anything is fetched or built.
    ///
    /// # Errors
    /// With what would be right.
    pub fn check(&self) -> Result<()> {
        for path in &self.get {
            ensure!(
                path.starts_with('/'),
                "--get {path}: give an absolute path in the guest"
            );
        }
        for folder in self.add.iter().chain(&self.build) {
            ensure!(folder.is_dir(), "{} is no folder", folder.display());
        }
        if let Some(folder) = &self.share {
            share::check(folder)?;
        }
        if self.debug.timeline.is_some() {
            bail!(
                "--timeline is of `{} stream`, whose client tells when it dequeued each frame",
                invocation::lab()
            );
        }
        if let Some(name) = &self.camera {
            catalogue::find(name)?;
        }
        self.gdb.map_or(Ok(()), gdb::check_port)
    }

    /// The sensor, at this rate.
    ///
    /// # Errors
    /// If it has not got it.
    pub fn sensor(&self, fps: ClockMode, steps: &Steps) -> Result<SensorConfig> {
        let sensor = SensorConfig {
            model: self.sensor,
            source: self.source.clone(),
            fps,
        };
        if let Some(warning) = sensor.check()? {
            steps.line(&format!("note: {warning}"));
        }
        Ok(sensor)
    }

    /// The modules to load, in order; builds those that are to be built.
    ///
    /// # Errors
    /// With the compiler's words, or if two have one name.
    pub fn modules(&self, steps: &Steps) -> Result<Vec<UserModule>> {
        modules(self, steps)
    }

    /// Everything that must be there before the guest can boot.
    ///
    /// # Errors
    /// What could not be had.
    pub fn prepare(&self, modules: &[UserModule], steps: &Steps) -> Result<Prepared> {
        prepare(self, modules, steps)
    }

    /// Says how gdb is attached to a guest that runs, where that was asked for.
    ///
    /// # Errors
    /// If the guest does not answer.
    pub fn tell_gdb(
        &self,
        guest: &mut Guest,
        prepared: &Prepared,
        modules: &[UserModule],
        steps: &Steps,
    ) -> Result<()> {
        if let Some(port) = self.gdb {
            let mut files = vec![prepared.image.module_debug_path.clone()];
            files.extend(modules.iter().map(|module| module.path.clone()));
            let loaded = gdb::loaded(guest, &files)?;
            steps.line(&gdb::attach(port, &prepared.image, &loaded));
        }
        Ok(())
    }
}

/// Has the guest load modules by itself, before it gives a person its console.
///
/// # Errors
/// If a parameter cannot be said on the kernel's command line.
pub fn load_at_boot(prepared: &mut Prepared, modules: &[UserModule], gdb: bool) -> Result<()> {
    let words = &mut prepared.image.command_line_extra;
    for module in modules {
        let file = module.path.file_name().unwrap_or_default();
        let file = file.to_string_lossy();
        ensure!(
            !file.contains(char::is_whitespace) && !module.parameters.contains(['"', '\'']),
            "{file} {}: the kernel's command line, which says it to a guest with a console, takes neither quotes nor spaces in names; pipe commands into `{lab} shell`, or use `{lab} run`",
            module.parameters,
            lab = invocation::lab()
        );
        words.push(format!("{LOAD_WORD}{file}"));
        let name = kernel_name(&module.path);
        for parameter in module.parameters.split_whitespace() {
            words.push(format!("{name}.{parameter}"));
        }
    }
    if gdb {
        words.push(GDB_WORD.to_owned());
    }
    Ok(())
}

/// Loads modules in the guest, in order.
///
/// # Errors
/// For the first that cannot be loaded, with the console's last lines.
pub fn load_all(guest: &mut Guest, modules: &[UserModule]) -> Result<()> {
    modules
        .iter()
        .try_for_each(|module| load(guest, &module.path, &module.parameters, LOAD_LIMIT))
}

/// The modules to load, in order; builds those that are to be built.
fn modules(options: &SetupOptions, steps: &Steps) -> Result<Vec<UserModule>> {
    let mut modules = Vec::new();
    if !options.build.is_empty() {
        let repository = repository()?;
        install(&options.guest.config(), &repository, steps)?;
        let builder = ImageBuilder::new(&repository)?;
        for folder in &options.build {
            let made = builder
                .build_modules(&options.guest.kernel, folder, steps)
                .inspect_err(|_| steps.fail())?;
            modules.extend(made.into_iter().map(|path| UserModule {
                path,
                parameters: String::new(),
            }));
        }
    }
    modules.extend(options.module.iter().cloned());
    let names: Vec<_> = modules
        .iter()
        .map(|module| module.path.file_name())
        .collect();
    for (index, name) in names.iter().enumerate() {
        ensure!(
            !names[..index].contains(name),
            "{} is given twice; the guest keeps all modules in one folder",
            modules[index].path.display()
        );
    }
    Ok(modules)
}

fn prepare(options: &SetupOptions, modules: &[UserModule], steps: &Steps) -> Result<Prepared> {
    let mut prepared = Prepared::with_image(&options.guest.config(), steps, |image| {
        image.add.clone_from(&options.add);
        image.with_share = options.share.is_some();
        image.modules = modules.iter().map(|module| module.path.clone()).collect();
    })?;
    if let Some(folder) = &options.share {
        share::add(&mut prepared, folder)?;
    }
    if let Some(name) = &options.camera {
        let camera = Camera::new(name, &catalogue::find(name)?, &Default::default())?;
        prepared.memory = camera.memory(&prepared.image)?;
    }
    if options.no_driver || !modules.is_empty() {
        prepared
            .image
            .command_line_extra
            .push(NO_DRIVER_WORD.to_owned());
    }
    let words = &mut prepared.image.command_line_extra;
    if options.no_board {
        words.push(NO_BOARD_WORD.to_owned());
    }
    for parameter in options
        .board
        .iter()
        .flat_map(|board| board.split_whitespace())
    {
        words.push(format!("{BOARD}.{parameter}"));
    }
    // Where another driver has its buffers is its own business: no carve-out is told.
    prepared.emulator_options = options
        .debug
        .config()
        .emulator_options(prepared.memory, Io::Userptr);
    if let Some(port) = options.gdb {
        prepared.qemu_options.extend(gdb::qemu_options(port));
    }
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_module_comes_with_its_parameters() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b.ko");
        fs::write(&path, "").unwrap();
        let text = format!("{} one=1 two=2", path.display());
        let module: UserModule = text.parse().unwrap();
        assert_eq!(module.path, path);
        assert_eq!(module.parameters, "one=1 two=2");
        let error = "/no/such.ko".parse::<UserModule>().unwrap_err();
        assert_eq!(error, "there is no file /no/such.ko");
        let error = "/bin/true".parse::<UserModule>().unwrap_err();
        assert!(error.contains("ends with .ko"), "{error}");
    }
}
