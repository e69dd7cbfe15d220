// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who may write to memory, and for how long.

use super::RenderError;
use std::fmt::Debug;
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

/// The most bytes that are copied in one go: a permit that ends is heeded after so many.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The right to write, which may end at any time.
pub trait WritePermit: Debug + Send + Sync {
    /// Calls `chunk` unless the right has ended: whether it has called it. What takes the right back
    /// waits for a chunk that was begun.
    fn write(&self, chunk: &mut dyn FnMut()) -> bool;
}

/// A right without an end.
#[derive(Debug)]
pub(super) struct Unlimited;

impl WritePermit for Unlimited {
    fn write(&self, chunk: &mut dyn FnMut()) -> bool {
        chunk();
        true
    }
}

/// Copies `bytes` to `offset` of `target`, a chunk at a time.
pub(super) fn copy<B: BitmapSlice>(
    permit: &dyn WritePermit,
    target: &VolatileSlice<'_, B>,
    offset: usize,
    bytes: &[u8],
) -> Result<(), RenderError> {
    let place = target.subslice(offset, bytes.len())?;
    for (number, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
        let part = place.subslice(number * CHUNK_BYTES, chunk.len())?;
        if !permit.write(&mut || part.copy_from(chunk)) {
            return Err(RenderError::Revoked);
        }
    }
    Ok(())
}

/// Copies rows, each to its offset of `target`, in one go: together they are to be no more than a chunk.
pub(super) fn copy_rows<'r, B: BitmapSlice>(
    permit: &dyn WritePermit,
    target: &VolatileSlice<'_, B>,
    mut rows: impl Iterator<Item = (usize, &'r [u8])>,
) -> Result<(), RenderError> {
    let mut copied = Ok(());
    let mut copy = || {
        copied = rows.try_for_each(|(offset, bytes)| {
            target.subslice(offset, bytes.len())?.copy_from(bytes);
            Ok(())
        });
    };
    if permit.write(&mut copy) {
        copied
    } else {
        Err(RenderError::Revoked)
    }
}
