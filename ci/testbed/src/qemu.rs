// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The QEMU of this machine: where it is, its version, and what it can create.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use host_setup::qemu::has_device;

use crate::process;

/// The program that is looked up in PATH.
const PROGRAM: &str = "qemu-system-mipsel";
/// Debian 12's; older ones lack the GPIO carrier.
const OLDEST: (u32, u32) = (7, 2);
/// The device that offers a folder of the host; QEMU can be built without.
pub const SHARE_DEVICE: &str = "virtio-9p-pci";
/// It answers within a fraction of a second.
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// The virtual device that carries the ISP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// QEMU's generic vhost-user device.
    Generic,
    /// QEMU's vhost-user GPIO device, which has the two queues that the mailbox needs.
    Gpio,
    /// QEMU's vfio-user device: the chip at its own addresses.
    #[serde(rename = "vfio-user")]
    VfioUser,
}

impl Carrier {
    /// All, the better ones for our driver first.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Gpio, Self::VfioUser];

    /// Those that carry our driver's mailbox.
    pub const MAILBOX: [Self; 2] = [Self::Generic, Self::Gpio];

    /// The word for options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Gpio => "gpio",
            Self::VfioUser => "vfio-user",
        }
    }

    /// QEMU's name of the device.
    pub fn device(self) -> &'static str {
        match self {
            Self::Generic => "vhost-user-test-device-pci",
            Self::Gpio => "vhost-user-gpio-pci",
            Self::VfioUser => "vfio-user-pci",
        }
    }

    /// The device with its properties, for a mailbox's carrier. The generic one presents itself as a
    /// video encoder (virtio device 30), for which the guest's kernel has no driver of its own.
    pub fn properties(self) -> &'static str {
        match self {
            Self::Generic => "vhost-user-test-device-pci,virtio-id=30,num_vqs=2,vq_size=256",
            Self::Gpio | Self::VfioUser => self.device(),
        }
    }

    /// The emulator's option for the socket on which QEMU connects.
    pub fn emulator_option(self) -> &'static str {
        match self {
            Self::Generic | Self::Gpio => "--socket",
            Self::VfioUser => "--vfio-user",
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A QEMU that can run the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The program.
    pub program: PathBuf,
    /// Its version as it says it, as in `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)`.
    pub version: String,
    /// What it can create, the better ones first.
    pub carriers: Vec<Carrier>,
    /// Whether it can offer a folder of the host ([`SHARE_DEVICE`]).
    pub has_share: bool,
}

/// No QEMU that can run the guest.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// There is none.
    #[error(
        "{program} cannot be started ({source}); on Debian install qemu-system-mips, or name one with --qemu PATH",
        program = program.display()
    )]
    Missing {
        /// What was tried.
        program: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{program} is no QEMU for mipsel: {reason}; name {PROGRAM} with --qemu", program = program.display())]
    Wrong {
        /// What was tried.
        program: PathBuf,
        /// What it said.
        reason: String,
    },
    /// It is too old.
    #[error(
        "{program} is version {version}; {}.{} or newer is needed (Debian 12 has 7.2)", OLDEST.0, OLDEST.1,
        program = program.display()
    )]
    TooOld {
        /// What was tried.
        program: PathBuf,
        /// What it said.
        version: String,
    },
    /// It cannot create what was asked for.
    #[error("QEMU {version} cannot create {device}, which --attach {carrier} needs; {instead}")]
    NoCarrier {
        /// Its version.
        version: String,
        /// What was asked for.
        carrier: Carrier,
        /// The device's name.
        device: &'static str,
        /// What would work.
        instead: String,
    },
    /// It cannot offer a folder.
    #[error(
        "QEMU {version} cannot create {SHARE_DEVICE}, which --share needs: it was built without virtfs; \
         use --add DIR, or a distribution's QEMU"
    )]
    NoShare {
        /// Its version.
        version: String,
    },
    /// It can create none of the carriers.
    #[error(
        "QEMU {version} can create neither {} nor {}, one of which carries the ISP; use Debian's qemu-system-mips",
        Carrier::Generic.device(), Carrier::Gpio.device()
    )]
    NoCarriers {
        /// Its version.
        version: String,
    },
}

impl Qemu {
    /// Looks at the QEMU that the user names, or at the one in PATH.
    ///
    /// # Errors
    /// [`QemuError`] if it cannot run the guest.
    pub fn find(named: Option<&Path>) -> Result<Self, QemuError> {
        let program = named.unwrap_or(Path::new(PROGRAM)).to_path_buf();
        let said = ask(&program, "--version")?;
        let version = said
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("QEMU emulator version "))
            .map(str::trim);
        let Some(version) = version.map(str::to_owned) else {
            let reason = format!("--version says {:?}", said.lines().next().unwrap_or(""));
            return Err(QemuError::Wrong { program, reason });
        };
        if number(&version).is_none_or(|number| number < OLDEST) {
            return Err(QemuError::TooOld { program, version });
        }
        let machines = ask(&program, "-machine help")?;
        if !machines.lines().any(|line| line.starts_with("malta ")) {
            let reason = "it has no malta machine".to_owned();
            return Err(QemuError::Wrong { program, reason });
        }
        let devices = ask(&program, "-device help")?;
        Ok(Self {
            program,
            version,
            carriers: carriers(&devices),
            has_share: has_device(&devices, SHARE_DEVICE),
        })
    }

    /// How fast the Malta board's CP0 counter counts, in Hz: half of the 320 MHz of its CPU, 6.25 ns
    /// a step. Before 8.1 QEMU kept the step in whole nanoseconds, so that it is 6.
    #[must_use]
    pub fn counter_hz(&self) -> u32 {
        match number(&self.version) {
            Some(number) if number < (8, 1) => 166_666_667,
            _ => 160_000_000,
        }
    }

    /// The carrier to use: the wanted one, or the best.
    ///
    /// # Errors
    /// [`QemuError::NoCarrier`] or [`QemuError::NoCarriers`].
    pub fn choose(&self, wanted: Option<Carrier>) -> Result<Carrier, QemuError> {
        let version = self.version.clone();
        let Some(&best) = self.carriers.first() else {
            return Err(QemuError::NoCarriers { version });
        };
        match wanted {
            None => Ok(best),
            Some(carrier) if self.carriers.contains(&carrier) => Ok(carrier),
            Some(carrier) => Err(QemuError::NoCarrier {
                version,
                carrier,
                device: carrier.device(),
                instead: match carrier {
                    Carrier::Gpio => format!("use --attach {best}"),
                    _ => format!("use --attach {best}, or --qemu debian-backports, which can"),
                },
            }),
        }
    }
}

/// What QEMU prints for one argument, which may be two words.
fn ask(program: &Path, argument: &str) -> Result<String, QemuError> {
    let mut command = Command::new(program);
    command.args(argument.split(' '));
    match process::ask(&mut command, ASK_LIMIT) {
        Ok((status, said)) if status.success() => Ok(said),
        Ok((status, _)) => Err(QemuError::Wrong {
            program: program.to_path_buf(),
            reason: format!("{argument} ends with {status}"),
        }),
        Err(source) => Err(QemuError::Missing {
            program: program.to_path_buf(),
            source,
        }),
    }
}

/// Major and minor of a version.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', ' ']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The carriers in QEMU's list of what can be created.
fn carriers(device_help: &str) -> Vec<Carrier> {
    Carrier::ALL
        .into_iter()
        .filter(|carrier| has_device(device_help, carrier.device()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn qemu(carriers: &[Carrier]) -> Qemu {
        Qemu {
            program: PROGRAM.into(),
            version: "7.2.22".into(),
            carriers: carriers.to_vec(),
            has_share: false,
        }
    }

    /// A program that says it is a QEMU.
    fn script(dir: &Path, version: &str) -> PathBuf {
        let path = dir.join("qemu");
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in\n--version) echo '{version}';;\n\
             '-machine help') echo 'malta                MIPS Malta Core LV';;\n\
             '-device help') echo 'name \"vhost-user-gpio-pci\", bus PCI'; echo 'name \"virtio-9p-pci\", bus PCI';;\nesac\n"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_better_carrier_is_taken_unless_one_is_named() {
        let both = qemu(&Carrier::ALL);
        assert_eq!(both.choose(None).unwrap(), Carrier::Generic);
        assert_eq!(both.choose(Some(Carrier::Gpio)).unwrap(), Carrier::Gpio);
        let stock = qemu(&[Carrier::Gpio]);
        assert_eq!(stock.choose(None).unwrap(), Carrier::Gpio);
        assert_eq!(
            stock
                .choose(Some(Carrier::Generic))
                .unwrap_err()
                .to_string(),
            "QEMU 7.2.22 cannot create vhost-user-test-device-pci, which --attach generic needs; use --attach gpio, \
             or --qemu debian-backports, which can"
        );
        assert!(matches!(
            qemu(&[]).choose(None),
            Err(QemuError::NoCarriers { .. })
        ));
    }

    #[test]
    fn an_old_qemu_counts_in_whole_nanoseconds() {
        for (version, hz) in [
            ("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", 166_666_667),
            ("8.0.5", 166_666_667),
            ("8.1.0", 160_000_000),
            ("10.0.2 (Debian 1:10.0.2)", 160_000_000),
        ] {
            let version = version.to_owned();
            let qemu = Qemu {
                version,
                ..qemu(&[])
            };
            assert_eq!(qemu.counter_hz(), hz, "{}", qemu.version);
        }
    }

    #[test]
    fn carriers_are_read_from_the_list_of_devices() {
        let list = "name \"vhost-user-gpio-device\", bus virtio-bus\nname \"vhost-user-gpio-pci\", bus PCI\n";
        assert_eq!(carriers(list), [Carrier::Gpio]);
        let list = "name \"vhost-user-gpio-pci\", bus PCI\nname \"vfio-user-pci\", bus PCI, desc \"VFIO\"\n\
             name \"vhost-user-test-device-pci\", bus PCI\n";
        assert_eq!(carriers(list), Carrier::ALL);
    }

    #[test]
    fn a_qemu_is_asked_for_its_version_and_devices() {
        let dir = tempfile::tempdir().unwrap();
        let program = script(dir.path(), "QEMU emulator version 10.0.2 (Debian 1:10)");
        let found = Qemu::find(Some(&program)).unwrap();
        assert_eq!(found.version, "10.0.2 (Debian 1:10)");
        assert_eq!(found.carriers, [Carrier::Gpio]);
        assert!(found.has_share);
    }

    #[test]
    fn what_is_missing_or_old_or_no_qemu_is_named() {
        let error = Qemu::find(Some(Path::new("/no/such/qemu"))).unwrap_err();
        assert!(error.to_string().contains("/no/such/qemu"), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let old = script(dir.path(), "QEMU emulator version 5.2.0");
        let error = Qemu::find(Some(&old)).unwrap_err();
        assert!(error.to_string().contains("7.2 or newer"), "{error}");
        let error = Qemu::find(Some(Path::new("/bin/true"))).unwrap_err();
        assert!(matches!(error, QemuError::Wrong { .. }), "{error}");
    }
}
