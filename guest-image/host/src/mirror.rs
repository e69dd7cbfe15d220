// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From the host's apt sources to the guest's: the same Debian mirrors and keys, but Debian 12
//! (bookworm), the last release with mipsel.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, IoContext, Result};

/// The release the guest is made of.
const RELEASE: &str = "bookworm";

/// The release whose backports have the newest QEMU, and those backports' suite.
const QEMU_RELEASE: &str = "trixie";
pub(crate) const QEMU_BACKPORTS: &str = "trixie-backports";

/// Names a Debian release goes by in a host's sources.
const DEBIAN_NAMES: [&str; 11] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// The mirror that is offered where the host's sources name none.
pub const OFFERED: &str = "http://deb.debian.org";

/// Where the host's apt is set up.
const ETC: &str = "/etc/apt";

/// Debian's keys, as the package debian-archive-keyring has them.
pub const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The guest's sources: the cache's own file if there is one, else derived from the host's;
/// `architectures` are apt's names.
///
/// # Errors
/// [`Error::NoMirror`] if neither names a Debian mirror.
pub fn sources(cache: &Path, architectures: &str) -> Result<String> {
    let own = own_file(cache);
    if own.is_file() {
        return fs::read_to_string(&own).at("reading", &own);
    }
    let [deb822, one_line] = host_sources()?;
    derive(&deb822, &one_line, architectures).ok_or_else(|| no_mirror(cache))
}

/// The sources of the newest QEMU: the same mirrors' later release, and its backports.
///
/// # Errors
/// As [`sources`].
pub fn qemu_sources(cache: &Path, architecture: &str) -> Result<String> {
    let own = own_file(cache);
    let [deb822, one_line] = match own.is_file() {
        true => [
            vec![fs::read_to_string(&own).at("reading", &own)?],
            Vec::new(),
        ],
        false => host_sources()?,
    };
    derive_qemu(&deb822, &one_line, architecture).ok_or_else(|| no_mirror(cache))
}

fn no_mirror(cache: &Path) -> Error {
    Error::NoMirror {
        searched: PathBuf::from(ETC),
        override_file: own_file(cache),
    }
}

/// The texts of the host's `.sources` and `.list` files.
fn host_sources() -> Result<[Vec<String>; 2]> {
    let etc = Path::new(ETC);
    let mut one_line = read_all(&etc.join("sources.list.d"), "list")?;
    if let Ok(text) = fs::read_to_string(etc.join("sources.list")) {
        one_line.push(text);
    }
    Ok([read_all(&etc.join("sources.list.d"), "sources")?, one_line])
}

/// Names [`OFFERED`] as the guest's mirror, from now on.
///
/// # Errors
/// If the file cannot be written.
pub fn accept_offer(cache: &Path) -> Result<()> {
    let own = own_file(cache);
    let folder = cache.join("apt");
    fs::create_dir_all(&folder).at("creating", &folder)?;
    let text = format!(
        "# Debian's mirror for the guest's packages, as no source of this machine names one.\n\
         Types: deb\nURIs: {OFFERED}/debian\nSuites: {RELEASE} {RELEASE}-updates\n\
         Components: main\nSigned-By: {KEYS}\n\n\
         Types: deb\nURIs: {OFFERED}/debian-security\nSuites: {RELEASE}-security\n\
         Components: main\nSigned-By: {KEYS}\n"
    );
    fs::write(&own, text).at("writing", &own)
}

fn own_file(cache: &Path) -> PathBuf {
    cache.join("apt").join(format!("{RELEASE}.sources"))
}

/// The first mirror's address in the guest's sources.
#[must_use]
pub fn first_address(sources: &str) -> Option<&str> {
    let uris = sources
        .lines()
        .find_map(|line| line.strip_prefix("URIs:"))?;
    uris.split_whitespace().next()
}

/// The files with keys that the guest's sources name.
#[must_use]
pub fn key_files(sources: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = sources
        .lines()
        .filter_map(|line| line.strip_prefix("Signed-By:"))
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect();
    files.dedup();
    files
}

fn read_all(dir: &Path, extension: &str) -> Result<Vec<String>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .at("listing", dir)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    // A file that a user may not read is nothing for the guest either.
    Ok(paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect())
}

/// One Debian mirror as the host knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mirror {
    uri: String,
    /// The guest's suite there: bookworm, bookworm-updates, bookworm-security.
    suite: String,
    /// The value of Signed-By, possibly a key of many lines; without it apt's own key ring counts.
    signed_by: Option<String>,
}

/// The guest's sources in deb822 form, derived from the texts of the host's `.sources` and `.list`
/// files; `architectures` are apt's names. None if the host names no Debian mirror.
fn derive(deb822: &[String], one_line: &[String], architectures: &str) -> Option<String> {
    let mirrors = mirrors(deb822, one_line);
    if !mirrors.iter().any(|mirror| mirror.suite == RELEASE) {
        return None;
    }
    Some(write(&mirrors, architectures))
}

fn derive_qemu(deb822: &[String], one_line: &[String], architecture: &str) -> Option<String> {
    let found: BTreeSet<Mirror> = mirrors(deb822, one_line)
        .into_iter()
        .filter(|mirror| mirror.suite == RELEASE)
        .map(|mirror| Mirror {
            suite: format!("{QEMU_RELEASE} {QEMU_BACKPORTS}"),
            ..mirror
        })
        .collect();
    (!found.is_empty()).then(|| write(&found, architecture))
}

fn mirrors(deb822: &[String], one_line: &[String]) -> BTreeSet<Mirror> {
    let mut mirrors = BTreeSet::new();
    for text in deb822 {
        mirrors.extend(from_deb822(text));
    }
    for text in one_line {
        mirrors.extend(text.lines().flat_map(from_one_line));
    }
    mirrors
}

fn write(mirrors: &BTreeSet<Mirror>, architectures: &str) -> String {
    let mut text = String::new();
    for mirror in mirrors {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nArchitectures: {architectures}\n",
            mirror.uri, mirror.suite
        );
        if let Some(key) = &mirror.signed_by {
            let _ = writeln!(text, "Signed-By:{key}");
        }
        text.push('\n');
    }
    text
}

fn from_deb822(text: &str) -> Vec<Mirror> {
    let mut mirrors = Vec::new();
    let mut stanza: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            mirrors.extend(from_stanza(&stanza));
            stanza.clear();
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            stanza.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        }
    }
    mirrors
}

fn from_stanza(stanza: &[(String, String)]) -> Vec<Mirror> {
    let field = |name: &str| {
        stanza
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let words = |name: &str| field(name).unwrap_or_default().split_whitespace();
    if words("enabled").any(|word| word.eq_ignore_ascii_case("no"))
        || !words("types").any(|word| word == "deb")
        || !words("components").any(|word| word == "main")
    {
        return Vec::new();
    }
    let mut mirrors = Vec::new();
    for uri in words("uris").filter(|uri| is_debian(uri)) {
        for suite in words("suites").filter_map(guest_suite) {
            mirrors.push(Mirror {
                uri: uri.to_owned(),
                suite,
                signed_by: field("signed-by").map(str::to_owned),
            });
        }
    }
    mirrors
}

fn from_one_line(line: &str) -> Option<Mirror> {
    let rest = line.trim().strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest
        .split('#')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let uri = words.next()?;
    let suite = guest_suite(words.next()?)?;
    if !is_debian(uri) || !words.any(|component| component == "main") {
        return None;
    }
    let signed_by = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="))
        .map(|key| format!(" {}", key.replace(',', " ")));
    Some(Mirror {
        uri: uri.to_owned(),
        suite,
        signed_by,
    })
}

/// Whether a URI is that of Debian itself and not of somebody's packages for Debian: mirrors keep
/// it in a folder `debian` or `debian-security` (also as the name of a mirror list).
fn is_debian(uri: &str) -> bool {
    let path = uri.split_once(':').map_or(uri, |(_, path)| path);
    path.split('/')
        .map(|part| part.strip_suffix(".list").unwrap_or(part))
        .any(|part| part == "debian" || part == "debian-security")
}

/// The guest's suite for one of the host's; None for backports and suites that are not Debian's.
fn guest_suite(suite: &str) -> Option<String> {
    let (name, part) = ["-updates", "-security"]
        .iter()
        .find_map(|part| suite.strip_suffix(part).map(|name| (name, *part)))
        .unwrap_or((suite, ""));
    DEBIAN_NAMES
        .contains(&name)
        .then(|| format!("{RELEASE}{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKWORM: &str = "\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
";

    fn derived(deb822: &str, one_line: &str) -> Option<String> {
        derive(&[deb822.to_owned()], &[one_line.to_owned()], "amd64 mipsel")
    }

    #[test]
    fn debian_mirrors_are_kept_with_their_keys() {
        let text = derived(BOOKWORM, "").unwrap();
        assert_eq!(text.matches("Types: deb\n").count(), 3);
        assert!(text.contains("Suites: bookworm-updates\n"));
        assert!(!text.contains("backports") && !text.contains("contrib"));
        assert!(text.contains("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"));
        assert!(text.contains("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"));
        assert!(text.contains("Architectures: amd64 mipsel\n"));
    }

    #[test]
    fn the_newest_qemu_comes_from_the_same_mirror() {
        let text = derive_qemu(&[BOOKWORM.to_owned()], &[], "amd64").unwrap();
        assert_eq!(
            text,
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie trixie-backports\n\
             Components: main\nArchitectures: amd64\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        );
        assert_eq!(derive_qemu(&[], &[], "amd64"), None);
    }

    #[test]
    fn a_later_release_is_turned_into_bookworm() {
        let text = derived(
            "",
            "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian trixie main non-free # note\n\
             deb http://m.example/debian-security trixie-security main\n",
        )
        .unwrap();
        assert!(text.contains("URIs: http://m.example/debian\nSuites: bookworm\n"));
        assert!(text.contains("Signed-By: /k.gpg\n"));
        assert!(text.contains("Suites: bookworm-security\n"));
        assert!(!text.contains("trixie"));
    }

    #[test]
    fn other_peoples_packages_are_left_out() {
        let foreign = "deb https://packages.example/apt cloud-sdk-bookworm main\n\
                       deb https://download.example/linux/debian bookworm stable\n\
                       deb http://archive.example/ubuntu noble main\n";
        assert_eq!(derived("", foreign), None);
    }

    #[test]
    fn disabled_and_source_only_entries_are_left_out() {
        let off = BOOKWORM.replace("Types: deb\n", "Enabled: no\nTypes: deb\n");
        let off = off.replace("Types: deb deb-src", "Types: deb-src");
        assert_eq!(
            derived(&off, "deb-src http://m.example/debian bookworm main"),
            None
        );
    }

    #[test]
    fn an_accepted_offer_is_used_and_names_the_keys() {
        let cache = tempfile::tempdir().unwrap();
        accept_offer(cache.path()).unwrap();
        let text = sources(cache.path(), "amd64 mipsel").unwrap();
        assert_eq!(
            first_address(&text),
            Some(format!("{OFFERED}/debian").as_str())
        );
        assert_eq!(key_files(&text), [PathBuf::from(KEYS)]);
    }

    #[test]
    fn mirror_lists_and_snapshots_count_as_debian() {
        assert!(is_debian("mirror+file:///etc/apt/mirrors/debian.list"));
        assert!(is_debian(
            "http://s.example/archive/debian/20260101T000000Z"
        ));
        assert!(!is_debian("http://debian.example/stuff"));
    }
}
