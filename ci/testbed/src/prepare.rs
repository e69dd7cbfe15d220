// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything that must be there before a guest can boot.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guest_image::host::{self, Needs};
use guest_image::{GuestImage, ImageBuilder, ImageRequest, KernelChoice, Progress};
use guest_protocol::VENDOR_WORD;
use host_setup::process::{LIBRARY_PATH, PRIVATE_LIBRARIES};
use host_setup::qemu::{DEBIAN_BACKPORTS, fetched};
use host_setup::{cache_dir, offline};

use crate::bundle::{self, Bundle};
use crate::config::GuestConfig;
use crate::memory_layout::MemoryLayout;
use crate::process::{self, Line};
use crate::progress::Steps;
use crate::qemu::{Carrier, Qemu};

/// The emulator's package and program.
const EMULATOR: &str = "tx-isp-emulator";

/// The lab's package.
const LAB: &str = "lab";

/// A first build with its dependencies, on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);

/// What is ready to boot.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// QEMU.
    pub qemu: Qemu,
    /// What carries the ISP.
    pub carrier: Carrier,
    /// The emulator's program.
    pub emulator: PathBuf,
    /// What it is told beside its sockets, source and rate.
    pub emulator_options: Vec<OsString>,
    /// What QEMU is told beside the guest.
    pub qemu_options: Vec<OsString>,
    /// Kernel and initramfs.
    pub image: GuestImage,
    /// The guest's memory.
    pub memory: MemoryLayout,
}

impl Prepared {
    /// Installs, fetches and builds what is missing.
    ///
    /// # Errors
    /// What could not be had, and what to do about it.
    pub fn new(options: &GuestConfig, steps: &Steps) -> Result<Self> {
        Self::with_image(options, steps, |_| {})
    }

    /// The same, with more in the image: `add` says what.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn with_image(
        options: &GuestConfig,
        steps: &Steps,
        add: impl FnOnce(&mut ImageRequest),
    ) -> Result<Self> {
        if let Some(bundle) = bundle::current() {
            return Self::from_bundle(bundle, options, steps, add);
        }
        let repository = repository()?;
        let named = named_qemu(options, &repository, steps)?;
        // A QEMU that the user names must do before an hour is spent on anything else.
        if let Some(named) = &named {
            Qemu::find(Some(named))?.choose(options.attach)?;
        }
        install(options, &repository, steps)?;
        let qemu = Qemu::find(named.as_deref())?;
        let carrier = qemu.choose(options.attach)?;
        let emulator = build_emulator(&repository, steps)?;
        let mut image = image_with(&options.kernel, &repository, steps, |image| {
            image.with_vendor_client = options.vendor;
            add(image);
        })?;
        if options.vendor {
            image.command_line_extra.push(VENDOR_WORD.to_owned());
        }
        Self::for_qemu(qemu, carrier, emulator, image, options)
    }

    /// Takes all but QEMU from a bundle.
    fn from_bundle(
        bundle: &Bundle,
        options: &GuestConfig,
        steps: &Steps,
        add: impl FnOnce(&mut ImageRequest),
    ) -> Result<Self> {
        if options.kernel != KernelChoice::Debian {
            bail!(
                "the bundle's kernel is {}: leave --kernel out, or make a bundle with that option",
                bundle.kernel_label()
            );
        }
        let qemu = Qemu::find(named_for_bundle(options)?.as_deref())?;
        let carrier = qemu.choose(options.attach)?;
        let mut request = ImageRequest::default();
        add(&mut request);
        let mut image = bundle.image(&request)?;
        if options.vendor {
            image.command_line_extra.push(VENDOR_WORD.to_owned());
        }
        steps.line(&format!(
            "from {}: {}",
            bundle.root().display(),
            image.kernel_label
        ));
        Self::for_qemu(qemu, carrier, bundle.emulator(), image, options)
    }

    fn for_qemu(
        qemu: Qemu,
        carrier: Carrier,
        emulator: PathBuf,
        mut image: GuestImage,
        options: &GuestConfig,
    ) -> Result<Self> {
        if image.takes_counter_hz {
            image
                .command_line_extra
                .push(format!("malta_counter_hz={}", qemu.counter_hz()));
        }
        check_memory(options.memory, &image)?;
        Ok(Self {
            qemu,
            carrier,
            emulator,
            emulator_options: Vec::new(),
            qemu_options: Vec::new(),
            image,
            memory: options.memory,
        })
    }
}

/// The QEMU that the user names, where nothing can be fetched.
fn named_for_bundle(options: &GuestConfig) -> Result<Option<PathBuf>> {
    match &options.qemu {
        Some(named) if named.as_os_str() == DEBIAN_BACKPORTS => {
            let fetched = cache_dir::find().ok().and_then(|cache| fetched(&cache));
            fetched.map(Some).with_context(|| {
                format!("a bundle fetches no QEMU: install one, or name one by its path, or run `cargo lab setup --qemu {DEBIAN_BACKPORTS}` in a checkout first")
            })
        }
        other => Ok(other.clone()),
    }
}

/// The QEMU that the user names; fetches Debian's newest if it is that.
///
/// # Errors
/// If it cannot be fetched.
pub fn named_qemu(
    options: &GuestConfig,
    repository: &Path,
    steps: &Steps,
) -> Result<Option<PathBuf>> {
    match &options.qemu {
        Some(named) if named.as_os_str() == DEBIAN_BACKPORTS => ImageBuilder::new(repository)?
            .newest_qemu(steps)
            .inspect_err(|_| steps.fail())
            .context("fetching QEMU from Debian's backports")
            .map(Some),
        other => Ok(other.clone()),
    }
}

/// Checks that Linux has room beside the carve-out.
fn check_memory(memory: MemoryLayout, image: &GuestImage) -> Result<()> {
    let carve_out = memory.carve_out();
    let placement = image.placement(memory.total(), Some(carve_out.base.0.into()));
    if let Err(guest_image::Error::TooLittleMemory { needed, .. }) = placement {
        let least = needed + u64::from(carve_out.bytes) / (1 << 20);
        bail!(
            "too little memory: this image needs {needed}M beside the carve-out; use --memory {least}M or more"
        );
    }
    placement?;
    Ok(())
}

/// Installs the host packages that are missing; says which, and asks at a terminal.
///
/// # Errors
/// If they cannot be installed.
pub fn install(options: &GuestConfig, repository: &Path, steps: &Steps) -> Result<()> {
    let needs = Needs {
        kernel: &options.kernel,
        qemu: options.qemu.is_none(),
    };
    host::install(&needs, repository, steps, options.yes)
        .inspect_err(|_| steps.fail())
        .context("preparing this machine")
}

/// The image alone, for whoever boots it later; `add` says what is in it beside the usual.
///
/// # Errors
/// What could not be had, and what to do about it.
pub fn image(
    options: &GuestConfig,
    steps: &Steps,
    add: impl FnOnce(&mut ImageRequest),
) -> Result<GuestImage> {
    let repository = repository()?;
    install(options, &repository, steps)?;
    image_with(&options.kernel, &repository, steps, add)
}

/// Kernel, module, agent and initramfs, and what `add` asks for beside.
fn image_with(
    kernel: &KernelChoice,
    repository: &Path,
    steps: &Steps,
    add: impl FnOnce(&mut ImageRequest),
) -> Result<GuestImage> {
    let mut request = ImageRequest {
        kernel: kernel.clone(),
        ..ImageRequest::default()
    };
    add(&mut request);
    ImageBuilder::new(repository)?
        .prepare(&request, steps)
        .inspect_err(|_| steps.fail())
        .context("preparing the guest's image")
}

/// The project's folder, or the bundle's in its place: where cargo says that this package is, else above the current folder.
///
/// # Errors
/// If there is none.
pub fn repository() -> Result<PathBuf> {
    if let Some(bundle) = bundle::current() {
        return Ok(bundle.root().to_path_buf());
    }
    let here = std::env::current_dir().context("finding the current folder")?;
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let found = package
        .iter()
        .flat_map(|package| package.ancestors())
        .chain(here.ancestors())
        .find(|folder| folder.join("driver/linux/Kbuild").is_file());
    match found {
        Some(folder) => Ok(folder.to_path_buf()),
        None => bail!(
            "{} is not inside the project; run `cargo lab` in a checkout of it",
            here.display()
        ),
    }
}

/// Builds the emulator and gives its program.
///
/// # Errors
/// With the compiler's words.
pub fn build_emulator(repository: &Path, steps: &Steps) -> Result<PathBuf> {
    steps.start("emulator: build");
    let result = cargo_build(repository, steps);
    match &result {
        Ok(program) => steps.finish(&program.display().to_string()),
        Err(_) => steps.fail(),
    }
    result
}

fn cargo_build(repository: &Path, steps: &Steps) -> Result<PathBuf> {
    let mut command = cargo();
    command
        .current_dir(repository)
        .args(["build", "--release", "--package", EMULATOR])
        // Both have the same dependencies with the same features then, and nothing is built twice.
        .args(["--package", LAB])
        .args(["--bin", EMULATOR])
        .arg("--message-format=json-render-diagnostics");
    let mut said = String::new();
    let mut program = None;
    let mut crates = 0;
    let status = process::run(&mut command, BUILD_LIMIT, |line| match line {
        Line::Err(text) => said.extend([text.as_str(), "\n"]),
        Line::Out(text) => {
            if let Some(built) = artifact(&text) {
                crates += 1;
                steps.advance(crates, None, "crates");
                program = built.or(program.take());
            }
        }
    })
    .context("running cargo")?;
    match program {
        Some(program) if status.success() => Ok(program),
        _ => bail!("the emulator could not be built ({status}):\n{said}"),
    }
}

/// Whether a message of cargo's is about a crate that was built, and the program if it is ours.
fn artifact(message: &str) -> Option<Option<PathBuf>> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let ours = message["target"]["name"] == EMULATOR;
    let program = message["executable"].as_str().filter(|_| ours);
    Some(program.map(PathBuf::from))
}

/// The cargo that runs the lab, with its toolchain's libraries where it is a private one.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if let Some(libraries) = std::env::var_os(PRIVATE_LIBRARIES) {
        command.env(LIBRARY_PATH, libraries);
    }
    if offline::is_set() {
        command.env(offline::VARIABLE, "true");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"tx-isp-emulator"},"executable":"/t/tx-isp-emulator"}"#;
        assert_eq!(artifact(line), Some(Some("/t/tx-isp-emulator".into())));
        let line = r#"{"reason":"compiler-artifact","target":{"name":"log"},"executable":null}"#;
        assert_eq!(artifact(line), Some(None));
        assert_eq!(
            artifact(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(artifact("no json"), None);
    }

    #[test]
    fn too_little_memory_is_refused_with_what_would_do() {
        let image = crate::qemu_command::tests::image();
        let error = check_memory("64M".parse().unwrap(), &image).unwrap_err();
        assert!(
            error.to_string().ends_with("use --memory 79M or more"),
            "{error}"
        );
        check_memory("79M".parse().unwrap(), &image).unwrap();
    }

    #[test]
    fn the_project_is_found_from_inside_it() {
        assert!(repository().unwrap().join("Cargo.toml").is_file());
    }
}
