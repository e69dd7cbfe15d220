// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the blocks find at their inputs. Around a healthy chip it never changes; injected faults change it, and
//! the blocks know nothing else of them.

/// What the blocks find at their inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// The sensor's link comes up.
    pub(super) link_works: bool,
    /// The sensor sends frames.
    pub(super) sensor_sends: bool,
    /// The sensor answers the I2C transfer that begins.
    pub(super) sensor_answers: bool,
    /// The VIC hands on what comes in; it does not after an error, until it is reset.
    pub(super) vic_passes: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            link_works: true,
            sensor_sends: true,
            sensor_answers: true,
            vic_passes: true,
        }
    }
}
