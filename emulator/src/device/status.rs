// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the operator is told.

use super::Device;
use crate::frame_log::nanoseconds;
use crate::lock::lock;
use crate::monitor::protocol::{
    AttachState, ChannelStatus, DmaStatus, FaultStatus, FrameCounts, GuestError, MailboxStatus,
    Status,
};
use std::sync::atomic::Ordering;
use tx_isp_abi::channel::ChannelId;
use tx_isp_chip::{self as chip, GuestErrorKind};

impl Device {
    /// State and counters of the moment.
    pub fn status(&self) -> Status {
        let state = self.state_first();
        let frame_log = lock(&self.frame_log);
        let channels = ChannelId::ALL.map(|channel| {
            let counters = state.chip.channel_counters(channel);
            ChannelStatus {
                channel: channel.number(),
                enabled: counters.enabled,
                session: counters.session,
                frames_written: counters.written,
                starved: counters.starved,
                skipped: counters.skipped,
                queued: u32::try_from(counters.queued).unwrap_or(u32::MAX),
                frame_log_evicted: frame_log.evicted(channel),
            }
        });
        let guest_errors = state.all_guest_errors().into_iter();
        let counts = state.counts;
        let busy_seconds = counts.busy.as_secs_f64();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attach: match state.link {
                Some(_) => AttachState::Connected,
                None => AttachState::Listening,
            },
            clock: self.clock,
            sensor: self.sensor.name.to_owned(),
            source: self.source.clone(),
            uptime_ns: nanoseconds(self.now()),
            streaming: state.running && state.chip.is_streaming(),
            frames: FrameCounts {
                started: counts.started,
                finished: counts.finished,
            },
            late_ticks: counts.late_before + state.chip.late_frames(),
            channels: channels.to_vec(),
            dma: DmaStatus {
                frames: counts.pictures,
                bytes: counts.bytes,
                revoked: counts.revoked,
                busy_seconds,
                bytes_per_second: per_second(counts.bytes, busy_seconds),
            },
            mailbox: MailboxStatus {
                batches: counts.batches,
                operations: counts.operations,
                refused: counts.refused,
                events: self.events.load(Ordering::Relaxed),
            },
            faults: state
                .chip
                .faults()
                .fired()
                .map(|(fault, fired)| FaultStatus {
                    fault: fault.to_string(),
                    fired,
                })
                .collect(),
            guest_errors: guest_errors
                .map(|(kind, finding)| told(kind, &finding))
                .collect(),
        }
    }
}

/// A finding as the protocol has it.
pub(super) fn told(kind: GuestErrorKind, finding: &chip::GuestError) -> GuestError {
    GuestError {
        id: kind.id().to_owned(),
        severity: Some(kind.severity()),
        count: finding.count,
        first: finding.first.clone(),
        help: kind.help().to_owned(),
        before: finding.before.iter().map(ToString::to_string).collect(),
    }
}

/// A rate; 0 where no time has passed.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate needs no more than 52 bits"
)]
fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}
