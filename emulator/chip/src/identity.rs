// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The words that tell which SoC this is (T31 1.4).

use super::Chip;
use tx_isp_abi::registers::{Cpm, Efuse, Harb};
use tx_isp_abi::soc::{Identity, Soc};

impl Chip {
    /// The same chip, claiming to be another SoC: only the words that tell it differ (T31 1.4).
    #[must_use]
    pub fn with_soc(mut self, soc: Soc) -> Self {
        let Identity {
            soc_id,
            strap,
            variant,
            remark,
        } = soc.identity;
        let variant = u32::from(variant);
        for (address, value) in [
            (Harb::SocId.address(), soc_id),
            (Cpm::Strap.address(), strap),
            (Efuse::Remark.address(), Efuse::SUB_REMARK.of(remark.into())),
            // The client library reads the upper half (T31 3.3); the lower holds the same.
            (Efuse::Variant.address(), variant << 16 | variant),
        ] {
            self.storage.set(address, value);
        }
        self.soc = soc;
        self
    }

    /// The SoC that the chip claims to be.
    #[must_use]
    pub const fn soc(&self) -> Soc {
        self.soc
    }
}
