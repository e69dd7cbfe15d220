// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The guest's clock, the same one that the driver's time stamps are of.

use std::time::Duration;

use guest_protocol::message::Failure;
use nix::time::{ClockId, clock_gettime};

use crate::failure::At;

/// CLOCK_MONOTONIC, in nanoseconds.
pub fn monotonic_ns() -> Result<u64, Failure> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).at("reading the clock")?;
    Ok(u64::try_from(Duration::from(time).as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let first = monotonic_ns().unwrap();
        assert!(first > 0 && monotonic_ns().unwrap() >= first);
    }
}
