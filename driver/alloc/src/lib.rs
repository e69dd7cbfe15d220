// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Who allocates frame buffers, how many of them, and from what.
//!
//! | module | what it decides |
//! |---|---|
//! | [`Strategy`] | which kinds of buffers a queue accepts |
//! | [`estimate`] | how many bytes a buffer takes |
//! | [`negotiation`] | how many buffers REQBUFS grants |
//! | [`carve_out`] | the pool with the reservations of its clients |
//! | [`pool`] | where a block lies |
//! | [`rmem`] | where the carve-out lies |
//! | [`noise_reduction`] | how much memory the temporal noise reduction wants |
//!
//! The kernel driver decides by this code, and so do the client in the guest and the prediction on
//! the host. It knows no chip and no kernel, allocates nothing and has no unsafe code.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod carve_out;
pub mod estimate;
mod list;
pub mod negotiation;
pub mod noise_reduction;
pub mod owner;
pub mod pool;
mod request;
pub mod rmem;

pub use list::List;

/// Who allocates frame buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Strategy {
    /// The driver: MMAP from its pool, and whatever fits.
    Driver = 0,
    /// The client, as Ingenic's library does it: USERPTR into the carve-out (T31 3.3, 4.2).
    Client = 1,
    /// The driver, with a count that it negotiates; the client may bring buffers as well.
    Hybrid = 2,
}

/// A way in which V4L2 buffers get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// V4L2_MEMORY_MMAP.
    Mmap,
    /// V4L2_MEMORY_USERPTR.
    UserPtr,
    /// V4L2_MEMORY_DMABUF.
    DmaBuf,
}

impl Strategy {
    /// Every strategy, in the order of the control's menu.
    pub const ALL: [Self; 3] = [Self::Driver, Self::Client, Self::Hybrid];

    /// The strategy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Client => "client",
            Self::Hybrid => "hybrid",
        }
    }

    /// The strategy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
    }

    /// The strategy of that number in the control's menu.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Driver),
            1 => Some(Self::Client),
            2 => Some(Self::Hybrid),
            _ => None,
        }
    }

    /// Whether REQBUFS accepts this kind of memory.
    #[must_use]
    pub const fn accepts(self, kind: MemoryKind) -> bool {
        match self {
            Self::Driver => matches!(kind, MemoryKind::Mmap),
            Self::Client => matches!(kind, MemoryKind::UserPtr | MemoryKind::DmaBuf),
            Self::Hybrid => true,
        }
    }

    /// Whether a client's scattered memory may be served through a buffer of the pool. `client` gives
    /// the chip what the client brings or nothing, as on the cameras.
    #[must_use]
    pub const fn bounces(self) -> bool {
        matches!(self, Self::Hybrid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_the_strategy() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::from_name(strategy.name()), Some(strategy));
            assert_eq!(Strategy::from_number(strategy as u32), Some(strategy));
        }
        assert_eq!(Strategy::from_name("vendor"), None);
        assert_eq!(Strategy::from_number(3), None);
    }

    #[test]
    fn each_strategy_accepts_the_memory_it_is_about() {
        use MemoryKind::{DmaBuf, Mmap, UserPtr};
        let accepted =
            |strategy: Strategy| [Mmap, UserPtr, DmaBuf].map(|kind| strategy.accepts(kind));
        assert_eq!(accepted(Strategy::Driver), [true, false, false]);
        assert_eq!(accepted(Strategy::Client), [false, true, true]);
        assert_eq!(accepted(Strategy::Hybrid), [true, true, true]);
    }
}
