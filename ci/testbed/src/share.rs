// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A folder of the host that the guest can read: QEMU's 9P server.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use guest_protocol::{SHARE_TAG, SHARE_WORD};

use crate::prepare::Prepared;
use crate::qemu::{QemuError, SHARE_DEVICE};
use crate::qemu_command::escaped;

/// Its PCI slot, beside that of the agent's port.
const SLOT: &str = "0x15";

/// Has the guest mount a folder at [`guest_protocol::SHARE_PLACE`]: to be read, not written. The image
/// must have been asked for it.
///
/// # Errors
/// If there is no such folder, or QEMU cannot.
pub fn add(prepared: &mut Prepared, folder: &Path) -> Result<()> {
    check(folder)?;
    if !prepared.qemu.has_share {
        let version = prepared.qemu.version.clone();
        return Err(QemuError::NoShare { version }.into());
    }
    let folder = folder
        .canonicalize()
        .with_context(|| format!("--share {}", folder.display()))?;
    prepared.qemu_options.extend(qemu_options(&folder));
    prepared
        .image
        .command_line_extra
        .push(SHARE_WORD.to_owned());
    Ok(())
}

/// What can be refused before anything is built.
///
/// # Errors
/// If there is no such folder.
pub fn check(folder: &Path) -> Result<()> {
    ensure!(
        folder.is_dir(),
        "--share {}: there is no such folder",
        folder.display()
    );
    Ok(())
}

fn qemu_options(folder: &Path) -> [OsString; 4] {
    let path = escaped(folder);
    [
        "-fsdev".into(),
        format!("local,id=share,security_model=none,readonly=on,path={path}").into(),
        "-device".into(),
        format!("{SHARE_DEVICE},fsdev=share,mount_tag={SHARE_TAG},addr={SLOT}").into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_offered_read_only_whatever_its_name() {
        let options = qemu_options(Path::new("/home/me/a, b"));
        let options = options.map(|option| option.into_string().unwrap());
        assert_eq!(options[0], "-fsdev");
        assert!(options[1].contains("readonly=on"), "{options:?}");
        assert!(options[1].ends_with("path=/home/me/a,, b"), "{options:?}");
        assert!(options[3].starts_with("virtio-9p-pci,"), "{options:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = check(Path::new("/no/such")).unwrap_err().to_string();
        assert_eq!(error, "--share /no/such: there is no such folder");
    }
}
