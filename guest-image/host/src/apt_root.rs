// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An apt of our own in the cache, for Debian 12's packages: with the host's mirrors, keys and
//! network settings. apt verifies all it fetches; the host's own apt and root are never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::command::{Said, run, run_with};
use crate::error::{Error, IoContext, Result};
use crate::mirror;
use crate::offline;
use crate::progress::Progress;

/// The guest's architecture in Debian's words.
pub const GUEST: &str = "mipsel";

/// Package lists younger than this are not fetched again before a download.
const LISTS_ARE_FRESH: Duration = Duration::from_secs(12 * 60 * 60);

/// How long one apt run may take; the largest fetch is 140 MB of kernel source.
const APT_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How long unpacking one package may take.
const UNPACK_LIMIT: Duration = Duration::from_secs(5 * 60);

/// One version of one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its architecture; `all` for any.
    pub arch: String,
    /// Its version.
    pub version: String,
}

impl Package {
    /// As apt-get takes it.
    #[must_use]
    pub fn spec(&self) -> String {
        match self.arch.as_str() {
            "all" => format!("{}={}", self.name, self.version),
            arch => format!("{}:{arch}={}", self.name, self.version),
        }
    }

    /// For a file with a line for each.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {} {}", self.name, self.arch, self.version)
    }

    /// Reads [`Package::line`].
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Self {
            name: words.next()?,
            arch: words.next()?,
            version: words.next()?,
        })
    }
}

/// The apt.
#[derive(Debug, Clone)]
pub struct AptRoot {
    root: PathBuf,
    config: PathBuf,
    host_arch: String,
}

impl AptRoot {
    /// The apt in the folder `apt` of a cache. Writes its configuration; fetches nothing.
    ///
    /// # Errors
    /// [`Error::NoMirror`] if the host's sources name no Debian mirror.
    pub fn open(cache: &Path) -> Result<Self> {
        let apt = Self::at(cache.join("apt"))?;
        let sources = mirror::sources(cache, &format!("{} {GUEST}", apt.host_arch))?;
        let architectures = format!("\"{}\"; \"{GUEST}\";", apt.host_arch);
        apt.configure(&sources, &architectures, "")?;
        Ok(apt)
    }

    /// The apt for the newest QEMU, in the folder `qemu/apt` of a cache: for the host's architecture
    /// alone, and with package lists of its own.
    ///
    /// # Errors
    /// As [`AptRoot::open`].
    pub fn open_qemu(cache: &Path) -> Result<Self> {
        let apt = Self::at(cache.join("qemu/apt"))?;
        let sources = mirror::qemu_sources(cache, &apt.host_arch)?;
        let release = format!("APT::Default-Release \"{}\";\n", mirror::QEMU_BACKPORTS);
        apt.configure(&sources, &format!("\"{}\";", apt.host_arch), &release)?;
        Ok(apt)
    }

    fn at(root: PathBuf) -> Result<Self> {
        Ok(Self {
            config: root.join("apt.conf"),
            root,
            host_arch: host_arch()?,
        })
    }

    /// The host's architecture in Debian's words.
    #[must_use]
    pub fn host_arch(&self) -> &str {
        &self.host_arch
    }

    fn configure(&self, text: &str, architectures: &str, release: &str) -> Result<()> {
        for dir in [
            "etc/apt.conf.d",
            "etc/preferences.d",
            "etc/sources.list.d",
            "state/lists/partial",
            "cache/archives/partial",
        ] {
            let dir = self.root.join(dir);
            fs::create_dir_all(&dir).at("creating", &dir)?;
        }
        let root = &self.root;
        write_if_changed(&root.join("status"), "")?;
        let sources = root.join("etc/sources.list.d/guest.sources");
        if write_if_changed(&sources, text)? {
            self.forget_lists()?;
        }
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
        write_if_changed(&self.config, &config)?;
        Ok(())
    }

    /// One of apt's programs, for this apt.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", &self.config);
        command
    }

    // --- lists ------------------------------------------------------------------------------

    fn stamp_file(&self) -> PathBuf {
        self.root.join("updated")
    }

    /// When the lists were fetched (seconds since 1970), as text; None before the first time.
    #[must_use]
    pub fn stamp(&self) -> Option<String> {
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

    /// Whether the lists were fetched not long ago.
    #[must_use]
    pub fn lists_are_fresh(&self) -> bool {
        self.stamp()
            .and_then(|stamp| stamp.trim().parse().ok())
            .is_some_and(|then: u64| now().saturating_sub(then) < LISTS_ARE_FRESH.as_secs())
    }

    /// Fetches the package lists.
    ///
    /// # Errors
    /// What apt said.
    pub fn update(&self, progress: &dyn Progress) -> Result<()> {
        offline::check(|| "Debian's package lists".to_owned())?;
        progress.start("apt: package lists");
        let mut command = self.command("apt-get");
        command.args(["update", "-o", "APT::Update::Error-Mode=any"]);
        let said = run(command, "apt-get update", APT_LIMIT)?;
        let stamp = self.stamp_file();
        fs::write(&stamp, now().to_string()).at("writing", &stamp)?;
        let fetched = said.all.lines().find(|line| line.starts_with("Fetched "));
        progress.finish(fetched.unwrap_or("up to date"));
        Ok(())
    }

    // --- packages ---------------------------------------------------------------------------

    /// All packages that have to be there for `wanted` (apt's names) to work, without any that are
    /// only recommended.
    ///
    /// # Errors
    /// What apt said, if there is no such package.
    pub fn closure(&self, wanted: &[&str]) -> Result<Vec<Package>> {
        let mut command = self.command("apt-get");
        command.args(["install", "--simulate", "--no-install-recommends"]);
        command.args(wanted);
        let Said { stdout, .. } = run(command, "apt-get install --simulate", APT_LIMIT)?;
        let mut packages: Vec<Package> = stdout.lines().filter_map(simulated).collect();
        packages.sort();
        Ok(packages)
    }

    /// Fetches packages and unpacks them into a folder; gives the bytes that were fetched.
    ///
    /// # Errors
    /// What apt or dpkg said.
    pub fn unpack(
        &self,
        packages: &[Package],
        into: &Path,
        progress: &dyn Progress,
    ) -> Result<u64> {
        let debs = into.join(".debs");
        fs::create_dir_all(&debs).at("creating", &debs)?;
        self.download(packages, &debs, progress)?;
        let mut bytes = 0;
        for deb in fs::read_dir(&debs).at("listing", &debs)? {
            let deb = deb.at("listing", &debs)?.path();
            bytes += fs::metadata(&deb).at("reading", &deb)?.len();
            extract(&deb, into)?;
        }
        fs::remove_dir_all(&debs).at("removing", &debs)?;
        Ok(bytes)
    }

    /// Fetches packages into a folder.
    ///
    /// # Errors
    /// What apt said.
    pub fn download(
        &self,
        packages: &[Package],
        into: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        offline::check(|| {
            let specs: Vec<String> = packages.iter().map(Package::spec).collect();
            format!("Debian's packages {}", specs.join(", "))
        })?;
        let mut command = self.command("apt-get");
        command
            .args(["download", "-o", "APT::Status-Fd=1"])
            .args(packages.iter().map(Package::spec))
            .current_dir(into);
        run_with(command, "apt-get download", APT_LIMIT, |line| {
            if let Some(percent) = download_percent(line) {
                progress.advance(percent, Some(100), "%");
            }
        })?;
        Ok(())
    }
}

/// Unpacks one package into a folder.
///
/// # Errors
/// What dpkg said.
pub fn extract(deb: &Path, into: &Path) -> Result<()> {
    let mut command = Command::new("dpkg-deb");
    command.arg("--extract").arg(deb).arg(into);
    run(command, "dpkg-deb --extract", UNPACK_LIMIT).map(drop)
}

/// The host's architecture in Debian's words.
///
/// # Errors
/// If dpkg does not say it.
pub fn host_arch() -> Result<String> {
    let mut dpkg = Command::new("dpkg");
    dpkg.arg("--print-architecture");
    let what = "dpkg --print-architecture";
    let arch = run(dpkg, what, APT_LIMIT)?.stdout.trim().to_owned();
    if arch.is_empty() {
        return Err(Error::Command {
            what: what.to_owned(),
            status: "empty answer".to_owned(),
            tail: String::new(),
        });
    }
    Ok(arch)
}

fn write_if_changed(path: &Path, content: &str) -> Result<bool> {
    if fs::read(path).is_ok_and(|now| now == content.as_bytes()) {
        return Ok(false);
    }
    fs::write(path, content).at("writing", path)?;
    Ok(true)
}

/// Reads a line like `Inst libc6:mipsel (2.36-9 Debian:12/stable [mipsel])`, also with the installed
/// version in square brackets before the parenthesis.
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

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
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
    fn download_progress_is_read() {
        assert_eq!(download_percent("dlstatus:1:35.21:Retrieving"), Some(35));
        assert_eq!(download_percent("Get:1 http://x"), None);
    }
}
