// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The FIFOs of buffer addresses: a fixed depth and a state register (facts 2.4).

use std::collections::VecDeque;
use tx_isp_abi::channel::ADDRESS_FIFO_DEPTH;
use tx_isp_abi::registers::Channel;

/// A FIFO as deep as the hardware's, with the state word that the driver reads.
#[derive(Clone, Debug)]
pub(super) struct Fifo<T> {
    entries: VecDeque<T>,
}

/// A push found the FIFO full; the entry is lost, as on the chip (facts 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Fifo<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::with_capacity(ADDRESS_FIFO_DEPTH),
        }
    }

    pub(super) fn push(&mut self, entry: T) -> Result<(), Full> {
        if self.entries.len() == ADDRESS_FIFO_DEPTH {
            return Err(Full);
        }
        self.entries.push_back(entry);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.entries.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn newest(&self) -> Option<&T> {
        self.entries.back()
    }

    pub(super) fn contains(&self, entry: &T) -> bool
    where
        T: PartialEq,
    {
        self.entries.contains(entry)
    }

    /// The state register: EMPTY, FULL and the number of entries.
    pub(super) fn state(&self) -> u32 {
        let count = self.entries.len();
        Channel::FIFO_EMPTY.of(u32::from(count == 0))
            | Channel::FIFO_FULL.of(u32::from(count == ADDRESS_FIFO_DEPTH))
            | Channel::FIFO_ENTRIES.of(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_fifo_reads_one() {
        assert_eq!(Fifo::<u32>::new().state(), 1);
    }

    #[test]
    fn a_full_fifo_says_so_and_loses_the_next_entry() {
        let mut fifo = Fifo::new();
        for entry in 0..7 {
            assert_eq!(fifo.push(entry), Ok(()));
        }
        assert_eq!(fifo.state(), 7 << 2 | 2);
        assert_eq!(fifo.push(7), Err(Full));
        assert_eq!(fifo.pop(), Some(0));
        assert_eq!(fifo.state(), 6 << 2);
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
                        let fits = model.len() < 7;
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
                prop_assert_eq!(fifo.state() & 2 == 2, model.len() == 7);
            }
        }
    }
}
