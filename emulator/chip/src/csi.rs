// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The CSI host and its PHY: when the sensor's data come through, and the state of the lanes (T31
//! 2.8, 2a.1, 2a.3).

use super::Chip;
use tx_isp_abi::registers::CsiHost;

/// PHY_STATE with PHY and host out of reset.
const STOPPED: u32 = 0x630;
/// PHY_STATE while a frame is sent.
const SENDING: u32 = 0x300;
/// PHY_STATE between frames of a sensor that sends.
const BLANKING: u32 = 0x330;
/// How LIVE_40 grows.
const LIVE_STEP: u32 = 0x0002_0002;

impl Chip {
    /// Whether PHY and host are out of reset. SHUTDOWNZ has no say: the vendor's driver only ever clears
    /// it (T31 2a.1).
    pub(super) fn csi_is_up(&self) -> bool {
        [CsiHost::PhyReset, CsiHost::HostReset]
            .iter()
            .all(|register| self.storage.get(register.address()) & 1 != 0)
    }

    pub(super) fn phy_state(&self) -> u32 {
        if self.is_streaming() {
            if self.is_in_frame() {
                SENDING
            } else {
                BLANKING
            }
        } else if self.csi_is_up() && self.conditions.link_works {
            STOPPED
        } else {
            CsiHost::PhyState.describe().reset
        }
    }

    pub(super) const fn csi_live(&self) -> u32 {
        self.frame_number.wrapping_mul(LIVE_STEP)
    }
}
