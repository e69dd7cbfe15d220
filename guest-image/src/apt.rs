// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's packages: fetched by an apt of our own, kept unpacked in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use host_setup::apt_root::{self, AptRoot};
pub(crate) use host_setup::apt_root::{GUEST, Package};
use host_setup::command::run;

use crate::cache::{self, Cache, Key};
use crate::error::{Error, IoContext, Result};
use crate::lock::{self, Lock};
use host_setup::progress::Progress;

/// How long apt may take to answer a question.
const ASK_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Packages that are unpacked into one folder.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    /// A short name, as in "kernel-headers".
    pub(crate) label: String,
    pub(crate) packages: Vec<Package>,
}

impl Bundle {
    /// The bundle's folder under the cache's `packages`.
    fn folder(&self) -> String {
        let key = self
            .packages
            .iter()
            .fold(Key::new(), |key, package| key.add(package.line()))
            .finish();
        format!("{}-{key}", self.label)
    }
}

/// A bundle in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Unpacked {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// Our apt.
pub(crate) struct Apt<'a> {
    cache: &'a Cache,
    progress: &'a dyn Progress,
    root: AptRoot,
    lock: Lock,
}

impl<'a> Apt<'a> {
    /// Writes the configuration; fetches nothing.
    ///
    /// # Errors
    /// [`host_setup::Error::NoMirror`] if the host's sources name no Debian mirror.
    pub(crate) fn open(
        repository: &Path,
        cache: &'a Cache,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let root = AptRoot::open(&cache.dir("")?)?;
        cache.dir("apt/resolved")?;
        Ok(Self {
            cache,
            progress,
            root,
            lock: Lock::read(repository)?,
        })
    }

    /// The same for the newest QEMU and kernel; `cache` is that of its own in the folder `qemu` of `whole`.
    ///
    /// # Errors
    /// As [`Apt::open`].
    pub(crate) fn open_newest(
        whole: &Cache,
        cache: &'a Cache,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let root = AptRoot::open_qemu(&whole.dir("")?)?;
        cache.dir("apt/resolved")?;
        Ok(Self {
            cache,
            progress,
            root,
            // It is no part of the guest, and its newest version is what is wanted.
            lock: Lock::default(),
        })
    }

    /// The host's architecture in Debian's words.
    pub(crate) fn host_arch(&self) -> &str {
        self.root.host_arch()
    }

    fn command(&self, program: &str) -> Command {
        self.root.command(program)
    }

    fn update(&self) -> Result<()> {
        self.root
            .update(self.progress)
            .map_err(|source| Error::Fetch {
                packages: "Debian's package lists".to_owned(),
                source: Box::new(source.into()),
            })
    }

    // --- questions --------------------------------------------------------------------------

    /// The control fields of a package's candidate version.
    pub(crate) fn show(&self, name: &str) -> Result<Fields> {
        let mut command = self.command("apt-cache");
        command.args(["show", "--no-all-versions", name]);
        let said = run(command, "apt-cache show", ASK_LIMIT).map_err(|error| Error::NoPackage {
            package: name.to_owned(),
            detail: error.to_string(),
        })?;
        Ok(Fields(said.stdout))
    }

    /// All packages that have to be there for `wanted` (apt's names) to work, without any that are
    /// only recommended.
    pub(crate) fn closure(&self, wanted: &[&str]) -> Result<Vec<Package>> {
        self.root.closure(wanted).map_err(|error| Error::NoPackage {
            package: wanted.join(", "),
            detail: error.to_string(),
        })
    }

    // --- fetching ---------------------------------------------------------------------------

    /// The bundles that `resolve` names, unpacked in the cache; `label` names the question. Asks
    /// apt nothing when the answer of last time is all there. What the mirror does not have comes
    /// from the archive that the user names, as the lock has it.
    pub(crate) fn bundles(
        &self,
        label: &str,
        resolve: impl Fn(&Self) -> Result<Vec<Bundle>>,
    ) -> Result<Vec<Unpacked>> {
        let archives = std::env::var(lock::ARCHIVE).ok();
        match self.bundles_of_mirror(label, resolve) {
            Err(error @ (Error::Fetch { .. } | Error::NoPackage { .. })) => {
                let Some(archives) = archives else {
                    return Err(error);
                };
                self.progress.line(&format!(
                    "{label}: not from the mirror; looking in {}",
                    lock::ARCHIVE
                ));
                self.bundles_of_archive(label, &archives)
            }
            other => other,
        }
    }

    fn bundles_of_archive(&self, label: &str, archives: &str) -> Result<Vec<Unpacked>> {
        let mut unpacked = Vec::new();
        for (name, locked) in self.lock.bundles(label) {
            let bundle = Bundle {
                label: name,
                packages: locked
                    .iter()
                    .map(|locked| locked.package().clone())
                    .collect(),
            };
            self.cache.dir("packages")?;
            let root = self.folder(&bundle);
            cache::once(&root, |partial| {
                self.progress.start(&format!("fetch {}", bundle.label));
                let debs = partial.join(".debs");
                fs::create_dir_all(&debs).at("creating", &debs)?;
                for locked in &locked {
                    let deb = locked.fetch(archives, &debs)?;
                    apt_root::extract(&deb, partial)?;
                }
                cache::remove(&debs)?;
                self.progress.finish("from the archive");
                Ok(())
            })?;
            unpacked.push(Unpacked {
                root,
                packages: bundle.packages,
            });
        }
        if unpacked.is_empty() {
            return Err(Error::NoPackage {
                package: label.to_owned(),
                detail: "packages.lock does not know it".to_owned(),
            });
        }
        Ok(unpacked)
    }

    fn bundles_of_mirror(
        &self,
        label: &str,
        resolve: impl Fn(&Self) -> Result<Vec<Bundle>>,
    ) -> Result<Vec<Unpacked>> {
        let memory = self.cache.path("apt/resolved").join(label);
        if let Some(known) = self.remembered(&memory) {
            return Ok(known);
        }
        let first = if self.root.stamp().is_some() {
            Some(resolve(self)?)
        } else {
            None
        };
        let all_there = first
            .as_ref()
            .is_some_and(|bundles| bundles.iter().all(|bundle| self.folder(bundle).is_dir()));
        let updated = !all_there && !self.root.lists_are_fresh();
        if updated {
            self.update()?;
        }
        let bundles = match first {
            Some(bundles) if !updated => bundles,
            _ => resolve(self)?,
        };
        let unpacked = match self.unpack_all(&bundles) {
            // A mirror drops versions that newer ones replace: look again, once.
            Err(Error::Fetch { .. }) if !updated => {
                self.update()?;
                self.unpack_all(&resolve(self)?)?
            }
            other => other?,
        };
        self.remember(&memory, &unpacked)?;
        Ok(unpacked)
    }

    fn folder(&self, bundle: &Bundle) -> PathBuf {
        self.cache.path("packages").join(bundle.folder())
    }

    fn unpack_all(&self, bundles: &[Bundle]) -> Result<Vec<Unpacked>> {
        bundles.iter().map(|bundle| self.unpacked(bundle)).collect()
    }

    fn unpacked(&self, bundle: &Bundle) -> Result<Unpacked> {
        self.cache.dir("packages")?;
        let root = self.folder(bundle);
        cache::once(&root, |partial| {
            self.progress.start(&format!("fetch {}", bundle.label));
            let debs = partial.join(".debs");
            fs::create_dir_all(&debs).at("creating", &debs)?;
            self.root
                .download(&bundle.packages, &debs, self.progress)
                .map_err(|source| Error::Fetch {
                    packages: bundle
                        .packages
                        .iter()
                        .map(Package::spec)
                        .collect::<Vec<_>>()
                        .join(", "),
                    source: Box::new(source.into()),
                })?;
            let mut bytes = 0;
            for deb in cache::entries(&debs)? {
                bytes += fs::metadata(&deb).at("reading", &deb)?.len();
                self.lock.check(&deb)?;
                apt_root::extract(&deb, partial)?;
            }
            cache::remove(&debs)?;
            self.progress.finish(&format!(
                "{} packages, {:.1} MB",
                bundle.packages.len(),
                megabytes(bytes)
            ));
            Ok(())
        })?;
        Ok(Unpacked {
            root,
            packages: bundle.packages.clone(),
        })
    }

    /// A lock of all that was asked for with this cache, as the mirror has it.
    pub(crate) fn lock_text(&self) -> Result<String> {
        let mut text = String::from(lock::HEAD);
        for memory in cache::entries(&self.cache.path("apt/resolved"))? {
            let question = memory.file_name().unwrap_or_default().to_string_lossy();
            for bundle in self.remembered(&memory).unwrap_or_default() {
                let folder = bundle
                    .root
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy();
                let name = folder.rsplit_once('-').map_or(&*folder, |(name, _)| name);
                for package in &bundle.packages {
                    let mut command = self.command("apt-get");
                    command
                        .args(["download", "--print-uris"])
                        .arg(package.spec());
                    let said = run(command, "apt-get download --print-uris", ASK_LIMIT)?;
                    let line = lock::line(&question, name, package, &said.stdout);
                    text.push_str(&line.ok_or_else(|| Error::Unexpected {
                        tool: "apt-get download --print-uris",
                        detail: said.stdout.clone(),
                    })?);
                }
            }
        }
        Ok(text)
    }

    fn remember(&self, memory: &Path, unpacked: &[Unpacked]) -> Result<()> {
        let text = answer_text(&self.root.stamp().unwrap_or_default(), unpacked);
        fs::write(memory, text).at("writing", memory)
    }

    fn remembered(&self, memory: &Path) -> Option<Vec<Unpacked>> {
        let text = fs::read_to_string(memory).ok()?;
        read_answer(&text, &self.root.stamp()?, &self.cache.path("packages"))
    }
}

/// An answer to a question as it is kept: the lists' stamp, then each bundle's folder behind a `=`, and
/// its packages. Folders are named as they are in the cache, which may be moved.
fn answer_text(stamp: &str, unpacked: &[Unpacked]) -> String {
    let mut text = format!("{stamp}\n");
    for bundle in unpacked {
        let name = bundle.root.file_name().unwrap_or_default();
        text.push_str(&format!("={}\n", name.to_string_lossy()));
        for package in &bundle.packages {
            text.push_str(&format!("{}\n", package.line()));
        }
    }
    text
}

/// Reads [`answer_text`]; None if it is of other lists, or if not all is in the folder `packages`.
fn read_answer(text: &str, stamp: &str, packages: &Path) -> Option<Vec<Unpacked>> {
    let (kept, rest) = text.split_once('\n')?;
    if kept != stamp {
        return None;
    }
    let mut bundles: Vec<Unpacked> = Vec::new();
    for line in rest.lines() {
        match line.strip_prefix('=') {
            // Former answers have a whole path, which may be that of another cache.
            Some(folder) => bundles.push(Unpacked {
                root: packages.join(Path::new(folder).file_name()?),
                packages: Vec::new(),
            }),
            None => bundles.last_mut()?.packages.push(Package::from_line(line)?),
        }
    }
    let whole = !bundles.is_empty() && bundles.iter().all(|bundle| bundle.root.is_dir());
    whole.then_some(bundles)
}

/// A package's control fields.
pub(crate) struct Fields(String);

impl Fields {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            line.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(": "))
        })
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.field("Version")
    }

    /// The first dependency whose name starts with `prefix`.
    pub(crate) fn dependency(&self, prefix: &str) -> Option<&str> {
        self.field("Depends")?
            .split([',', '|'])
            .filter_map(|part| part.split_whitespace().next())
            .find(|name| name.starts_with(prefix))
    }
}

/// For people's eyes only.
fn megabytes(bytes: u64) -> f64 {
    let tenths = u32::try_from(bytes / 100_000).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_cache_answers_with_its_own_folders() {
        let [first, second] = [0, 1].map(|_| tempfile::tempdir().unwrap());
        let unpacked = |packages: &Path| Unpacked {
            root: packages.join("busybox-0123"),
            packages: vec![Package::from_line("busybox-static mipsel 1:1.35").unwrap()],
        };
        let text = answer_text("17", &[unpacked(first.path())]);
        assert!(!text.contains(first.path().to_str().unwrap()), "{text}");
        let absolute = text.replace('=', &format!("={}/", first.path().display()));
        fs::create_dir(first.path().join("busybox-0123")).unwrap();
        for text in [&text, &absolute] {
            assert!(read_answer(text, "17", second.path()).is_none(), "{text}");
        }
        fs::create_dir(second.path().join("busybox-0123")).unwrap();
        for text in [&text, &absolute] {
            let found = read_answer(text, "17", second.path()).unwrap();
            assert_eq!(found[0].root, second.path().join("busybox-0123"));
            assert_eq!(found[0].packages, unpacked(second.path()).packages);
            assert!(read_answer(text, "18", second.path()).is_none());
        }
    }

    #[test]
    fn dependencies_are_found_by_prefix() {
        let fields = Fields(
            "Package: x\nVersion: 6.1.176-1\n\
             Depends: linux-headers-6.1.0-50-common (= 6.1.176-1), linux-kbuild-6.1 (>= 6.1.176-1), gcc-12 | gcc\n"
                .to_owned(),
        );
        assert_eq!(fields.dependency("linux-kbuild-"), Some("linux-kbuild-6.1"));
        assert_eq!(fields.dependency("gcc"), Some("gcc-12"));
        assert_eq!(fields.dependency("linux-image-"), None);
        assert_eq!(fields.version(), Some("6.1.176-1"));
    }
}
