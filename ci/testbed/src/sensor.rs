// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the emulated camera sees, and how fast.

use anyhow::Result;
use tx_isp_abi::sensor::{GC2053, Sensor};
use tx_isp_emulator::sensor::ClockMode;
use tx_isp_picture::{Renderer, Source};

/// Sensor, source and frame rate.
#[derive(Debug, Clone)]
pub struct SensorConfig {
    /// Which sensor it is.
    pub model: &'static Sensor,
    /// Where the pictures come from.
    pub source: Source,
    /// When they come.
    pub fps: ClockMode,
}

impl SensorConfig {
    /// Opens the source as the emulator will, so that a file that will not do is refused before
    /// anything is built. Gives a warning if there is something to say about it.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn check(&self) -> Result<Option<String>> {
        Ok(Renderer::open(&self.source)?.warning())
    }
}

impl Default for SensorConfig {
    /// A GC2053 that sees bars, at its own rate.
    fn default() -> Self {
        Self {
            model: &GC2053,
            source: Source::Bars,
            fps: ClockMode::Sensor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_cannot_be_read_is_refused_by_name() {
        let scene = SensorConfig {
            source: Source::Image("/no/such/picture.png".into()),
            ..SensorConfig::default()
        };
        let error = scene.check().unwrap_err();
        assert!(
            error.to_string().contains("/no/such/picture.png"),
            "{error}"
        );
        assert_eq!(SensorConfig::default().check().unwrap(), None);
    }
}
