// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A kernel's modules: where they are, what they need, and in which order to load them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use object::read::elf::{FileHeader, SectionHeader};
use object::{LittleEndian, elf};

use crate::cache;
use crate::error::{Error, Result};

/// The modules of one kernel, as installed in `lib/modules/RELEASE`.
#[derive(Debug, Clone)]
pub(crate) struct ModuleTree {
    release: String,
    files: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
}

impl ModuleTree {
    /// Reads the tree in `root`.
    pub(crate) fn open(root: &Path, release: &str) -> Result<Self> {
        let mut files = BTreeMap::new();
        let kernel = root.join("kernel");
        if kernel.is_dir() {
            collect(&kernel, &mut files)?;
        }
        let list = root.join("modules.builtin");
        let builtin = cache::read_text(&list)?.lines().map(name_of).collect();
        Ok(Self {
            release: release.to_owned(),
            files,
            builtin,
        })
    }

    /// The files to load, in order, so that `wanted` are there. What the kernel has built in needs
    /// no file.
    ///
    /// # Errors
    /// [`Error::NoModule`] if one of them, or something it needs, is not there.
    pub(crate) fn load_order(&self, wanted: &[&str]) -> Result<Vec<PathBuf>> {
        let order = load_order(wanted, |name, wanted_by| {
            if let Some(path) = self.files.get(name) {
                return depends(path);
            }
            if self.builtin.contains(name) {
                return Ok(None);
            }
            Err(Error::NoModule {
                release: self.release.clone(),
                module: name.to_owned(),
                wanted_by: wanted_by.to_owned(),
            })
        })?;
        Ok(order
            .iter()
            .filter_map(|name| self.files.get(name).cloned())
            .collect())
    }

    /// Whether the kernel has this module, built in or as a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = name_of(name);
        self.files.contains_key(&name) || self.builtin.contains(&name)
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for path in cache::entries(dir)? {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|found| found == "ko") {
            files.insert(name_of(&path.to_string_lossy()), path);
        }
    }
    Ok(())
}

/// A module's name, from its name or path: the kernel takes `-` and `_` as the same.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.trim_end_matches(".ko").replace('-', "_")
}

/// `needs(name, wanted_by)` gives the modules that one needs, or None if it is built in. Each
/// module comes after all it needs, and once.
fn load_order(
    wanted: &[&str],
    needs: impl Fn(&str, &str) -> Result<Option<Vec<String>>>,
) -> Result<Vec<String>> {
    fn visit(
        name: &str,
        wanted_by: &str,
        needs: &impl Fn(&str, &str) -> Result<Option<Vec<String>>>,
        seen: &mut BTreeSet<String>,
        order: &mut Vec<String>,
    ) -> Result<()> {
        // Noted before its needs are visited: a circle, which depmod forbids, would end here.
        if !seen.insert(name.to_owned()) {
            return Ok(());
        }
        if let Some(needed) = needs(name, wanted_by)? {
            for next in needed {
                visit(&name_of(&next), name, needs, seen, order)?;
            }
            order.push(name.to_owned());
        }
        Ok(())
    }

    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for name in wanted {
        visit(&name_of(name), "the guest", &needs, &mut seen, &mut order)?;
    }
    Ok(order)
}

/// What a module file says it needs.
fn depends(path: &Path) -> Result<Option<Vec<String>>> {
    Ok(Some(
        module_info(path, "depends")?
            .unwrap_or_default()
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    ))
}

/// One field of a module's information section, as `modinfo` shows it.
pub(crate) fn module_info(path: &Path, field: &str) -> Result<Option<String>> {
    let bytes = cache::read(path)?;
    let section = || -> object::read::Result<Option<Vec<u8>>> {
        let header = elf::FileHeader32::<LittleEndian>::parse(&*bytes)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, &*bytes)?;
        match sections.section_by_name(endian, b".modinfo") {
            Some((_, section)) => Ok(Some(section.data(endian, &*bytes)?.to_vec())),
            None => Ok(None),
        }
    };
    let section = section().map_err(|error| Error::Unexpected {
        tool: "the kernel's build",
        detail: format!("{} is no module: {error}", path.display()),
    })?;
    Ok(section.and_then(|section| find_info(&section, field)))
}

fn find_info(section: &[u8], field: &str) -> Option<String> {
    section.split(|byte| *byte == 0).find_map(|entry| {
        let text = std::str::from_utf8(entry).ok()?;
        text.strip_prefix(field)?
            .strip_prefix('=')
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(wanted: &[&str]) -> Result<Vec<String>> {
        load_order(wanted, |name, wanted_by| match name {
            "videodev" => Ok(Some(vec!["mc".into(), "i2c-core".into()])),
            "videobuf2_v4l2" => Ok(Some(vec!["videodev".into(), "videobuf2-common".into()])),
            "mc" | "videobuf2_common" => Ok(Some(Vec::new())),
            "i2c_core" => Ok(None),
            other => Err(Error::NoModule {
                release: "6.1".into(),
                module: other.into(),
                wanted_by: wanted_by.into(),
            }),
        })
    }

    #[test]
    fn what_a_module_needs_comes_first_and_once() {
        assert_eq!(
            order(&["videobuf2-v4l2", "mc", "videodev"]).unwrap(),
            ["mc", "videodev", "videobuf2_common", "videobuf2_v4l2"]
        );
    }

    #[test]
    fn a_missing_module_names_who_wants_it() {
        let error = order(&["nonesuch"]).unwrap_err().to_string();
        assert!(
            error.contains("nonesuch") && error.contains("the guest"),
            "{error}"
        );
    }

    #[test]
    fn information_fields_are_found_by_whole_name() {
        let section = b"license=GPL\0depends=mc,videodev\0name=x\0";
        assert_eq!(
            find_info(section, "depends").as_deref(),
            Some("mc,videodev")
        );
        assert_eq!(find_info(section, "dep"), None);
    }

    #[test]
    fn names_are_taken_from_paths() {
        assert_eq!(
            name_of("kernel/drivers/media/videobuf2-common.ko"),
            "videobuf2_common"
        );
    }
}
