// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What programs that are linked for a camera expect of its file system, where the driver has the
//! vendor's nodes.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use guest_protocol::VENDOR_WORD;
use guest_protocol::message::Failure;

use crate::command_line::says;
use crate::failure::At;

/// Folders: shared memory, and the sensors' parameter files.
const FOLDERS: [&str; 2] = ["/dev/shm", "/etc/sensor"];
/// Its presence keeps the vendor's library from instructions that the emulated processor has not.
const NO_SIMD: &str = "/tmp/closesimd";
/// The driver's stand-in for [`MEMORY`], where the SoC's registers are not in the machine's memory.
const STAND_IN: &str = "/dev/tx-isp-mem";
/// Where the vendor's library reads clocks and ids.
const MEMORY: &str = "/dev/mem";

/// Prepares the guest if the kernel's command line asks for the vendor's nodes.
///
/// # Errors
/// What could not be made.
pub fn prepare(command_line: &str) -> Result<(), Failure> {
    if !says(command_line, VENDOR_WORD) {
        return Ok(());
    }
    for folder in FOLDERS {
        fs::create_dir_all(folder).at(&format!("creating {folder}"))?;
    }
    fs::write(NO_SIMD, "").at(&format!("creating {NO_SIMD}"))?;
    if Path::new(STAND_IN).exists() {
        match fs::remove_file(MEMORY) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).at(&format!("replacing {MEMORY}"));
            }
            _ => {}
        }
        symlink(STAND_IN, MEMORY).at(&format!("replacing {MEMORY}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_asks_with_a_parameter_of_the_module() {
        assert!(says(
            "quiet tx_isp.vendor=on rmem=29M@0x6300000",
            VENDOR_WORD
        ));
        assert!(!says("tx_isp.vendor=off", VENDOR_WORD));
        assert!(!says("", VENDOR_WORD));
    }
}
