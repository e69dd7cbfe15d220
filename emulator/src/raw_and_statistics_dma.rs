// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a frame writes to guest memory beside the channels' pictures: its raw picture and its
//! statistics. Nothing is looked at or drawn unless the driver has set banks for it.

use crate::attach::GuestMemory;
use crate::device::{Outcome, Revoked, StartedFrame};
use crate::lost_frames::lost_frame_level;
use crate::statistics::Statistics;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::sensor::Sensor;
use tx_isp_abi::statistics::{Kind, Zones};
use tx_isp_chip::{GuestErrorKind, NoisePlane, RawJob, RawOrStatistics, StatisticsJob};
use tx_isp_picture::{Brightness, RawLayout, RenderError, Rendered, Renderer, SensorFrame};
use vm_memory::{GuestAddress, GuestAddressSpace, GuestMemoryBackend};

/// Bytes of a frame's mark.
const MARK_BYTES: usize = 16;

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
enum RawOrStatisticsError {
    #[error("{what}: {length:#x} bytes at {address} are not in RAM")]
    OutsideMemory {
        what: &'static str,
        address: PhysAddr,
        length: u64,
    },
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Revoked(#[from] Revoked),
}

/// Writes a frame's raw picture and statistics.
///
/// # Errors
/// [`Revoked`] when the frame's permit has ended.
pub(crate) fn write(
    renderer: &mut Renderer,
    sensor: &Sensor,
    started: &StartedFrame,
    outcome: &mut Outcome,
) -> Result<(), Revoked> {
    let frame = SensorFrame {
        size: (sensor.size.width, sensor.size.height),
        number: started.frame.number,
        brightness: Brightness(started.frame.light),
        flips: started.frame.flips,
    };
    if let Some(job) = &started.frame.raw {
        match write_raw(renderer, &frame, started, job) {
            Ok(rendered) => outcome.bytes += rendered.bytes,
            Err(RawOrStatisticsError::Render(RenderError::Revoked)) => return Err(Revoked),
            Err(error) => fail(RawOrStatistics::Raw, &frame, &error, outcome),
        }
    }
    for (index, plane) in (0..).zip(&started.frame.noise) {
        match write_mark(started, plane, index) {
            Ok(()) => {}
            Err(RawOrStatisticsError::Revoked(revoked)) => return Err(revoked),
            Err(error) => {
                let detail = format!("frame {}: {error}", frame.number);
                let kind = GuestErrorKind::DmaOutsideMemory;
                outcome.guest_errors.push((kind, detail));
            }
        }
    }
    let jobs = &started.frame.statistics;
    if jobs.is_empty() {
        return Ok(());
    }
    let kinds: Vec<(Kind, Zones)> = jobs.iter().map(|job| (job.kind, job.zones)).collect();
    match Statistics::of(renderer, &frame, &kinds) {
        Ok(statistics) => {
            for job in jobs {
                let bank = statistics.bank(job.kind, &job.zones, job.thresholds);
                match write_bank(started, job, &bank) {
                    Ok(()) => {}
                    Err(RawOrStatisticsError::Revoked(revoked)) => return Err(revoked),
                    Err(error) => fail(
                        RawOrStatistics::Statistics(job.kind),
                        &frame,
                        &error,
                        outcome,
                    ),
                }
            }
        }
        Err(error) => {
            log::log!(
                lost_frame_level(),
                "frame {} has no statistics: {error}",
                frame.number
            );
            let lost = jobs.iter().map(|job| RawOrStatistics::Statistics(job.kind));
            outcome.lost.extend(lost);
        }
    }
    Ok(())
}

fn write_raw(
    renderer: &mut Renderer,
    frame: &SensorFrame,
    started: &StartedFrame,
    job: &RawJob,
) -> Result<Rendered, RawOrStatisticsError> {
    let memory = started.memory.memory();
    let before_last = u64::from(job.size.height.saturating_sub(1)) * u64::from(job.stride);
    let length = before_last + u64::from(job.size.width) * 2;
    let slice = usize::try_from(length)
        .ok()
        .and_then(|count| memory.get_slice(address(job.address), count).ok())
        .ok_or(RawOrStatisticsError::OutsideMemory {
            what: "raw picture",
            address: job.address,
            length,
        })?;
    let layout = RawLayout {
        order: job.bayer,
        size: (job.size.width, job.size.height),
        bits: job.bits,
        stride: job.stride,
    };
    Ok(renderer.render_raw(frame, &layout, &slice)?)
}

/// What a frame leaves at both ends of a plane of the noise filter's store: nothing is computed there, but a
/// plane that lies where it should not is found by it.
fn mark(number: u32, plane: u32) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    let words = [u32::from_le_bytes(*b"MDNS"), number, plane, !number];
    for (place, word) in mark.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    mark
}

fn write_mark(
    started: &StartedFrame,
    plane: &NoisePlane,
    index: u32,
) -> Result<(), RawOrStatisticsError> {
    let memory = started.memory.memory();
    let outside = || RawOrStatisticsError::OutsideMemory {
        what: plane.name,
        address: plane.address,
        length: plane.bytes,
    };
    let bytes = usize::try_from(plane.bytes).map_err(|_| outside())?;
    let slice = memory.get_slice(address(plane.address), bytes);
    let slice = slice.map_err(|_| outside())?;
    let mark = mark(started.frame.number, index);
    let count = mark.len().min(bytes);
    let first = slice.subslice(0, count).map_err(|_| outside())?;
    let last = slice
        .subslice(bytes - count, count)
        .map_err(|_| outside())?;
    started.permit.write(|| {
        last.copy_from(&mark[..count]);
        first.copy_from(&mark[..count]);
    })?;
    Ok(())
}

fn write_bank(
    started: &StartedFrame,
    job: &StatisticsJob,
    bank: &[u8],
) -> Result<(), RawOrStatisticsError> {
    let memory: <GuestMemory as GuestAddressSpace>::T = started.memory.memory();
    // As a whole or not at all.
    let slice = memory.get_slice(address(job.address), bank.len());
    let slice = slice.map_err(|_| RawOrStatisticsError::OutsideMemory {
        what: "bank of statistics",
        address: job.address,
        length: u64::try_from(bank.len()).unwrap_or(u64::MAX),
    })?;
    Ok(started.permit.write(|| slice.copy_from(bank))?)
}

fn address(address: PhysAddr) -> GuestAddress {
    GuestAddress(address.0.into())
}

/// A mistake of the driver's, or trouble on the host.
fn fail(
    job: RawOrStatistics,
    frame: &SensorFrame,
    error: &RawOrStatisticsError,
    outcome: &mut Outcome,
) {
    outcome.lost.push(job);
    match error {
        RawOrStatisticsError::OutsideMemory { .. }
        | RawOrStatisticsError::Render(RenderError::Memory(_)) => {
            let detail = format!("frame {}: {error}", frame.number);
            outcome
                .guest_errors
                .push((GuestErrorKind::DmaOutsideMemory, detail));
        }
        RawOrStatisticsError::Render(_) | RawOrStatisticsError::Revoked(_) => {
            log::log!(
                lost_frame_level(),
                "frame {} is lost: {error}",
                frame.number
            );
        }
    }
}
