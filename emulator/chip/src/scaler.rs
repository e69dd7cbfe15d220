// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A channel's way from the sensor's picture to its own: input crop, scaler, crop, format, masks
//! (T31 2.4).

use super::frame::{MaskRectangle, Window};
use super::guest_errors::{GuestErrorKind, GuestErrors};
use super::latch::Latch;
use super::storage::Storage;
use tx_isp_abi::Size;
use tx_isp_abi::channel::{ChannelId, MIN_SIZE};
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::registers::{Channel, Msca};
use tx_isp_abi::sensor::Flips;

/// Strides are multiples of this many bytes. T31 6.3 leave 8 or 16 open; the weaker is taken (our
/// choice).
const STRIDE_STEP: u32 = 8;

/// What a channel's registers say, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) format: PixelFormat,
    /// Size of the picture that is written.
    pub(super) size: Size,
    pub(super) window: Window,
    pub(super) y_stride: u32,
    pub(super) uv_stride: u32,
    /// Lines of the sensor's picture that have come when the last one is out.
    pub(super) last_line: u32,
}

/// A rectangle as the position and size registers tell it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    left: u32,
    top: u32,
    pub(super) size: Size,
}

impl Rectangle {
    fn from_registers(position: u32, size: u32) -> Self {
        // Positions have the packing of sizes: left << 16 | top.
        let corner = Size::from_register(position);
        Self {
            left: corner.width,
            top: corner.height,
            size: Size::from_register(size),
        }
    }

    fn lies_in(&self, picture: Size) -> bool {
        self.left + self.size.width <= picture.width
            && self.top + self.size.height <= picture.height
    }
}

/// The registers of one channel.
pub(super) struct Scaler<'a> {
    pub(super) id: ChannelId,
    pub(super) storage: &'a Storage,
    /// The settings in effect.
    pub(super) latch: &'a Latch,
    /// CH_EN has the channel's mask rectangles painted.
    pub(super) masked: bool,
    /// The picture that the sensor gives.
    pub(super) sensor: Size,
    /// Which ways the sensor turns it about.
    pub(super) sensor_flips: Flips,
}

impl Scaler<'_> {
    /// What the registers ask for; `None`, with a guest error, where the channel cannot do that.
    pub(super) fn setup(&self, guest_errors: &mut GuestErrors) -> Option<Setup> {
        let input = self.input();
        let crop = self.crop();
        if !self.crops_fit() {
            guest_errors.report(GuestErrorKind::CropOutsidePicture, || self.describe());
            return None;
        }
        let Some(setup) = self.usable(input, crop) else {
            guest_errors.report(GuestErrorKind::ChannelNotConfigured, || self.describe());
            return None;
        };
        if !self.strides_fit(&setup, guest_errors) {
            return None;
        }
        if !self.step_fits(input.size) {
            guest_errors.report(GuestErrorKind::ScalerStepMismatch, || self.describe());
        }
        Some(setup)
    }

    /// Whether each crop lies in the picture that it is taken from.
    pub(super) fn crops_fit(&self) -> bool {
        self.input().lies_in(self.sensor) && self.crop().lies_in(self.scaled())
    }

    /// The format, if OUT_FMT is one that the channel can write.
    pub(super) fn format(&self) -> Option<PixelFormat> {
        PixelFormat::from_out_fmt(self.get(Channel::OutputFormat))
    }

    /// The mask rectangles that are not empty.
    pub(super) fn masks(&self) -> [Option<MaskRectangle>; 4] {
        Channel::MASKS.map(|[position, size, value]| {
            let place = Rectangle::from_registers(self.get(position), self.get(size));
            let value = self.get(value);
            let part = |field: tx_isp_abi::registers::Field| {
                u8::try_from(field.get(value)).unwrap_or(u8::MAX)
            };
            (place.size.width > 0 && place.size.height > 0).then(|| MaskRectangle {
                left: place.left,
                top: place.top,
                size: place.size,
                colour: [Channel::MASK_Y, Channel::MASK_CB, Channel::MASK_CR].map(part),
            })
        })
    }

    /// A register as it is in effect.
    fn get(&self, register: Channel) -> u32 {
        if Channel::LATCHED.contains(&register) {
            self.latch.get(self.id, register)
        } else {
            self.storage.get(register.of(self.id))
        }
    }

    /// Size of the scaler's output.
    pub(super) fn scaled(&self) -> Size {
        Size::from_register(self.get(Channel::OutputSize))
    }

    pub(super) fn input(&self) -> Rectangle {
        let [position, size] = self.latch.input();
        Rectangle::from_registers(position, size)
    }

    /// The crop behind the scaler; size 0 stands for all of its output (assumption).
    fn crop(&self) -> Rectangle {
        let size = match self.get(Channel::CropSize) {
            0 => self.get(Channel::OutputSize),
            size => size,
        };
        Rectangle::from_registers(self.get(Channel::CropPosition), size)
    }

    fn usable(&self, input: Rectangle, crop: Rectangle) -> Option<Setup> {
        let format = self.format()?;
        let scaled = self.scaled();
        let limit = self.id.max_size();
        let size = crop.size;
        let (y_stride, uv_stride) = (self.get(Channel::YStride), self.get(Channel::UvStride));
        let in_range = |pixels: u32, least: u32, limit: u32, input: u32| {
            // The scaler cannot enlarge (T31 6.3).
            (least..=limit.min(input)).contains(&pixels)
        };
        let usable = in_range(scaled.width, MIN_SIZE.width, limit.width, input.size.width)
            && in_range(
                scaled.height,
                MIN_SIZE.height,
                limit.height,
                input.size.height,
            )
            && [size.width, size.height]
                .iter()
                .all(|side| *side > 0 && side.is_multiple_of(2));
        usable.then(|| Setup {
            format,
            size,
            window: self.window(input, crop),
            y_stride,
            uv_stride,
            last_line: last_line(input, scaled, crop),
        })
    }

    /// Whether each plane's stride holds a line; one that is no multiple of [`STRIDE_STEP`] is a
    /// finding, too, but works.
    fn strides_fit(&self, setup: &Setup, guest_errors: &mut GuestErrors) -> bool {
        let chroma = (!setup.format.is_rgb()).then_some((setup.uv_stride, 1));
        let planes = [
            Some((setup.y_stride, setup.format.bytes_per_pixel())),
            chroma,
        ];
        let fits = |(stride, bytes): &(u32, u32)| *stride >= setup.size.width * bytes;
        let mut planes = planes.iter().flatten();
        let all_fit = planes.clone().all(fits);
        if !all_fit || planes.any(|(stride, _)| !stride.is_multiple_of(STRIDE_STEP)) {
            guest_errors.report(GuestErrorKind::BadStride, || self.describe());
        }
        all_fit
    }

    /// Where the picture lies in the sensor's, if all of that were scaled: the crops before and
    /// behind the scaler in one. Positions move to even pixels, where chroma has its samples. The sensor turns its
    /// whole picture about, a channel only what it writes (assumption).
    fn window(&self, input: Rectangle, crop: Rectangle) -> Window {
        let scaled = self.scaled();
        let axis = |all: u32, from: u32, taken: u32, scaled: u32, cut: u32, length: u32| {
            let start = (from * scaled / taken + cut) / 2 * 2;
            let full = (all * scaled / taken).next_multiple_of(2);
            (full.max(start + length), start)
        };
        let (width, left) = axis(
            self.sensor.width,
            input.left,
            input.size.width,
            scaled.width,
            crop.left,
            crop.size.width,
        );
        let (height, top) = axis(
            self.sensor.height,
            input.top,
            input.size.height,
            scaled.height,
            crop.top,
            crop.size.height,
        );
        let from_start = |turned: bool, all: u32, start: u32, length: u32| match turned {
            true => all - start - length,
            false => start,
        };
        let turned = self.sensor_flips;
        Window {
            full: Size::new(width, height),
            left: from_start(turned.horizontal, width, left, crop.size.width),
            top: from_start(turned.vertical, height, top, crop.size.height),
            flips: turned.and(self.flips()),
        }
    }

    /// Which ways the channel turns its picture about.
    fn flips(&self) -> Flips {
        let register = self.storage.get(Msca::DmaArbitration.address());
        Flips {
            horizontal: Msca::MIRRORED_CHANNELS.get(register) & self.id.bit() != 0,
            vertical: Msca::FLIPPED_CHANNELS.get(register) & self.id.bit() != 0,
        }
    }

    /// Whether RSZ_STEP is input * 512 / output, rounded either way.
    fn step_fits(&self, input: Size) -> bool {
        let step = self.get(Channel::Step);
        let scaled = self.scaled();
        let fits = |step: u32, from: u32, to: u32| {
            let exact = from * 512;
            step == exact / to || step == exact.div_ceil(to)
        };
        fits(
            Channel::STEP_HORIZONTAL.get(step),
            input.width,
            scaled.width,
        ) && fits(
            Channel::STEP_VERTICAL.get(step),
            input.height,
            scaled.height,
        )
    }

    fn describe(&self) -> String {
        let (input, crop) = (self.input(), self.crop());
        format!(
            "channel {}: input {} at {},{} of {}, RSZ_OSIZE {}, RSZ_STEP {:#010x}, crop {} at {},{}, \
             OUT_FMT {}, Y_STRI {}, UV_STRI {}; at most {}, at least {MIN_SIZE}",
            self.id,
            input.size,
            input.left,
            input.top,
            self.sensor,
            self.scaled(),
            self.get(Channel::Step),
            crop.size,
            crop.left,
            crop.top,
            self.get(Channel::OutputFormat),
            self.get(Channel::YStride),
            self.get(Channel::UvStride),
            self.id.max_size(),
        )
    }
}

/// The line of the sensor's picture behind which a picture's last line is out.
fn last_line(input: Rectangle, scaled: Size, crop: Rectangle) -> u32 {
    let bottom = crop.top + crop.size.height;
    input.top + (input.size.height * bottom).div_ceil(scaled.height.max(1))
}
