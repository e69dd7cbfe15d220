// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The FIFOs of buffer addresses: five places in a ring and a state register (T31 2a.1).

use tx_isp_abi::channel::ADDRESS_FIFO_DEPTH;
use tx_isp_abi::registers::Channel;

/// A FIFO as deep as the hardware's, with the state word that the driver reads.
#[derive(Clone, Debug)]
pub(super) struct Fifo<T> {
    places: [Option<T>; ADDRESS_FIFO_DEPTH],
    /// The place that is taken next.
    read: usize,
    count: usize,
}

/// A push found the FIFO full; the entry is lost, as on the chip (T31 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T: Copy> Fifo<T> {
    pub(super) const fn new() -> Self {
        Self {
            places: [None; ADDRESS_FIFO_DEPTH],
            read: 0,
            count: 0,
        }
    }

    pub(super) fn push(&mut self, entry: T) -> Result<(), Full> {
        if self.count == ADDRESS_FIFO_DEPTH {
            return Err(Full);
        }
        self.places[self.write_index()] = Some(entry);
        self.count += 1;
        Ok(())
    }

    /// A push that finds no room takes the oldest entry's place.
    pub(super) fn push_over(&mut self, entry: T) {
        if self.count == ADDRESS_FIFO_DEPTH {
            let _oldest = self.pop();
        }
        let _fits = self.push(entry);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        if self.count == 0 {
            return None;
        }
        let entry = self.places[self.read].take();
        self.read = (self.read + 1) % ADDRESS_FIFO_DEPTH;
        self.count -= 1;
        entry
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn newest(&self) -> Option<&T> {
        let newest = (self.write_index() + ADDRESS_FIFO_DEPTH - 1) % ADDRESS_FIFO_DEPTH;
        self.places[newest].as_ref()
    }

    pub(super) fn contains(&self, entry: &T) -> bool
    where
        T: PartialEq,
    {
        self.places.iter().flatten().any(|held| held == entry)
    }

    /// The state register: EMPTY, the number of entries, and both indices.
    pub(super) fn state(&self) -> u32 {
        let field = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Channel::FIFO_EMPTY.of(u32::from(self.count == 0))
            | Channel::FIFO_ENTRIES.of(field(self.count))
            | Channel::FIFO_READ_INDEX.of(field(self.read))
            | Channel::FIFO_WRITE_INDEX.of(field(self.write_index()))
    }

    const fn write_index(&self) -> usize {
        (self.read + self.count) % ADDRESS_FIFO_DEPTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The samples of T31 2a.1: one entry that goes round, and the same FIFO when it is empty.
    #[test]
    fn the_state_word_is_as_it_was_logged() {
        let mut fifo = Fifo::new();
        assert_eq!(fifo.state(), 0x0000_0001);
        for (queued, empty) in [
            (0x0001_0100, 0x0001_1001),
            (0x0002_1100, 0x0002_2001),
            (0x0003_2100, 0x0003_3001),
            (0x0004_3100, 0x0004_4001),
            (0x0000_4100, 0x0000_0001),
        ] {
            fifo.push(7).unwrap();
            assert_eq!(fifo.state(), queued, "{:#010x}", fifo.state());
            assert_eq!(fifo.pop(), Some(7));
            assert_eq!(fifo.state(), empty, "{:#010x}", fifo.state());
        }
    }

    #[test]
    fn a_full_fifo_loses_the_next_entry_or_the_oldest() {
        let mut fifo = Fifo::new();
        for entry in 0..5 {
            assert_eq!(fifo.push(entry), Ok(()));
        }
        assert_eq!(fifo.state(), 0x0500);
        assert_eq!(fifo.push(5), Err(Full));
        fifo.push_over(6);
        assert_eq!(fifo.newest(), Some(&6));
        assert_eq!(fifo.pop(), Some(1));
        assert_eq!(fifo.state(), 0x0001_2400);
    }

    proptest! {
        /// Against the obvious model: a bounded list. `Some` pushes, `None` pops.
        #[test]
        fn entries_come_out_in_order_and_none_is_invented(steps in prop::collection::vec(any::<Option<u32>>(), 0..200)) {
            let mut fifo = Fifo::new();
            let mut model = Vec::new();
            for step in steps {
                match step {
                    Some(entry) => {
                        let fits = model.len() < 5;
                        prop_assert_eq!(fifo.push(entry).is_ok(), fits);
                        if fits {
                            model.push(entry);
                        }
                    }
                    None => {
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(fifo.pop(), expected);
                    }
                }
                prop_assert_eq!(fifo.len(), model.len());
                prop_assert_eq!(fifo.state() & 1 == 1, model.is_empty());
                let count = u32::try_from(model.len()).unwrap();
                prop_assert_eq!(fifo.state() >> 8 & 0xf, count);
                prop_assert_eq!(fifo.newest(), model.last());
                let (read, write) = (fifo.state() >> 12 & 0xf, fifo.state() >> 16 & 0xf);
                prop_assert!(read < 5 && write < 5);
                prop_assert_eq!((read + count) % 5, write);
            }
        }
    }
}
