// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What came of a camera's requests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether the client can stream, and what lies where. Prediction and guest give the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The request that nobody could serve; the client went no further. `None` if all were.
    pub refused: Option<Refused>,
    /// The channels in order; those that were never reached were granted nothing.
    pub queues: Vec<Queue>,
    /// The carve-out at the end of the requests.
    pub pool: Pool,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refused {
    /// Who asked.
    pub owner: String,
    /// For how many bytes in one piece.
    pub bytes: u64,
}

/// A channel's buffers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Queue {
    /// The channel's number.
    pub id: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// How many buffers were asked for.
    pub requested: u32,
    /// How many it has.
    pub granted: u32,
}

/// A carve-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Its physical address.
    pub base: u32,
    /// Its length in bytes.
    pub total: u32,
    /// Bytes that nobody holds.
    pub free: u32,
    /// Bytes of the longest run that nobody holds.
    pub largest: u32,
    /// What somebody holds, in address order.
    #[serde(rename = "held")]
    pub allocations: Vec<Allocation>,
}

/// A block that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Allocation {
    /// Who.
    pub owner: String,
    /// Its physical address.
    pub address: u32,
    /// Its length in bytes, after rounding.
    pub bytes: u32,
}

impl Report {
    /// Whether every channel has buffers.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.refused.is_none()
    }
}

impl Pool {
    /// Bytes that somebody holds.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.total - self.free
    }

    /// How much of it is held, in whole percent.
    #[must_use]
    pub fn usage(&self) -> u64 {
        u64::from(self.used()) * 100 / u64::from(self.total.max(1))
    }
}

/// The dump that owners of these cameras know from their logs (T31 4.5), in our words.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(refused) = &self.refused {
            let largest = self.pool.largest;
            write!(
                f,
                "cannot allocate {} bytes for {}: the longest free run has {largest}",
                refused.bytes, refused.owner,
            )?;
            if refused.bytes <= u64::from(largest) {
                f.write_str(", but what others have reserved or the margin comes first")?;
            }
            f.write_str("\n")?;
        }
        self.pool.fmt(f)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "carve-out at {:#x}: total {}, used {}, free {}, usage {} %",
            self.base,
            self.total,
            self.used(),
            self.free,
            self.usage()
        )?;
        for block in &self.allocations {
            writeln!(
                f,
                "  {:<16} at {:#010x}  {:>10} bytes",
                block.owner, block.address, block.bytes
            )?;
        }
        Ok(())
    }
}
