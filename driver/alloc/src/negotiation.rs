// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! How many buffers REQBUFS grants: a pure decision over the pool's state.
//!
//! [`Margin`] keeps a distance: less than twice of what is asked for in one piece means pressure,
//! and under pressure only as many buffers are granted as keep that distance. It is safe without
//! knowing anything of the client, and blunt. [`Reserve`] knows what the clients still need and
//! grants as many as leave room for all of that.

use super::Strategy;
use super::carve_out::{CarveOut, Reservation};
use super::pool::{Client, GRANULE, Pool};
pub use super::request::{Grant, MAX_COUNT, Reason, Request};
use core::fmt;

/// A way to decide how many buffers a request gets.
pub trait Policy {
    /// The policy's name.
    const NAME: &'static str;

    /// The grant for `request` from `pool`, which is left as it was.
    fn grant<const N: usize>(&self, pool: &mut Pool<N>, request: &Request<'_>) -> Grant;
}

/// Pressure when `available < factor * requested`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// How many times what is granted must be available in one piece.
    pub factor: u32,
    /// Bytes of the largest free run that are never granted.
    pub reserve: u32,
}

/// The margin that the analysis behind this strategy proposed.
impl Default for Margin {
    fn default() -> Self {
        Self {
            factor: 2,
            reserve: 0,
        }
    }
}

impl Margin {
    /// Whether one more buffer of `bytes` would break the margin.
    #[must_use]
    pub fn is_pressure(&self, available: u32, bytes: u32) -> bool {
        let usable = u64::from(available.saturating_sub(self.reserve));
        usable < u64::from(self.factor.max(1)) * u64::from(bytes)
    }
}

/// How many buffers of `bytes` a queue gets from system memory where `available` of them could be had
/// now, each in one piece. `hybrid` keeps its distance as [`Margin`] does in a carve-out; the others
/// get what fits. One is worth a try wherever any is allowed: the kernel may move or give up other
/// memory for it.
#[must_use]
pub fn from_system_memory(
    strategy: Strategy,
    margin: Margin,
    count: u32,
    bytes: u32,
    available: u32,
) -> u32 {
    let wanted = count.min(MAX_COUNT);
    if bytes == 0 || wanted == 0 {
        return 0;
    }
    let fits = match strategy {
        Strategy::Hybrid => {
            let usable = u64::from(available) * u64::from(bytes);
            let usable = usable.saturating_sub(margin.reserve.into());
            usable / (u64::from(bytes) * u64::from(margin.factor.max(1)))
        }
        Strategy::Driver | Strategy::Client => available.into(),
    };
    u32::try_from(fits).unwrap_or(u32::MAX).clamp(1, wanted)
}

/// As many as leave room for every reservation. Without reservations: as many as fit.
#[derive(Clone, Copy, Debug)]
pub struct Reserve<'a> {
    /// What others will still need.
    pub reservations: &'a [Reservation],
}

impl Policy for Margin {
    const NAME: &'static str = "margin";

    fn grant<const N: usize>(&self, pool: &mut Pool<N>, request: &Request<'_>) -> Grant {
        let available = pool.largest_free_run();
        let usable = u64::from(available.saturating_sub(self.reserve));
        let rounded = u64::from(request.bytes).next_multiple_of(u64::from(GRANULE));
        let each = rounded * u64::from(self.factor.max(1));
        let wanted = request.count.min(MAX_COUNT);
        // A buffer of no bytes has no place in any number.
        let safe = usable.checked_div(each).unwrap_or(0);
        let safe = u32::try_from(safe).unwrap_or(u32::MAX).min(wanted);
        let (count, in_one_run) = most_that_fit(pool, request, safe, &[]);
        let reason = match count {
            count if count == wanted => Reason::Plenty,
            count if count == safe => Reason::Pressure,
            _ => Reason::Exhausted,
        };
        Grant {
            count,
            in_one_run,
            available,
            reason,
        }
    }
}

impl Policy for Reserve<'_> {
    const NAME: &'static str = "reserve";

    fn grant<const N: usize>(&self, pool: &mut Pool<N>, request: &Request<'_>) -> Grant {
        let available = pool.largest_free_run();
        let wanted = request.count.min(MAX_COUNT);
        let (count, in_one_run) = most_that_fit(pool, request, wanted, self.reservations);
        let reason = if count == wanted {
            Reason::Plenty
        } else if most_that_fit(pool, request, count + 1, &[]).0 > count {
            Reason::Reservations
        } else {
            Reason::Exhausted
        };
        Grant {
            count,
            in_one_run,
            available,
            reason,
        }
    }
}

/// The largest count up to `most` that fits into the pool together with all `reservations` that are
/// not for these buffers themselves, and whether in one run. One run comes first: it is what a
/// client that manages the carve-out by itself would take, so whatever fits for such a client fits.
fn most_that_fit<const N: usize>(
    pool: &mut Pool<N>,
    request: &Request<'_>,
    most: u32,
    reservations: &[Reservation],
) -> (u32, bool) {
    let others = || {
        reservations
            .iter()
            .filter(|reservation| reservation.owner.as_str() != request.owner)
            .map(|reservation| {
                let client = reservation.owner.client();
                (reservation.bytes, reservation.alignment, client)
            })
    };
    for count in (1..=most).rev() {
        let run = request
            .bytes
            .checked_mul(count)
            .map(|run| (run, request.alignment, Client::DRIVER));
        // The run is cut into one block a buffer afterwards, and may leave a rest on either side.
        let can_be_cut = pool.blocks().len() + usize::try_from(count).unwrap_or(N) < N;
        if can_be_cut && run.is_some() && pool.would_fit(run.into_iter().chain(others())) {
            return (count, true);
        }
        let each = (0..count).map(|_| (request.bytes, request.alignment, Client::DRIVER));
        if pool.would_fit(each.chain(others())) {
            return (count, false);
        }
    }
    (0, false)
}

/// The decision for a queue under `strategy`, with the name of the policy that took it. `hybrid` asks
/// [`Margin`] where nobody has made reservations, else [`Reserve`]; the others grant what fits.
pub fn grant<const N: usize, const R: usize>(
    strategy: Strategy,
    margin: Margin,
    carve_out: &mut CarveOut<N, R>,
    request: &Request<'_>,
) -> (Grant, &'static str) {
    let (pool, reservations) = carve_out.parts();
    match strategy {
        Strategy::Hybrid if reservations.is_empty() => (margin.grant(pool, request), Margin::NAME),
        Strategy::Hybrid => (Reserve { reservations }.grant(pool, request), Reserve::NAME),
        Strategy::Driver | Strategy::Client => {
            (Reserve { reservations: &[] }.grant(pool, request), "fit")
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plenty => "all of it",
            Self::Pressure => "memory pressure",
            Self::Reservations => "the rest is reserved",
            Self::Exhausted => "more does not fit",
        })
    }
}

#[cfg(test)]
mod tests;
