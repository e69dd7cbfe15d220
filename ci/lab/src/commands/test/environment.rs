// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tells the guest tests which guest they are to boot.

use std::path::Path;

use clap::ValueEnum;
use guest_image::KernelChoice;

use crate::options::{Attach, GuestOptions};

/// Which guest, as the guest tests read it.
pub fn environment(guest: &GuestOptions) -> Vec<(&'static str, String)> {
    let mut variables = vec![("TX_ISP_TEST_MEMORY", guest.memory.to_string())];
    let kernel = match &guest.kernel {
        KernelChoice::Path(path) => absolute(path),
        named => named.name().unwrap_or_default().to_owned(),
    };
    variables.push(("TX_ISP_TEST_KERNEL", kernel));
    if let Some(qemu) = &guest.qemu {
        // A name without a slash is looked up in PATH.
        let named = qemu.components().count() == 1;
        let qemu = if named {
            qemu.display().to_string()
        } else {
            absolute(qemu)
        };
        variables.push(("TX_ISP_TEST_QEMU", qemu));
    }
    match guest.attach {
        Attach::Auto => {}
        other => variables.extend(other.to_possible_value().map(|value| {
            let name = value.get_name().to_owned();
            ("TX_ISP_TEST_ATTACH", name)
        })),
    }
    if guest.yes {
        variables.push(("TX_ISP_TEST_YES", "1".to_owned()));
    }
    variables
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute
        .unwrap_or_else(|_| path.to_path_buf())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::TestOptions;
    use super::*;
    use crate::options::parse;

    #[test]
    fn a_guest_is_told_in_the_environment() {
        let words = [
            "--kernel", "fast", "--attach", "gpio", "--qemu", "qemu", "-y",
        ];
        let variables = environment(&parse::<TestOptions>(&words).unwrap().guest);
        for expected in [
            ("TX_ISP_TEST_MEMORY", "128M"),
            ("TX_ISP_TEST_KERNEL", "fast"),
            ("TX_ISP_TEST_QEMU", "qemu"),
            ("TX_ISP_TEST_ATTACH", "gpio"),
            ("TX_ISP_TEST_YES", "1"),
        ] {
            let found = variables
                .iter()
                .any(|(name, value)| (*name, value.as_str()) == expected);
            assert!(found, "{expected:?} is not in {variables:?}");
        }
    }
}
