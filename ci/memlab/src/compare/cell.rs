// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One cell of the matrix.

use std::fmt;

use crate::predict;
use anyhow::Result;
use guest_protocol::camera::{AllocationPolicy, Queue, Report, Setup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tx_isp_alloc::negotiation::Margin;

use crate::text;

/// What a cell is about. Cells with the same key are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The camera.
    pub camera: String,
    /// Bytes of the carve-out.
    pub rmem: u64,
    /// The driver's isp_memopt.
    pub memopt: bool,
    /// Buffers that the first channel asks for.
    pub vbs: u32,
    /// The second channel's size, if the camera has one.
    pub sub: Option<String>,
    /// Who allocates, and how.
    #[serde(rename = "personality")]
    pub policy: AllocationPolicy,
}

/// A finished cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// What it is about.
    pub key: Key,
    /// What was computed; `None` where the memory cannot be laid out.
    pub computed: Option<Report>,
    /// As many buffers as could have been had, channel by channel: the most for the first channel
    /// with which all channels stream, then for the second, and so on. `None` if none stream.
    pub possible: Option<Vec<u32>>,
    /// What a guest did.
    pub guest: Option<Report>,
    /// Frames that arrived in the guest as DMA wrote them.
    pub frames: u32,
    /// What went wrong, or why the memory cannot be laid out.
    #[serde(rename = "trouble")]
    pub failure: Option<String>,
    /// Why no guest can run it.
    pub only_computed: Option<String>,
    /// Whether the camera cannot be like that at all.
    pub impossible: bool,
}

/// How good a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The camera cannot be like that.
    Impossible,
    /// Not every channel streams.
    Fails,
    /// All stream, with fewer buffers than would have fitted.
    Blunt,
    /// All stream, with fewer buffers than asked for: more do not fit.
    Fewer,
    /// All stream with all buffers.
    Full,
}

impl Grade {
    /// From best to worst.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::Fewer,
        Self::Blunt,
        Self::Fails,
        Self::Impossible,
    ];

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Full => "streams with all buffers",
            Self::Fewer => "streams with as many buffers as fit",
            Self::Blunt => "streams with fewer buffers than would have fitted",
            Self::Fails => "fails",
            Self::Impossible => "this memory cannot be laid out",
        }
    }

    /// One character of a table.
    pub fn sign(self) -> char {
        match self {
            Self::Full => '#',
            Self::Fewer => '+',
            Self::Blunt => '~',
            Self::Fails => '.',
            Self::Impossible => ' ',
        }
    }

    /// Its colour: red, green, blue.
    pub fn colour(self) -> [u8; 3] {
        match self {
            Self::Full => [0x1b, 0x7f, 0x4b],
            Self::Fewer => [0x8b, 0xc3, 0x4a],
            Self::Blunt => [0xf2, 0xb1, 0x34],
            Self::Fails => [0xc6, 0x3a, 0x3a],
            Self::Impossible => [0xd0, 0xd0, 0xd0],
        }
    }
}

impl Key {
    /// What the cell shares with its neighbours in a row of the heat map.
    pub fn row(&self) -> String {
        let sub = self.sub.as_deref().unwrap_or("none");
        format!(
            "{} memopt={} vbs={} sub={sub}",
            self.camera,
            u8::from(self.memopt),
            self.vbs
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rmem = text::mib(self.rmem);
        write!(f, "{} rmem={rmem} {}", self.row(), self.policy)
    }
}

impl Cell {
    /// What is known: the guest's word before the computed one.
    pub fn report(&self) -> Option<&Report> {
        self.guest.as_ref().or(self.computed.as_ref())
    }

    /// Whether guest and computation differ; they must not.
    pub fn differs(&self) -> bool {
        self.guest.is_some() && self.guest != self.computed
    }

    /// How good it is.
    pub fn grade(&self) -> Grade {
        let Some(report) = self.report().filter(|_| !self.impossible) else {
            return Grade::Impossible;
        };
        if !report.streams() {
            return Grade::Fails;
        }
        let granted: Vec<u32> = report.queues.iter().map(|queue| queue.granted).collect();
        let full = |queue: &Queue| queue.granted == queue.requested;
        if report.queues.iter().all(full) {
            Grade::Full
        } else if self
            .possible
            .as_ref()
            .is_some_and(|possible| *possible > granted)
        {
            Grade::Blunt
        } else {
            Grade::Fewer
        }
    }

    /// It in one line.
    pub fn summary(&self) -> String {
        let Some(report) = self.report() else {
            return self.failure.clone().unwrap_or_default();
        };
        let granted = text::granted(&report.queues);
        match &report.refused {
            None => format!("streams, {granted}, {} bytes free", report.pool.free),
            Some(refused) => format!(
                "fails: {} bytes for {}, longest free run {}",
                refused.bytes, refused.owner, report.pool.largest
            ),
        }
    }
}

/// As many buffers as a client that knew everything could have: first for the first channel.
///
/// # Errors
/// If it cannot be computed.
pub fn possible(setup: &Setup) -> Result<Option<Vec<u32>>> {
    let mut setup = setup.clone();
    let asked: Vec<u32> = setup
        .channels
        .iter()
        .map(|channel| channel.buffers)
        .collect();
    for channel in &mut setup.channels {
        channel.buffers = 1;
    }
    // Buffers on pages, as the driver gives them, or one run of frames, as a client takes them:
    // whichever fits.
    let fits = |setup: &Setup| -> Result<bool> {
        let complete = |policy| -> Result<bool> {
            let report = predict(setup, policy, Margin::default())?;
            let full = |queue: &Queue| queue.granted == queue.requested;
            Ok(report.streams() && report.queues.iter().all(full))
        };
        Ok(complete(AllocationPolicy::Client)? || complete(AllocationPolicy::Driver)?)
    };
    if !fits(&setup)? {
        return Ok(None);
    }
    for (index, most) in asked.into_iter().enumerate() {
        for count in (2..=most).rev() {
            let mut larger = setup.clone();
            larger.channels[index].buffers = count;
            if fits(&larger)? {
                setup = larger;
                break;
            }
        }
    }
    Ok(Some(
        setup
            .channels
            .iter()
            .map(|channel| channel.buffers)
            .collect(),
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::camera::{Camera, Changes};
    use crate::catalogue;

    /// A computed cell of a camera as it is.
    pub fn cell(camera: &str, policy: AllocationPolicy) -> Cell {
        let file = catalogue::find(camera).unwrap();
        let camera = Camera::new(camera, &file, &Changes::default()).unwrap();
        Cell {
            key: Key {
                camera: camera.id.clone(),
                rmem: camera.rmem.bytes.into(),
                memopt: false,
                vbs: 4,
                sub: Some("640x360".into()),
                policy,
            },
            computed: Some(predict(&camera.setup, policy, Margin::default()).unwrap()),
            possible: possible(&camera.setup).unwrap(),
            guest: None,
            frames: 0,
            failure: None,
            only_computed: None,
            impossible: false,
        }
    }

    #[test]
    fn the_margins_bluntness_is_seen_on_a_wyze_v3() {
        let margin = cell("wyze-v3", AllocationPolicy::HybridMargin);
        assert_eq!(margin.possible, Some(vec![3, 2]));
        assert_eq!(margin.grade(), Grade::Blunt);
        let reserve = cell("wyze-v3", AllocationPolicy::HybridReserve);
        assert_eq!(reserve.grade(), Grade::Fewer);
        assert_eq!(
            cell("wyze-v3", AllocationPolicy::Client).grade(),
            Grade::Fails
        );
        let stock = cell("wyze-v3-stock", AllocationPolicy::Client);
        assert_eq!(stock.grade(), Grade::Full);
    }

    #[test]
    fn nothing_is_called_possible_that_fits_nobody() {
        // 24 MiB with 4 and 2 buffers: 2 and 2 fit, 3 and 1 leave too little for the encoder.
        let file = catalogue::find("wyze-v3-stock").unwrap();
        let at = |mib: u64| {
            let changes = Changes {
                rmem: Some(mib << 20),
                ..Changes::default()
            };
            let camera = Camera::new("wyze-v3-stock", &file, &changes).unwrap();
            possible(&camera.setup).unwrap()
        };
        assert_eq!(at(24), Some(vec![2, 2]));
        assert_eq!(at(29), Some(vec![4, 2]));
        assert_eq!(at(16), None);
    }

    #[test]
    fn a_guest_that_does_otherwise_is_seen() {
        let mut cell = cell("wyze-v3", AllocationPolicy::Client);
        cell.guest = cell.computed.clone();
        assert!(!cell.differs());
        cell.guest.as_mut().unwrap().pool.free += 256;
        assert!(cell.differs());
    }
}
