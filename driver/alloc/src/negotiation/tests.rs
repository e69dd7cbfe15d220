// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The policies at their edges, and what holds of them for any pool.

use super::*;
use crate::Strategy;
use crate::pool::{Client, Owner};
use proptest::prelude::{prop, prop_assert, prop_assert_eq, prop_assume, prop_oneof, proptest};
use proptest::strategy::Strategy as Generator;
use std::vec::Vec;
use tx_isp_abi::PhysAddr;

const BASE: PhysAddr = PhysAddr(0x630_0000);
const PAGE: u32 = 4096;
/// A Wyze Cam v3's carve-out and the blocks of its out-of-memory log (T31 5.5).
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
fn system_memory_is_granted_by_the_same_rules() {
    let margin = Margin {
        factor: 2,
        reserve: 10_000_000,
    };
    let grant =
        |strategy, available| from_system_memory(strategy, margin, 40, 3_133_440, available);
    assert_eq!(grant(Strategy::Driver, 15), 15);
    assert_eq!(grant(Strategy::Driver, 100), MAX_COUNT);
    assert_eq!(
        grant(Strategy::Hybrid, 15),
        5,
        "half of what the reserve leaves"
    );
    assert_eq!(grant(Strategy::Hybrid, 100), MAX_COUNT);
    assert_eq!(grant(Strategy::Hybrid, 0), 1, "worth a try");
    assert_eq!(from_system_memory(Strategy::Driver, margin, 4, 0, 9), 0);
    assert_eq!(from_system_memory(Strategy::Driver, margin, 0, 9, 9), 0);
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
        let later = || reserved.iter().map(|bytes| (*bytes, GRANULE, Client(1)));
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
