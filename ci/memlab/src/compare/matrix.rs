// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which cells there are, what is computed of them, and which of them a guest is to run.

use std::collections::BTreeSet;

use crate::predict;
use anyhow::Result;
use guest_protocol::camera::AllocationPolicy;
use tx_isp_alloc::negotiation::Margin;

use super::cell::{Cell, Key, possible};
use super::config::{MatrixConfig, WhichGuests};
use crate::camera::{Camera, Changes};
use crate::catalogue::{self, CameraFile};

/// A camera's name and the bytes of its carve-out.
pub type Layout = (String, u64);

/// A cell and the camera that it is about.
pub struct Planned {
    /// What is computed.
    pub cell: Cell,
    /// `None` if there cannot be one.
    pub camera: Option<Camera>,
}

/// What the boot of a guest depends on.
pub fn layout_of(key: &Key) -> Layout {
    (key.camera.clone(), key.rmem)
}

/// The cells of this part of the matrix, computed. Cells of one memory layout follow each other.
///
/// # Errors
/// If there is no such camera, or a cell cannot be computed.
pub fn plan(options: &MatrixConfig) -> Result<Vec<Planned>> {
    let mut layouts = Vec::new();
    for name in &options.cameras {
        let file = catalogue::find(name)?;
        let lengths = match &options.rmem {
            Some(lengths) => lengths.clone(),
            None => vec![file.rmem.bytes.into()],
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
    options: &MatrixConfig,
    name: &str,
    file: &CameraFile,
    rmem: u64,
    planned: &mut Vec<Planned>,
) -> Result<()> {
    let memopts = match options.memopt.as_slice() {
        [] => vec![file.isp_memopt],
        given => given.to_vec(),
    };
    let own = file.channels.first().map_or(1, |channel| channel.buffers);
    let counts = options.buffers.clone().unwrap_or_else(|| vec![own]);
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
                for &policy in &options.policies {
                    let key = Key {
                        camera: name.to_owned(),
                        rmem,
                        memopt,
                        vbs,
                        sub: sub.map(|size| size.to_string()),
                        policy,
                    };
                    planned.push(computed(key, &camera, policy)?);
                }
            }
        }
    }
    Ok(())
}

fn computed(key: Key, camera: &Result<Camera>, policy: AllocationPolicy) -> Result<Planned> {
    let mut cell = Cell {
        key,
        computed: None,
        possible: None,
        guest: None,
        frames: 0,
        failure: None,
        only_computed: None,
        impossible: false,
    };
    match camera {
        Ok(camera) => {
            cell.computed = Some(predict(&camera.setup, policy, Margin::default())?);
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
pub fn choose(guests: WhichGuests, planned: &[Planned]) -> BTreeSet<Layout> {
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
