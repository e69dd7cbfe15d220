// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which guest the environment asks for.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use guest_image::KernelChoice;
use testbed::config::GuestConfig;
use testbed::prepare::{named_qemu, repository};
use testbed::progress::Steps;
use testbed::qemu::Carrier;

/// The carriers that are named; all if none is.
pub fn wanted_carriers(names: Option<&str>) -> Result<Vec<Carrier>, String> {
    let Some(names) = names.filter(|names| *names != "auto") else {
        return Ok(Carrier::ALL.to_vec());
    };
    let carrier = |name: &str| {
        let mut carriers = Carrier::ALL.into_iter();
        let found = carriers.find(|carrier| carrier.name() == name);
        found.ok_or_else(|| {
            format!(
                "TX_ISP_TEST_ATTACH={names}: {name:?} is none of {}",
                Carrier::ALL.map(Carrier::name).join(", ")
            )
        })
    };
    names.split(',').map(carrier).collect()
}

/// Which guest the environment asks for.
pub fn config() -> Result<GuestConfig> {
    let word = |name: &str| env::var(format!("TX_ISP_TEST_{name}")).ok();
    let memory = word("MEMORY").unwrap_or_else(|| "128M".to_owned());
    let mut config = GuestConfig {
        memory: memory.parse().map_err(anyhow::Error::msg)?,
        kernel: match word("KERNEL").as_deref() {
            None => KernelChoice::Debian,
            Some(text) => {
                KernelChoice::named(text).unwrap_or_else(|| KernelChoice::Path(text.into()))
            }
        },
        qemu: word("QEMU").map(PathBuf::from),
        // Each suite says which.
        attach: None,
        vendor: false,
        yes: word("YES").is_some(),
    };
    // Asked for its carriers below, so it must be there.
    config.qemu = named_qemu(&config, &repository()?, &Steps::new())?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_are_named_one_or_several() {
        assert_eq!(wanted_carriers(None).unwrap(), Carrier::ALL);
        assert_eq!(wanted_carriers(Some("auto")).unwrap(), Carrier::ALL);
        assert_eq!(
            wanted_carriers(Some("generic,vfio-user")).unwrap(),
            [Carrier::Generic, Carrier::VfioUser]
        );
        let error = wanted_carriers(Some("gpio,usb")).unwrap_err();
        assert!(
            error.contains("\"usb\" is none of generic, gpio, vfio-user"),
            "{error}"
        );
    }
}
