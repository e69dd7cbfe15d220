// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packs the guest's root file system: a cpio archive that depends on its content alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};

use crate::cache;
use crate::error::{Error, IoContext, Result};

/// Where a further segment begins: Linux wants multiples of 4, archives of tape blocks have 512.
const SEGMENT_ALIGNMENT: usize = 512;

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

    /// A segment that puts all that a folder of the host holds over the root of this image: folders,
    /// files with their permissions, and symbolic links.
    ///
    /// # Errors
    /// If something cannot be read, is none of these, or would replace a folder of the image.
    pub(crate) fn segment_of(&self, folder: &Path) -> Result<Self> {
        let mut segment = Self::default();
        self.add_folder(&mut segment, "", folder)?;
        Ok(segment)
    }

    fn add_folder(&self, segment: &mut Self, inside: &str, folder: &Path) -> Result<()> {
        for host in cache::entries(folder)? {
            let name = host.file_name().unwrap_or_default();
            let name = name.to_str().ok_or_else(|| Error::Pack {
                path: host.clone(),
                reason: "its name is no UTF-8".to_owned(),
            })?;
            let path = match inside {
                "" => name.to_owned(),
                inside => format!("{inside}/{name}"),
            };
            let found = fs::symlink_metadata(&host).at("reading", &host)?;
            let mode = found.permissions().mode() & 0o7777;
            let there = self.nodes.get(&path);
            if found.is_dir() {
                // A link to a folder stays one: what is in the folder goes where it points.
                if !matches!(there, Some(Node::Link { .. } | Node::Directory { .. })) {
                    segment.nodes.insert(path.clone(), Node::Directory { mode });
                }
                self.add_folder(segment, &path, &host)?;
                continue;
            }
            let node = if found.is_symlink() {
                let target = fs::read_link(&host).at("reading", &host)?;
                let target = target.display().to_string();
                Node::Link { target }
            } else if found.is_file() {
                let content = cache::read(&host)?;
                Node::File { mode, content }
            } else {
                return Err(Error::Pack {
                    path: host,
                    reason: "it is no file, folder or symbolic link".to_owned(),
                });
            };
            if let Some(Node::Directory { .. }) = there {
                return Err(Error::Pack {
                    path: host,
                    reason: format!("/{path} is a folder in the guest"),
                });
            }
            segment.nodes.insert(path, node);
        }
        Ok(())
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

    /// Writes the archive to `target`, whole or not at all; gives its size in bytes. The `segments`
    /// follow it: Linux unpacks them one after the other, each over what is there.
    pub(crate) fn write(&self, target: &Path, segments: &[Self]) -> Result<u64> {
        let mut archive = self.pack()?;
        for segment in segments {
            archive.resize(archive.len().next_multiple_of(SEGMENT_ALIGNMENT), 0);
            archive.extend(segment.pack()?);
        }
        let partial = target.with_extension("partial");
        fs::write(&partial, &archive).at("writing", &partial)?;
        fs::rename(&partial, target).at("renaming into place", target)?;
        Ok(u64::try_from(archive.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_lies_over_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("sbin/deep")).unwrap();
        fs::create_dir_all(at("tmp")).unwrap();
        fs::write(at("sbin/tool"), "x").unwrap();
        fs::set_permissions(at("sbin/tool"), fs::Permissions::from_mode(0o751)).unwrap();
        std::os::unix::fs::symlink("tool", at("sbin/alias")).unwrap();
        let mut image = Initramfs::new();
        image.link("/sbin", "bin").unwrap();
        let segment = image.segment_of(dir.path()).unwrap();
        let names: Vec<&str> = segment.nodes.keys().map(String::as_str).collect();
        assert_eq!(names, ["sbin/alias", "sbin/deep", "sbin/tool"]);
        let tool = Node::File {
            mode: 0o751,
            content: b"x".to_vec(),
        };
        assert_eq!(segment.nodes["sbin/tool"], tool);
        let target = dir.path().join("image");
        let size = image.write(&target, &[segment]).unwrap();
        let bytes = fs::read(&target).unwrap();
        assert_eq!(bytes.len(), usize::try_from(size).unwrap());
        let second = image.pack().unwrap().len().next_multiple_of(512);
        assert_eq!(bytes[second..second + 6], *b"070701");
        // What would replace a folder of the guest is lost in it without a word.
        fs::remove_dir(at("tmp")).unwrap();
        std::os::unix::fs::symlink("run", at("tmp")).unwrap();
        let error = image.segment_of(dir.path()).unwrap_err().to_string();
        assert!(error.contains("/tmp is a folder in the guest"), "{error}");
    }

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
