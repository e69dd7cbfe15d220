// SPDX-License-Identifier: GPL-2.0-only
//! The functions that C calls about formats and the layout of a channel's pictures.

use tx_isp_abi::Size;
use tx_isp_abi::channel::{HEIGHT_STEP, MIN_SIZE, WIDTH_STEP};
use tx_isp_abi::format::{ChromaStart, FrameLayout, PixelFormat};

use crate::ffi::{Core, channel_id, mistaken, run};
use crate::guard::{PANICKED, guard};

/// `struct tx_isp_layout`.
#[derive(Debug)]
#[repr(C)]
pub struct Layout {
    fourcc: u32,
    width: u32,
    height: u32,
    bytesperline: u32,
    sizeimage: u32,
}

/// `struct tx_isp_limits`.
#[derive(Debug)]
#[repr(C)]
pub struct Limits {
    min_width: u32,
    max_width: u32,
    step_width: u32,
    min_height: u32,
    max_height: u32,
    step_height: u32,
}

impl From<FrameLayout> for Layout {
    fn from(layout: FrameLayout) -> Self {
        Self {
            fourcc: layout.format.fourcc(),
            width: layout.size.width,
            height: layout.size.height,
            bytesperline: layout.y_stride,
            sizeimage: layout.sizeimage,
        }
    }
}

/// The fourcc of format number `index`; 0 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_format(index: u32) -> u32 {
    guard(0, || {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        PixelFormat::ALL
            .get(index)
            .map_or(0, |format| format.fourcc())
    })
}

/// Whether a format has red, green and blue, and no chroma.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_is_rgb(fourcc: u32) -> bool {
    guard(false, || {
        PixelFormat::from_fourcc(fourcc).is_some_and(PixelFormat::is_rgb)
    })
}

/// The sizes that a channel can write.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_limits(core: &Core, channel: u32, limits: &mut Limits) {
    guard((), || {
        let largest = Size::new(u32::MAX, u32::MAX);
        let largest = core
            .nearest_layout(channel_id(channel), PixelFormat::Nv12, largest)
            .size;
        *limits = Limits {
            min_width: MIN_SIZE.width,
            max_width: largest.width,
            step_width: WIDTH_STEP,
            min_height: MIN_SIZE.height,
            max_height: largest.height,
            step_height: HEIGHT_STEP,
        };
    })
}

/// The layout of a channel's pictures.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_layout(core: &Core, channel: u32, layout: &mut Layout) {
    guard((), || {
        *layout = core.layout(channel_id(channel)).into();
    })
}

/// Replaces what `layout` asks for by the nearest that the channel can do.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_nearest(core: &Core, channel: u32, layout: &mut Layout) {
    guard((), || {
        let format = PixelFormat::from_fourcc(layout.fourcc).unwrap_or(PixelFormat::Nv12);
        let size = Size::new(layout.width, layout.height);
        *layout = core
            .nearest_layout(channel_id(channel), format, size)
            .into();
    })
}

/// Sets the layout of a channel's pictures.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_set_layout(core: &mut Core, channel: u32, layout: &Layout) -> i32 {
    guard(PANICKED, || {
        run("set format", || {
            // What C passes has been through the function before this one.
            let format = PixelFormat::from_fourcc(layout.fourcc)
                .unwrap_or_else(|| mistaken("fourcc", layout.fourcc));
            core.set_layout(
                channel_id(channel),
                format,
                Size::new(layout.width, layout.height),
            )
        })
    })
}

/// Sets whether the chroma plane begins behind a multiple of 16 lines, as the vendor's does.
#[unsafe(no_mangle)]
pub extern "C" fn tx_isp_core_align_chroma(core: &mut Core, channel: u32, aligned: bool) -> i32 {
    guard(PANICKED, || {
        let start = if aligned {
            ChromaStart::Aligned
        } else {
            ChromaStart::Adjoining
        };
        run("place chroma", || {
            core.set_chroma_start(channel_id(channel), start)
        })
    })
}
