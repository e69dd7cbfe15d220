// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything that a guest needs in one archive: the lab, the emulator, kernel and image. It runs with
//! QEMU alone, where there is neither a compiler nor a package manager nor a checkout.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use guest_image::{GuestImage, ImageRequest};
use host_setup::cache_dir;
use serde::{Deserialize, Serialize};

/// The file that describes a bundle; its folder is one.
pub const MANIFEST: &str = "bundle.json";
/// The lab's program in a bundle.
pub const LAB: &str = "lab";
/// The emulator's program.
pub const EMULATOR: &str = "tx-isp-emulator";
/// The kernel.
pub const KERNEL: &str = "vmlinux";
/// The root file system.
pub const INITRAMFS: &str = "initramfs.cpio";
/// The driver, as it is in the image.
pub const MODULE: &str = "tx-isp.ko";
/// The cameras, where a checkout has them.
pub const CAMERAS: &str = "ci/cameras";
/// The archive's one folder.
pub const FOLDER: &str = "tx-isp";

/// What this lab reads and writes.
const FORMAT: u32 = 2;

static CURRENT: OnceLock<Bundle> = OnceLock::new();

/// What a bundle's image is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    kernel_label: String,
    kernel_release: String,
    kernel_end: u64,
    has_vivid: bool,
    toolchain: String,
    command_line_extra: Vec<String>,
    takes_counter_hz: bool,
    /// What the files have to be, by their names in the bundle.
    files: BTreeMap<String, FileSum>,
}

/// What tells a file from a damaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSum {
    size: u64,
    crc32: u32,
}

impl FileSum {
    /// Of a file's content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self {
            size: u64::try_from(content.len()).unwrap_or(u64::MAX),
            crc32: crc32fast::hash(content),
        }
    }
}

impl Manifest {
    /// Of an image as it was prepared, and of the bundle's other files.
    #[must_use]
    pub fn of(image: &GuestImage, files: BTreeMap<String, FileSum>) -> Self {
        Self {
            format: FORMAT,
            kernel_label: image.kernel_label.clone(),
            kernel_release: image.kernel_release.clone(),
            kernel_end: image.kernel_end,
            has_vivid: image.has_vivid,
            // Where it was on the machine that made the bundle is nobody's business.
            toolchain: image
                .toolchain
                .split(" in /")
                .next()
                .unwrap_or_default()
                .to_owned(),
            // The counter's frequency is that of the QEMU that runs it.
            command_line_extra: image
                .command_line_extra
                .iter()
                .filter(|word| !word.starts_with("malta_counter_hz="))
                .cloned()
                .collect(),
            takes_counter_hz: image.takes_counter_hz,
            files,
        }
    }
}

/// An unpacked bundle.
#[derive(Debug, Clone)]
pub struct Bundle {
    root: PathBuf,
    manifest: Manifest,
}

/// Takes everything from a bundle from now on: an archive, which is unpacked into the cache once, or
/// its unpacked folder.
///
/// # Errors
/// If it is none, or cannot be unpacked.
pub fn take(path: &Path) -> Result<()> {
    let bundle = Bundle::open(path)?;
    if CURRENT.set(bundle).is_err() {
        bail!("two bundles are named");
    }
    Ok(())
}

/// Does so if this program stands in the folder of a bundle.
///
/// # Errors
/// If what describes the bundle cannot be read.
pub fn take_if_inside() -> Result<()> {
    let program = std::env::current_exe().context("finding this program")?;
    match program.parent() {
        Some(folder) if folder.join(MANIFEST).is_file() => take(folder),
        _ => Ok(()),
    }
}

/// The bundle that was taken, if any.
pub fn current() -> Option<&'static Bundle> {
    CURRENT.get()
}

impl Bundle {
    /// Opens a folder or an archive.
    ///
    /// # Errors
    /// If it is no bundle, with what is wrong.
    pub fn open(path: &Path) -> Result<Self> {
        let metadata =
            fs::metadata(path).with_context(|| format!("the bundle {}", path.display()))?;
        let root = if metadata.is_dir() {
            path.canonicalize()
                .with_context(|| format!("the bundle {}", path.display()))?
        } else {
            unpack(path, &cache_dir::find()?.join("bundles"))?
        };
        Self::at(root)
    }

    fn at(root: PathBuf) -> Result<Self> {
        let file = root.join(MANIFEST);
        let text = fs::read_to_string(&file).with_context(|| {
            format!(
                "{} is no bundle: it has no {MANIFEST}; `cargo lab bundle --output FILE.tar.xz` makes one",
                root.display()
            )
        })?;
        // Another version's may lack what this one has, so the version is looked at alone, first.
        let format = serde_json::from_str::<serde_json::Value>(&text)
            .with_context(|| format!("{} is damaged: make the bundle anew", file.display()))?
            .get("format")
            .cloned();
        ensure!(
            format == Some(FORMAT.into()),
            "{} has format {}, this lab reads {FORMAT}: use the lab inside the bundle",
            file.display(),
            format.unwrap_or_default()
        );
        let manifest: Manifest = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: make the bundle anew", file.display()))?;
        for name in [EMULATOR, KERNEL, INITRAMFS] {
            ensure!(
                manifest.files.contains_key(name),
                "{} names no {name}: make the bundle anew",
                file.display()
            );
        }
        let bundle = Self { root, manifest };
        bundle.check_files()?;
        Ok(bundle)
    }

    /// Checks that every file is there and as it was when the bundle was made.
    fn check_files(&self) -> Result<()> {
        for (name, expected) in &self.manifest.files {
            let file = self.root.join(name);
            ensure!(file.is_file(), "the bundle lacks {}", file.display());
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let found = FileSum::of(&content);
            // A camera's file is for people to change.
            let is_a_users = name.starts_with(CAMERAS);
            ensure!(
                found == *expected || is_a_users,
                "{} is damaged: {} bytes with checksum {:08x}, where the bundle was made {} with {:08x}; unpack or copy it anew",
                file.display(),
                found.size,
                found.crc32,
                expected.size,
                expected.crc32
            );
        }
        Ok(())
    }

    /// What its kernel is, for people.
    #[must_use]
    pub fn kernel_label(&self) -> &str {
        &self.manifest.kernel_label
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its emulator.
    #[must_use]
    pub fn emulator(&self) -> PathBuf {
        self.root.join(EMULATOR)
    }

    /// Its image.
    ///
    /// # Errors
    /// If more is asked of the image than is in it.
    pub fn image(&self, request: &ImageRequest) -> Result<GuestImage> {
        ensure!(
            !request.with_gstreamer
                && request.extra.is_empty()
                && request.add.is_empty()
                && request.modules.is_empty()
                && request.init.is_none(),
            "this needs an image of its own, which a bundle cannot make: run it in a checkout"
        );
        let initramfs = self.root.join(INITRAMFS);
        let initramfs_size = fs::metadata(&initramfs)
            .with_context(|| format!("reading {}", initramfs.display()))?
            .len();
        let manifest = self.manifest.clone();
        Ok(GuestImage {
            kernel_elf: self.root.join(KERNEL),
            kernel_end: manifest.kernel_end,
            initramfs,
            initramfs_size,
            kernel_release: manifest.kernel_release,
            kernel_label: manifest.kernel_label,
            module_path: self.root.join(MODULE),
            module_debug_path: self.root.join(MODULE),
            has_vivid: manifest.has_vivid,
            toolchain: manifest.toolchain,
            command_line_extra: manifest.command_line_extra,
            takes_counter_hz: manifest.takes_counter_hz,
        })
    }
}

/// Unpacks an archive into a folder named by its content, if that is not there yet.
fn unpack(archive: &Path, bundles: &Path) -> Result<PathBuf> {
    let context = || format!("unpacking {}", archive.display());
    let mut bytes = Vec::new();
    File::open(archive)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .with_context(context)?;
    let name = format!("{:08x}-{}", crc32fast::hash(&bytes), bytes.len());
    let target = bundles.join(name);
    if !target.join(FOLDER).join(MANIFEST).is_file() {
        fs::create_dir_all(bundles).with_context(context)?;
        let partial = tempfile::tempdir_in(bundles).with_context(context)?;
        let reader = lzma_rust2::XzReader::new(BufReader::new(bytes.as_slice()), false);
        tar::Archive::new(reader)
            .unpack(partial.path())
            .with_context(|| {
                format!(
                    "{} is no bundle, or a damaged one: `cargo lab bundle --output FILE.tar.xz` makes one",
                    archive.display()
                )
            })?;
        match fs::rename(partial.path(), &target) {
            // Another run was faster.
            Err(_) if target.is_dir() => {}
            other => other.with_context(context)?,
        }
    }
    Ok(target.join(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut image = crate::qemu_command::tests::image();
        image.toolchain = "rustc 1.96.0 in /usr/bin/rustc".to_owned();
        image
            .command_line_extra
            .push("malta_counter_hz=166666667".to_owned());
        let mut files = BTreeMap::new();
        for name in [EMULATOR, KERNEL, INITRAMFS] {
            fs::write(dir.path().join(name), name).unwrap();
            files.insert(name.to_owned(), FileSum::of(name.as_bytes()));
        }
        let manifest = serde_json::to_string(&Manifest::of(&image, files)).unwrap();
        fs::write(dir.path().join(MANIFEST), manifest).unwrap();
        dir
    }

    #[test]
    fn a_folder_gives_its_image_without_what_belongs_to_another_machine() {
        let dir = folder();
        let bundle = Bundle::open(dir.path()).unwrap();
        let image = bundle.image(&ImageRequest::default()).unwrap();
        assert_eq!(image.toolchain, "rustc 1.96.0");
        assert_eq!(image.command_line_extra, ["extra=1"]);
        assert_eq!(image.initramfs_size, INITRAMFS.len() as u64);
        assert!(image.kernel_elf.is_file());
    }

    #[test]
    fn what_a_bundle_cannot_do_is_said() {
        let dir = folder();
        let bundle = Bundle::open(dir.path()).unwrap();
        for request in [
            ImageRequest {
                with_gstreamer: true,
                ..ImageRequest::default()
            },
            ImageRequest {
                add: vec!["/tmp".into()],
                ..ImageRequest::default()
            },
        ] {
            let error = bundle.image(&request).unwrap_err().to_string();
            assert!(error.contains("in a checkout"), "{error}");
        }
        fs::remove_file(dir.path().join(KERNEL)).unwrap();
        let error = Bundle::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("lacks") && error.contains(KERNEL), "{error}");
        let empty = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Bundle::open(empty.path()).unwrap_err());
        assert!(error.contains("is no bundle"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_named_and_another_version_is_told_apart() {
        let dir = folder();
        fs::write(dir.path().join(INITRAMFS), "initramfs.cpiO").unwrap();
        let error = Bundle::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("initramfs.cpio is damaged"), "{error}");
        fs::write(dir.path().join(MANIFEST), r#"{"format": 1}"#).unwrap();
        let error = Bundle::open(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("format 1") && error.contains("use the lab inside"),
            "{error}"
        );
        fs::write(dir.path().join(MANIFEST), "{\"form").unwrap();
        let error = Bundle::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.tar.xz");
        fs::write(&file, "no archive").unwrap();
        let error = unpack(&file, &dir.path().join("bundles")).unwrap_err();
        assert!(format!("{error:#}").contains("is no bundle"), "{error:#}");
    }
}
