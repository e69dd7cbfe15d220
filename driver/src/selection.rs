// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! Which part of the sensor's picture a channel shows.
//!
//! The multi-scaler's input crop is one for all channels (T31 2.4), so it stays as large as the
//! sensor. A channel's own part comes of its scaler and the crop behind it: the whole picture is
//! scaled until the part has the size that is written, and then cut out.

use crate::bus::Bus;
use crate::error::Error;
use crate::isp::Isp;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::{Rectangle, Size};

/// The part closest to `wanted` that a channel can show in a picture of `output` pixels: inside the
/// sensor's picture, even, and large enough that the scaler need not enlarge it (T31 6.3) nor write
/// more than the channel's limit.
fn nearest(channel: ChannelId, sensor: Size, output: Size, wanted: Rectangle) -> Rectangle {
    let limit = channel.max_size();
    let axis = |start: u32, length: u32, sensor: u32, output: u32, limit: u32| {
        let least = output.max((sensor * output).div_ceil(limit));
        let length = length
            .clamp(least.min(sensor), sensor)
            .next_multiple_of(2)
            .min(sensor);
        (start.min(sensor - length) / 2 * 2, length)
    };
    let (left, width) = axis(
        wanted.left,
        wanted.size.width,
        sensor.width,
        output.width,
        limit.width,
    );
    let (top, height) = axis(
        wanted.top,
        wanted.size.height,
        sensor.height,
        output.height,
        limit.height,
    );
    Rectangle {
        left,
        top,
        size: Size::new(width, height),
    }
}

impl<B: Bus> Isp<B> {
    /// The part of the sensor's picture that a channel shows.
    #[must_use]
    pub const fn source(&self, channel: ChannelId) -> Rectangle {
        self.channels[channel.index()].source
    }

    /// The part closest to `wanted` that a channel can show in a picture of its layout's size.
    #[must_use]
    pub fn nearest_source(&self, channel: ChannelId, wanted: Rectangle) -> Rectangle {
        let output = self.layout(channel).size;
        nearest(channel, self.sensor.size, output, wanted)
    }

    /// Shows the part closest to `wanted` from the next stream-on on; returns which that is. A larger
    /// layout makes it larger again.
    ///
    /// # Errors
    /// [`Error::Busy`] while the channel streams.
    pub fn set_source(
        &mut self,
        channel: ChannelId,
        wanted: Rectangle,
    ) -> Result<Rectangle, Error> {
        if self.channels[channel.index()].is_active() {
            return Err(Error::Busy(channel));
        }
        let source = self.nearest_source(channel, wanted);
        self.channels[channel.index()].source = source;
        Ok(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Placement;
    use proptest::prelude::*;

    const SENSOR: Size = Size::new(1920, 1080);

    const fn rectangle(left: u32, top: u32, width: u32, height: u32) -> Rectangle {
        Rectangle {
            left,
            top,
            size: Size::new(width, height),
        }
    }

    #[test]
    fn the_whole_picture_needs_no_crop() {
        let placement = Placement::new(SENSOR, rectangle(0, 0, 1920, 1080), Size::new(640, 360));
        assert_eq!(placement.scaled, Size::new(640, 360));
        assert_eq!(placement.crop, rectangle(0, 0, 640, 360));
    }

    #[test]
    fn the_middle_half_is_cut_out_of_twice_the_picture() {
        let placement = Placement::new(SENSOR, rectangle(480, 270, 960, 540), Size::new(640, 360));
        assert_eq!(placement.scaled, Size::new(1280, 720));
        assert_eq!(placement.crop, rectangle(320, 180, 640, 360));
    }

    proptest! {
        #[test]
        fn whatever_is_wanted_fits_sensor_scaler_and_channel(
            left: u16, top: u16, width: u16, height: u16, across in 8u32..=120, down in 64u32..=540, channel in 0usize..3,
        ) {
            let channel = ChannelId::ALL[channel];
            let output = Size::new(across * 16, down * 2);
            let wanted = rectangle(left.into(), top.into(), width.into(), height.into());
            let source = nearest(channel, SENSOR, output, wanted);
            prop_assert!(source.left + source.size.width <= 1920 && source.top + source.size.height <= 1080);
            prop_assert!(source.size.width >= output.width && source.size.height >= output.height);
            let Placement { scaled, crop } = Placement::new(SENSOR, source, output);
            prop_assert!(scaled.width <= 1920 && scaled.height <= 1080);
            prop_assert!(crop.left + output.width <= scaled.width && crop.top + output.height <= scaled.height);
            prop_assert_eq!(nearest(channel, SENSOR, output, source), source, "it is its own nearest");
        }
    }
}
