// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! A channel's picture, as SET_FMT has it (T31 3.3, 2b.5).

use super::Failure;
use crate::error::Errno;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::vendor::{FrameFormat, Part};
use tx_isp_abi::{Rectangle, Size};

/// The formats whose buffers the vendor's driver gives a size: it writes NV12, and what it calls NV21
/// is here what it says.
pub(super) fn written(fourcc: u32) -> Option<PixelFormat> {
    PixelFormat::from_fourcc(fourcc).filter(|picture| !picture.is_rgb())
}

/// What the driver writes into a format (T31 3.3): lines are counted in sixteens.
pub(super) fn fill_sizes(format: &mut FrameFormat) {
    format.bytes_per_line = format.width.saturating_mul(12) / 8;
    format.image_bytes = format
        .height
        .checked_next_multiple_of(16)
        .map_or(u32::MAX, |lines| {
            format.bytes_per_line.saturating_mul(lines)
        });
}

/// The part of the sensor's picture that a format shows. The vendor's driver cuts the input, scales it,
/// and cuts again; what does not fit is refused here, where that driver only says so and goes on.
pub(super) fn source(
    sensor: Size,
    format: &FrameFormat,
    front_crop: Option<Part>,
) -> Result<Rectangle, Failure> {
    let outside = |part: &Part, of: Size| {
        let fits = |start: u32, length: u32, all: u32| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= all)
        };
        !fits(part.left, part.width, of.width) || !fits(part.top, part.height, of.height)
    };
    let whole = Part {
        width: sensor.width,
        height: sensor.height,
        ..Part::default()
    };
    let input = front_crop.unwrap_or(whole);
    if outside(&input, sensor) {
        let why = "SET_FRAME_FORMAT: the front crop is not inside of the sensor's picture";
        return Err(Failure::Refused(Errno::Einval, why));
    }
    let scaled = match format.scaler_enable & 0xff {
        0 => Size::new(input.width, input.height),
        _ => Size::new(format.scaler_width, format.scaler_height),
    };
    let cut = format.crop_enable & 0xff != 0;
    if cut && (outside(&format.crop, scaled) || scaled.width > 16384 || scaled.height > 16384) {
        let why = "SET_FRAME_FORMAT: the crop is not inside of the scaled picture";
        return Err(Failure::Refused(Errno::Einval, why));
    }
    let picture = Size::new(format.width, format.height);
    // A client whose picture is not what its crop makes gets the whole input in that size: the vendor's
    // driver would write its own size over the end of the buffer.
    if !cut || Size::new(format.crop.width, format.crop.height) != picture {
        return Ok(Rectangle {
            left: input.left,
            top: input.top,
            size: Size::new(input.width, input.height),
        });
    }
    let back = |value: u32, input: u32, scaled: u32| {
        let back = u64::from(value) * u64::from(input) / u64::from(scaled.max(1));
        u32::try_from(back).unwrap_or(u32::MAX)
    };
    let crop = &format.crop;
    Ok(Rectangle {
        left: input.left + back(crop.left, input.width, scaled.width),
        top: input.top + back(crop.top, input.height, scaled.height),
        size: Size::new(
            back(crop.width, input.width, scaled.width),
            back(crop.height, input.height, scaled.height),
        ),
    })
}
