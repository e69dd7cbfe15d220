// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who should allocate: the matrix in a table and in words.

use std::collections::BTreeSet;

use guest_protocol::camera::AllocationPolicy;
use schemars::JsonSchema;
use serde::Serialize;

use super::cell::{Cell, Grade};
use super::figures::Figures;
use crate::text;

/// The JSON object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    answer: String,
    counts: Vec<Counts>,
    /// How it went; absent if no guest ran.
    figures: Option<&'a Figures>,
    cells: Vec<CellEntry<'a>>,
}

/// One strategy's cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Who allocates.
    pub strategy: &'static str,
    /// How, if it negotiates.
    pub policy: Option<&'static str>,
    /// Cells that can be at all.
    pub cells: u32,
    /// Cells in which all channels stream.
    pub streaming: u32,
    /// Cells in which they have all the buffers that they ask for.
    pub full: u32,
    /// Cells in which they have fewer than would have fitted.
    pub fewer_than_fitted: u32,
    /// Buffers in all streaming cells.
    pub buffers: u32,
    /// Cells that ran in a guest.
    pub in_guest: u32,
    /// Of those, cells in which the guest did what was computed.
    pub as_predicted: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CellEntry<'a> {
    strategy: &'static str,
    policy: Option<&'static str>,
    grade: Grade,
    summary: String,
    /// Whether fewer buffers were granted than would have fitted.
    fewer_than_fitted: bool,
    as_predicted: Option<bool>,
    #[serde(flatten)]
    cell: &'a Cell,
}

impl<'a> Document<'a> {
    /// All that is known.
    pub fn new(cells: &'a [Cell], figures: Option<&'a Figures>) -> Self {
        let entry = |cell: &'a Cell| CellEntry {
            strategy: cell.key.policy.strategy().name(),
            policy: cell.key.policy.hybrid_policy(),
            grade: cell.grade(),
            summary: cell.summary(),
            fewer_than_fitted: cell.grade() == Grade::Blunt,
            as_predicted: cell.guest.as_ref().map(|_| !cell.differs()),
            cell,
        };
        Self {
            answer: paragraph(cells),
            counts: counts(cells),
            figures,
            cells: cells.iter().map(entry).collect(),
        }
    }
}

/// The policies that the cells have, in the order of reports.
pub fn present(cells: &[Cell]) -> Vec<AllocationPolicy> {
    let all = AllocationPolicy::ALL.into_iter();
    all.filter(|wanted| cells.iter().any(|cell| cell.key.policy == *wanted))
        .collect()
}

/// Every value of an axis, in order.
pub fn axis<T: Ord + Clone>(cells: &[Cell], value: impl Fn(&Cell) -> T) -> Vec<T> {
    let values: BTreeSet<T> = cells.iter().map(value).collect();
    values.into_iter().collect()
}

/// How each strategy does.
pub fn counts(cells: &[Cell]) -> Vec<Counts> {
    let of = |policy: AllocationPolicy| {
        let mut counts = Counts {
            strategy: policy.strategy().name(),
            policy: policy.hybrid_policy(),
            cells: 0,
            streaming: 0,
            full: 0,
            fewer_than_fitted: 0,
            buffers: 0,
            in_guest: 0,
            as_predicted: 0,
        };
        let own = cells.iter().filter(|cell| cell.key.policy == policy);
        for cell in own {
            let grade = cell.grade();
            counts.cells += u32::from(grade != Grade::Impossible);
            counts.full += u32::from(grade == Grade::Full);
            counts.fewer_than_fitted += u32::from(grade == Grade::Blunt);
            counts.in_guest += u32::from(cell.guest.is_some());
            counts.as_predicted += u32::from(cell.guest.is_some() && !cell.differs());
            if grade > Grade::Fails {
                counts.streaming += 1;
                let queues = cell.report().map(|report| report.queues.as_slice());
                let granted = queues.unwrap_or_default().iter().map(|queue| queue.granted);
                counts.buffers += granted.sum::<u32>();
            }
        }
        counts
    };
    present(cells).into_iter().map(of).collect()
}

/// Strategy by memory, one sign a cell, and what the signs mean.
pub fn table(cells: &[Cell]) -> String {
    let lengths = axis(cells, |cell| cell.key.rmem);
    let rows = axis(cells, |cell| cell.key.row());
    let ends = match lengths.as_slice() {
        [] => "no cells".to_owned(),
        [only] => format!("rmem {}", text::mib(*only)),
        [first, .., last] => format!("rmem {} to {}", text::mib(*first), text::mib(*last)),
    };
    let mut table = text::table(&["camera", "strategy", &ends]);
    for row in &rows {
        for policy in present(cells) {
            let sign = |length: &u64| {
                let found = cells.iter().find(|cell| {
                    cell.key.rmem == *length && cell.key.policy == policy && cell.key.row() == *row
                });
                found.map_or(' ', |cell| cell.grade().sign())
            };
            let signs: String = lengths.iter().map(sign).collect();
            table.add_row([row.clone(), text::strategy(policy), signs]);
        }
    }
    let meanings = Grade::ALL.map(|grade| format!("'{}' {}", grade.sign(), grade.meaning()));
    format!("{table}\n{}", meanings.join(", "))
}

fn name(counts: &Counts) -> String {
    match counts.policy {
        Some(policy) => format!("{} ({policy})", counts.strategy),
        None => counts.strategy.to_owned(),
    }
}

/// Who should allocate, with the numbers for it.
pub fn paragraph(cells: &[Cell]) -> String {
    let counts = counts(cells);
    let best = counts
        .iter()
        .max_by_key(|counts| (counts.streaming, counts.buffers, counts.full));
    let Some(best) = best.filter(|best| best.cells > 0) else {
        return "There is no cell to compare.".to_owned();
    };
    let equals: Vec<String> = counts
        .iter()
        .filter(|other| (other.streaming, other.buffers) == (best.streaming, best.buffers))
        .map(name)
        .collect();
    let all: Vec<String> = counts
        .iter()
        .map(|counts| {
            format!(
                "{} streams in {} of {} with {} buffers in all, in {} with every buffer asked for",
                name(counts),
                counts.streaming,
                counts.cells,
                counts.buffers,
                counts.full
            )
        })
        .collect();
    let costs: Vec<String> = counts
        .iter()
        .filter(|counts| counts.policy.is_some())
        .map(|counts| {
            format!(
                "{} granted fewer buffers than would have fitted in {}",
                name(counts),
                counts.fewer_than_fitted
            )
        })
        .collect();
    let cost = match costs.is_empty() {
        true => String::new(),
        false => format!(" The cost: {}.", costs.join(", ")),
    };
    let (ran, same) = counts.iter().fold((0, 0), |(ran, same), counts| {
        (ran + counts.in_guest, same + counts.as_predicted)
    });
    format!(
        "Who should allocate: {}. {}.{cost} {ran} cells ran in a guest, {same} of them to the byte as computed.",
        equals.join(" or "),
        all.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    fn cells() -> Vec<Cell> {
        AllocationPolicy::ALL
            .map(|policy| cell("wyze-v3", policy))
            .to_vec()
    }

    #[test]
    fn the_answer_for_a_wyze_v3_is_the_hybrid_that_knows_what_is_coming() {
        let text = paragraph(&cells());
        assert!(
            text.starts_with("Who should allocate: hybrid (reserve)."),
            "{text}"
        );
        assert!(text.contains("client streams in 0 of 1"), "{text}");
        assert!(
            text.contains("hybrid (margin) granted fewer buffers than would have fitted in 1"),
            "{text}"
        );
        assert_eq!(paragraph(&[]), "There is no cell to compare.");
    }

    #[test]
    fn the_table_has_a_sign_for_each_cell() {
        let text = table(&cells());
        assert!(text.contains("hybrid (margin)"), "{text}");
        let sign = |name: &str| {
            let line = text.lines().find(|line| line.contains(name)).unwrap();
            line.trim_end_matches(['│', ' ', '|']).chars().last()
        };
        assert_eq!(sign("hybrid (margin)"), Some('~'));
        assert_eq!(sign("hybrid (reserve)"), Some('+'));
        assert_eq!(sign("client"), Some('.'));
    }
}
