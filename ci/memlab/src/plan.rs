// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How large the carve-out must be, from numbers alone.

use crate::predict;
use anyhow::Result;
use guest_protocol::camera::sizes;
use guest_protocol::camera::{AllocationPolicy, Queue, Report, Setup, Step};
use schemars::JsonSchema;
use serde::Serialize;
use tx_isp_abi::Size;
use tx_isp_alloc::negotiation::Margin;

use crate::camera::{Camera, Changes};
use crate::catalogue::CameraFile;
use crate::text;

/// Carve-outs consist of whole pages.
pub const STEP: u64 = 4096;

/// What works, and from which size on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Smallest {
    /// Who allocates.
    pub strategy: &'static str,
    /// The driver's policy, where it negotiates.
    pub policy: Option<&'static str>,
    /// The smallest carve-out in which every channel streams.
    pub streams_from: Option<u64>,
    /// How many buffers each channel has there.
    pub granted: String,
    /// The smallest carve-out from which on every channel always streams.
    pub reliable_from: Option<u64>,
    /// The smallest carve-out in which every channel has all the buffers it asks for.
    pub complete_from: Option<u64>,
    /// Whether every channel streams in this camera's own carve-out.
    pub works_now: bool,
    /// How many buffers each channel has there.
    pub granted_now: String,
}

/// A change and what it does.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestion {
    /// What is changed.
    pub change: String,
    /// The smallest carve-out in which every channel streams then.
    pub streams_from: Option<u64>,
    /// The smallest one in which every channel has all its buffers.
    pub complete_from: Option<u64>,
    /// Whether every channel streams in this carve-out.
    pub works_now: bool,
}

fn in_carve_out(camera: &Camera, policy: AllocationPolicy, bytes: u64) -> Result<Report> {
    // Where a carve-out begins decides nothing as long as it is on a page.
    let setup = camera.with_carve_out(bytes)?;
    Ok(predict(&setup, policy, Margin::default())?)
}

/// Whether every channel has all the buffers that it asks for.
pub fn is_complete(report: &Report) -> bool {
    let full = |queue: &Queue| queue.granted == queue.requested;
    report.streams() && report.queues.iter().all(full)
}

/// The smallest carve-out in which every channel has all that it asks for. More memory changes nothing
/// any more then, so halving finds it.
fn complete_from(camera: &Camera, policy: AllocationPolicy) -> Result<Option<u64>> {
    let (mut low, mut high) = (0, 1 << 19); // in steps: none, and 2 GiB
    if !is_complete(&in_carve_out(camera, policy, high * STEP)?) {
        return Ok(None);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match is_complete(&in_carve_out(camera, policy, middle * STEP)?) {
            true => high = middle,
            false => low = middle,
        }
    }
    Ok(Some(high * STEP))
}

/// The smallest carve-out in which every channel streams, and the smallest from which on all do. They
/// differ where a strategy gives away more of a larger carve-out, and leaves less for who comes later.
fn streams_from(
    camera: &Camera,
    policy: AllocationPolicy,
    complete: Option<u64>,
) -> Result<Option<(u64, u64)>> {
    let Some(complete) = complete else {
        return Ok(None);
    };
    let (mut first, mut reliable) = (complete, complete);
    let mut gap = false;
    for step in (least(&camera.setup) / STEP..complete / STEP).rev() {
        let bytes = step * STEP;
        if in_carve_out(camera, policy, bytes)?.streams() {
            first = bytes;
            if !gap {
                reliable = bytes;
            }
        } else {
            gap = true;
        }
    }
    Ok(Some((first, reliable)))
}

/// With less nothing streams: every block, and one frame of each channel.
fn least(setup: &Setup) -> u64 {
    let bytes = setup.steps().into_iter().map(|step| match step {
        Step::Block { bytes, .. } => bytes.into(),
        Step::Frames(channel) => sizes::frame_of_library(channel.size()),
    });
    bytes.sum()
}

/// What the camera needs under one strategy.
///
/// # Errors
/// If it cannot be computed.
pub fn smallest(camera: &Camera, policy: AllocationPolicy) -> Result<Smallest> {
    let complete_from = complete_from(camera, policy)?;
    let streams_from = streams_from(camera, policy, complete_from)?;
    let granted = match streams_from {
        Some((first, _)) => text::granted(&in_carve_out(camera, policy, first)?.queues),
        None => "-".to_owned(),
    };
    let now = predict(&camera.setup, policy, Margin::default())?;
    Ok(Smallest {
        strategy: policy.strategy().name(),
        policy: policy.hybrid_policy(),
        streams_from: streams_from.map(|(first, _)| first),
        granted,
        reliable_from: streams_from.map(|(_, reliable)| reliable),
        complete_from,
        works_now: now.streams(),
        granted_now: text::granted(&now.queues),
    })
}

/// What the client asks for, in order: owner and bytes before rounding.
pub fn requests(setup: &Setup) -> Vec<(String, u64)> {
    let request = |step| match step {
        Step::Block { owner, bytes, .. } => (owner.to_owned(), u64::from(bytes)),
        Step::Frames(channel) => {
            let frame = sizes::frame_of_library(channel.size());
            let count = channel.buffers;
            let what = format!("{} ({count} x {frame})", channel.pool_name());
            (what, frame * u64::from(count))
        }
    };
    setup.steps().into_iter().map(request).collect()
}

/// What could be changed, each by itself, and what it would do for a client of today.
///
/// # Errors
/// If the camera cannot be like that.
pub fn suggestions(id: &str, file: &CameraFile, changes: &Changes) -> Result<Vec<Suggestion>> {
    let camera = Camera::new(id, file, changes)?;
    let mut wanted: Vec<(String, Changes)> = Vec::new();
    if !camera.memopt && camera.setup.ncubuf.is_some() {
        let changes = Changes {
            memopt: Some(true),
            ..changes.clone()
        };
        wanted.push(("isp_memopt=1".to_owned(), changes));
    }
    let buffers = camera.setup.channels.first().map_or(0, |main| main.buffers);
    for count in (1..buffers).rev() {
        let changes = Changes {
            main_buffers: Some(count),
            ..changes.clone()
        };
        wanted.push((format!("{count} main buffers"), changes));
    }
    if let Some(sub) = camera.setup.channels.get(1) {
        for size in [
            Size::new(960, 540),
            Size::new(640, 360),
            Size::new(320, 180),
        ] {
            if size.width < sub.width && size.height < sub.height {
                let changes = Changes {
                    sub: Some(size),
                    ..changes.clone()
                };
                wanted.push((format!("second stream {size}"), changes));
            }
        }
    }
    let mut suggestions = Vec::new();
    for (change, changes) in wanted {
        let camera = Camera::new(id, file, &changes)?;
        let client = smallest(&camera, AllocationPolicy::Client)?;
        suggestions.push(Suggestion {
            change,
            streams_from: client.streams_from,
            complete_from: client.complete_from,
            works_now: client.works_now,
        });
    }
    Ok(suggestions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn camera(name: &str, changes: Changes) -> Camera {
        Camera::new(name, &catalogue::find(name).unwrap(), &changes).unwrap()
    }

    #[test]
    fn the_smallest_carve_out_is_that_of_hand_arithmetic() {
        // T31 5.4: the whole ledger with the correct ncubuf.
        let stock = camera("wyze-v3-stock", Changes::default());
        let client = smallest(&stock, AllocationPolicy::Client).unwrap();
        assert_eq!(
            client.streams_from,
            Some(29_047_040_u64.next_multiple_of(STEP))
        );
        assert_eq!(client.complete_from, client.streams_from);
        assert!(client.works_now);
        // T31 5.5: 30311936 used, then two stream buffers and the second pool.
        let wyze = camera("wyze-v3", Changes::default());
        let client = smallest(&wyze, AllocationPolicy::Client).unwrap();
        let needed: u64 = 30_311_936 + 2 * 199_936 + 706_560;
        assert_eq!(client.streams_from, Some(needed.next_multiple_of(STEP)));
        assert!(!client.works_now);
        let reserve = smallest(&wyze, AllocationPolicy::HybridReserve).unwrap();
        assert!(reserve.works_now);
        assert_eq!(reserve.granted, "1/4 + 1/2");
        assert!(reserve.streams_from < client.streams_from);
    }

    #[test]
    fn one_page_less_does_not_do() {
        let camera = camera("wyze-v3-sub540", Changes::default());
        for policy in AllocationPolicy::ALL {
            let found = smallest(&camera, policy).unwrap();
            let at = |bytes| in_carve_out(&camera, policy, bytes).unwrap();
            let (first, reliable) = (found.streams_from.unwrap(), found.reliable_from.unwrap());
            let complete = found.complete_from.unwrap();
            assert!(first <= reliable && reliable <= complete);
            assert!(
                at(first).streams() && !at(first - STEP).streams(),
                "{policy}"
            );
            assert!(at(reliable).streams() && !at(reliable - STEP).streams());
            assert!(is_complete(&at(complete)) && !is_complete(&at(complete - STEP)));
        }
    }

    #[test]
    fn first_come_first_served_can_fail_with_more_memory() {
        let camera = camera("wyze-v3-stock", Changes::default());
        let driver = smallest(&camera, AllocationPolicy::Driver).unwrap();
        assert!(driver.streams_from < driver.reliable_from);
        let reserve = smallest(&camera, AllocationPolicy::HybridReserve).unwrap();
        assert_eq!(reserve.streams_from, reserve.reliable_from);
    }

    #[test]
    fn a_larger_second_stream_needs_more_than_29m_and_less_than_40m() {
        // T31 5.6, thingino issue 610.
        let camera = camera("wyze-v3-sub540", Changes::default());
        let client = smallest(&camera, AllocationPolicy::Client).unwrap();
        assert!(!client.works_now);
        assert!(client.streams_from.unwrap() < 40 << 20);
    }
}
