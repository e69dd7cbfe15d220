// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which bank of raw pictures and statistics is filled next.

use tx_isp_abi::statistics::Kind;

/// How far the banks have turned.
#[derive(Clone, Debug, Default)]
pub(super) struct BankIndex {
    pub(super) raw: usize,
    pub(super) statistics: [usize; Kind::ALL.len()],
}
