// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finishes cells: what no guest is to run at once, the others in guests, several at a time.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use guest_image::Progress;

use super::cell::{Cell, Key};
use super::config::MatrixConfig;
use super::estimate::Estimate;
use super::figures::Figures;
use super::jobs::divide;
use super::matrix::{Layout, Planned, choose, layout_of, plan};
use super::record::{Record, read};
use super::work::{Event, Piece, Worker};
use crate::host_memory::guests_at_once;
use testbed::camera_client::only_predicted;
use testbed::interrupt;
use testbed::memory_layout::MemoryLayout;
use testbed::prepare::Prepared;
use testbed::progress::{Steps, seconds};

/// Every cell of the matrix, finished, and how it went if guests ran.
///
/// # Errors
/// If cells cannot be made, run or recorded. Cells that were finished before are in the record.
pub fn all(options: &MatrixConfig) -> Result<(Vec<Cell>, Option<Figures>)> {
    interrupt::install()?;
    let planned = plan(options)?;
    let chosen = choose(options.guests, &planned);
    let order: HashMap<Key, usize> = planned
        .iter()
        .enumerate()
        .map(|(index, planned)| (planned.cell.key.clone(), index))
        .collect();
    let known = match options.resume && options.cells.is_file() {
        true => read(&options.cells)?,
        false => Vec::new(),
    };
    let (mut done, open) = divide_known(known, planned, &chosen);
    let mut record = Record::open(&options.cells, options.resume)?;
    let mut finish = |cell: Cell| -> Result<()> {
        record.add(&cell)?;
        done.push(cell);
        Ok(())
    };
    let mut pieces: Vec<Piece> = Vec::new();
    for Planned { mut cell, camera } in open {
        let layout = layout_of(&cell.key);
        let Some(camera) = camera.filter(|_| chosen.contains(&layout)) else {
            finish(cell)?;
            continue;
        };
        if let Some(reason) = only_predicted(&camera.setup) {
            cell.only_computed = Some(reason);
            finish(cell)?;
            continue;
        }
        match pieces.last_mut() {
            Some(piece) if piece.layout == layout => piece.cells.push((cell, camera)),
            _ => pieces.push(Piece {
                layout,
                cells: vec![(cell, camera)],
            }),
        }
    }
    let figures = match pieces.is_empty() {
        true => None,
        false => Some(in_guests(options, pieces, &mut finish)?),
    };
    // Guests finish in no particular order; cells of another matrix in the file come first.
    done.sort_by_key(|cell| order.get(&cell.key).copied());
    Ok((done, figures))
}

/// What is finished, and what is still to be done.
fn divide_known(
    known: Vec<Cell>,
    planned: Vec<Planned>,
    chosen: &BTreeSet<Layout>,
) -> (Vec<Cell>, Vec<Planned>) {
    let mut known: HashMap<Key, Cell> = known
        .into_iter()
        .map(|cell| (cell.key.clone(), cell))
        .collect();
    let is_open = |planned: &Planned| match known.get(&planned.cell.key) {
        Some(cell) => !is_finished(cell, chosen),
        None => true,
    };
    let open: Vec<Planned> = planned.into_iter().filter(is_open).collect();
    for planned in &open {
        known.remove(&planned.cell.key);
    }
    (known.into_values().collect(), open)
}

/// A cell that a guest was to run and did not is not finished.
fn is_finished(cell: &Cell, chosen: &BTreeSet<Layout>) -> bool {
    let not_for_a_guest =
        cell.impossible || cell.only_computed.is_some() || !chosen.contains(&layout_of(&cell.key));
    cell.guest.is_some() || (cell.failure.is_none() && not_for_a_guest)
}

/// Runs all pieces, several guests at a time.
fn in_guests(
    options: &MatrixConfig,
    pieces: Vec<Piece>,
    finish: &mut impl FnMut(Cell) -> Result<()>,
) -> Result<Figures> {
    let steps = Steps::new();
    let prepared = Prepared::new(&options.guest, &steps)?;
    let pieces = with_room(pieces, &prepared, finish)?;
    let largest = pieces.iter().map(|(memory, _)| memory.total()).max();
    let (jobs, note) = guests_at_once(options.jobs.min(pieces.len()), largest.unwrap_or(0))?;
    if let Some(note) = note {
        steps.line(&format!("note: {note}"));
    }
    let counts: Vec<usize> = pieces.iter().map(|(_, piece)| piece.cells.len()).collect();
    let total: usize = counts.iter().sum();
    let mut estimate = Estimate::new(jobs, counts);
    let mut figures = Figures::new(jobs);
    let say = |text: &str| steps.line(text);
    let worker = Worker {
        prepared: &prepared,
        logs: &options.out,
        jobs,
        frames: options.frames,
        say: &say,
    };
    let begin = Instant::now();
    let result = divide(
        jobs,
        pieces,
        |thread, number, (memory, piece), report| {
            worker.serve(thread, number, memory, piece, report)
        },
        |event| {
            match event {
                Event::Booted { piece, time } => {
                    estimate.booted(piece, time);
                    figures.guests += 1;
                }
                Event::Finished {
                    piece,
                    cell,
                    time,
                    footprint,
                } => {
                    estimate.finished(piece, time);
                    figures.take(footprint);
                    let text = line(figures.cells, total, &cell, estimate.left());
                    finish(*cell)?;
                    steps.line(&text);
                }
            }
            Ok(())
        },
    );
    figures.seconds = begin.elapsed().as_secs_f64();
    if interrupt::requested() {
        bail!(
            "interrupted after {} of {total} cells in guests; go on with --resume --cells {}",
            figures.cells,
            options.cells.display()
        );
    }
    result.map(|()| figures)
}

/// Each piece with its guest's memory. Cells of which no guest can have the memory are finished.
fn with_room(
    pieces: Vec<Piece>,
    prepared: &Prepared,
    finish: &mut impl FnMut(Cell) -> Result<()>,
) -> Result<Vec<(MemoryLayout, Piece)>> {
    let mut with_room = Vec::new();
    for piece in pieces {
        let memory = piece
            .cells
            .first()
            .map(|(_, camera)| camera.memory(&prepared.image));
        match memory {
            Some(Ok(memory)) => with_room.push((memory, piece)),
            Some(Err(error)) => {
                for (mut cell, _) in piece.cells {
                    cell.only_computed = Some(format!("no guest can have this memory: {error:#}"));
                    finish(cell)?;
                }
            }
            None => {}
        }
    }
    Ok(with_room)
}

fn line(done: u32, total: usize, cell: &Cell, left: Duration) -> String {
    let summary = match &cell.failure {
        Some(failure) => format!("failure: {failure}"),
        None => cell.summary(),
    };
    let left = seconds(left);
    format!("{done}/{total} {}: {summary}; about {left} left", cell.key)
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;
    use guest_protocol::camera::AllocationPolicy;

    #[test]
    fn a_resumed_run_does_what_guests_have_not_done() {
        let own = |policy| cell("wyze-v3", policy);
        let planned: Vec<Planned> = AllocationPolicy::ALL
            .into_iter()
            .map(|policy| Planned {
                cell: own(policy),
                camera: None,
            })
            .collect();
        let mut seen = own(AllocationPolicy::Client);
        seen.guest = seen.computed.clone();
        let computed = own(AllocationPolicy::Driver);
        let mut broken = own(AllocationPolicy::HybridMargin);
        broken.failure = Some("the guest's end".into());
        let mut foreign = own(AllocationPolicy::Client);
        foreign.key.rmem = 1 << 20;
        let known = vec![seen, computed, broken, foreign];
        let left = |chosen: &BTreeSet<Layout>| {
            let planned = planned
                .iter()
                .map(|planned| Planned {
                    cell: planned.cell.clone(),
                    camera: None,
                })
                .collect();
            let (done, open) = divide_known(known.clone(), planned, chosen);
            let open: Vec<_> = open.iter().map(|open| open.cell.key.policy).collect();
            (done.len(), open)
        };
        let both = vec![
            AllocationPolicy::HybridMargin,
            AllocationPolicy::HybridReserve,
        ];
        // What was only computed is finished as long as no guest is wanted for it.
        assert_eq!(left(&BTreeSet::new()), (3, both.clone()));
        let chosen = BTreeSet::from([layout_of(&planned[0].cell.key)]);
        let three = [vec![AllocationPolicy::Driver], both].concat();
        assert_eq!(left(&chosen), (2, three));
    }

    #[test]
    fn progress_tells_what_is_left_and_what_went_wrong() {
        let mut cell = cell("wyze-v3-stock", AllocationPolicy::Client);
        let text = line(3, 10, &cell, Duration::from_secs(75));
        assert!(text.starts_with("3/10 wyze-v3-stock memopt=0"), "{text}");
        assert!(
            text.ends_with("1361664 bytes free; about 75 s left"),
            "{text}"
        );
        cell.failure = Some("no frames".into());
        let text = line(3, 10, &cell, Duration::from_secs(75));
        assert!(text.contains("failure: no frames; about"), "{text}");
    }
}
