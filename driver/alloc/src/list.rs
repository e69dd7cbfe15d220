// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A list of bounded length, for code that must not allocate.

/// Up to `N` entries in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<T, const N: usize> {
    entries: [T; N],
    used: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// An empty list; `filler` occupies the unused places.
    #[must_use]
    pub const fn new(filler: T) -> Self {
        Self {
            entries: [filler; N],
            used: 0,
        }
    }

    /// The entries in order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.entries[..self.used]
    }

    /// The entries in order, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.entries[..self.used]
    }

    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether there is no room for another.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.used == N
    }

    /// Appends an entry and returns true, or returns false where there is no room.
    #[must_use]
    pub fn push(&mut self, entry: T) -> bool {
        self.insert(self.used, entry)
    }

    /// Inserts an entry at `index` and returns true, or returns false where there is no room.
    #[must_use]
    pub fn insert(&mut self, index: usize, entry: T) -> bool {
        if self.is_full() || index > self.used {
            return false;
        }
        self.entries.copy_within(index..self.used, index + 1);
        self.entries[index] = entry;
        self.used += 1;
        true
    }

    /// Takes the entry at `index` out, if there is one.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let entry = *self.as_slice().get(index)?;
        self.entries.copy_within(index + 1..self.used, index);
        self.used -= 1;
        Some(entry)
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_order_and_the_bound_holds() {
        let mut list: List<u8, 3> = List::new(0);
        assert!(list.push(1) && list.push(3) && list.insert(1, 2));
        assert!(!list.push(4) && list.is_full());
        assert_eq!(list.as_slice(), [1, 2, 3]);
        assert_eq!(list.remove(0), Some(1));
        assert_eq!(list.remove(2), None);
        assert_eq!(list.as_slice(), [2, 3]);
        assert!(!list.insert(3, 9));
    }
}
