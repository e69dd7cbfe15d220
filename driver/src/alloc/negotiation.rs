// SPDX-License-Identifier: GPL-2.0-only
//! How many buffers REQBUFS grants: a pure decision over the pool's state.
//!
//! [`Margin`] keeps a distance: less than twice of what is asked for in one piece means pressure,
//! and under pressure only as many buffers are granted as keep that distance. It is safe without
//! knowing anything of the client, and blunt. [`Reserve`] knows what the clients still need and
//! grants as many as leave room for all of that.

use super::Strategy;
use super::carve_out::{CarveOut, Reservation};
use super::pool::{GRANULE, Pool};
use core::fmt;

/// The most buffers of a queue (videobuf2's limit).
pub const MAX_COUNT: u32 = 32;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Number of buffers.
    pub count: u32,
    /// Bytes of each.
    pub bytes: u32,
    /// Alignment of each.
    pub alignment: u32,
    /// The queue's name: reservations under it are for these very buffers.
    pub owner: &'a str,
}

/// Why a grant is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// All that was asked for.
    Plenty,
    /// The largest free run is shorter than the margin demands.
    Pressure,
    /// More would take what others have announced that they need.
    Reservations,
    /// More does not fit.
    Exhausted,
}

/// How many buffers a client gets, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Number of buffers; 0 means -ENOMEM.
    pub count: u32,
    /// Whether they lie in one run, as a client's own block of buffers would (facts 4.4), or
    /// wherever each fits first.
    pub in_one_run: bool,
    /// Bytes of the largest free run before the grant.
    pub available: u32,
    /// Why.
    pub reason: Reason,
}

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

/// How many buffers of `bytes` system memory may be asked for: all, where one of them can be had in
/// one piece, else none. Nothing is known of the second before the first is taken; whoever allocates
/// them stops where it fails.
#[must_use]
pub const fn from_system_memory(count: u32, bytes: u32, largest: u32) -> u32 {
    if bytes == 0 || bytes > largest {
        0
    } else if count > MAX_COUNT {
        MAX_COUNT
    } else {
        count
    }
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
            .map(|reservation| (reservation.bytes, reservation.alignment))
    };
    for count in (1..=most).rev() {
        let run = request
            .bytes
            .checked_mul(count)
            .map(|run| (run, request.alignment));
        // The run is cut into one block a buffer afterwards, and may leave a rest on either side.
        let can_be_cut = pool.blocks().len() + usize::try_from(count).unwrap_or(N) < N;
        if can_be_cut && run.is_some() && pool.would_fit(run.into_iter().chain(others())) {
            return (count, true);
        }
        let each = (0..count).map(|_| (request.bytes, request.alignment));
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
mod tests {
    use super::*;
    use crate::alloc::Strategy;
    use crate::alloc::pool::{Client, Owner};
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, prop_assume, prop_oneof, proptest};
    use proptest::strategy::Strategy as Generator;
    use std::vec::Vec;
    use tx_isp_abi::PhysAddr;

    const BASE: PhysAddr = PhysAddr(0x630_0000);
    const PAGE: u32 = 4096;
    /// A Wyze Cam v3's carve-out and the blocks of its out-of-memory log (facts 5.5).
    const WYZE_V3: u32 = 30_408_704;
    const BEFORE_MAIN: u32 = 7_056_896 + 1_048_576 + 1_898_496 + 6_815_744 + 71_936;
    const MAIN: Request<'_> = Request {
        count: 4,
        bytes: 3_133_440,
        alignment: PAGE,
        owner: "video0",
    };
    const SUB: Request<'_> = Request {
        count: 2,
        bytes: 356_352,
        alignment: PAGE,
        owner: "video1",
    };
    const SECOND_ENCODER: [u32; 3] = [886_528, 199_808, 199_808];

    type TestCarveOut = CarveOut<64, 32>;

    fn wyze_v3() -> TestCarveOut {
        let mut carve_out = TestCarveOut::new(BASE, WYZE_V3);
        carve_out
            .allocate(BEFORE_MAIN, GRANULE, Owner::new("before main"))
            .unwrap();
        carve_out
    }

    fn reserve(carve_out: &mut TestCarveOut, owner: &str, bytes: u32, alignment: u32) {
        let owner = Owner::new(owner).of(Client(1));
        carve_out
            .reserve(Reservation {
                owner,
                bytes,
                alignment,
            })
            .unwrap();
    }

    fn decide(carve_out: &mut TestCarveOut, request: &Request<'_>) -> (Grant, &'static str) {
        let decision = grant(Strategy::Hybrid, Margin::default(), carve_out, request);
        carve_out.take(request, &decision.0).unwrap();
        decision
    }

    #[test]
    fn the_margin_grants_two_of_four_on_a_wyze_v3() {
        let mut carve_out = wyze_v3();
        let (main, policy) = decide(&mut carve_out, &MAIN);
        assert_eq!(
            (main.count, main.reason, policy),
            (2, Reason::Pressure, "margin")
        );
        assert_eq!(main.available, WYZE_V3 - BEFORE_MAIN);
        for bytes in SECOND_ENCODER {
            carve_out
                .allocate(bytes, GRANULE, Owner::new("encoder"))
                .unwrap();
        }
        let (sub, _) = decide(&mut carve_out, &SUB);
        assert_eq!((sub.count, sub.reason), (2, Reason::Plenty));
    }

    #[test]
    fn reservations_grant_three_of_four_on_a_wyze_v3() {
        let mut carve_out = wyze_v3();
        for bytes in SECOND_ENCODER {
            reserve(&mut carve_out, "encoder", bytes, GRANULE);
        }
        reserve(&mut carve_out, SUB.owner, SUB.bytes, PAGE);
        let (main, policy) = decide(&mut carve_out, &MAIN);
        assert_eq!(
            (main.count, main.reason, policy),
            (3, Reason::Reservations, "reserve")
        );
        for bytes in SECOND_ENCODER {
            carve_out
                .allocate(bytes, GRANULE, Owner::new("encoder").of(Client(1)))
                .unwrap();
        }
        let (sub, _) = decide(&mut carve_out, &SUB);
        assert_eq!((sub.count, sub.reason), (2, Reason::Plenty));
        assert!(carve_out.reservations().is_empty());
    }

    #[test]
    fn the_margin_changes_exactly_at_twice_the_request() {
        let request = Request {
            count: 3,
            bytes: 4096,
            alignment: PAGE,
            owner: "q",
        };
        let count = |bytes, margin: Margin| {
            margin
                .grant(&mut Pool::<8>::new(BASE, bytes), &request)
                .count
        };
        let default = Margin::default();
        assert_eq!(count(6 * 4096, default), 3);
        assert_eq!(count(6 * 4096 - 256, default), 2);
        assert_eq!(count(4 * 4096, default), 2);
        assert_eq!(count(2 * 4096 - 256, default), 0);
        assert_eq!(
            count(
                6 * 4096,
                Margin {
                    reserve: 1,
                    ..default
                }
            ),
            2
        );
        assert_eq!(
            count(
                3 * 4096,
                Margin {
                    factor: 1,
                    reserve: 0
                }
            ),
            3
        );
        assert_eq!(
            count(
                4096,
                Margin {
                    factor: 0,
                    reserve: 0
                }
            ),
            1,
            "0 counts as 1"
        );
        assert_eq!(
            count(
                4096,
                Margin {
                    factor: u32::MAX,
                    reserve: u32::MAX
                }
            ),
            0
        );
    }

    #[test]
    fn pressure_begins_where_the_margin_would_refuse() {
        let margin = Margin::default();
        assert!(!margin.is_pressure(2 * 4096, 4096));
        assert!(margin.is_pressure(2 * 4096 - 1, 4096));
        assert!(
            Margin {
                reserve: 1,
                ..margin
            }
            .is_pressure(2 * 4096, 4096)
        );
        assert!(margin.is_pressure(u32::MAX, u32::MAX));
    }

    #[test]
    fn system_memory_is_asked_for_where_one_buffer_can_be_had() {
        assert_eq!(from_system_memory(4, 3_133_440, 4 << 20), 4);
        assert_eq!(from_system_memory(4, 3_133_440, 2 << 20), 0);
        assert_eq!(from_system_memory(40, 4096, 4096), 32);
        assert_eq!(from_system_memory(4, 0, 4096), 0);
    }

    #[test]
    fn absurd_requests_get_nothing_or_what_fits() {
        let mut pool: Pool<8> = Pool::new(BASE, 1 << 20);
        for policy in [
            Margin::default(),
            Margin {
                factor: 1,
                reserve: 0,
            },
        ] {
            let ask = |pool: &mut _, count, bytes| {
                policy
                    .grant(
                        pool,
                        &Request {
                            count,
                            bytes,
                            alignment: PAGE,
                            owner: "q",
                        },
                    )
                    .count
            };
            assert_eq!(ask(&mut pool, 0, 4096), 0);
            assert_eq!(ask(&mut pool, 4, 0), 0);
            assert_eq!(ask(&mut pool, u32::MAX, u32::MAX), 0);
            assert_eq!(
                ask(&mut pool, u32::MAX, 256),
                6,
                "the table holds no more blocks"
            );
        }
        assert_eq!(pool.blocks().len(), 1);
    }

    /// What a camera's client allocates, in order.
    #[derive(Clone, Debug)]
    enum Item {
        Block(u32),
        Queue { count: u32, pages: u32 },
    }

    fn items() -> impl Generator<Value = Vec<Item>> {
        let item = prop_oneof![
            (1u32..40_000).prop_map(Item::Block),
            (1u32..5, 1u32..6).prop_map(|(count, pages)| Item::Queue { count, pages }),
        ];
        prop::collection::vec(item, 1..7)
    }

    /// A carve-out in which somebody else's blocks leave holes.
    fn fragmented(total_pages: u32, holes: &[(u32, u32)]) -> TestCarveOut {
        let mut carve_out = TestCarveOut::new(BASE, total_pages * PAGE);
        let mut keep = Vec::new();
        for (gap, wall) in holes {
            let Ok(gap) = carve_out.allocate(*gap, GRANULE, Owner::new("gap")) else {
                break;
            };
            keep.push(gap);
            if carve_out
                .allocate(*wall, GRANULE, Owner::new("wall"))
                .is_err()
            {
                break;
            }
        }
        for gap in keep {
            carve_out.free(gap).unwrap();
        }
        carve_out
    }

    const NAMES: [&str; 7] = ["q0", "q1", "q2", "q3", "q4", "q5", "q6"];

    /// Everything by the client itself, each queue's buffers in one block; whether all of it fits.
    fn all_fits_for_a_client(
        mut carve_out: TestCarveOut,
        items: &[Item],
        buffers: impl Fn(u32) -> u32,
    ) -> bool {
        items.iter().all(|item| {
            let (bytes, alignment) = match *item {
                Item::Block(bytes) => (bytes, GRANULE),
                Item::Queue { count, pages } => (buffers(count) * pages * PAGE, PAGE),
            };
            carve_out
                .allocate(bytes, alignment, Owner::new("client"))
                .is_ok()
        })
    }

    /// The hybrid's way: announces every block and one buffer of each queue, then asks in order.
    /// What each queue was granted, of how many; `None` if a block did not fit.
    fn hybrid(mut carve_out: TestCarveOut, items: &[Item]) -> Option<Vec<(u32, u32)>> {
        for (item, name) in items.iter().zip(NAMES) {
            match *item {
                Item::Block(bytes) => reserve(&mut carve_out, name, bytes, GRANULE),
                Item::Queue { pages, .. } => reserve(&mut carve_out, name, pages * PAGE, PAGE),
            }
        }
        let mut granted = Vec::new();
        for (item, name) in items.iter().zip(NAMES) {
            match *item {
                Item::Block(bytes) => {
                    carve_out
                        .allocate(bytes, GRANULE, Owner::new(name).of(Client(1)))
                        .ok()?;
                }
                Item::Queue { count, pages } => {
                    let request = Request {
                        count,
                        bytes: pages * PAGE,
                        alignment: PAGE,
                        owner: name,
                    };
                    granted.push((decide(&mut carve_out, &request).0.count, count));
                }
            }
        }
        Some(granted)
    }

    proptest! {
        #[test]
        fn the_margin_grants_the_most_that_keeps_its_distance(
            total in 1u32..200_000, count in 0u32..40, bytes in 1u32..20_000, factor in 1u32..4, reserve in 0u32..50_000,
        ) {
            let mut pool: Pool<64> = Pool::new(BASE, total);
            let before = pool.blocks().to_vec();
            let request = Request { count, bytes, alignment: GRANULE, owner: "q" };
            let grant = Margin { factor, reserve }.grant(&mut pool, &request);
            prop_assert_eq!(pool.blocks(), before);
            let needs = |count: u32| u64::from(count) * u64::from(factor) * u64::from(bytes.next_multiple_of(GRANULE));
            let usable = u64::from(total.saturating_sub(reserve));
            prop_assert!(grant.count <= count.min(MAX_COUNT));
            prop_assert!(grant.count == 0 || needs(grant.count) <= usable);
            prop_assert!(grant.count == count.min(MAX_COUNT) || needs(grant.count + 1) > usable);
        }

        #[test]
        fn a_grant_leaves_every_reservation_intact(
            pages in 4u32..64, holes in prop::collection::vec((1u32..30_000, 1u32..9_000), 0..4),
            reserved in prop::collection::vec(1u32..40_000, 0..6), count in 1u32..8, size in 1u32..6,
        ) {
            let mut carve_out = fragmented(pages, &holes);
            for bytes in &reserved {
                reserve(&mut carve_out, "later", *bytes, GRANULE);
            }
            let later = || reserved.iter().map(|bytes| (*bytes, GRANULE));
            let fitted_before = carve_out.parts().0.would_fit(later());
            let request = Request { count, bytes: size * PAGE, alignment: PAGE, owner: "q" };
            let (pool, reservations) = carve_out.parts();
            let grant = Reserve { reservations }.grant(pool, &request);
            prop_assert!(fitted_before || grant.count == 0);
            carve_out.take(&request, &grant).unwrap();
            prop_assert!(!fitted_before || carve_out.parts().0.would_fit(later()));
        }

        #[test]
        fn what_fits_for_a_client_is_granted_in_full(
            pages in 4u32..64, holes in prop::collection::vec((1u32..30_000, 1u32..9_000), 0..4), items in items(),
        ) {
            prop_assume!(all_fits_for_a_client(fragmented(pages, &holes), &items, |count| count));
            let granted = hybrid(fragmented(pages, &holes), &items);
            prop_assert!(granted.is_some(), "a block did not fit");
            for (granted, wanted) in granted.into_iter().flatten() {
                prop_assert_eq!(granted, wanted);
            }
        }

        #[test]
        fn whatever_can_stream_with_one_buffer_does(
            pages in 4u32..64, holes in prop::collection::vec((1u32..30_000, 1u32..9_000), 0..4), items in items(),
        ) {
            prop_assume!(all_fits_for_a_client(fragmented(pages, &holes), &items, |_| 1));
            let granted = hybrid(fragmented(pages, &holes), &items);
            prop_assert!(granted.is_some(), "a block did not fit");
            for (granted, _) in granted.into_iter().flatten() {
                prop_assert!(granted >= 1);
            }
        }
    }
}
