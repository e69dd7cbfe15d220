// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's packages: an apt of our own in the cache, with the host's mirrors, keys and network
//! settings. apt verifies all it fetches; the host's own apt and root are never touched.

mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cache::{self, Cache, Key};
use crate::command::{Said, run, run_with};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// The guest's architecture in Debian's words.
pub(crate) const GUEST: &str = "mipsel";

/// Package lists younger than this are not fetched again before a download.
const LISTS_ARE_FRESH: Duration = Duration::from_secs(12 * 60 * 60);

/// How long one apt run may take; the largest fetch is 140 MB of kernel source.
const APT_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How long unpacking one package may take.
const UNPACK_LIMIT: Duration = Duration::from_secs(5 * 60);

/// One version of one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) arch: String,
    pub(crate) version: String,
}

impl Package {
    /// As apt-get takes it.
    fn spec(&self) -> String {
        match self.arch.as_str() {
            "all" => format!("{}={}", self.name, self.version),
            arch => format!("{}:{arch}={}", self.name, self.version),
        }
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.name, self.arch, self.version)
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Self {
            name: words.next()?,
            arch: words.next()?,
            version: words.next()?,
        })
    }
}

/// Packages that are unpacked into one folder.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    /// A short name, as in "kernel-headers".
    pub(crate) label: &'static str,
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
    config: PathBuf,
    host_arch: String,
    suites: Suites,
}

/// Which of Debian's suites an apt of ours looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suites {
    /// Those of the guest's release.
    Guest,
    /// A later release and its backports, for programs of the host.
    Backports,
}

impl<'a> Apt<'a> {
    /// Writes the configuration; fetches nothing.
    ///
    /// # Errors
    /// [`Error::NoMirror`] if the host's sources name no Debian mirror.
    pub(crate) fn open(cache: &'a Cache, progress: &'a dyn Progress) -> Result<Self> {
        Self::open_for(Suites::Guest, cache, progress)
    }

    /// The same for the newest programs of the host, in a cache of its own: it has other package lists.
    ///
    /// # Errors
    /// As [`Apt::open`].
    pub(crate) fn open_backports(cache: &'a Cache, progress: &'a dyn Progress) -> Result<Self> {
        Self::open_for(Suites::Backports, cache, progress)
    }

    fn open_for(suites: Suites, cache: &'a Cache, progress: &'a dyn Progress) -> Result<Self> {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("--print-architecture");
        let host_arch = run(dpkg, "dpkg --print-architecture", APT_LIMIT)?
            .stdout
            .trim()
            .to_owned();
        let apt = Self {
            config: cache.dir("apt")?.join("apt.conf"),
            cache,
            progress,
            host_arch,
            suites,
        };
        apt.configure()?;
        Ok(apt)
    }

    /// The host's architecture in Debian's words.
    pub(crate) fn host_arch(&self) -> &str {
        &self.host_arch
    }

    fn configure(&self) -> Result<()> {
        for dir in [
            "apt/etc/apt.conf.d",
            "apt/etc/preferences.d",
            "apt/etc/sources.list.d",
            "apt/state/lists/partial",
            "apt/cache/archives/partial",
            "apt/resolved",
        ] {
            self.cache.dir(dir)?;
        }
        let root = self.cache.path("apt");
        cache::write_if_changed(&root.join("status"), b"")?;
        let text = self.sources_text(&root)?;
        let sources = root.join("etc/sources.list.d/guest.sources");
        if cache::write_if_changed(&sources, text.as_bytes())? {
            self.forget_lists()?;
        }
        let (architectures, release) = match self.suites {
            Suites::Guest => (
                format!("\"{}\"; \"{GUEST}\";", self.host_arch),
                String::new(),
            ),
            Suites::Backports => (
                format!("\"{}\";", self.host_arch),
                format!("APT::Default-Release \"{}\";\n", sources::BACKPORTS),
            ),
        };
        let mut config = format!(
            "APT::Architecture \"{host}\";\n\
             APT::Architectures {{ {architectures} }};\n{release}\
             APT::Sandbox::User \"root\";\n\
             Acquire::Languages \"none\";\n\
             Dir::Etc \"{root}/etc\";\n\
             Dir::Etc::netrc \"/etc/apt/auth.conf\";\n\
             Dir::Etc::netrcparts \"/etc/apt/auth.conf.d\";\n\
             Dir::Etc::trusted \"/etc/apt/trusted.gpg\";\n\
             Dir::Etc::trustedparts \"/etc/apt/trusted.gpg.d\";\n\
             Dir::State \"{root}/state\";\n\
             Dir::State::status \"{root}/status\";\n\
             Dir::Cache \"{root}/cache\";\n",
            host = self.host_arch,
            root = root.display(),
        );
        config.push_str(&host_network_settings()?);
        cache::write_if_changed(&self.config, config.as_bytes())?;
        Ok(())
    }

    fn sources_text(&self, root: &Path) -> Result<String> {
        let own = root.join("bookworm.sources");
        if own.is_file() {
            return cache::read_text(&own);
        }
        let etc = Path::new("/etc/apt");
        let mut one_line = read_all(&etc.join("sources.list.d"), "list")?;
        if let Ok(text) = fs::read_to_string(etc.join("sources.list")) {
            one_line.push(text);
        }
        let deb822 = read_all(&etc.join("sources.list.d"), "sources")?;
        let text = match self.suites {
            Suites::Guest => {
                let architectures = format!("{} {GUEST}", self.host_arch);
                sources::derive(&deb822, &one_line, &architectures)
            }
            Suites::Backports => sources::derive_backports(&deb822, &one_line, &self.host_arch),
        };
        text.ok_or(Error::NoMirror {
            searched: etc.to_path_buf(),
            override_file: own,
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.config);
        command
    }

    // --- lists ------------------------------------------------------------------------------

    fn stamp_file(&self) -> PathBuf {
        self.cache.path("apt/updated")
    }

    /// When the lists were fetched (seconds since 1970), as text; None before the first time.
    fn stamp(&self) -> Option<String> {
        fs::read_to_string(self.stamp_file()).ok()
    }

    fn forget_lists(&self) -> Result<()> {
        match fs::remove_file(self.stamp_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).at("removing", self.stamp_file())
            }
            _ => Ok(()),
        }
    }

    fn lists_are_fresh(&self) -> bool {
        self.stamp()
            .and_then(|stamp| stamp.trim().parse().ok())
            .is_some_and(|then: u64| now().saturating_sub(then) < LISTS_ARE_FRESH.as_secs())
    }

    fn update(&self) -> Result<()> {
        self.progress.start("apt: package lists");
        let mut command = self.command("apt-get");
        command.args(["update", "-o", "APT::Update::Error-Mode=any"]);
        let said = run(command, "apt-get update", APT_LIMIT).map_err(|source| Error::Fetch {
            packages: "Debian's package lists".to_owned(),
            source: Box::new(source),
        })?;
        let stamp = self.stamp_file();
        fs::write(&stamp, now().to_string()).at("writing", &stamp)?;
        let fetched = said.all.lines().find(|line| line.starts_with("Fetched "));
        self.progress.finish(fetched.unwrap_or("up to date"));
        Ok(())
    }

    // --- questions --------------------------------------------------------------------------

    /// The control fields of a package's candidate version.
    pub(crate) fn show(&self, name: &str) -> Result<Fields> {
        let mut command = self.command("apt-cache");
        command.args(["show", "--no-all-versions", name]);
        let said = run(command, "apt-cache show", APT_LIMIT).map_err(|error| Error::NoPackage {
            package: name.to_owned(),
            detail: error.to_string(),
        })?;
        Ok(Fields(said.stdout))
    }

    /// All packages that have to be there for `wanted` (apt's names) to work, without any that are
    /// only recommended.
    pub(crate) fn closure(&self, wanted: &[&str]) -> Result<Vec<Package>> {
        let mut command = self.command("apt-get");
        command.args(["install", "--simulate", "--no-install-recommends"]);
        command.args(wanted);
        let Said { stdout, .. } =
            run(command, "apt-get install --simulate", APT_LIMIT).map_err(|error| {
                Error::NoPackage {
                    package: wanted.join(", "),
                    detail: error.to_string(),
                }
            })?;
        let mut packages: Vec<Package> = stdout.lines().filter_map(simulated).collect();
        packages.sort();
        Ok(packages)
    }

    // --- fetching ---------------------------------------------------------------------------

    /// The bundles that `resolve` names, unpacked in the cache; `label` names the question. Asks
    /// apt nothing when the answer of last time is all there.
    pub(crate) fn bundles(
        &self,
        label: &str,
        resolve: impl Fn(&Self) -> Result<Vec<Bundle>>,
    ) -> Result<Vec<Unpacked>> {
        let memory = self.cache.path("apt/resolved").join(label);
        if let Some(known) = self.remembered(&memory) {
            return Ok(known);
        }
        let first = if self.stamp().is_some() {
            Some(resolve(self)?)
        } else {
            None
        };
        let all_there = first
            .as_ref()
            .is_some_and(|bundles| bundles.iter().all(|bundle| self.root(bundle).is_dir()));
        let updated = !all_there && !self.lists_are_fresh();
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

    fn root(&self, bundle: &Bundle) -> PathBuf {
        self.cache.path("packages").join(bundle.folder())
    }

    fn unpack_all(&self, bundles: &[Bundle]) -> Result<Vec<Unpacked>> {
        bundles.iter().map(|bundle| self.unpacked(bundle)).collect()
    }

    fn unpacked(&self, bundle: &Bundle) -> Result<Unpacked> {
        self.cache.dir("packages")?;
        let root = self.root(bundle);
        cache::once(&root, |partial| {
            self.progress.start(&format!("fetch {}", bundle.label));
            let debs = partial.join(".debs");
            fs::create_dir_all(&debs).at("creating", &debs)?;
            self.download(bundle, &debs)?;
            let mut bytes = 0;
            for deb in cache::entries(&debs)? {
                bytes += fs::metadata(&deb).at("reading", &deb)?.len();
                let mut command = Command::new("dpkg-deb");
                command.arg("--extract").arg(&deb).arg(partial);
                run(command, "dpkg-deb --extract", UNPACK_LIMIT)?;
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

    fn download(&self, bundle: &Bundle, into: &Path) -> Result<()> {
        let mut command = self.command("apt-get");
        command
            .args(["download", "-o", "APT::Status-Fd=1"])
            .args(bundle.packages.iter().map(Package::spec))
            .current_dir(into);
        run_with(command, "apt-get download", APT_LIMIT, |line| {
            if let Some(percent) = download_percent(line) {
                self.progress.advance(percent, Some(100), "%");
            }
        })
        .map_err(|source| Error::Fetch {
            packages: bundle
                .packages
                .iter()
                .map(Package::spec)
                .collect::<Vec<_>>()
                .join(", "),
            source: Box::new(source),
        })?;
        Ok(())
    }

    fn remember(&self, memory: &Path, unpacked: &[Unpacked]) -> Result<()> {
        let mut text = format!("{}\n", self.stamp().unwrap_or_default());
        for bundle in unpacked {
            text.push_str(&format!("={}\n", bundle.root.display()));
            for package in &bundle.packages {
                text.push_str(&format!("{}\n", package.line()));
            }
        }
        fs::write(memory, text).at("writing", memory)
    }

    fn remembered(&self, memory: &Path) -> Option<Vec<Unpacked>> {
        let text = fs::read_to_string(memory).ok()?;
        let (stamp, rest) = text.split_once('\n')?;
        if stamp != self.stamp()? {
            return None;
        }
        let mut bundles: Vec<Unpacked> = Vec::new();
        for line in rest.lines() {
            match line.strip_prefix('=') {
                Some(root) => bundles.push(Unpacked {
                    root: PathBuf::from(root),
                    packages: Vec::new(),
                }),
                None => bundles.last_mut()?.packages.push(Package::from_line(line)?),
            }
        }
        let whole = !bundles.is_empty() && bundles.iter().all(|bundle| bundle.root.is_dir());
        whole.then_some(bundles)
    }
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

/// Reads a line like `Inst libc6:mipsel (2.36-9 Debian:12/stable [mipsel])`.
fn simulated(line: &str) -> Option<Package> {
    let rest = line.strip_prefix("Inst ")?;
    let name = rest.split([' ', ':']).next()?;
    let inside = rest.split_once('(')?.1;
    let version = inside.split_whitespace().next()?;
    let arch = inside.split_once('[')?.1.split(']').next()?;
    Some(Package {
        name: name.to_owned(),
        arch: arch.to_owned(),
        version: version.to_owned(),
    })
}

/// Reads a line like `dlstatus:1:35.21:Retrieving file 1 of 3`.
fn download_percent(line: &str) -> Option<u64> {
    let mut parts = line.strip_prefix("dlstatus:")?.split(':').skip(1);
    parts.next()?.split('.').next()?.parse().ok()
}

/// The host's proxies and other settings about reaching a mirror, in apt's own syntax.
fn host_network_settings() -> Result<String> {
    const TAKEN: [&str; 5] = [
        "Acquire::http",
        "Acquire::Force",
        "Acquire::Retries",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
    ];
    let mut command = Command::new("apt-config");
    command.arg("dump");
    let said = run(command, "apt-config dump", APT_LIMIT)?;
    Ok(said
        .stdout
        .lines()
        .filter(|line| TAKEN.iter().any(|taken| line.starts_with(taken)))
        .map(|line| format!("{line}\n"))
        .collect())
}

fn read_all(dir: &Path, extension: &str) -> Result<Vec<String>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    cache::entries(dir)?
        .iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| cache::read_text(path))
        .collect()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
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
    fn simulated_installs_are_read() {
        let line = "Inst libudev1:mipsel (252.39-1~deb12u2 Debian:12.15/oldstable [mipsel]) []";
        assert_eq!(
            simulated(line),
            Some(Package {
                name: "libudev1".into(),
                arch: "mipsel".into(),
                version: "252.39-1~deb12u2".into()
            })
        );
        let native = "Inst debconf (1.5.82 Debian:12.15/oldstable [all])";
        assert_eq!(simulated(native).unwrap().spec(), "debconf=1.5.82");
        assert_eq!(simulated("Conf libudev1:mipsel (252 x [mipsel])"), None);
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

    #[test]
    fn download_progress_is_read() {
        assert_eq!(download_percent("dlstatus:1:35.21:Retrieving"), Some(35));
        assert_eq!(download_percent("Get:1 http://x"), None);
    }
}
