// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a camera's client asks for.

use std::fmt;

use serde::{Deserialize, Serialize};
use tx_isp_abi::Size;
use tx_isp_alloc::Strategy;

/// A block of the carve-out that is no frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Whose it is; at most 16 bytes of it are kept.
    pub owner: String,
    /// Its length in bytes, before rounding.
    pub bytes: u32,
    /// Whether it leaks: it is taken anew each time its channel is enabled and never given back, as if
    /// an encoder that is made anew had kept hold of it (T31 5.6). Other blocks are taken once.
    pub leaks: bool,
}

/// A channel that delivers frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its number; physical channels are those of the chip.
    pub id: u32,
    /// Whether it is made by the library from another channel's frames (T31 4.2), not by the chip.
    pub extension: bool,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// How many buffers it asks for (nrVBs).
    pub buffers: u32,
    /// What its encoder takes before the channel is enabled, in order.
    pub blocks: Vec<Block>,
}

/// Everything that a camera's client needs of the carve-out, in the order of its asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Physical address of the carve-out.
    pub base: u32,
    /// Its length in bytes.
    pub bytes: u32,
    /// The ISP's own buffer (AddSensor, T31 4.1); `None` where it lies outside the carve-out.
    pub ncubuf: Option<u32>,
    /// What is taken after it: OSD and the like.
    pub blocks: Vec<Block>,
    /// The channels in the order in which they are enabled.
    pub channels: Vec<Channel>,
    /// What is taken after them: a JPEG encoder and the like.
    pub late: Vec<Block>,
    /// The SoC's number (T31 1.4): it decides how large extension channels' buffers are.
    pub cpu_id: i32,
}

/// Who allocates, and how the client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AllocationPolicy {
    /// The client takes the whole carve-out and manages it by itself, as the vendor's library does.
    Client,
    /// The driver gives to whoever asks first, as much as there is.
    Driver,
    /// The driver keeps a distance: it knows nothing of what will still be asked for.
    HybridMargin,
    /// The client reserves what it will still need, and the driver keeps that free.
    HybridReserve,
}

/// Channels that are enabled and disabled in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycles {
    /// How many times they are enabled, if nothing fails before.
    pub most: u32,
    /// Whether a client gives its own pools of frames back when it disables a channel. If not, a
    /// consumer of frames keeps hold of them (T31 5.6).
    pub frees_pools: bool,
}

/// One thing that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A block.
    Block {
        /// Whose.
        owner: &'a str,
        /// How many bytes.
        bytes: u32,
        /// Whether it is asked for anew in each cycle.
        leaks: bool,
    },
    /// A channel's frames.
    Frames(&'a Channel),
}

/// The owner's name of the ISP's own buffer (T31 4.1).
pub const NCUBUF: &str = "ncubuf";

impl Setup {
    /// What is asked for, in order (T31 5.4, 5.5).
    #[must_use]
    pub fn steps(&self) -> Vec<Step<'_>> {
        let ncubuf = self.ncubuf.map(|bytes| Step::Block {
            owner: NCUBUF,
            bytes,
            leaks: false,
        });
        ncubuf
            .into_iter()
            .chain(self.blocks.iter().map(Block::step))
            .chain(self.channels.iter().flat_map(Channel::steps))
            .chain(self.late.iter().map(Block::step))
            .collect()
    }
}

impl Block {
    fn step(&self) -> Step<'_> {
        Step::Block {
            owner: &self.owner,
            bytes: self.bytes,
            leaks: self.leaks,
        }
    }
}

impl Cycles {
    /// Channels that are enabled once.
    pub const ONE: Self = Self::kept(1);

    /// So many cycles of a client whose pools are never given back.
    #[must_use]
    pub const fn kept(most: u32) -> Self {
        Self {
            most,
            frees_pools: false,
        }
    }
}

impl Channel {
    fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let blocks = self.blocks.iter().map(Block::step);
        blocks.chain([Step::Frames(self)])
    }

    /// The picture's size.
    #[must_use]
    pub fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Under which name a client's own pool of frames is held.
    #[must_use]
    pub fn pool_name(&self) -> String {
        format!("VBMPool{}", self.id)
    }

    /// Under which name the driver holds and reserves the channel's buffers.
    #[must_use]
    pub fn queue_name(&self) -> String {
        format!("video{}", self.id)
    }
}

impl AllocationPolicy {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [
        Self::Client,
        Self::Driver,
        Self::HybridMargin,
        Self::HybridReserve,
    ];

    /// The driver's strategy under which it works.
    #[must_use]
    pub const fn strategy(self) -> Strategy {
        match self {
            Self::Client => Strategy::Client,
            Self::Driver => Strategy::Driver,
            Self::HybridMargin | Self::HybridReserve => Strategy::Hybrid,
        }
    }

    /// The driver's policy, where it negotiates.
    #[must_use]
    pub const fn hybrid_policy(self) -> Option<&'static str> {
        match self {
            Self::Client | Self::Driver => None,
            Self::HybridMargin => Some("margin"),
            Self::HybridReserve => Some("reserve"),
        }
    }
}

impl fmt::Display for AllocationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.strategy().name())?;
        match self.hybrid_policy() {
            Some(policy) => write!(f, " ({policy})"),
            None => Ok(()),
        }
    }
}
