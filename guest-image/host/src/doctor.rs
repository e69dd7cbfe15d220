// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What this machine has and lacks, one line for each thing, and how to mend what is wrong.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::apt_root::GUEST;
use crate::cache_dir;
use crate::command::run;
use crate::disk;
use crate::error::Error;
use crate::mirror;
use crate::offline;
use crate::packages::{self, Needs, find_program};
use crate::qemu;
use crate::toolchain::{Facts, OLDEST_FOR_HOST, RustVersion, Toolchain};

/// How long a program may take to say what it is.
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How long a mirror may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How many MiB of the cache `du` counts at most in this time.
const COUNT_LIMIT: Duration = Duration::from_secs(5);

/// What is going to be run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the kernel is built from source.
    pub kernel_source: bool,
    /// The QEMU that the user names.
    pub qemu: Option<PathBuf>,
}

/// One thing that must be there.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    what: &'static str,
    /// What was found, or what is wrong and what to do.
    result: Result<String, String>,
}

/// Looks at everything; gives what it found as text, and whether a stream would work.
#[must_use]
pub fn report(options: &Options, repository: &Path) -> (String, bool) {
    let cache = cache_dir::find();
    let folder = match &cache {
        Ok(path) => path.clone(),
        Err(_) => std::env::temp_dir(),
    };
    let sources = mirror::sources(&folder, GUEST);
    let mut checks = vec![
        check("Rust", host_rust(repository, &folder)),
        check("Rust's sources", rust_sources(repository, &folder)),
        check("host packages", host_packages(options)),
        check("QEMU", qemu::describe_all(options.qemu.as_deref(), &folder)),
        check(
            "cache folder",
            cache.map(|path| describe_cache(&path)).map_err(said),
        ),
        check("disk space", space(&folder)),
    ];
    let address = sources
        .as_deref()
        .ok()
        .and_then(mirror::first_address)
        .map(str::to_owned);
    if let Some(address) = address {
        checks.push(check("keys", keys(sources.as_deref().unwrap_or_default())));
        checks.push(check("network", network(&address, &folder)));
        checks.push(check("mirror", Ok(address)));
    } else {
        checks.push(check("mirror", no_mirror(sources)));
    }
    let all_there = checks.iter().all(|check| check.result.is_ok());
    (text(&checks), all_there)
}

fn check(what: &'static str, result: Result<String, String>) -> Check {
    Check { what, result }
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn said(error: Error) -> String {
    error.to_string()
}

fn text(checks: &[Check]) -> String {
    let lines = checks.iter().map(|check| match &check.result {
        Ok(found) => format!("✓ {:<14} {found}\n", check.what),
        Err(problem) => format!("✗ {:<14} {problem}\n", check.what),
    });
    let missing = checks.iter().filter(|check| check.result.is_err()).count();
    let verdict = match missing {
        0 => "everything is there".to_owned(),
        1 => "1 thing is missing".to_owned(),
        _ => format!("{missing} things are missing"),
    };
    lines.chain([verdict + "\n"]).collect()
}

fn host_rust(repository: &Path, cache: &Path) -> Result<String, String> {
    let facts = Facts::ask(Path::new("rustc"), None, repository);
    let found = facts
        .as_ref()
        .ok()
        .and_then(|facts| RustVersion::parse(facts.release()));
    if let (Ok(facts), Some(found)) = (&facts, found) {
        if found >= OLDEST_FOR_HOST {
            let line = facts.verbose.lines().next().unwrap_or_default();
            return Ok(line.to_owned());
        }
    }
    if let Some(private) = Toolchain::private(repository, cache) {
        if private.release() >= OLDEST_FOR_HOST {
            return Ok(private.to_string());
        }
    }
    let is = match &facts {
        Ok(facts) => format!("rustc {} is older than {OLDEST_FOR_HOST}", facts.release()),
        Err(error) => format!("rustc does not answer ({error})"),
    };
    Err(format!(
        "{is}: `cargo lab setup` unpacks a newer one into the cache, or take rustup (https://rustup.rs)"
    ))
}

fn rust_sources(repository: &Path, cache: &Path) -> Result<String, String> {
    match Toolchain::find(repository, cache) {
        Ok(toolchain) => Ok(format!("{toolchain} has its own")),
        Err(Error::NoToolchain { looked_at }) => Err(format!(
            "no toolchain can build for the guest ({looked_at}): `cargo lab setup` gets one, or run `rustup component add rust-src`"
        )),
        Err(error) => Err(error.to_string()),
    }
}

fn host_packages(options: &Options) -> Result<String, String> {
    let needs = Needs {
        kernel_source: options.kernel_source,
        qemu: options.qemu.is_none(),
    };
    let missing = packages::missing(needs);
    if missing.is_empty() {
        return Ok(installed_versions(&packages::wanted(needs)));
    }
    let names = missing.join(" ");
    if find_program("apt-get").is_none() {
        return Err(Error::NotDebian { missing }.to_string());
    }
    Err(format!(
        "missing: {names}; `cargo lab setup` installs them, or run: apt-get update && apt-get install {names}"
    ))
}

/// Names and versions of packages, as far as they came as packages.
fn installed_versions(wanted: &[&str]) -> String {
    let mut query = Command::new("dpkg-query");
    query
        .args(["--show", "--showformat", "${Package} ${Version};"])
        .args(wanted);
    let mut versions = String::new();
    // It fails if one of them is not installed, and says the others all the same.
    let _ = crate::process::run(&mut query, ASK_LIMIT, |line| {
        if let crate::process::Line::Out(text) = line {
            versions.push_str(&text);
        }
    });
    match versions.trim_end_matches(';') {
        "" => "there, by other means than packages".to_owned(),
        versions => versions.replace(';', ", "),
    }
}

fn space(cache: &Path) -> Result<String, String> {
    let free = disk::check_cache(cache).map_err(said)?;
    Ok(format!(
        "{free} MiB free at {}",
        disk::existing(cache).display()
    ))
}

fn describe_cache(path: &Path) -> String {
    let mut du = Command::new("du");
    du.arg("-sm").arg(path);
    if !path.is_dir() {
        return format!(
            "{} is not there yet; the first run fills it",
            path.display()
        );
    }
    let size = run(du, "du", COUNT_LIMIT)
        .ok()
        .and_then(|said| said.stdout.split_whitespace().next().map(str::to_owned));
    match size {
        Some(mib) => format!("{} holds {mib} MiB", path.display()),
        None => path.display().to_string(),
    }
}

fn no_mirror(sources: Result<String, Error>) -> Result<String, String> {
    match sources {
        Ok(_) => Err("the cache's bookworm.sources names no URIs".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn keys(sources: &str) -> Result<String, String> {
    let files = mirror::key_files(sources);
    if let Some(lacking) = files.iter().find(|file| !file.is_file()) {
        return Err(format!(
            "{} is not there: apt-get install debian-archive-keyring",
            lacking.display()
        ));
    }
    Ok(match files.as_slice() {
        [] => "those of this machine's apt".to_owned(),
        files => files
            .iter()
            .map(|file| file.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// Whether the mirror, or the proxy on the way to it, takes a connection.
fn network(address: &str, cache: &Path) -> Result<String, String> {
    if offline::is_set() {
        return match disk::has_image(cache) {
            true => Ok("not tried (--offline); the cache holds what an earlier run fetched".to_owned()),
            false => Err(
                "not tried (--offline), and the cache holds nothing yet: run `cargo lab setup` once without it, or take a bundle made elsewhere (`cargo lab bundle`)"
                    .to_owned(),
            ),
        };
    }
    let proxy = proxy();
    let Some((host, port)) = host_and_port(proxy.as_deref().unwrap_or(address)) else {
        return Ok(format!("not tried: {address} is not asked over HTTP"));
    };
    let name = format!("{host}:{port}");
    let reached = (host.as_str(), port)
        .to_socket_addrs()
        .map_err(|error| error.to_string())
        .and_then(|mut found| found.next().ok_or_else(|| "no address".to_owned()))
        .and_then(|socket| {
            TcpStream::connect_timeout(&socket, CONNECT_LIMIT).map_err(|error| error.to_string())
        });
    match reached {
        Ok(_) => Ok(format!("{name} answers")),
        Err(error) if disk::has_image(cache) => Ok(format!(
            "{name} does not answer ({error}), but the cache holds what an earlier run fetched"
        )),
        Err(error) => Err(format!(
            "{name} does not answer ({error}): check the network and apt's proxy, or take a bundle made elsewhere (`cargo lab bundle`)"
        )),
    }
}

/// The proxy that apt goes through, if any.
fn proxy() -> Option<String> {
    let mut command = Command::new("apt-config");
    command.args(["shell", "proxy", "Acquire::http::Proxy"]);
    let configured = run(command, "apt-config", ASK_LIMIT).ok().and_then(|said| {
        let value = said.stdout.trim().strip_prefix("proxy='")?;
        Some(value.strip_suffix('\'')?.to_owned())
    });
    configured
        .or_else(|| std::env::var("http_proxy").ok())
        .filter(|proxy| !proxy.is_empty() && proxy != "DIRECT")
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split('/').next()?;
    let authority = authority.rsplit('@').next()?;
    match authority.rsplit_once(':') {
        Some((host, digits)) if !digits.contains(']') => {
            Some((host.to_owned(), digits.parse().ok()?))
        }
        _ => Some((authority.to_owned(), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_beside_what_is_there() {
        let checks = [
            check("Rust", Ok("cargo 1.95.0".into())),
            check("QEMU", Err("none".into())),
        ];
        assert_eq!(
            text(&checks),
            "✓ Rust           cargo 1.95.0\n✗ QEMU           none\n1 thing is missing\n"
        );
        assert!(text(&checks[..1]).ends_with("everything is there\n"));
    }

    #[test]
    fn addresses_of_mirrors_and_proxies_are_taken_apart() {
        for (address, expected) in [
            ("http://m.example/debian", Some(("m.example", 80))),
            ("https://m.example:8443/debian", Some(("m.example", 8443))),
            (
                "http://me:secret@proxy.example:3128",
                Some(("proxy.example", 3128)),
            ),
            ("mirror+file:///etc/apt/mirrors/debian.list", None),
            ("file:/srv/debian", None),
        ] {
            let found = host_and_port(address);
            let found = found.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_named() {
        let error = keys("Signed-By: /no/such/key.gpg\n").unwrap_err();
        assert!(
            error.contains("/no/such/key.gpg is not there: apt-get install"),
            "{error}"
        );
        assert_eq!(
            keys("URIs: http://m\n").unwrap(),
            "those of this machine's apt"
        );
    }
}
