// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The command line.

use crate::sandbox::Sandbox;
use crate::sensor::{self, ClockMode};
use clap::Parser;
use std::path::{Path, PathBuf};
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::soc::{SOCS, Soc};
use tx_isp_chip::behaviour::{Behaviour, Behaviours};
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::Fault;
use tx_isp_chip::{GuestErrorKind, Severity, Strictness};
use tx_isp_picture::Source;

/// An Ingenic T31 image signal processor as a vhost-user backend or a vfio-user device.
///
/// QEMU connects to the socket; the guest's driver then finds registers, interrupts and DMA as on
/// the chip, and a sensor that never stops sending.
#[derive(Clone, Debug, Parser)]
#[command(name = "tx-isp-emulator", version, after_long_help = QEMU_USAGE)]
pub struct Config {
    /// Unix socket on which QEMU connects as a vhost-user frontend: for the project's own driver, with
    /// QEMU 7.2 and later.
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "vfio_user",
        conflicts_with = "vfio_user"
    )]
    pub socket: Option<PathBuf>,

    /// Unix socket on which QEMU connects as a vfio-user client: registers are plain memory from
    /// 0x10000000 on, for anybody's driver, with QEMU 10.1 and later.
    #[arg(long, value_name = "PATH")]
    pub vfio_user: Option<PathBuf>,

    /// Unix socket for the operator: status, log of written frames, events, faults, steps, quit. One
    /// JSON object in a line each way, for example {"command":"status"}; emulator/MONITOR.md tells all.
    #[arg(long, alias = "control", value_name = "PATH")]
    pub monitor: Option<PathBuf>,

    /// Frame rate: frames per second from 1 to 240 (rates that the sensor does not reach are
    /// allowed, a GC2053 does 5 to 40), `max` for a frame whenever each enabled channel has a
    /// buffer, `stepped` for frames on the operator's demand. Without it the sensor's own rate.
    #[arg(
        long,
        value_name = "N|max|stepped",
        default_value = "sensor",
        hide_default_value = true
    )]
    pub fps: ClockMode,

    /// What the sensor sees: bars, gradient, noise, image:FILE or y4m:FILE.
    #[arg(long, value_name = "SOURCE", default_value_t)]
    pub source: Source,

    /// The sensor.
    #[arg(long, value_name = "NAME", default_value = "gc2053", value_parser = sensor::by_name)]
    pub sensor: &'static Sensor,

    /// The SoC that the chip claims to be, by its id words: t31x, t31l, t31n, t31a, t31al, t31zl,
    /// t31zc, t31lc, t31zx, t10, t20, t21, t23 or t30. The ISP stays that of a T31.
    #[arg(long, value_name = "NAME", default_value = "t31x", value_parser = soc_by_name)]
    pub soc: Soc,

    /// Writes the last status with all guest errors to FILE, as JSON, at the end.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// The only memory that frames may be written to, as in the kernel's rmem=; a buffer elsewhere
    /// is an error.
    #[arg(long, value_name = "SIZE@BASE")]
    pub carve_out: Option<CarveOut>,

    /// Ends the run at the guest driver's first error; with =suspect also at what is probably one.
    #[arg(long, value_name = "SEVERITY", num_args = 0..=1, require_equals = true, default_missing_value = "error")]
    pub strict: Option<Severity>,

    /// A guest error that does not end a --strict run; may be given more than once.
    #[arg(long, value_name = "ID")]
    pub allow: Vec<GuestErrorKind>,

    /// How the chip behaves where its behaviour is open, for example empty-fifo=last-address; may be
    /// given more than once. Without a known value all are listed.
    #[arg(long, value_name = "NAME=VALUE")]
    pub behaviour: Vec<Behaviour>,

    /// Whether the process confines itself once it is set up: no other files, no programs, no network.
    #[arg(long, value_enum, default_value_t)]
    pub sandbox: Sandbox,

    /// The only folder in which the monitor's trace command makes files. Without it that of the
    /// monitor's socket.
    #[arg(long, value_name = "FOLDER")]
    pub trace_dir: Option<PathBuf>,

    /// Records each register access to FILE: R|W ADDRESS VALUE @SECONDS, one in a line.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// A fault to inject, for example lost-frame:frame=10; may be given more than once. Without a
    /// known kind all kinds are listed.
    #[arg(long, value_name = "KIND[:KEY=VALUE,...]")]
    pub fault: Vec<Fault>,

    /// Faults to inject from a TOML file: seed = 1, faults = ["lost-frame:p=0.01"].
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,

    /// Where the random numbers of faults with a probability start, instead of the file's seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Listens for the next VM when one is gone; without it that is the end.
    #[arg(long)]
    pub persist: bool,
}

impl Config {
    /// Which mistakes end the run.
    #[must_use]
    pub fn strictness(&self) -> Option<Strictness> {
        let mut strictness = Strictness::new(self.strict?);
        self.allow.iter().for_each(|kind| strictness.allow(*kind));
        Some(strictness)
    }

    /// How the chip behaves where its behaviour is open.
    #[must_use]
    pub fn behaviours(&self) -> Behaviours {
        let mut behaviours = Behaviours::default();
        for behaviour in &self.behaviour {
            behaviours.choose(*behaviour);
        }
        behaviours
    }

    /// The folder in which the monitor makes traces.
    #[must_use]
    pub fn trace_folder(&self) -> Option<PathBuf> {
        let beside = |socket: &PathBuf| match socket.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        self.trace_dir
            .clone()
            .or_else(|| self.monitor.as_ref().map(beside))
    }
}

/// A SoC that nobody described, and those that somebody did.
#[derive(Debug, thiserror::Error)]
#[error("there is no SoC {name:?}: use {}", known_socs())]
struct UnknownSoc {
    name: String,
}

fn soc_by_name(name: &str) -> Result<Soc, UnknownSoc> {
    let found = SOCS.iter().find(|soc| soc.name == name);
    found.copied().ok_or_else(|| UnknownSoc {
        name: name.to_owned(),
    })
}

fn known_socs() -> String {
    let names: Vec<&str> = SOCS.iter().map(|soc| soc.name).collect();
    names.join(", ")
}

/// How to start a VM; the memory must be shared, else DMA cannot reach it.
const QEMU_USAGE: &str = "\
A QEMU to go with it, with a kernel, an initramfs and a kernel command line of yours:

  qemu-system-mipsel -M malta,memory-backend=mem -m 128M \\
    -object memory-backend-memfd,id=mem,size=128M,share=on \\
    -chardev socket,id=isp,path=PATH \\
    -device vhost-user-gpio-pci,chardev=isp \\
    -kernel vmlinux -initrd initramfs.cpio.gz -append 'console=ttyS0' -nographic -nic none -vga none

The size of the memory stands in two places and must be the same. The device carries the mailbox
under the name of a GPIO controller, which QEMU 7.2 and later can create. A QEMU that can create a
generic vhost-user device (10.2 and later) takes this in its place:

    -device vhost-user-test-device-pci,chardev=isp,virtio-id=30,num_vqs=2,vq_size=256

With --vfio-user PATH (QEMU 10.1 and later) this takes the place of -chardev and -device:

    -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"PATH\"},\"addr\":\"0x12\"}'

The window of 64 MiB must lie at 0x10000000, where Linux puts it by itself if no other device has a
window as large. In the guest, before any access:

    echo 1 > /sys/bus/pci/devices/0000:00:12.0/enable && devmem 0x13300000

Messages go to standard error; RUST_LOG=debug tells more, RUST_LOG=warn less.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        let program = ["tx-isp-emulator", "--socket", "/run/isp"];
        Config::try_parse_from(program.iter().chain(arguments))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_sensor() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.fps, ClockMode::Sensor);
        assert_eq!(config.source, Source::Bars);
        assert_eq!(config.sensor.name, "gc2053");
        assert!(!config.persist && config.monitor.is_none() && config.report.is_none());
    }

    #[test]
    fn bad_values_are_answered_with_good_ones() {
        let message = |arguments: &[&str]| parse(arguments).unwrap_err().to_string();
        assert!(message(&["--fps", "0"]).contains("from 1 to 240, max or stepped"));
        assert!(message(&["--source", "plaid"]).contains("use bars, gradient, noise"));
        assert!(message(&["--sensor", "ov2735"]).contains("use gc2053"));
        assert!(message(&["--carve-out", "29M"]).contains("SIZE@BASE"));
        assert!(message(&["--soc", "t40"]).contains("use t31x, t31l"));
    }

    #[test]
    fn every_soc_can_be_chosen_and_is_in_the_help() {
        let help = Config::command().render_long_help().to_string();
        for soc in SOCS {
            assert_eq!(parse(&["--soc", soc.name]).unwrap().soc, *soc);
            assert!(help.contains(soc.name), "{}", soc.name);
        }
        assert_eq!(parse(&[]).unwrap().soc.name, "t31x");
    }

    #[test]
    fn there_is_one_attachment() {
        let parse = |words: &[&str]| {
            let words = ["tx-isp-emulator"].iter().chain(words);
            Config::try_parse_from(words).map_err(|error| error.to_string())
        };
        let config = parse(&["--vfio-user", "/run/isp"]).unwrap();
        assert_eq!(
            (config.socket, config.vfio_user),
            (None, Some("/run/isp".into()))
        );
        assert!(parse(&["--vfio-user", "/a", "--socket", "/b"]).is_err());
        assert!(parse(&[]).unwrap_err().contains("--socket"));
    }

    #[test]
    fn the_help_shows_both_carriers() {
        let help = Config::command().render_long_help().to_string();
        assert!(help.contains("vhost-user-gpio-pci,chardev=isp"));
        assert!(help.contains("vhost-user-test-device-pci,chardev=isp,virtio-id=30,num_vqs=2"));
    }
}
