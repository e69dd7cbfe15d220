// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which packages the guest is made of, to the byte: `guest-image/packages.lock`. What a mirror
//! delivers under a name and version that the lock knows must be what the lock knows; and what no
//! mirror has any more can be had from an archive, by the lock alone.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use host_setup::apt_root::Package;
use host_setup::command::run;
use sha2::{Digest, Sha256};

use crate::cache;
use crate::error::{Error, IoContext, Result};

/// The lock, below the project's root.
const FILE: &str = "guest-image/packages.lock";

/// What a lock begins with.
pub(crate) const HEAD: &str = "\
# What the guest is made of, to the byte: question, bundle, package, architecture, version, SHA-256,
# path below an archive of Debian. `cargo run -p guest-image --example lock` writes it anew.
";

/// The variable that names archives of Debian: addresses under which `pool` is, with spaces between.
pub(crate) const ARCHIVE: &str = "TX_ISP_ARCHIVE";

/// apt's own program for fetching one file.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// The largest package has 140 MB.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The packages that are known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lock {
    packages: Vec<Locked>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locked {
    /// What asks for it, as in "kernel-debian".
    question: String,
    /// What it is unpacked with, as in "kernel-headers".
    bundle: String,
    package: Package,
    sha256: String,
    /// Where it is, below an archive's address.
    path: String,
}

impl Lock {
    /// Reads the project's lock.
    pub(crate) fn read(repository: &Path) -> Result<Self> {
        let file = repository.join(FILE);
        let text = cache::read_text(&file)?;
        Self::parse(&text).ok_or_else(|| Error::Unexpected {
            tool: FILE,
            detail: "a line has not seven words: question, bundle, package, architecture, version, SHA-256, path".to_owned(),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let packages = lines.map(Locked::parse).collect::<Option<Vec<_>>>()?;
        Some(Self { packages })
    }

    /// Checks a fetched package against the lock; what the lock does not know, apt has verified.
    ///
    /// # Errors
    /// [`Error::NotLocked`] if it is another one than the lock knows.
    pub(crate) fn check(&self, deb: &Path) -> Result<()> {
        let Some(package) = package_of(deb) else {
            return Ok(());
        };
        let mut known = self.packages.iter();
        let Some(locked) = known.find(|locked| locked.package == package) else {
            return Ok(());
        };
        let found = sha256(&cache::read(deb)?);
        if found == locked.sha256 {
            return Ok(());
        }
        Err(Error::NotLocked {
            package: package.spec(),
            expected: locked.sha256.clone(),
            found,
        })
    }

    /// The bundles of a question, in order, each with its packages.
    pub(crate) fn bundles(&self, question: &str) -> Vec<(String, Vec<&Locked>)> {
        let mut bundles: Vec<(String, Vec<&Locked>)> = Vec::new();
        for locked in self
            .packages
            .iter()
            .filter(|locked| locked.question == question)
        {
            match bundles.last_mut() {
                Some((name, packages)) if *name == locked.bundle => packages.push(locked),
                _ => bundles.push((locked.bundle.clone(), vec![locked])),
            }
        }
        bundles
    }
}

impl Locked {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [question, bundle, name, arch, version, sha256, path] = words.as_slice() else {
            return None;
        };
        Some(Self {
            question: (*question).to_owned(),
            bundle: (*bundle).to_owned(),
            package: Package {
                name: (*name).to_owned(),
                arch: (*arch).to_owned(),
                version: (*version).to_owned(),
            },
            sha256: (*sha256).to_owned(),
            path: (*path).to_owned(),
        })
    }

    pub(crate) fn package(&self) -> &Package {
        &self.package
    }

    /// Fetches it from the first archive that has it; apt's helper verifies it.
    pub(crate) fn fetch(&self, archives: &str, into: &Path) -> Result<PathBuf> {
        let name = Path::new(&self.path)
            .file_name()
            .unwrap_or(OsStr::new("package.deb"));
        let target = into.join(name);
        let mut last = None;
        for archive in archives.split_whitespace() {
            let mut helper = Command::new(HELPER);
            helper
                .arg("download-file")
                .arg(format!("{}/{}", archive.trim_end_matches('/'), self.path))
                .arg(&target)
                .arg(format!("SHA256:{}", self.sha256));
            match run(helper, "apt-helper download-file", FETCH_LIMIT) {
                Ok(_) => return Ok(target),
                Err(error) => last = Some(error),
            }
            // Whatever came instead is nobody's.
            if target.exists() {
                fs::remove_file(&target).at("removing", &target)?;
            }
        }
        Err(match last {
            Some(source) => Error::Fetch {
                packages: format!("{} from {ARCHIVE}", self.package.spec()),
                source: Box::new(source.into()),
            },
            None => Error::Unexpected {
                tool: ARCHIVE,
                detail: "it names no address".to_owned(),
            },
        })
    }
}

/// The lock's line for a package, from what `apt-get download --print-uris` says of it:
/// `'http://m.example/debian/pool/main/b/x_1_mipsel.deb' x_1_mipsel.deb 907340 SHA256:3d15…`.
pub(crate) fn line(question: &str, bundle: &str, package: &Package, uris: &str) -> Option<String> {
    let said = uris.lines().find(|line| line.starts_with('\''))?;
    let (address, rest) = said.strip_prefix('\'')?.split_once('\'')?;
    let path = &address[address.find("/pool/")? + 1..];
    let sha256 = rest
        .split_whitespace()
        .find_map(|word| word.strip_prefix("SHA256:"))?;
    Some(format!(
        "{question} {bundle} {} {sha256} {path}\n",
        package.line()
    ))
}

/// The package in a file as apt names it: `NAME_VERSION_ARCH.deb`, with `%3a` for a colon.
fn package_of(deb: &Path) -> Option<Package> {
    let stem = deb.file_name()?.to_str()?.strip_suffix(".deb")?;
    let mut parts = stem.split('_').map(|part| part.replace("%3a", ":"));
    Some(Package {
        name: parts.next()?,
        version: parts.next()?,
        arch: parts.next()?,
    })
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(sha256: &str) -> Lock {
        let text = format!(
            "# note\n\nq one a mipsel 1:2-3 {sha256} pool/a.deb\nq two b all 4 - p\nq two c all 5 - p\nr one d all 6 - p\n"
        );
        Lock::parse(&text).unwrap()
    }

    #[test]
    fn a_package_that_is_not_the_locked_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let deb = dir.path().join("a_1%3a2-3_mipsel.deb");
        fs::write(&deb, "content").unwrap();
        lock(&sha256(b"content")).check(&deb).unwrap();
        let error = lock(&sha256(b"other")).check(&deb).unwrap_err().to_string();
        assert!(error.contains("a:mipsel=1:2-3"), "{error}");
        let newer = dir.path().join("a_1%3a2-4_mipsel.deb");
        fs::write(&newer, "newer").unwrap();
        lock(&sha256(b"content")).check(&newer).unwrap();
    }

    #[test]
    fn a_line_is_made_of_what_apt_says() {
        let lock = lock("-");
        let package = lock.packages[0].package.clone();
        let said = "'http://m.example/debian/pool/main/a/a_2-3_mipsel.deb' a_2-3_mipsel.deb 7 SHA256:abc\n";
        let line = line("q", "one", &package, said).unwrap();
        assert_eq!(
            line,
            "q one a mipsel 1:2-3 abc pool/main/a/a_2-3_mipsel.deb\n"
        );
        let back = Lock::parse(&line).unwrap();
        assert_eq!(back.packages[0].package, package);
    }

    #[test]
    fn a_questions_bundles_keep_their_order() {
        let lock = lock("-");
        let bundles = lock.bundles("q");
        let names: Vec<(&str, usize)> = bundles
            .iter()
            .map(|(name, packages)| (name.as_str(), packages.len()))
            .collect();
        assert_eq!(names, [("one", 1), ("two", 2)]);
        assert!(lock.bundles("none").is_empty());
        assert!(Lock::parse("q one a mipsel").is_none());
    }

    #[test]
    fn what_an_archive_does_not_have_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let lock = lock(&sha256(b"content"));
        let bundles = lock.bundles("q");
        let locked = bundles[0].1[0];
        let error = locked
            .fetch("file:///no/such/archive", dir.path())
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a:mipsel=1:2-3 from TX_ISP_ARCHIVE"),
            "{error}"
        );
    }

    #[test]
    fn what_an_archive_has_is_fetched_and_verified() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("pool")).unwrap();
        fs::write(dir.path().join("pool/a.deb"), "content").unwrap();
        let archive = format!("file://{}", dir.path().display());
        let into = tempfile::tempdir().unwrap();
        let good = lock(&sha256(b"content"));
        let file = good.bundles("q")[0].1[0]
            .fetch(&archive, into.path())
            .unwrap();
        assert_eq!(fs::read(file).unwrap(), b"content");
        let bad = lock(&sha256(b"other"));
        bad.bundles("q")[0].1[0]
            .fetch(&archive, into.path())
            .unwrap_err();
    }

    #[test]
    fn the_projects_lock_names_all_that_an_image_asks_for() {
        let lock = Lock::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        for (question, count) in [
            ("busybox", 1),
            ("gstreamer", 1),
            ("kernel-debian", 2),
            ("kernel-source", 1),
            ("v4l-utils", 1),
        ] {
            assert_eq!(lock.bundles(question).len(), count, "{question}");
        }
        for locked in &lock.packages {
            assert_eq!(locked.sha256.len(), 64, "{locked:?}");
            assert!(locked.path.starts_with("pool/"), "{locked:?}");
        }
    }
}
