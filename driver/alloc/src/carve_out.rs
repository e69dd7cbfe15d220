// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The carve-out: its pool, and what its clients have announced that they will still need.

use super::pool::{Client, Owner, Pool, PoolError};
use super::request::{Grant, MAX_COUNT, Request};
use crate::List;
use tx_isp_abi::PhysAddr;

/// One block that a client will still need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Under which name, and who announced it.
    pub owner: Owner,
    /// Bytes, in one piece.
    pub bytes: u32,
    /// The block's address will be a multiple of this.
    pub alignment: u32,
}

/// No more reservations can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyReservations;

/// A pool of at most `BLOCKS` blocks and `RESERVATIONS` reservations.
#[derive(Clone, Debug)]
pub struct CarveOut<const BLOCKS: usize, const RESERVATIONS: usize> {
    pool: Pool<BLOCKS>,
    reservations: List<Reservation, RESERVATIONS>,
}

impl<const BLOCKS: usize, const RESERVATIONS: usize> CarveOut<BLOCKS, RESERVATIONS> {
    /// `bytes` bytes from `base` on, all free and nothing reserved.
    #[must_use]
    pub fn new(base: PhysAddr, bytes: u32) -> Self {
        let filler = Reservation {
            owner: Owner::new(""),
            bytes: 0,
            alignment: 1,
        };
        Self {
            pool: Pool::new(base, bytes),
            reservations: List::new(filler),
        }
    }

    /// Makes this what [`CarveOut::new`] gives, in place: it may be larger than the stack.
    pub fn reset(&mut self, base: PhysAddr, bytes: u32) {
        self.pool.reset(base, bytes);
        self.reservations.clear();
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &Pool<BLOCKS> {
        &self.pool
    }

    /// The pool, to be tried in, and the reservations beside it.
    pub fn parts(&mut self) -> (&mut Pool<BLOCKS>, &[Reservation]) {
        (&mut self.pool, self.reservations.as_slice())
    }

    /// What is announced and not yet used.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation] {
        self.reservations.as_slice()
    }

    /// Announces a block that will be needed. Reservations are kept in the order in which the blocks
    /// will be asked for.
    ///
    /// # Errors
    /// [`TooManyReservations`]; nothing has changed.
    pub fn reserve(&mut self, reservation: Reservation) -> Result<(), TooManyReservations> {
        if self.reservations.push(reservation) {
            Ok(())
        } else {
            Err(TooManyReservations)
        }
    }

    /// Takes a block. The first reservation of the same name and length that the owner's client
    /// announced is used up by it.
    ///
    /// # Errors
    /// As [`Pool::allocate`]; then the reservation stays.
    pub fn allocate(
        &mut self,
        bytes: u32,
        alignment: u32,
        owner: Owner,
    ) -> Result<PhysAddr, PoolError> {
        let address = self.pool.allocate(bytes, alignment, owner)?;
        let used = self
            .reservations()
            .iter()
            .position(|reservation| reservation.bytes == bytes && reservation.owner == owner);
        if let Some(index) = used {
            self.reservations.remove(index);
        }
        Ok(address)
    }

    /// Gives a block back.
    ///
    /// # Errors
    /// As [`Pool::free`].
    pub fn free(&mut self, address: PhysAddr) -> Result<u32, PoolError> {
        self.pool.free(address)
    }

    /// Forgets the reservations of that name, or all with an empty one, that `client` announced.
    pub fn cancel(&mut self, client: Client, name: &str) {
        let cancelled = |reservation: &Reservation| {
            reservation.owner.client() == client
                && (name.is_empty() || reservation.owner.as_str() == name)
        };
        while let Some(index) = self.reservations().iter().position(cancelled) {
            self.reservations.remove(index);
        }
    }

    /// A queue takes its buffers: as many, and in one run or several, as `grant` says. All
    /// reservations under the queue's name are used up by that, whoever announced them.
    ///
    /// # Errors
    /// As [`Pool::allocate`]; then nothing was taken.
    pub fn take(
        &mut self,
        request: &Request<'_>,
        grant: &Grant,
    ) -> Result<List<PhysAddr, { MAX_COUNT as usize }>, PoolError> {
        let owner = Owner::new(request.owner);
        let mut taken = List::new(PhysAddr(0));
        let placed = if grant.in_one_run {
            self.take_run(request, grant.count, owner, &mut taken)
        } else {
            self.take_each(request, grant.count, owner, &mut taken)
        };
        if let Err(error) = placed {
            for address in taken.as_slice() {
                // It was allocated above.
                let _ = self.pool.free(*address);
            }
            return Err(error);
        }
        let own = |reservation: &Reservation| reservation.owner.as_str() == owner.as_str();
        while let Some(index) = self.reservations().iter().position(own) {
            self.reservations.remove(index);
        }
        Ok(taken)
    }

    fn take_each(
        &mut self,
        request: &Request<'_>,
        count: u32,
        owner: Owner,
        taken: &mut List<PhysAddr, { MAX_COUNT as usize }>,
    ) -> Result<(), PoolError> {
        for _ in 0..count {
            let address = self
                .pool
                .allocate(request.bytes, request.alignment, owner)?;
            if !taken.push(address) {
                self.pool.free(address)?;
                return Err(PoolError::TooManyBlocks);
            }
        }
        Ok(())
    }

    fn take_run(
        &mut self,
        request: &Request<'_>,
        count: u32,
        owner: Owner,
        taken: &mut List<PhysAddr, { MAX_COUNT as usize }>,
    ) -> Result<(), PoolError> {
        let whole = request.bytes.saturating_mul(count);
        let first = self.pool.allocate(whole, request.alignment, owner)?;
        // What is not cut off yet is one block at the last address; it is freed with that.
        let mut address = first;
        for left in (0..count).rev() {
            if !taken.push(address) {
                self.pool.free(address)?;
                return Err(PoolError::TooManyBlocks);
            }
            if left > 0 {
                self.pool.split(address, request.bytes)?;
                address = PhysAddr(address.0 + request.bytes);
            }
        }
        Ok(())
    }

    /// A client is gone: its blocks and its reservations go. Returns the bytes that became free.
    pub fn release(&mut self, client: Client) -> u32 {
        self.cancel(client, "");
        self.pool.free_where(|owner| owner.client() == client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: PhysAddr = PhysAddr(0x630_0000);
    const CLIENT: Client = Client(7);

    fn reservation(name: &str, bytes: u32) -> Reservation {
        Reservation {
            owner: Owner::new(name).of(CLIENT),
            bytes,
            alignment: 256,
        }
    }

    #[test]
    fn an_allocation_uses_up_the_reservation_that_announced_it() {
        let mut carve_out: CarveOut<8, 4> = CarveOut::new(BASE, 1 << 20);
        carve_out.reserve(reservation("stream", 4096)).unwrap();
        carve_out.reserve(reservation("stream", 4096)).unwrap();
        let stream = Owner::new("stream");
        carve_out.allocate(4096, 256, stream.of(CLIENT)).unwrap();
        assert_eq!(carve_out.reservations().len(), 1);
        carve_out.allocate(4096, 256, stream.of(Client(8))).unwrap();
        assert_eq!(
            carve_out.reservations().len(),
            1,
            "somebody else's name is no claim"
        );
        carve_out.allocate(4096, 256, stream.of(CLIENT)).unwrap();
        assert_eq!(carve_out.reservations().len(), 0);
    }

    #[test]
    fn a_client_that_is_gone_leaves_nothing() {
        let mut carve_out: CarveOut<8, 4> = CarveOut::new(BASE, 1 << 20);
        carve_out
            .allocate(4096, 256, Owner::new("a").of(CLIENT))
            .unwrap();
        carve_out.allocate(4096, 256, Owner::new("b")).unwrap();
        carve_out
            .allocate(512, 256, Owner::new("c").of(CLIENT))
            .unwrap();
        carve_out.reserve(reservation("d", 4096)).unwrap();
        assert_eq!(carve_out.release(CLIENT), 4608);
        assert_eq!(carve_out.pool().free_bytes(), (1 << 20) - 4096);
        assert_eq!(carve_out.reservations().len(), 0);
        assert_eq!(carve_out.release(CLIENT), 0);
    }

    #[test]
    fn reservations_can_be_taken_back_by_name() {
        let mut carve_out: CarveOut<8, 2> = CarveOut::new(BASE, 1 << 20);
        carve_out.reserve(reservation("a", 1)).unwrap();
        carve_out.reserve(reservation("b", 2)).unwrap();
        assert_eq!(
            carve_out.reserve(reservation("c", 3)),
            Err(TooManyReservations)
        );
        carve_out.cancel(Client(8), "a");
        carve_out.cancel(CLIENT, "a");
        assert_eq!(carve_out.reservations(), [reservation("b", 2)]);
    }
}
