// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a request to a bootable image, step by step.

use std::path::{Path, PathBuf};

use crate::apt::Apt;
use crate::board::Board;
use crate::cache::{Cache, Key};
use crate::error::{IoContext, Result};
use crate::initramfs::Initramfs;
use crate::kernel::modules::module_info;
use crate::kernel::{self, Kernel, KernelChoice};
use crate::module::{self, Module};
use crate::placement::Placement;
use crate::style::{self, Style};
use crate::user_modules::Sdk;
use crate::{agent, board, newest_qemu, test_programs, user_modules, userland};
use host_setup::progress::Progress;
use host_setup::toolchain::Toolchain;

/// Modules the guest loads at boot, if the kernel has not built them in.
const BASE_MODULES: [&str; 7] = [
    "virtio_pci",
    "virtio_console",
    "mc",
    "videodev",
    "videobuf2-common",
    "videobuf2-v4l2",
    "videobuf2-memops",
];

/// Modules that are loaded at boot where the kernel has them; programs reach the board's I2C bus by the
/// second.
const OPTIONAL_MODULES: [&str; 2] = ["videobuf2-dma-contig", "i2c-dev"];

/// The baseline of the benchmark; loaded only on demand.
const VIVID: &str = "vivid";

/// What the host's folder in the guest needs.
const SHARE: [&str; 2] = ["9p", "9pnet_virtio"];

/// Modules to load at boot, one path per line, in order.
const LOAD_ORDER: &str = "/lib/modules/load-order";

/// What to load in addition for vivid; empty if the kernel has no vivid.
const VIVID_ORDER: &str = "/lib/modules/vivid-order";

/// What to load in addition for the host's folder; empty if the kernel has it built in.
const SHARE_ORDER: &str = "/lib/modules/share-order";

/// Where our module is in the guest.
const OUR_MODULE: &str = "/lib/modules/tx-isp.ko";

/// Where the board's module is in the guest.
const BOARD_MODULE: &str = "/lib/modules/tx-isp-t31-board.ko";

/// Where images are made.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    repository: PathBuf,
    cache: Cache,
}

/// What the image is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    /// Which kernel.
    pub kernel: KernelChoice,
    /// Whether v4l2-ctl, v4l2-compliance and media-ctl are in it (about 5 MB).
    pub with_v4l_utils: bool,
    /// Whether v4l2-compliance with the kernel's format names is in it too; brings the V4L2 tools.
    /// See [`crate::compliance`].
    pub with_compliance: bool,
    /// Whether `gst-launch-1.0` with `v4l2src` is in it (about 10 MB).
    pub with_gstreamer: bool,
    /// Whether the programs that try the vendor's front, and all nodes at random, are in it.
    pub with_vendor_client: bool,
    /// Whether a folder of the host can be mounted: with the modules for it, where the kernel has them.
    pub with_share: bool,
    /// Further files.
    pub extra: Vec<ExtraFile>,
    /// Folders of the host whose contents lie over the root, in this order.
    pub add: Vec<PathBuf>,
    /// A user's own kernel modules; they are in [`crate::USER_MODULES`], and what they need of
    /// the kernel's own is loaded.
    pub modules: Vec<PathBuf>,
    /// A program or script to be `/init`, instead of the agent.
    pub init: Option<PathBuf>,
}

impl Default for ImageRequest {
    /// Debian's kernel, the V4L2 tools, the agent.
    fn default() -> Self {
        Self {
            kernel: KernelChoice::Debian,
            with_v4l_utils: true,
            with_compliance: false,
            with_gstreamer: false,
            with_vendor_client: false,
            with_share: false,
            extra: Vec::new(),
            add: Vec::new(),
            modules: Vec::new(),
            init: None,
        }
    }
}

/// A file of the host that goes into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    /// Its absolute path in the guest.
    pub guest: String,
    /// Where it is on the host.
    pub host: PathBuf,
    /// Its permissions, as in `0o644`.
    pub mode: u32,
}

/// A prepared image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestImage {
    /// The kernel as an ELF file, for QEMU's `-kernel`.
    pub kernel_elf: PathBuf,
    /// The first physical address behind the loaded kernel, in bytes.
    pub kernel_end: u64,
    /// The root file system, to be placed with [`GuestImage::placement`].
    pub initramfs: PathBuf,
    /// Its size in bytes.
    pub initramfs_size: u64,
    /// What `uname -r` says in the guest.
    pub kernel_release: String,
    /// For people, as in "debian 6.1.0-50-4kc-malta".
    pub kernel_label: String,
    /// tx-isp.ko as it is in the image.
    pub module_path: PathBuf,
    /// The same with debugging information.
    pub module_debug_path: PathBuf,
    /// Whether the guest can load vivid.
    pub has_vivid: bool,
    /// The Rust toolchain that built module and agent.
    pub toolchain: String,
    /// Words the kernel needs on its command line.
    pub command_line_extra: Vec<String>,
    /// Whether it also needs `malta_counter_hz=`, how fast this QEMU's CP0 counter counts.
    pub takes_counter_hz: bool,
}

impl GuestImage {
    /// Where the initramfs goes in a guest with `ram` bytes of memory: below `limit`, where what Linux is
    /// not to use begins.
    ///
    /// # Errors
    /// [`crate::Error::TooLittleMemory`] if there is no room for it.
    pub fn placement(&self, ram: u64, limit: Option<u64>) -> Result<Placement> {
        Placement::find(ram, limit, self.kernel_end, self.initramfs_size)
    }
}

impl ImageBuilder {
    /// An image builder for the project in `repository`. The cache is `$TX_ISP_CACHE`, else `tx-isp` in
    /// the user's cache folder.
    ///
    /// # Errors
    /// If the repository is not there, or no cache folder can be named.
    pub fn new(repository: impl AsRef<Path>) -> Result<Self> {
        let repository = repository.as_ref();
        Ok(Self {
            repository: repository
                .canonicalize()
                .at("looking for the project in", repository)?,
            cache: Cache::find()?,
        })
    }

    /// The cache folder.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        self.cache.root()
    }

    /// A new `packages.lock`, of all the packages that this cache was asked for.
    ///
    /// # Errors
    /// What apt said.
    pub fn lock_packages(&self, progress: &dyn Progress) -> Result<String> {
        let _lock = self.cache.lock(progress)?;
        Apt::open(&self.repository, &self.cache, progress)?.lock_text()
    }

    /// What is needed to build for the guest with that kernel; fetches what is missing.
    ///
    /// # Errors
    /// If the kernel cannot be had.
    pub fn sdk(&self, choice: &KernelChoice, progress: &dyn Progress) -> Result<Sdk> {
        let (kernel, board) = self.kernel_and_board(choice, progress)?;
        Ok(Sdk::of(kernel, board))
    }

    /// Runs kbuild in a folder of the user's, and gives the modules it made, in its own order.
    ///
    /// # Errors
    /// With the compiler's words; or if there is nothing to build.
    pub fn build_modules(
        &self,
        choice: &KernelChoice,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>> {
        let (kernel, board) = self.kernel_and_board(choice, progress)?;
        user_modules::build(&kernel, &board, folder, progress)
    }

    /// The newest QEMU of Debian's backports: a program to be started like any other. Fetches it the
    /// first time.
    ///
    /// # Errors
    /// If it cannot be fetched, or is not as it is known.
    pub fn newest_qemu(&self, progress: &dyn Progress) -> Result<PathBuf> {
        newest_qemu::fetch(&self.cache, progress)
    }

    /// What the kernel's own tools say of the driver's C files.
    ///
    /// # Errors
    /// If the tools cannot be had.
    pub fn style(&self, progress: &dyn Progress) -> Result<Style> {
        let _lock = self.cache.lock(progress)?;
        let apt = Apt::open(&self.repository, &self.cache, progress)?;
        style::check(&self.repository, &self.cache, &apt, progress)
    }

    fn kernel_and_board(
        &self,
        choice: &KernelChoice,
        progress: &dyn Progress,
    ) -> Result<(Kernel, Board)> {
        let _lock = self.cache.lock(progress)?;
        let apt = Apt::open(&self.repository, &self.cache, progress)?;
        let kernel = kernel::prepare(choice, &self.repository, &self.cache, &apt, progress)?;
        let board = board::build(&kernel, &self.repository, &self.cache, progress)?;
        Ok((kernel, board))
    }

    /// Fetches and builds what is missing or has changed, and packs the image. Waits if another
    /// run uses the cache.
    ///
    /// # Errors
    /// Whatever keeps the image from being made; see [`crate::Error`].
    pub fn prepare(&self, request: &ImageRequest, progress: &dyn Progress) -> Result<GuestImage> {
        let _lock = self.cache.lock(progress)?;
        host_setup::disk::check_cache(self.cache.root())?;
        let toolchain = Toolchain::find(&self.repository, self.cache.root())?;
        let apt = Apt::open(&self.repository, &self.cache, progress)?;
        let kernel = kernel::prepare(
            &request.kernel,
            &self.repository,
            &self.cache,
            &apt,
            progress,
        )?;
        let module = module::build(&kernel, &self.repository, &self.cache, &toolchain, progress)?;

        let board = board::build(&kernel, &self.repository, &self.cache, progress)?;
        let mut image = Initramfs::new();
        userland::add_busybox(&mut image, &apt)?;
        if request.with_v4l_utils || request.with_compliance {
            userland::add_v4l_utils(&mut image, &apt, request.with_compliance)?;
        }
        if request.with_gstreamer {
            userland::add_gstreamer(&mut image, &apt)?;
        }
        if request.with_vendor_client {
            for program in test_programs::TEST_PROGRAMS {
                let built = test_programs::build(program, &self.repository, &self.cache)?;
                image.copy(program.path, &built, 0o755)?;
            }
        }
        add_modules(&mut image, &kernel, &module, request)?;
        image.copy(BOARD_MODULE, &board.module, 0o644)?;
        let init = match &request.init {
            Some(init) => init.clone(),
            None => agent::build(&self.repository, &self.cache, &toolchain, progress)?,
        };
        image.copy("/init", &init, 0o755)?;
        image.link("/bin/guest-agent", "../init")?;
        for extra in &request.extra {
            image.copy(&extra.guest, &extra.host, extra.mode)?;
        }
        let initramfs = self
            .cache
            .dir("images")?
            .join(format!("{}.cpio", image_name(&kernel, request)));
        let segments = request
            .add
            .iter()
            .map(|folder| image.segment_of(folder))
            .collect::<Result<Vec<_>>>()?;
        let initramfs_size = image.write(&initramfs, &segments)?;
        Ok(GuestImage {
            kernel_end: kernel::loaded_end(&kernel.elf)?,
            kernel_elf: kernel.elf,
            initramfs,
            initramfs_size,
            kernel_release: kernel.release,
            kernel_label: kernel.label,
            module_path: module.stripped,
            module_debug_path: module.full,
            has_vivid: kernel.modules.has(VIVID),
            toolchain: toolchain.to_string(),
            command_line_extra: kernel.command_line,
            takes_counter_hz: kernel.takes_counter_hz,
        })
    }
}

/// One name per kind of image, so that the cache holds the last of each kind.
fn image_name(kernel: &Kernel, request: &ImageRequest) -> String {
    let mut key = Key::new().add(if request.with_v4l_utils { "v4l" } else { "" });
    for (with, name) in [
        (request.with_compliance, "compliance"),
        (request.with_gstreamer, "gstreamer"),
        (request.with_vendor_client, "vendor-client"),
        (request.with_share, "share"),
    ] {
        if with {
            key = key.add(name);
        }
    }
    for path in request
        .init
        .iter()
        .chain(request.extra.iter().map(|extra| &extra.host))
        .chain(&request.add)
        .chain(&request.modules)
    {
        key = key.add(path.as_os_str().as_encoded_bytes());
    }
    for extra in &request.extra {
        key = key.add(&extra.guest);
    }
    format!("{}-{}", kernel.key, key.finish())
}

fn add_modules(
    image: &mut Initramfs,
    kernel: &Kernel,
    module: &Module,
    request: &ImageRequest,
) -> Result<()> {
    let ours = module_info(&module.full, "depends")?.unwrap_or_default();
    let needed = user_modules::add(image, kernel, &request.modules)?;
    let mut wanted: Vec<&str> = BASE_MODULES.to_vec();
    wanted.extend(needed.iter().map(String::as_str));
    wanted.extend(
        OPTIONAL_MODULES
            .iter()
            .filter(|name| kernel.modules.has(name)),
    );
    wanted.extend(ours.split(',').filter(|name| !name.is_empty()));
    let base = kernel.modules.load_order(&wanted)?;
    // What more it takes to have these; nothing if the kernel has not got them.
    let beside = |names: &[&'static str]| -> Result<Vec<PathBuf>> {
        if !names.iter().all(|name| kernel.modules.has(name)) {
            return Ok(Vec::new());
        }
        let wanted: Vec<&str> = wanted.iter().chain(names).copied().collect();
        let mut order = kernel.modules.load_order(&wanted)?;
        order.retain(|path| !base.contains(path));
        Ok(order)
    };
    let mut lists = vec![(LOAD_ORDER, base.clone()), (VIVID_ORDER, beside(&[VIVID])?)];
    if request.with_share {
        lists.push((SHARE_ORDER, beside(&SHARE)?));
    }
    for (list, files) in lists {
        let mut text = String::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let guest = format!("/lib/modules/{}/{name}", kernel.release);
            image.copy(&guest, &file, 0o644)?;
            text.push_str(&guest);
            text.push('\n');
        }
        image.file(list, text.into_bytes(), 0o644)?;
    }
    image.copy(OUR_MODULE, &module.stripped, 0o644)
}
