// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The carve-out's allocator: first fit, sizes rounded up to 256 bytes, blocks in address order,
//! neighbours merged when they are freed, as the vendor's client library has it (T31 4.5).

mod error;

use crate::List;
pub use crate::owner::{Client, Owner};
pub use error::PoolError;
use tx_isp_abi::PhysAddr;

/// Sizes are rounded up to multiples of this (T31 4.5).
pub const GRANULE: u32 = 256;
/// Clients map whole pages: no page holds blocks of two of them.
pub const PAGE: u32 = 4096;

/// A run of bytes with one owner, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First byte.
    pub address: PhysAddr,
    /// Length, a multiple of [`GRANULE`] except for a last odd rest of the carve-out.
    pub bytes: u32,
    /// Who holds it; `None` is free.
    pub owner: Option<Owner>,
}

/// A pool of physical memory in at most `N` blocks.
#[derive(Clone, Debug)]
pub struct Pool<const N: usize> {
    /// In address order, without gaps; no two free blocks are neighbours.
    blocks: List<Block, N>,
}

impl<const N: usize> Pool<N> {
    /// A pool of `bytes` bytes from `base` on, all free. The range must not pass the end of the
    /// 32-bit space.
    #[must_use]
    pub fn new(base: PhysAddr, bytes: u32) -> Self {
        let whole = Block {
            address: base,
            bytes,
            owner: None,
        };
        let mut pool = Self {
            blocks: List::new(whole),
        };
        pool.reset(base, bytes);
        pool
    }

    /// Makes this a pool as [`Pool::new`] does, in place: a pool may be larger than the stack.
    pub fn reset(&mut self, base: PhysAddr, bytes: u32) {
        self.blocks.clear();
        let fits = self.blocks.push(Block {
            address: base,
            bytes,
            owner: None,
        });
        debug_assert!(fits, "a pool has room for one block");
    }

    /// The blocks in address order, free ones included.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        self.blocks.as_slice()
    }

    /// The most blocks that there can be, free ones included.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Bytes in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.blocks().iter().map(|block| block.bytes).sum()
    }

    /// Bytes that are free, in however many runs.
    #[must_use]
    pub fn free_bytes(&self) -> u32 {
        self.free_runs().sum()
    }

    /// Bytes of the largest free run.
    #[must_use]
    pub fn largest_free_run(&self) -> u32 {
        self.free_runs().max().unwrap_or(0)
    }

    fn free_runs(&self) -> impl Iterator<Item = u32> {
        self.blocks()
            .iter()
            .filter(|block| block.owner.is_none())
            .map(|block| block.bytes)
    }

    /// Takes the first free run that holds `bytes` bytes from an address that is a multiple of
    /// `alignment` on, and returns that address. What alignment skips stays free.
    ///
    /// # Errors
    /// [`PoolError::NoSpace`], [`PoolError::TooManyBlocks`], [`PoolError::Empty`] or
    /// [`PoolError::Alignment`]; the pool is unchanged.
    pub fn allocate(
        &mut self,
        bytes: u32,
        alignment: u32,
        owner: Owner,
    ) -> Result<PhysAddr, PoolError> {
        if bytes == 0 {
            return Err(PoolError::Empty);
        }
        if !alignment.is_power_of_two() {
            return Err(PoolError::Alignment(alignment));
        }
        let no_space = PoolError::NoSpace {
            requested: bytes,
            largest: self.largest_free_run(),
        };
        let rounded = bytes.checked_next_multiple_of(GRANULE).ok_or(no_space)?;
        let (index, skipped) = self
            .first_fit(rounded, alignment, owner.client)
            .ok_or(no_space)?;
        let run = self.blocks()[index];
        let rest = run.bytes - skipped - rounded;
        if N - self.blocks.len() < usize::from(skipped > 0) + usize::from(rest > 0) {
            return Err(PoolError::TooManyBlocks);
        }
        self.blocks.remove(index);
        let address = PhysAddr(run.address.0 + skipped);
        // Inserted from behind; what is empty is left out.
        for block in [
            Block {
                address: PhysAddr(address.0 + rounded),
                bytes: rest,
                owner: None,
            },
            Block {
                address,
                bytes: rounded,
                owner: Some(owner),
            },
            Block {
                address: run.address,
                bytes: skipped,
                owner: None,
            },
        ] {
            if block.bytes > 0 {
                let fits = self.blocks.insert(index, block);
                debug_assert!(fits, "room was counted");
            }
        }
        Ok(address)
    }

    /// The first free run that can serve, and how many of its bytes are skipped: for alignment, and
    /// for the page in which another client's block ends.
    fn first_fit(&self, bytes: u32, alignment: u32, client: Client) -> Option<(usize, u32)> {
        let blocks = self.blocks();
        let is_foreign = |index: Option<usize>| {
            let neighbour = index.and_then(|index| blocks.get(index)?.owner);
            // The driver's own blocks are whole pages.
            let shares = |other: Client| other == client || other == Client::DRIVER;
            client != Client::DRIVER && neighbour.is_some_and(|owner| !shares(owner.client))
        };
        let skipped = |index: usize, block: &Block| {
            let first = block.address.0;
            let mut start = u64::from(first);
            let mut end = start + u64::from(block.bytes);
            if is_foreign(index.checked_sub(1)) {
                start = start.next_multiple_of(PAGE.into());
            }
            if is_foreign(index.checked_add(1)) {
                end -= end % u64::from(PAGE);
            }
            let start = start.next_multiple_of(alignment.into());
            let fits = block.owner.is_none() && start + u64::from(bytes) <= end;
            fits.then(|| u32::try_from(start - u64::from(first)).ok())?
        };
        blocks
            .iter()
            .enumerate()
            .find_map(|(index, block)| skipped(index, block).map(|skipped| (index, skipped)))
    }

    /// Gives the block that starts at `address` back and returns its length in bytes.
    ///
    /// # Errors
    /// [`PoolError::NotAllocated`] if no block that is held starts there.
    pub fn free(&mut self, address: PhysAddr) -> Result<u32, PoolError> {
        let index = self
            .blocks()
            .iter()
            .position(|block| block.address == address && block.owner.is_some())
            .ok_or(PoolError::NotAllocated(address))?;
        let bytes = self.blocks()[index].bytes;
        self.blocks.as_mut_slice()[index].owner = None;
        self.merge_with_next(index);
        if let Some(previous) = index.checked_sub(1) {
            self.merge_with_next(previous);
        }
        Ok(bytes)
    }

    /// Cuts the held block that starts at `address` in two with the same owner, the first `bytes` long.
    ///
    /// # Errors
    /// [`PoolError::NotAllocated`] if no held block longer than that starts there,
    /// [`PoolError::TooManyBlocks`]; the pool is unchanged.
    pub fn split(&mut self, address: PhysAddr, bytes: u32) -> Result<(), PoolError> {
        let held = |block: &Block| {
            block.address == address && block.owner.is_some() && block.bytes > bytes
        };
        let index = self
            .blocks()
            .iter()
            .position(held)
            .ok_or(PoolError::NotAllocated(address))?;
        let whole = self.blocks()[index];
        let rest = Block {
            address: PhysAddr(address.0 + bytes),
            bytes: whole.bytes - bytes,
            owner: whole.owner,
        };
        if !self.blocks.insert(index + 1, rest) {
            return Err(PoolError::TooManyBlocks);
        }
        self.blocks.as_mut_slice()[index].bytes = bytes;
        Ok(())
    }

    /// Gives back every block whose owner `leaves` says to; returns how many bytes that were.
    pub fn free_where(&mut self, leaves: impl Fn(&Owner) -> bool) -> u32 {
        let mut bytes = 0;
        while let Some(address) = self
            .blocks()
            .iter()
            .find(|block| block.owner.as_ref().is_some_and(&leaves))
            .map(|block| block.address)
        {
            bytes += self.free(address).unwrap_or(0);
        }
        bytes
    }

    /// Whether blocks of these sizes, each with its alignment and its client, could all be allocated in
    /// this order. The pool is as before.
    pub fn would_fit(&mut self, wanted: impl IntoIterator<Item = (u32, u32, Client)>) -> bool {
        let fits = wanted.into_iter().all(|(bytes, alignment, client)| {
            self.allocate(bytes, alignment, Owner::TRIAL.of(client))
                .is_ok()
        });
        self.free_where(|owner| owner.name == Owner::TRIAL.name);
        fits
    }

    fn merge_with_next(&mut self, index: usize) {
        let [first, second, ..] = self.blocks()[index..] else {
            return;
        };
        if first.owner.is_none() && second.owner.is_none() {
            self.blocks.as_mut_slice()[index].bytes += second.bytes;
            self.blocks.remove(index + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const BASE: PhysAddr = PhysAddr(0x630_0000);

    fn owner() -> Owner {
        Owner::new("test")
    }

    #[test]
    fn blocks_are_placed_as_in_the_camera_log() {
        // The first rows of T31 5.4: ncubuf, osdDev and the rest, then VBM pool 0.
        let mut pool: Pool<16> = Pool::new(BASE, 30_408_704);
        assert_eq!(pool.allocate(2_592_000, GRANULE, owner()), Ok(BASE));
        assert!(pool.allocate(9_834_752, GRANULE, owner()).is_ok());
        assert_eq!(
            pool.allocate(4 * 3_133_440, GRANULE, owner()),
            Ok(PhysAddr(0x6ed_9e00))
        );
        assert_eq!(
            pool.allocate(886_528, GRANULE, owner()),
            Ok(PhysAddr(0x7ac_de00))
        );
        for _ in 0..2 {
            assert!(pool.allocate(199_808, GRANULE, owner()).is_ok());
        }
        assert_eq!(
            pool.allocate(2 * 353_280, GRANULE, owner()),
            Ok(PhysAddr(0x7c0_7f00))
        );
        assert_eq!(pool.free_bytes(), 3_455_232);
    }

    #[test]
    fn a_request_that_does_not_fit_says_what_would() {
        let mut pool: Pool<4> = Pool::new(BASE, 1024);
        assert_eq!(
            pool.allocate(1025, GRANULE, owner()),
            Err(PoolError::NoSpace {
                requested: 1025,
                largest: 1024
            })
        );
        assert_eq!(
            pool.allocate(u32::MAX, GRANULE, owner()),
            Err(PoolError::NoSpace {
                requested: u32::MAX,
                largest: 1024
            })
        );
        assert_eq!(pool.allocate(0, GRANULE, owner()), Err(PoolError::Empty));
        assert_eq!(pool.free(BASE), Err(PoolError::NotAllocated(BASE)));
    }

    #[test]
    fn a_full_table_changes_nothing() {
        let mut pool: Pool<2> = Pool::new(BASE, 4096);
        assert!(pool.allocate(256, GRANULE, owner()).is_ok());
        let before = pool.clone().blocks().to_vec();
        assert_eq!(
            pool.allocate(256, GRANULE, owner()),
            Err(PoolError::TooManyBlocks)
        );
        assert_eq!(pool.blocks(), before);
    }

    #[test]
    fn no_page_holds_blocks_of_two_clients() {
        let [first, second] = [1, 2].map(|client| owner().of(Client(client)));
        let mut pool: Pool<16> = Pool::new(BASE, 8 * PAGE);
        assert_eq!(pool.allocate(GRANULE, GRANULE, first), Ok(BASE));
        let page = |number: u32| PhysAddr(BASE.0 + number * PAGE);
        assert_eq!(pool.allocate(GRANULE, GRANULE, second), Ok(page(1)));
        let packed = PhysAddr(BASE.0 + GRANULE);
        assert_eq!(
            pool.allocate(GRANULE, GRANULE, first),
            Ok(packed),
            "its own blocks are packed as by the vendor"
        );
        // What is left of the first page is nobody's but its own.
        assert_eq!(
            pool.allocate(6 * PAGE, GRANULE, second),
            Ok(PhysAddr(page(1).0 + GRANULE))
        );
        let rest = PAGE - 2 * GRANULE;
        assert!(pool.allocate(rest + GRANULE, GRANULE, first).is_err());
        assert!(pool.allocate(rest, GRANULE, first).is_ok());
    }

    proptest! {
        /// Allocations and frees in any order: no overlap, nothing lost, neighbours merged.
        #[test]
        fn the_pool_keeps_every_byte(steps in prop::collection::vec((any::<bool>(), 1u32..20_000, 0u32..14, any::<prop::sample::Index>()), 1..120)) {
            const TOTAL: u32 = 100_000;
            let mut pool: Pool<64> = Pool::new(BASE, TOTAL);
            let mut held: Vec<(PhysAddr, u32)> = Vec::new();
            for (allocate, bytes, shift, pick) in steps {
                if allocate {
                    let alignment = 1 << shift;
                    let largest = pool.largest_free_run();
                    match pool.allocate(bytes, alignment, owner()) {
                        Ok(address) => {
                            prop_assert!(address.0 % alignment == 0);
                            held.push((address, bytes.next_multiple_of(GRANULE)));
                        }
                        Err(PoolError::NoSpace { .. }) => {
                            prop_assert!(bytes.next_multiple_of(GRANULE) + alignment > largest);
                        }
                        Err(error) => prop_assert_eq!(error, PoolError::TooManyBlocks),
                    }
                } else if !held.is_empty() {
                    let (address, bytes) = held.swap_remove(pick.index(held.len()));
                    prop_assert_eq!(pool.free(address), Ok(bytes));
                }
                let mut next = BASE;
                for pair in pool.blocks().windows(2) {
                    prop_assert!(pair[0].owner.is_some() || pair[1].owner.is_some(), "free neighbours");
                }
                for block in pool.blocks() {
                    prop_assert_eq!(block.address, next);
                    next = PhysAddr(next.0 + block.bytes);
                }
                prop_assert_eq!(next.0, BASE.0 + TOTAL);
                let mut used: Vec<_> = pool.blocks().iter().filter(|b| b.owner.is_some()).map(|b| (b.address, b.bytes)).collect();
                used.sort_unstable();
                held.sort_unstable();
                prop_assert_eq!(&used, &held);
            }
            for (address, _) in held {
                prop_assert!(pool.free(address).is_ok());
            }
            prop_assert_eq!(pool.blocks(), [Block { address: BASE, bytes: TOTAL, owner: None }]);
        }
    }
}
