// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! How a part of the sensor's picture comes into a channel's: scaled, then cut out.

use tx_isp_abi::{Rectangle, Size};

/// What a channel's scaler and crop are set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// Size of the scaler's output: all of the sensor's picture.
    pub(crate) scaled: Size,
    /// What is cut out of it: the picture that is written.
    pub(crate) crop: Rectangle,
}

impl Placement {
    /// Shows `source`, a part of a picture of `sensor` pixels that is at least as large as `output`,
    /// in a picture of `output` pixels.
    pub(crate) const fn new(sensor: Size, source: Rectangle, output: Size) -> Self {
        const fn scale(value: u32, to: u32, from: u32) -> u32 {
            value * to / if from == 0 { 1 } else { from }
        }
        Self {
            scaled: Size::new(
                scale(sensor.width, output.width, source.size.width),
                scale(sensor.height, output.height, source.size.height),
            ),
            // Even, where chroma has its samples.
            crop: Rectangle {
                left: scale(source.left, output.width, source.size.width) / 2 * 2,
                top: scale(source.top, output.height, source.size.height) / 2 * 2,
                size: output,
            },
        }
    }
}
