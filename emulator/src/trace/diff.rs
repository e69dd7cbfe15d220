// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What two traces do differently, apart from what may differ.

use super::Access;
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};
use std::time::{Duration, Instant};
use tx_isp_abi::registers::{Access as Kind, Channel, Core, Fidelity, RegisterId, Vic};

/// What may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// How often a register is polled: reads of one register in a row count as the last of them.
    pub polls: bool,
    /// What live counters, frame numbers and interrupt statuses read as.
    pub counters: bool,
    /// Where buffers are.
    pub buffers: bool,
    /// All reads.
    pub reads: bool,
}

impl Default for Ignore {
    /// Everything but reads.
    fn default() -> Self {
        Self {
            polls: true,
            counters: true,
            buffers: true,
            reads: false,
        }
    }
}

/// A stretch of accesses, as indices into the two traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In both: the places in the first and the second trace.
    Same(usize, usize),
    /// Only in the first.
    Removed(usize),
    /// Only in the second.
    Added(usize),
}

/// How long the shortest way is looked for; then what is left is taken as removed and added.
const LIMIT: Duration = Duration::from_secs(20);

/// What of an access counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Essence {
    write: bool,
    address: u32,
    value: Option<u32>,
}

/// Lays two traces beside each other: the shortest way from the first to the second.
#[must_use]
pub fn diff(a: &[Access], b: &[Access], ignore: Ignore) -> Vec<Change> {
    let (a_places, a): (Vec<usize>, Vec<Essence>) = essences(a, ignore).into_iter().unzip();
    let (b_places, b): (Vec<usize>, Vec<Essence>) = essences(b, ignore).into_iter().unzip();
    let operations =
        capture_diff_slices_deadline(Algorithm::Myers, &a, &b, Some(Instant::now() + LIMIT));
    let mut changes = Vec::new();
    for operation in operations {
        let (kind, in_a, in_b) = operation.as_tag_tuple();
        let (in_a, in_b) = (&a_places[in_a], &b_places[in_b]);
        if kind == DiffTag::Equal {
            changes.extend(in_a.iter().zip(in_b).map(|(&a, &b)| Change::Same(a, b)));
        } else {
            changes.extend(in_a.iter().map(|&place| Change::Removed(place)));
            changes.extend(in_b.iter().map(|&place| Change::Added(place)));
        }
    }
    changes
}

/// What counts of each access, with its place in the trace.
fn essences(trace: &[Access], ignore: Ignore) -> Vec<(usize, Essence)> {
    let mut essences: Vec<(usize, Essence)> = Vec::new();
    for (place, access) in trace.iter().enumerate() {
        if ignore.reads && !access.write {
            continue;
        }
        let value = (!may_differ(access, ignore)).then_some(access.value);
        let essence = Essence {
            write: access.write,
            address: access.address.0,
            value,
        };
        let polled = ignore.polls && !access.write;
        match essences.last_mut() {
            Some((last_place, last))
                if polled && !last.write && last.address == essence.address =>
            {
                (*last_place, *last) = (place, essence);
            }
            _ => essences.push((place, essence)),
        }
    }
    essences
}

fn may_differ(access: &Access, ignore: Ignore) -> bool {
    let Some(id) = RegisterId::decode(access.address) else {
        return false;
    };
    let register = id.describe();
    let is_buffer = matches!(
        id,
        RegisterId::Channel(
            _,
            Channel::YAddress | Channel::UvAddress | Channel::YLastAddress | Channel::UvLastAddress
        )
    );
    let counts = matches!(
        id,
        RegisterId::Channel(_, Channel::YLastSequence | Channel::UvLastSequence)
            | RegisterId::Core(Core::IrqStatus | Core::IrqClear)
            | RegisterId::Vic(Vic::IrqStatus0 | Vic::IrqStatus1 | Vic::IrqClear0 | Vic::IrqClear1)
    );
    let live = register.access == Kind::ReadOnly && register.fidelity == Fidelity::Unknown;
    ignore.buffers && is_buffer || ignore.counters && (counts || live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::parse;
    use proptest::prelude::*;
    use tx_isp_abi::PhysAddr;

    fn told(a: &str, b: &str, ignore: Ignore) -> Vec<Change> {
        let (a, b) = (parse(a).unwrap(), parse(b).unwrap());
        let changes = diff(&a, &b, ignore);
        let differs = |change: &Change| !matches!(change, Change::Same(..));
        changes.into_iter().filter(differs).collect()
    }

    #[test]
    fn polls_counters_and_buffers_may_differ_unless_asked_for() {
        let a =
            "R 13309808 1\nR 13309808 1\nR 13309808 0\nR 133000a8 58050000\nW 1330996c 6300000\n";
        let b = "R 13309808 0\nR 133000a8 58050001\nW 1330996c 6400000\n";
        assert_eq!(told(a, b, Ignore::default()), []);
        let strict = Ignore {
            polls: false,
            counters: false,
            buffers: false,
            reads: false,
        };
        assert_eq!(told(a, b, strict).len(), 2 + 2 + 2);
        let reads = Ignore {
            reads: true,
            ..strict
        };
        assert_eq!(told(a, b, reads), [Change::Removed(4), Change::Added(2)]);
    }

    #[test]
    fn a_missing_and_a_changed_write_are_found_in_place() {
        let a = "W 133e0000 2\nW 133e0000 4\nW 133e0004 07800438\nW 133e0000 1\n";
        let b = "W 133e0000 2\nW 133e0004 05000438\nW 133e0000 1\n";
        let changes = told(a, b, Ignore::default());
        assert_eq!(
            changes,
            [Change::Removed(1), Change::Removed(2), Change::Added(1)]
        );
    }

    fn accesses() -> impl Strategy<Value = Vec<Access>> {
        let access = (0u32..4).prop_map(|value| Access {
            at_ns: None,
            write: true,
            address: PhysAddr(0x133e_0000),
            value,
        });
        prop::collection::vec(access, 0..30)
    }

    /// Length of the longest common subsequence, the slow way.
    fn common(a: &[Access], b: &[Access]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (place, y) in b.iter().enumerate() {
                let above = row[place + 1];
                row[place + 1] = if x == y {
                    diagonal + 1
                } else {
                    above.max(row[place])
                };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn the_shortest_way_names_each_access_once_and_in_order(a in accesses(), b in accesses()) {
            let changes = diff(&a, &b, Ignore::default());
            let (mut in_a, mut in_b, mut same) = (Vec::new(), Vec::new(), 0);
            for change in changes {
                match change {
                    Change::Same(x, y) => {
                        prop_assert_eq!(a[x], b[y]);
                        in_a.push(x);
                        in_b.push(y);
                        same += 1;
                    }
                    Change::Removed(x) => in_a.push(x),
                    Change::Added(y) => in_b.push(y),
                }
            }
            prop_assert_eq!(in_a, (0..a.len()).collect::<Vec<_>>());
            prop_assert_eq!(in_b, (0..b.len()).collect::<Vec<_>>());
            prop_assert_eq!(same, common(&a, &b));
        }
    }
}
