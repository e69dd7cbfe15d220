// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The camera's carve-out, the only memory that frames may be written to.

/// The memory that frames may be written to: `SIZE@BASE`, as the kernel's `rmem=` has it.
pub use tx_isp_abi::units::PhysRange as CarveOut;
