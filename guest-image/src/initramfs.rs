// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packs the guest's root file system: a cpio archive that depends on its content alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};

use crate::cache;
use crate::error::{Error, IoContext, Result};

/// One entry of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Directory { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Link { target: String },
    CharDevice { mode: u32, major: u32, minor: u32 },
}

/// An image in the making: paths in the guest and what is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Initramfs {
    /// Sorted, so that folders come before what is in them and the archive is always the same.
    nodes: BTreeMap<String, Node>,
}

impl Initramfs {
    /// With the folders every guest has and the console that the kernel gives to init.
    pub(crate) fn new() -> Self {
        let mut image = Self::default();
        for (path, mode) in [
            ("dev", 0o755),
            ("proc", 0o555),
            ("root", 0o700),
            ("run", 0o755),
            ("sys", 0o555),
            ("tmp", 0o1777),
        ] {
            image
                .nodes
                .insert(path.to_owned(), Node::Directory { mode });
        }
        image.nodes.insert(
            "dev/console".to_owned(),
            Node::CharDevice {
                mode: 0o600,
                major: 5,
                minor: 1,
            },
        );
        image
    }

    /// Adds a copy of a file of the host.
    ///
    /// # Errors
    /// If it cannot be read, or `guest` is no absolute path in the guest.
    pub(crate) fn copy(&mut self, guest: &str, host: &Path, mode: u32) -> Result<()> {
        self.file(guest, cache::read(host)?, mode)
    }

    /// Adds a file with that content.
    pub(crate) fn file(&mut self, guest: &str, content: Vec<u8>, mode: u32) -> Result<()> {
        let mode = mode & 0o7777;
        self.insert(guest, Node::File { mode, content })
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, guest: &str, target: &str) -> Result<()> {
        let target = target.to_owned();
        self.insert(guest, Node::Link { target })
    }

    fn insert(&mut self, guest: &str, node: Node) -> Result<()> {
        let refuse = |reason: &str| Error::Pack {
            path: PathBuf::from(guest),
            reason: reason.to_owned(),
        };
        let path = guest
            .strip_prefix('/')
            .filter(|path| path.split('/').all(|part| !matches!(part, "" | "." | "..")))
            .ok_or_else(|| refuse("give an absolute path in the guest without . or .."))?;
        let mut end = 0;
        while let Some(slash) = path.get(end..).and_then(|rest| rest.find('/')) {
            let parent = path.get(..end + slash).unwrap_or_default();
            let folder = self
                .nodes
                .entry(parent.to_owned())
                .or_insert(Node::Directory { mode: 0o755 });
            if !matches!(folder, Node::Directory { .. }) {
                return Err(refuse(&format!("/{parent} is no folder in the image")));
            }
            end += slash + 1;
        }
        if let Some(Node::Directory { .. }) = self.nodes.get(path) {
            return Err(refuse("there is a folder in the image"));
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// The archive in the form Linux unpacks ("newc"), not compressed.
    pub(crate) fn pack(&self) -> Result<Vec<u8>> {
        let mut archive = Vec::new();
        for (number, (path, node)) in (1u32..).zip(&self.nodes) {
            let entry = Builder::new(path).ino(number).nlink(1).mtime(0);
            let (entry, content): (Builder, &[u8]) = match node {
                Node::Directory { mode } => (
                    entry
                        .mode(*mode)
                        .nlink(2)
                        .set_mode_file_type(ModeFileType::Directory),
                    &[],
                ),
                Node::File { mode, content } => (
                    entry.mode(*mode).set_mode_file_type(ModeFileType::Regular),
                    content,
                ),
                Node::Link { target } => (
                    entry.mode(0o777).set_mode_file_type(ModeFileType::Symlink),
                    target.as_bytes(),
                ),
                Node::CharDevice { mode, major, minor } => (
                    entry
                        .mode(*mode)
                        .rdev_major(*major)
                        .rdev_minor(*minor)
                        .set_mode_file_type(ModeFileType::Char),
                    &[],
                ),
            };
            let packed = Path::new("/").join(path);
            let size = u32::try_from(content.len()).map_err(|_| Error::Pack {
                path: packed.clone(),
                reason: "it is over 4 GiB".to_owned(),
            })?;
            let mut writer = entry.write(&mut archive, size);
            writer
                .write_all(content)
                .and_then(|()| writer.finish().map(drop))
                .at("packing", &packed)?;
        }
        trailer(&mut archive).at("packing", "the end of the archive")?;
        Ok(archive)
    }

    /// Writes the archive to `target`, whole or not at all; gives its size in bytes.
    pub(crate) fn write(&self, target: &Path) -> Result<u64> {
        let archive = self.pack()?;
        let partial = target.with_extension("partial");
        fs::write(&partial, &archive).at("writing", &partial)?;
        fs::rename(&partial, target).at("renaming into place", target)?;
        Ok(u64::try_from(archive.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(reverse: bool) -> Initramfs {
        let mut image = Initramfs::new();
        let mut names = vec!["/init", "/lib/a/b.so", "/bin/tool"];
        if reverse {
            names.reverse();
        }
        for name in names {
            image.file(name, name.as_bytes().to_vec(), 0o755).unwrap();
        }
        image.link("/bin/sh", "busybox").unwrap();
        image
    }

    #[test]
    fn the_archive_depends_on_content_not_on_order() {
        let archive = sample(false).pack().unwrap();
        assert_eq!(archive, sample(true).pack().unwrap());
        assert_eq!(archive.len() % 4, 0);
        assert!(archive.starts_with(b"070701"));
    }

    #[test]
    fn the_archive_reads_back_with_folders_before_files() {
        let archive = sample(false).pack().unwrap();
        let mut rest = archive.as_slice();
        let mut seen = Vec::new();
        loop {
            let reader = cpio::NewcReader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            seen.push((reader.entry().name().to_owned(), reader.entry().mode()));
            rest = reader.finish().unwrap();
        }
        let at = |name: &str| seen.iter().position(|(path, _)| path == name).unwrap();
        assert!(at("lib") < at("lib/a") && at("lib/a") < at("lib/a/b.so"));
        assert_eq!(seen[at("init")].1, 0o100_755);
        assert_eq!(seen[at("tmp")].1, 0o041_777);
        assert_eq!(seen[at("bin/sh")].1, 0o120_777);
        assert_eq!(seen[at("dev/console")].1, 0o020_600);
    }

    #[test]
    fn impossible_paths_are_refused_by_name() {
        let mut image = sample(false);
        for path in ["relative", "/a/../b", "/a//b", "/"] {
            let error = image.file(path, Vec::new(), 0o644).unwrap_err().to_string();
            assert!(error.contains(path), "{error}");
        }
        let below_a_file = image.file("/init/x", Vec::new(), 0o644).unwrap_err();
        assert!(below_a_file.to_string().contains("/init is no folder"));
        assert!(image.file("/lib", Vec::new(), 0o644).is_err());
    }
}
