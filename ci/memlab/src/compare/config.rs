// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which cells, and how they are finished.

use std::path::PathBuf;

use guest_protocol::camera::AllocationPolicy;
use testbed::config::GuestConfig;
use tx_isp_abi::Size;

/// The cells of a matrix.
#[derive(Debug, Clone)]
pub struct MatrixConfig {
    /// Cameras of the catalogue, or their files.
    pub cameras: Vec<String>,
    /// Lengths of the carve-out in bytes; the camera's own if there are none.
    pub rmem: Option<Vec<u64>>,
    /// Counts of the first channel's buffers; the camera's own if there are none.
    pub buffers: Option<Vec<u32>>,
    /// Values of isp_memopt; the camera's own if there are none.
    pub memopt: Vec<bool>,
    /// Sizes of the second channel; the camera's own if there are none.
    pub sub: Vec<Size>,
    /// Who allocates.
    pub policies: Vec<AllocationPolicy>,
    /// Which cells also run in a guest.
    pub guests: WhichGuests,
    /// How many frames each channel must deliver in a guest.
    pub frames: u32,
    /// How many guests run at a time.
    pub jobs: usize,
    /// Only one part of the matrix.
    pub shard: Option<Shard>,
    /// Where finished cells are kept.
    pub cells: PathBuf,
    /// Whether finished cells of that file are not done again.
    pub resume: bool,
    /// Where logs go.
    pub out: PathBuf,
    /// Which guest.
    pub guest: GuestConfig,
}

/// Which cells run in a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichGuests {
    /// All that the emulated sensor allows.
    All,
    /// Of each camera the smallest, the middle and the largest carve-out.
    Spread,
    /// None: everything is only computed.
    None,
}

/// One of several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0 on.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}
