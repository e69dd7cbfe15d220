// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The serial port to the lab.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use guest_protocol::PORT_NAME;
use guest_protocol::message::Failure;

use crate::failure::{At, failure};

/// How long the port may take to appear, and then the lab to connect to it.
const LIMIT: Duration = Duration::from_secs(10);
/// How often to look.
const STEP: Duration = Duration::from_millis(2);
/// Where the kernel lists virtio serial ports.
const PORTS: &str = "/sys/class/virtio-ports";

/// The open port.
pub struct Port {
    file: File,
    /// Whether anything has come yet.
    heard: bool,
}

impl Port {
    /// Opens the port as soon as it is there.
    pub fn open() -> Result<Self, Failure> {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(port) = Self::open_if_there()? {
                return Ok(port);
            }
            if Instant::now() > end {
                let text = format!("there is none named {PORT_NAME}");
                return Err(failure("finding the serial port", text));
            }
            thread::sleep(STEP);
        }
    }

    /// Opens the port; None if there is none, as in a guest that the lab has not started.
    pub fn open_if_there() -> Result<Option<Self>, Failure> {
        let Some(device) = find(Path::new(PORTS), PORT_NAME) else {
            return Ok(None);
        };
        let path = format!("/dev/{device}");
        let file = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .at(&format!("open {path}"))?;
        Ok(Some(Self { file, heard: false }))
    }
}

impl Read for Port {
    /// As a file's, but an end before the first byte only says that the other side is not there
    /// yet: it is given some time.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = Instant::now() + LIMIT;
        loop {
            let count = self.file.read(buffer)?;
            if count > 0 {
                self.heard = true;
            } else if !self.heard && Instant::now() < end {
                thread::sleep(STEP);
                continue;
            }
            return Ok(count);
        }
    }
}

impl Write for Port {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The device file of the port of a name.
fn find(ports: &Path, name: &str) -> Option<String> {
    let entries = fs::read_dir(ports).ok()?;
    entries.filter_map(Result::ok).find_map(|entry| {
        let says = fs::read_to_string(entry.path().join("name")).ok()?;
        (says.trim_end() == name).then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_by_its_name_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (device, name) in [("vport0p1", "other\n"), ("vport0p2", "tx-isp.agent\n")] {
            fs::create_dir(dir.path().join(device)).unwrap();
            fs::write(dir.path().join(device).join("name"), name).unwrap();
        }
        fs::create_dir(dir.path().join("vport0p0")).unwrap(); // without a name
        assert_eq!(find(dir.path(), PORT_NAME).as_deref(), Some("vport0p2"));
        assert_eq!(find(dir.path(), "tx-isp"), None);
        assert_eq!(find(&dir.path().join("none"), PORT_NAME), None);
    }
}
