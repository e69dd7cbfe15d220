// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The QEMU command line of the guest.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use guest_image::GuestImage;
use guest_protocol::{PORT_NAME, SHELL_WORD};

use crate::memory_layout::MemoryLayout;
use crate::qemu::Carrier;

/// A periodic tick, whose timer is set by nobody but its own interrupt.
///
/// Guests on a busy host were seen to stand still for 27 s, one round of the counter at 160 MHz.
/// QEMU's source makes that likely for a guest that sets its timer anew in the moment in which it
/// expires: the thread that expires it may put its own next time, a whole round later, over the
/// guest's. That was read, not reproduced; with a steady tick the guests were not seen to stop.
const STEADY_TICK: [&str; 2] = ["nohz=off", "highres=off"];

/// The ISP's PCI slot and that of the agent's port. The Malta board's slots 18 and 19 share an
/// interrupt, which Linux leaves edge-triggered: when both devices raise it at about the same time, one
/// of them is not heard until the next time. Slots 20 and 21 have another one.
const ISP_SLOT: &str = "addr=0x12";
const PORT_SLOT: &str = "addr=0x14";

/// What a guest is made of.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// Kernel and initramfs.
    pub image: &'a GuestImage,
    /// Its memory.
    pub memory: MemoryLayout,
    /// What carries the ISP.
    pub carrier: Carrier,
    /// The emulator's socket.
    pub isp_socket: &'a Path,
    /// Where the agent's messages go, or a terminal instead of the agent.
    pub control: Control,
}

/// Who talks to the guest.
#[derive(Debug, Clone)]
pub enum Control {
    /// The lab, over the agent's port, which is connected to this socket; the console goes to
    /// QEMU's standard output.
    Agent(PathBuf),
    /// A person, over the console on QEMU's terminal.
    Terminal {
        /// The terminal's kind (`TERM`).
        kind: String,
        /// The file of the host in which the shell's exit code is written.
        exit_code: PathBuf,
    },
}

impl Launch<'_> {
    /// QEMU's arguments.
    ///
    /// # Errors
    /// If the guest's memory has no room for kernel and initramfs.
    pub fn arguments(&self) -> Result<Vec<OsString>, guest_image::Error> {
        let memory = self.memory.total();
        let placement = self.image.placement(memory, self.memory.limit())?;
        let mut arguments = Arguments::default();
        arguments.pair("-machine", "malta,memory-backend=mem");
        arguments.pair("-m", &format!("{}M", self.memory.total_mib()));
        // The emulator writes frames into this memory.
        arguments.pair(
            "-object",
            &format!("memory-backend-memfd,id=mem,size={memory},share=on"),
        );
        arguments.words(&["-nodefaults", "-no-user-config", "-display", "none"]);
        // A panic restarts the guest at once; that is to be its end.
        arguments.words(&["-no-reboot", "-nic", "none"]);
        arguments.pair("-kernel", self.image.kernel_elf.as_os_str());
        arguments.words(&placement.qemu_arguments(&self.image.initramfs.display().to_string()));
        arguments.pair("-append", &self.command_line(&placement.command_line()));
        self.attach(&mut arguments);
        match &self.control {
            Control::Agent(path) => {
                arguments.port(&socket("agent", path));
                arguments.pair("-chardev", "stdio,id=console,signal=off");
                arguments.pair("-serial", "chardev:console");
            }
            Control::Terminal { exit_code, .. } => {
                arguments.port(&format!("file,id=agent,path={}", escaped(exit_code)));
                arguments.pair("-serial", "mon:stdio");
            }
        }
        Ok(arguments.0)
    }

    fn attach(&self, arguments: &mut Arguments) {
        if self.carrier == Carrier::VfioUser {
            // Its socket has properties of its own, which the comma-separated form cannot say.
            let device = serde_json::json!({
                "driver": self.carrier.device(),
                "socket": { "type": "unix", "path": self.isp_socket },
                "addr": ISP_SLOT.trim_start_matches("addr="),
            });
            arguments.pair("-device", &device.to_string());
            return;
        }
        arguments.pair("-chardev", &socket("isp", self.isp_socket));
        arguments.pair(
            "-device",
            &format!("{},chardev=isp,{ISP_SLOT}", self.carrier.properties()),
        );
    }

    fn command_line(&self, placement: &str) -> String {
        let memory = self.memory.command_line();
        let mut words = vec![
            memory.as_str(),
            placement,
            "console=ttyS0",
            // An oops in the driver is the end of a test, and a panic the end of the guest.
            "oops=panic",
            "panic=-1",
            // Debian's kernel has /proc/pressure, but only if asked.
            "psi=1",
        ];
        words.extend(STEADY_TICK);
        words.extend(self.image.command_line_extra.iter().map(String::as_str));
        let terminal;
        if let Control::Terminal { kind, .. } = &self.control {
            // What the driver says is for its log; a person's console shows warnings.
            words.extend([SHELL_WORD, "loglevel=5"]);
            terminal = terminal_size::terminal_size().map_or_else(
                || format!("TERM={kind}"),
                |(width, height)| format!("TERM={kind} LINES={} COLUMNS={}", height.0, width.0),
            );
            words.push(&terminal);
        }
        words.join(" ")
    }
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn pair(&mut self, option: &str, value: &(impl AsRef<std::ffi::OsStr> + ?Sized)) {
        self.0.push(option.into());
        self.0.push(value.as_ref().to_owned());
    }

    /// The agent's port, with what is at its other end: a chardev of the id `agent`.
    fn port(&mut self, chardev: &str) {
        self.pair("-device", &format!("virtio-serial-pci,{PORT_SLOT}"));
        self.pair("-chardev", chardev);
        self.pair(
            "-device",
            &format!("virtserialport,chardev=agent,name={PORT_NAME}"),
        );
    }

    fn words(&mut self, words: &[impl AsRef<str>]) {
        self.0.extend(words.iter().map(|word| word.as_ref().into()));
    }
}

/// A connection to a socket on which somebody listens already.
fn socket(id: &str, path: &Path) -> String {
    format!("socket,id={id},path={}", escaped(path))
}

/// A path as a part of an option: QEMU takes a comma as the next one, unless doubled.
pub fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn image() -> GuestImage {
        GuestImage {
            kernel_elf: "/cache/vmlinux".into(),
            kernel_end: 16 << 20,
            initramfs: "/cache/image.cpio".into(),
            initramfs_size: 11 << 20,
            kernel_release: "6.1.0".into(),
            kernel_label: "debian 6.1.0".into(),
            module_path: "/cache/tx-isp.ko".into(),
            module_debug_path: "/cache/tx-isp.ko".into(),
            has_vivid: true,
            toolchain: "rust".into(),
            command_line_extra: vec!["extra=1".into()],
            takes_counter_hz: false,
        }
    }

    fn line(control: Control, carrier: Carrier) -> String {
        let launch = Launch {
            image: &image(),
            memory: "128M".parse().unwrap(),
            carrier,
            isp_socket: Path::new("/run/isp,1"),
            control,
        };
        let words = launch.arguments().unwrap();
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join("\n").replace("\n-", "\n\n-")
    }

    #[test]
    fn the_agents_guest_has_the_cameras_memory_and_a_port() {
        let line = line(Control::Agent("/run/agent".into()), Carrier::Gpio);
        for part in [
            "-machine\nmalta,memory-backend=mem\n",
            "-object\nmemory-backend-memfd,id=mem,size=134217728,share=on\n",
            "-device\nloader,file=/cache/image.cpio,addr=0x5800000,force-raw=on\n",
            "-append\nmem=99M@0x0 rmem=29M@0x6300000 rd_start=0x85800000 rd_size=11534336 \
             console=ttyS0 oops=panic panic=-1 psi=1 nohz=off highres=off extra=1\n",
            "-chardev\nsocket,id=isp,path=/run/isp,,1\n",
            "-device\nvhost-user-gpio-pci,chardev=isp,addr=0x12\n",
            "-device\nvirtio-serial-pci,addr=0x14\n",
            "-device\nvirtserialport,chardev=agent,name=tx-isp.agent\n",
        ] {
            assert!(line.contains(part), "{part} is not in\n{line}");
        }
    }

    #[test]
    fn a_persons_guest_has_the_terminal_instead() {
        let kind = "xterm".to_owned();
        let exit_code = "/run/exit-code".into();
        let line = line(Control::Terminal { kind, exit_code }, Carrier::Generic);
        assert!(
            line.contains("extra=1 lab.shell loglevel=5 TERM=xterm"),
            "{line}"
        );
        assert!(line.contains("-serial\nmon:stdio"), "{line}");
        assert!(
            line.contains("virtio-id=30,num_vqs=2,vq_size=256,chardev=isp"),
            "{line}"
        );
        assert!(
            line.contains("-chardev\nfile,id=agent,path=/run/exit-code\n"),
            "{line}"
        );
    }

    #[test]
    fn the_chip_at_its_own_addresses_needs_no_chardev() {
        let line = line(Control::Agent("/run/agent".into()), Carrier::VfioUser);
        let device = r#"{"addr":"0x12","driver":"vfio-user-pci","socket":{"path":"/run/isp,1","type":"unix"}}"#;
        assert!(line.contains(device), "{line}");
        assert!(!line.contains("id=isp"), "{line}");
    }

    #[test]
    fn too_little_memory_is_refused_before_anything_starts() {
        let launch = Launch {
            image: &image(),
            memory: "64M".parse().unwrap(),
            carrier: Carrier::Gpio,
            isp_socket: Path::new("/run/isp"),
            control: Control::Agent("/run/agent".into()),
        };
        let error = launch.arguments().unwrap_err().to_string();
        assert!(error.contains("too little memory"), "{error}");
    }
}
