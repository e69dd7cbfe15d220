// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! What can be negotiated with a library that allocates by itself: how much memory the noise reduction is
//! to have. It is asked for before anything else is allocated, and the library takes what it is told.
//! The number of buffers cannot be: they are allocated before REQBUFS, and fewer than were asked for end
//! the library.

use crate::alloc::Strategy;
use crate::alloc::negotiation::Margin;
use crate::noise_reduction::{MemoryOption, bytes};
use tx_isp_abi::Size;

/// The carve-out as GET_BUF finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the longest free run; of everything where a client has mapped it whole.
    pub available: u32,
    /// Bytes that were announced as needed (`/dev/rmem`).
    pub reserved: u32,
}

/// How much memory GET_BUF asks for. Under [`Strategy::Hybrid`] it is less where all of it would leave too
/// little for what was announced, or, where nothing was, less than `margin` wants to be free.
#[must_use]
pub fn memory_option(
    strategy: Strategy,
    configured: MemoryOption,
    sensor: Size,
    room: Room,
    margin: Margin,
) -> MemoryOption {
    let full = bytes(sensor, MemoryOption::Full);
    let is_tight = match room.reserved {
        0 => margin.is_pressure(room.available, full),
        announced => announced.saturating_add(full) > room.available,
    };
    match strategy {
        Strategy::Hybrid if is_tight => MemoryOption::Saving,
        _ => configured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENSOR: Size = Size::new(1920, 1080);
    const FULL: u32 = 4_685_424;

    fn decide(strategy: Strategy, available: u32, reserved: u32, reserve: u32) -> MemoryOption {
        let room = Room {
            available,
            reserved,
        };
        let margin = Margin { factor: 2, reserve };
        memory_option(strategy, MemoryOption::Full, SENSOR, room, margin)
    }

    #[test]
    fn less_is_asked_for_where_what_was_announced_would_not_fit() {
        let announced = 16 << 20;
        for (available, option) in [
            (announced + FULL, MemoryOption::Full),
            (announced + FULL - 1, MemoryOption::Saving),
        ] {
            assert_eq!(decide(Strategy::Hybrid, available, announced, 0), option);
        }
    }

    #[test]
    fn without_announcements_the_margin_decides() {
        for (available, reserve, option) in [
            (2 * FULL, 0, MemoryOption::Full),
            (2 * FULL - 1, 0, MemoryOption::Saving),
            (2 * FULL, 1, MemoryOption::Saving),
        ] {
            assert_eq!(decide(Strategy::Hybrid, available, 0, reserve), option);
        }
    }

    #[test]
    fn other_strategies_do_as_they_were_told() {
        for strategy in [Strategy::Driver, Strategy::Client] {
            assert_eq!(decide(strategy, 0, 1 << 20, 0), MemoryOption::Full);
        }
        let told = memory_option(
            Strategy::Hybrid,
            MemoryOption::Saving,
            SENSOR,
            Room {
                available: u32::MAX,
                reserved: 0,
            },
            Margin::default(),
        );
        assert_eq!(told, MemoryOption::Saving);
    }
}
