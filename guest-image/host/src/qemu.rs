// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the QEMU of this machine can do for the guest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::run;

/// The program that is looked up in PATH.
pub const PROGRAM: &str = "qemu-system-mipsel";
/// What users call Debian's newest QEMU, which is fetched into the cache and run from there.
pub const DEBIAN_BACKPORTS: &str = "debian-backports";
/// The oldest that carries the ISP.
const OLDEST: (u32, u32) = (7, 2);
/// It answers within a fraction of a second, and the first time from a slow disk.
const ASK_LIMIT: Duration = Duration::from_secs(30);

/// The devices that can attach the ISP, and what they are called here.
const ATTACHMENTS: [(&str, &str); 3] = [
    ("vhost-user-test-device-pci", "generic"),
    ("vhost-user-gpio-pci", "gpio"),
    ("vfio-user-pci", "vfio-user"),
];

/// Debian's newest QEMU in a cache, if it was fetched.
#[must_use]
pub fn fetched(cache: &Path) -> Option<PathBuf> {
    fs::read_dir(cache.join("qemu/packages"))
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join(PROGRAM))
        .find(|program| program.is_file())
}

/// Version and attachments of the QEMU that the user names, or of that in PATH and of Debian's newest.
///
/// # Errors
/// What is wrong, and what to do.
pub fn describe_all(named: Option<&Path>, cache: &Path) -> Result<String, String> {
    let newest = || match fetched(cache) {
        Some(program) => describe(&program),
        None => Ok("not fetched yet".to_owned()),
    };
    match named {
        Some(named) if named.as_os_str() == DEBIAN_BACKPORTS => newest(),
        Some(named) => describe(named),
        None => {
            let found = describe(Path::new(PROGRAM))?;
            Ok(format!("{found}; {DEBIAN_BACKPORTS}: {}", newest()?))
        }
    }
}

/// Its version and the attachments that it has, as text.
///
/// # Errors
/// What is wrong, and what to do.
pub fn describe(program: &Path) -> Result<String, String> {
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments);
        run(command, &program.to_string_lossy(), ASK_LIMIT)
            .map(|said| said.stdout)
            .map_err(|error| {
                format!("{error}; on Debian: apt-get install qemu-system-mips, or name one with --qemu PATH")
            })
    };
    let said = ask(&["--version"])?;
    let version = said
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("QEMU emulator version "))
        .ok_or_else(|| format!("{} is no QEMU", program.display()))?;
    let mut numbers = version.split(['.', ' ']).map(str::parse);
    let number = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => return Err(format!("QEMU's version {version:?} is not understood")),
    };
    if number < OLDEST {
        return Err(format!(
            "QEMU {version} is older than {}.{}: take a newer one, and name it with --qemu PATH",
            OLDEST.0, OLDEST.1
        ));
    }
    if !ask(&["-machine", "help"])?
        .lines()
        .any(|line| line.starts_with("malta "))
    {
        return Err(format!("{} has no malta machine", program.display()));
    }
    let found = attachments(&ask(&["-device", "help"])?);
    // vfio-user alone carries no ISP of the default kind.
    if !found.iter().any(|name| *name != "vfio-user") {
        return Err(format!(
            "QEMU {version} has neither {} nor {}, one of which carries the ISP; Debian's qemu-system-mips has",
            ATTACHMENTS[0].0, ATTACHMENTS[1].0
        ));
    }
    Ok(format!("{version}, attaches by {}", found.join(", ")))
}

/// Whether a device is in QEMU's list of what it can create (`-device help`).
#[must_use]
pub fn has_device(device_help: &str, device: &str) -> bool {
    let entry = format!("name \"{device}\"");
    device_help.lines().any(|line| line.starts_with(&entry))
}

/// The attachments in QEMU's list of devices.
fn attachments(device_help: &str) -> Vec<&'static str> {
    ATTACHMENTS
        .iter()
        .filter(|(device, _)| has_device(device_help, device))
        .map(|(_, name)| *name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_are_read_from_the_list_of_devices() {
        let list = "name \"vhost-user-gpio-device\", bus virtio-bus\nname \"vhost-user-gpio-pci\", bus PCI\n\
                    name \"vfio-user-pci\", bus PCI, desc \"VFIO over socket\"\n";
        assert_eq!(attachments(list), ["gpio", "vfio-user"]);
        assert!(attachments("name \"virtio-gpu-pci\"\n").is_empty());
    }

    #[test]
    fn a_fetched_one_is_found_in_the_cache() {
        let cache = std::env::temp_dir().join(format!("host-setup-qemu-{}", std::process::id()));
        let folder = cache.join("qemu/packages/qemu-1");
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(fetched(&cache), None);
        fs::write(folder.join(PROGRAM), "").unwrap();
        assert_eq!(fetched(&cache), Some(folder.join(PROGRAM)));
        fs::remove_dir_all(&cache).unwrap();
        assert_eq!(fetched(&cache), None);
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let error = describe(Path::new("/no/such/qemu")).unwrap_err();
        assert!(
            error.contains("/no/such/qemu") && error.contains("--qemu"),
            "{error}"
        );
        let error = describe(Path::new("/bin/true")).unwrap_err();
        assert!(error.contains("is no QEMU"), "{error}");
    }
}
