// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many frames a second come through each of the driver's fronts, in turns in one guest.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use guest_protocol::message::RunEnd;
use testbed::config::{GuestConfig, Io, control};
use testbed::guest::Guest;
use testbed::prepare::Prepared;
use testbed::program::run;
use tx_isp_alloc::Strategy;
use tx_isp_emulator::sensor::ClockMode;

use super::base::{Bench, FULL_HD, MAIN};
use super::client::{Take, nothing, take};
use super::figures::{Row, Spread, Unit};

/// Frames of a round.
const FRAMES: u32 = 500;
/// Seconds of a round through the vendor's nodes, and how long the program may take.
const SECONDS: &str = "2";
const LIMIT: Duration = Duration::from_secs(60);

/// Frames per second through the vendor's nodes beside those through V4L2's; both clients bring their own
/// buffers, four in the carve-out, and read none.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let config = GuestConfig {
        vendor: true,
        ..bench.options.guest.config()
    };
    let prepared = Prepared::new(&config, bench.steps)?;
    let mut guest = bench.boot(&prepared, ClockMode::Max, "fronts")?;
    let device = guest.camera(MAIN)?;
    let what = Take {
        memory: Io::Rmem.memory(),
        strategy: Some(control(Strategy::Client)),
        ..Take::untouched(&device, FULL_HD, FRAMES)
    };
    let (mut v4l2, mut vendor) = (Spread::default(), Spread::default());
    bench.rounds(|| {
        v4l2.push(take(&mut guest, &what, nothing)?.fps());
        vendor.push(vendors(&mut guest)?);
        Ok(())
    })?;
    guest.power_off();
    let unit = Unit::FramesPerSecond;
    Ok(vec![
        Row::new("V4L2's nodes (poll, DQBUF, QBUF)", unit, v4l2.clone()),
        Row::new("the vendor's nodes (LISTEN_BUF, DQBUF, QBUF)", unit, vendor)
            .against("V4L2's nodes", v4l2),
    ])
}

fn vendors(guest: &mut Guest) -> Result<f64> {
    let ran = run(guest, &["vendor-client", "speed", SECONDS], LIMIT)?;
    ensure!(
        ran.end == RunEnd::Exit(0),
        "vendor-client ended with {:?}: {}",
        ran.end,
        ran.said()
    );
    rate(&ran.stdout).context("vendor-client names no speed")
}

/// "speed RATE frames per second".
fn rate(said: &str) -> Option<f64> {
    let speed = said.lines().find_map(|line| line.strip_prefix("speed "))?;
    speed.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_speed_is_read() {
        let said = "ncubuf 4685424\nspeed 957.50 frames per second\nspeed: 0 failures\n";
        assert_eq!(rate(said), Some(957.5));
        assert_eq!(rate("speed: 0 failures"), None);
    }
}
