// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver's allocator, in the words of a [`Pool`] report: for the client that manages the
//! carve-out by itself, and for the prediction.

use tx_isp_abi::PhysAddr;
use tx_isp_alloc::pool::{self, Pool as AddressPool, PoolError};

use super::report::{Allocation, Pool};

/// Blocks that a client's manager has room for.
pub const CLIENT_BLOCKS: usize = 256;

/// What became of an allocation: an address, or no room. Everything else is an error.
///
/// # Errors
/// If the allocator's table is full, or the request is not one.
pub fn room(result: Result<PhysAddr, PoolError>) -> Result<Option<u32>, PoolError> {
    match result {
        Ok(address) => Ok(Some(address.0)),
        // The vendor's manager refuses 0 bytes like any length that does not fit (T31 4.5).
        Err(PoolError::NoSpace { .. } | PoolError::Empty) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The state of an allocator as reports show it.
#[must_use]
pub fn state_of<const N: usize>(base: u32, pool: &AddressPool<N>) -> Pool {
    let held = |block: &pool::Block| {
        Some(Allocation {
            owner: block.owner?.as_str().to_owned(),
            address: block.address.0,
            bytes: block.bytes,
        })
    };
    Pool {
        base,
        total: pool.total(),
        free: pool.free_bytes(),
        largest: pool.largest_free_run(),
        allocations: pool.blocks().iter().filter_map(held).collect(),
    }
}
