// SPDX-License-Identifier: GPL-2.0-only
//! What went wrong and was dealt with, for C to show. tx_isp_rust.h declares it, with its locking.

use crate::ffi::Core;
use crate::guard::guard;

/// `struct tx_isp_health`: counts since the device was bound.
#[derive(Debug)]
#[repr(C)]
pub struct Health {
    unmatched: u32,
    dropped_buffers: u32,
    damaged_frames: u32,
    core_errors: u32,
    vic_errors: u32,
    vic_recoveries: u32,
    lost_interrupts: u32,
    storms: u32,
    restarts: u32,
    stale_addresses: u32,
    recoveries: u32,
    device_resets: u32,
    quarantined: u32,
}

/// Stores the counts.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_health(core: &Core, health: &mut Health) {
    guard((), || {
        let counts = core.health();
        *health = Health {
            unmatched: counts.unmatched,
            dropped_buffers: counts.dropped_buffers,
            damaged_frames: counts.damaged_frames,
            core_errors: counts.core_errors,
            vic_errors: counts.vic_errors,
            vic_recoveries: counts.vic_recoveries,
            lost_interrupts: counts.lost_interrupts,
            storms: counts.storms,
            restarts: counts.restarts,
            stale_addresses: counts.stale_addresses,
            recoveries: counts.recoveries,
            device_resets: counts.device_resets,
            quarantined: counts.quarantined,
        };
    })
}
