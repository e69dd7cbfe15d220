// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Computes cells and runs them in guests: one boot for all cells of a memory layout.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use guest_agent::camera::{Personality, predict};
use guest_image::Progress;
use tx_isp_driver::alloc::negotiation::Margin;

use super::super::camera::{Camera, Changes};
use super::super::catalogue::{self, CameraFile};
use super::super::client::{self, only_predicted};
use super::super::options::personalities;
use super::cell::{Cell, Key, possible};
use super::options::{CompareOptions, WhichGuests};
use super::record::{Record, read};
use crate::guest::Guest;
use crate::interrupt;
use crate::layout::MemoryLayout;
use crate::prepare::Prepared;
use crate::progress::{Steps, seconds};
use crate::scene::Scene;

/// A cell and the camera that it is about; `None` if there cannot be one.
struct Planned {
    cell: Cell,
    camera: Option<Camera>,
}

/// Every cell of the matrix, finished.
///
/// # Errors
/// If cells cannot be made, run or recorded.
pub fn all(options: &CompareOptions) -> Result<Vec<Cell>> {
    interrupt::install()?;
    let mut planned = plan(options)?;
    let mut done = match options.resume && options.cells.is_file() {
        true => read(&options.cells)?,
        false => Vec::new(),
    };
    planned.retain(|planned| !done.iter().any(|cell| cell.key == planned.cell.key));
    let mut record = Record::open(&options.cells, options.resume)?;
    let chosen = choose(options.guests, &planned);
    let steps = Steps::new();
    let total = planned.len();
    let mut runner = Runner {
        options,
        steps: &steps,
        prepared: None,
        guest: None,
        begin: Instant::now(),
    };
    for (index, planned) in planned.into_iter().enumerate() {
        if interrupt::requested() {
            anyhow::bail!(
                "interrupted after {index} of {total} cells; go on with --resume --cells {}",
                options.cells.display()
            );
        }
        let Planned { mut cell, camera } = planned;
        let layout = layout_of(&cell.key);
        if let Some(camera) = camera.filter(|_| chosen.contains(&layout)) {
            match only_predicted(&camera) {
                Some(reason) => cell.only_computed = Some(reason),
                None => runner.run(&mut cell, &camera, index, total)?,
            }
        }
        record.add(&cell)?;
        done.push(cell);
    }
    runner.end();
    Ok(done)
}

/// What the boot of a guest depends on.
fn layout_of(key: &Key) -> (String, u64) {
    (key.camera.clone(), key.rmem)
}

/// The cells of this part of the matrix, computed. Cells of one memory layout follow each other.
fn plan(options: &CompareOptions) -> Result<Vec<Planned>> {
    let mut layouts = Vec::new();
    for name in &options.cameras {
        let file = catalogue::find(name)?;
        let lengths = match &options.rmem {
            Some(lengths) => lengths.0.clone(),
            None => vec![file.rmem.bytes],
        };
        layouts.extend(lengths.into_iter().map(|rmem| (name, file.clone(), rmem)));
    }
    let mut planned = Vec::new();
    for (index, (name, file, rmem)) in layouts.into_iter().enumerate() {
        let mine = options
            .shard
            .is_none_or(|shard| index % shard.of == shard.index);
        if mine {
            plan_layout(options, name, &file, rmem, &mut planned)?;
        }
    }
    Ok(planned)
}

fn plan_layout(
    options: &CompareOptions,
    name: &str,
    file: &CameraFile,
    rmem: u64,
    planned: &mut Vec<Planned>,
) -> Result<()> {
    let memopts = match options.memopt.as_slice() {
        [] => vec![file.isp_memopt],
        given => given.iter().map(|number| *number == 1).collect(),
    };
    let own = file.channels.first().map_or(1, |channel| channel.buffers);
    let counts = options
        .vbs
        .as_ref()
        .map_or(vec![own], |counts| counts.0.clone());
    let subs = match (options.sub.as_slice(), file.channels.get(1)) {
        (_, None) => vec![None],
        ([], Some(own)) => vec![Some(own.size)],
        (given, Some(_)) => given.iter().copied().map(Some).collect(),
    };
    for memopt in memopts {
        for &vbs in &counts {
            for &sub in &subs {
                let changes = Changes {
                    rmem: Some(rmem),
                    memopt: Some(memopt),
                    sub,
                    main_buffers: Some(vbs),
                    ..Changes::default()
                };
                let camera = Camera::new(name, file, &changes);
                for personality in personalities(options.strategy, options.policy) {
                    let key = Key {
                        camera: name.to_owned(),
                        rmem,
                        memopt,
                        vbs,
                        sub: sub.map(|size| size.to_string()),
                        personality,
                    };
                    planned.push(computed(key, &camera, personality)?);
                }
            }
        }
    }
    Ok(())
}

fn computed(key: Key, camera: &Result<Camera>, personality: Personality) -> Result<Planned> {
    let mut cell = Cell {
        key,
        computed: None,
        possible: None,
        guest: None,
        frames: 0,
        trouble: None,
        only_computed: None,
        impossible: false,
    };
    match camera {
        Ok(camera) => {
            cell.computed = Some(predict(&camera.setup, personality, Margin::default())?);
            cell.possible = possible(&camera.setup)?;
            Ok(Planned {
                cell,
                camera: Some(camera.clone()),
            })
        }
        Err(error) => {
            cell.impossible = true;
            cell.only_computed = Some(format!("{error:#}"));
            Ok(Planned { cell, camera: None })
        }
    }
}

/// The memory layouts that run in a guest: of each camera the smallest, the middle and the largest.
fn choose(guests: WhichGuests, planned: &[Planned]) -> BTreeSet<(String, u64)> {
    let layouts: BTreeSet<_> = planned
        .iter()
        .filter(|planned| planned.camera.is_some())
        .map(|planned| layout_of(&planned.cell.key))
        .collect();
    match guests {
        WhichGuests::All => layouts,
        WhichGuests::None => BTreeSet::new(),
        WhichGuests::Spread => {
            let cameras: BTreeSet<&String> = layouts.iter().map(|(camera, _)| camera).collect();
            let spread = |camera: &String| {
                let of_camera: Vec<_> = layouts.iter().filter(|(name, _)| name == camera).collect();
                let last = of_camera.len() - 1;
                [0, last / 2, last].map(|index| of_camera[index].clone())
            };
            cameras.into_iter().flat_map(spread).collect()
        }
    }
}

/// Keeps one guest at a time.
struct Runner<'a> {
    options: &'a CompareOptions,
    steps: &'a Steps,
    prepared: Option<Prepared>,
    guest: Option<((String, u64), Guest)>,
    begin: Instant,
}

impl Runner<'_> {
    /// Runs a cell. What goes wrong in the guest is the cell's trouble, and ends that guest.
    fn run(&mut self, cell: &mut Cell, camera: &Camera, index: usize, total: usize) -> Result<()> {
        self.boot(&layout_of(&cell.key), camera)?;
        let Some((_, guest)) = &mut self.guest else {
            return Ok(());
        };
        let frames = self.options.frames;
        match client::run(guest, &camera.setup, cell.key.personality, frames, 1) {
            Ok(run) => {
                let problems = run.problems(frames);
                cell.trouble = (!problems.is_empty()).then(|| problems.join("; "));
                cell.frames = run
                    .judges
                    .values()
                    .map(|judge| judge.received - judge.mismatched)
                    .sum();
                cell.guest = Some(run.report);
            }
            Err(_) if interrupt::requested() => return Ok(()),
            Err(error) => {
                cell.trouble = Some(format!("{error:#}"));
                self.guest = None;
            }
        }
        let left = self.left(index + 1, total);
        self.steps.line(&format!(
            "{}/{total} {}: {}; about {left} left",
            index + 1,
            cell.key,
            cell.summary()
        ));
        Ok(())
    }

    fn left(&self, done: usize, total: usize) -> String {
        let done = u32::try_from(done.max(1)).unwrap_or(u32::MAX);
        let open = u32::try_from(total)
            .unwrap_or(u32::MAX)
            .saturating_sub(done);
        let each: Duration = self.begin.elapsed() / done;
        seconds(each.saturating_mul(open))
    }

    fn boot(&mut self, layout: &(String, u64), camera: &Camera) -> Result<()> {
        if self
            .guest
            .as_ref()
            .is_some_and(|(running, _)| running == layout)
        {
            return Ok(());
        }
        self.end();
        let mut prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            None => Prepared::new(&self.options.guest, self.steps)?,
        };
        prepared.memory = MemoryLayout::of_camera(camera, &prepared.image)?;
        let say = |text: &str| self.steps.line(text);
        let guest = Guest::boot(&prepared, &Scene::default(), &self.options.out, &say);
        self.prepared = Some(prepared);
        self.guest = Some((layout.clone(), guest?));
        Ok(())
    }

    fn end(&mut self) {
        if let Some((_, guest)) = self.guest.take() {
            guest.power_off();
        }
    }
}
