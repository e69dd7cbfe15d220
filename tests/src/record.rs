// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A stream of the driver core on the rig, recorded.

use std::path::Path;

use anyhow::{Context, Result};
use tx_isp_abi::PhysAddr;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_chip::faults::Fault;
use tx_isp_driver::channel::Buffer;

use crate::rig::{CARVE_OUT, PERIOD_NS, Rig};

const MAIN: ChannelId = ChannelId::ALL[0];
const SIZE: Size = Size::new(320, 240);
const BUFFERS: u32 = 4;
/// What of the carve-out a buffer gets.
const SLOT: u32 = 1 << 18;

/// What is recorded.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Frames between start and stop.
    pub frames: u32,
    /// Faults on the way.
    pub faults: Vec<Fault>,
}

/// Streams on channel 0 and records every register access to `path`; how many there were.
///
/// # Errors
/// If the file cannot be written, or the driver cannot stream.
pub fn record(plan: &Plan, path: &Path) -> Result<u64> {
    let rig = Rig::new()?;
    plan.faults
        .iter()
        .for_each(|fault| rig.device().inject(*fault));
    rig.device().trace(Some(path))?;
    let told = |error: tx_isp_driver::Error| anyhow::anyhow!("{error}");
    let mut isp = rig.probe().map_err(told).context("probe")?;
    let buffer = |index| Buffer {
        index,
        address: PhysAddr(CARVE_OUT.base.0 + index * SLOT),
    };
    isp.set_layout(MAIN, PixelFormat::Nv12, SIZE)
        .map_err(told)?;
    for index in 0..BUFFERS {
        isp.queue(MAIN, buffer(index)).map_err(told)?;
    }
    isp.stream_on(MAIN).map_err(told).context("start")?;
    for _ in 0..plan.frames {
        rig.advance(PERIOD_NS);
        while rig.take_interrupt() {
            let report = isp.handle_interrupt().map_err(told).context("interrupt")?;
            for done in report.completed.as_slice() {
                isp.queue(MAIN, buffer(done.index)).map_err(told)?;
            }
        }
        isp.check(rig.now_ns()).map_err(told).context("watchdog")?;
    }
    isp.stream_off(MAIN).map_err(told).context("stop")?;
    Ok(rig.device().trace(None)?.recorded)
}
