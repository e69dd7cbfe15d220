// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Malta board's interrupt controllers, before the first driver asks for an interrupt.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The I/O ports, where the kernel offers them.
const PORTS: &str = "/dev/port";
/// The edge/level register of the second i8259: a bit for each of interrupts 8 to 15.
const ELCR2: u64 = 0x4d1;
/// Interrupts 10 and 11, which all of the board's PCI slots share.
const PCI: u8 = 0b1100;

/// Has the controller hear PCI's interrupts as the levels that they are. It hears edges unless told
/// otherwise, and Linux leaves it so: of two devices that raise one interrupt at about the same time,
/// one may not be heard. A kernel without /dev/port stays as it is.
pub fn use_levels() {
    match set(PORTS) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            eprintln!("agent: telling the interrupt controller of levels: {error}");
        }
        _ => {}
    }
}

fn set(ports: &str) -> io::Result<()> {
    let ports = File::options().read(true).write(true).open(ports)?;
    let mut value = [0];
    ports.read_exact_at(&mut value, ELCR2)?;
    ports.write_all_at(&[value[0] | PCI], ELCR2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_interrupts_become_levels_and_the_others_stay() {
        let path = std::env::temp_dir().join(format!("agent-ports-{}", std::process::id()));
        let mut ports = vec![0; 0x500];
        ports[0x4d1] = 0x21;
        std::fs::write(&path, &ports).unwrap();
        set(&path.display().to_string()).unwrap();
        ports[0x4d1] = 0x2d;
        assert!(std::fs::read(&path).unwrap() == ports);
        std::fs::remove_file(path).unwrap();
        assert_eq!(
            set("/no/such/port").unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
