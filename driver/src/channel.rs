// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! An output channel: its set-up (T31 2.5), its buffers (T31 2.4), and its start.

pub use crate::buffer::{Buffer, IN_HARDWARE, MAX_BUFFERS};
pub use crate::output::OutputChannel;

use crate::bring_up::write;
use crate::buffer::overlap;
use crate::bus::Bus;
use crate::error::Error;
use crate::isp::Isp;
use crate::placement::Placement;
use crate::revocation::Phase;
use tx_isp_abi::Size;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::{ChromaStart, FrameLayout, PixelFormat, nearest_size};
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Channel, Msca};
use tx_isp_abi::sensor::Flips;

/// At a start the FIFOs are looked at, and cleared, so often until they are empty (assumption; T31 8, row 6).
const CLEAR_TRIES: u32 = 3;

/// CH_EN's strobes (T31 2b.5).
const STROBES: u32 = Msca::INPUT_STROBE.mask() | Msca::CHANNEL_STROBES.mask();

/// Written to DMA_OUT_ARB at stream-on (T31 2.5).
const DMA_ARBITRATION: u32 = 0xe;
/// A bit for each channel.
const ALL_CHANNELS: u32 = 0x7;

impl<B: Bus> Isp<B> {
    /// The layout of a channel's pictures.
    #[must_use]
    pub const fn layout(&self, channel: ChannelId) -> FrameLayout {
        self.channels[channel.index()].layout
    }

    /// The layout that a channel would take for a picture of about `size` pixels.
    #[must_use]
    pub fn nearest_layout(
        &self,
        channel: ChannelId,
        format: PixelFormat,
        size: Size,
    ) -> FrameLayout {
        FrameLayout::new(format, nearest_size(channel, self.sensor.size, size))
            .with_chroma(self.channels[channel.index()].chroma)
    }

    /// Whether a channel streams.
    #[must_use]
    pub const fn is_streaming(&self, channel: ChannelId) -> bool {
        self.channels[channel.index()].is_streaming()
    }

    /// Whether a channel streams or has not finished stopping.
    const fn is_active(&self, channel: ChannelId) -> bool {
        self.channels[channel.index()].is_active()
    }

    /// Sets the format and size of a channel's pictures; the registers follow at stream-on.
    ///
    /// # Errors
    /// [`Error::Busy`] while the channel streams, [`Error::UnsupportedSize`] for a size that
    /// [`Isp::nearest_layout`] would change.
    pub fn set_layout(
        &mut self,
        channel: ChannelId,
        format: PixelFormat,
        size: Size,
    ) -> Result<(), Error> {
        if self.is_active(channel) {
            return Err(Error::Busy(channel));
        }
        let layout = self.nearest_layout(channel, format, size);
        if layout.size != size {
            return Err(Error::UnsupportedSize(size));
        }
        self.channels[channel.index()].layout = layout;
        self.channels[channel.index()].source = self.nearest_source(channel, self.source(channel));
        Ok(())
    }

    /// Sets where the chroma plane begins in a channel's buffers.
    ///
    /// # Errors
    /// [`Error::Busy`] while the channel streams.
    pub fn set_chroma_start(
        &mut self,
        channel: ChannelId,
        start: ChromaStart,
    ) -> Result<(), Error> {
        let output = &mut self.channels[channel.index()];
        if output.is_active() {
            return Err(Error::Busy(channel));
        }
        output.chroma = start;
        output.layout = output.layout.with_chroma(start);
        Ok(())
    }

    /// Where the chroma plane begins in a channel's buffers.
    #[must_use]
    pub const fn chroma_start(&self, channel: ChannelId) -> ChromaStart {
        self.channels[channel.index()].chroma
    }

    /// Whether buffers that the chip passes over are completed as damaged, in place of being queued
    /// again.
    pub fn return_skipped(&mut self, channel: ChannelId, returns: bool) {
        self.channels[channel.index()].returns_skipped = returns;
    }

    /// Notes that a buffer is about to be queued: its whole length must lie below 4 GiB and must not
    /// touch that of another noted buffer of any channel. [`Isp::release`] forgets it.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Quarantined`], [`Error::Overlap`] or [`Error::QueueFull`]; then
    /// it is not noted.
    pub fn prepare(&mut self, channel: ChannelId, buffer: Buffer) -> Result<(), Error> {
        let bytes = self.layout(channel).sizeimage;
        buffer
            .address
            .checked_add(bytes)
            .ok_or(Error::OutOfRange(buffer.address))?;
        self.release(channel, buffer.index);
        if self.is_quarantined(buffer.address, bytes) {
            return Err(Error::Quarantined(buffer.address));
        }
        let overlaps = |output: &OutputChannel| {
            let range = |held: &Buffer| (held.address, output.layout.sizeimage);
            let mut prepared = output.prepared.as_slice().iter();
            prepared.any(|held| overlap(range(held), (buffer.address, bytes)))
        };
        if self.channels.iter().any(overlaps) {
            return Err(Error::Overlap(buffer.address));
        }
        if self.channels[channel.index()].prepared.push(buffer) {
            Ok(())
        } else {
            Err(Error::QueueFull(channel))
        }
    }

    /// Forgets a buffer that was noted by [`Isp::prepare`], if it was.
    pub fn release(&mut self, channel: ChannelId, index: u32) {
        let prepared = &mut self.channels[channel.index()].prepared;
        if let Some(found) = prepared
            .as_slice()
            .iter()
            .position(|held| held.index == index)
        {
            prepared.remove(found);
        }
    }

    /// Hands a buffer to a channel; while it streams, the buffer goes to the chip at once if there
    /// is room. A bus that fails here is the next [`Isp::check`]'s business.
    ///
    /// # Errors
    /// [`Error::AlreadyQueued`] and [`Error::QueueFull`]: the channel has not taken the buffer.
    pub fn queue(&mut self, channel: ChannelId, buffer: Buffer) -> Result<(), Error> {
        let output = &mut self.channels[channel.index()];
        if output.holds(buffer) {
            return Err(Error::AlreadyQueued(channel));
        }
        if output.waiting.len() >= MAX_BUFFERS || !output.waiting.push(buffer) {
            return Err(Error::QueueFull(channel));
        }
        if output.is_streaming() && !self.needs_recovery {
            self.refill(channel);
        }
        Ok(())
    }

    /// Gives the chip waiting buffers for the places that finished frames have left. What the bus does
    /// not carry counts as pushed until the recovery has reset the chip.
    pub(crate) fn refill(&mut self, channel: ChannelId) {
        let pushes = self.channels[channel.index()].feed();
        if !pushes.is_empty() && self.bus.post(pushes.as_slice()).is_err() {
            self.needs_recovery = true;
        }
    }

    /// Starts a channel with the buffers queued so far; brings the ISP up first where it is down.
    ///
    /// # Errors
    /// [`Error::Busy`] if it streams already; else whatever bring-up meets. The channel's buffers
    /// stay queued.
    pub fn stream_on(&mut self, channel: ChannelId) -> Result<(), Error> {
        if self.is_active(channel) {
            return Err(Error::Busy(channel));
        }
        self.ensure_running()?;
        self.channels[channel.index()].reset_sequence();
        let started = self.start_channel(channel);
        if started.is_err() {
            self.undo_start(channel);
            // The first error is the one to report; a bus that fails here fails again at the next start.
            let _ = self.stop_if_idle();
        }
        started
    }

    pub(crate) fn start_channel(&mut self, channel: ChannelId) -> Result<(), Error> {
        let input = self.sensor.size;
        let layout = self.layout(channel);
        let writes_rgb = |other: &&OutputChannel| {
            other.id != channel && other.is_active() && other.layout.format.is_rgb()
        };
        if layout.format.is_rgb() {
            if let Some(other) = self.channels.iter().find(writes_rgb) {
                return Err(Error::RgbTaken(other.id));
            }
        }
        let placement = self.channels[channel.index()].placement(input);
        let arbitration = self.arbitration();
        let setup = setup(channel, &layout, input, &placement, arbitration);
        self.bus.post(&setup)?;
        self.empty_fifos(channel)?;
        let pushes = self.channels[channel.index()].feed();
        if !pushes.is_empty() {
            self.bus.post(pushes.as_slice())?;
        }
        self.channel_enable |= enable_bits(channel, &placement, input);
        self.bus
            .post(&[write(Msca::ChannelEnable.address(), self.channel_enable)])?;
        self.channels[channel.index()].phase = Phase::Streaming;
        Ok(())
    }

    /// Makes sure that a channel's input FIFOs are empty: an address left over from the last stream
    /// would be written to although its buffer is somebody else's now (T31 8, row 6).
    fn empty_fifos(&mut self, channel: ChannelId) -> Result<(), Error> {
        let states = [Channel::YAddressState, Channel::UvAddressState]
            .map(|register| Operation::Read(register.of(channel)));
        for _ in 0..CLEAR_TRIES {
            let mut values = [0; 2];
            self.bus.execute(&states, &mut values)?;
            let is_empty = |state: &u32| Channel::FIFO_EMPTY.is_set(*state);
            if values.iter().all(is_empty) {
                return Ok(());
            }
            self.health.stale_addresses += 1;
            self.bus.post(&clear_fifos(channel))?;
        }
        Err(Error::StaleFifo(channel))
    }

    /// Turns about what all channels write, behind the sensor's own turning, from the next frame on.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub fn set_output_flips(&mut self, flips: Flips) -> Result<(), Error> {
        self.output_flips = flips;
        if self.initialised {
            let register = Msca::DmaArbitration.address();
            self.bus.post(&[write(register, self.arbitration())])?;
        }
        Ok(())
    }

    /// Which ways what the channels write is turned about.
    #[must_use]
    pub const fn output_flips(&self) -> Flips {
        self.output_flips
    }

    /// DMA_OUT_ARB: arbitration, and for all channels the same way round (T31 2b.5).
    pub(crate) fn arbitration(&self) -> u32 {
        let all = |turned: bool| if turned { ALL_CHANNELS } else { 0 };
        DMA_ARBITRATION
            | Msca::FLIPPED_CHANNELS.of(all(self.output_flips.vertical))
            | Msca::MIRRORED_CHANNELS.of(all(self.output_flips.horizontal))
    }

    /// Takes back buffers that were queued on a channel that never started.
    pub fn take_back(&mut self, channel: ChannelId) {
        let output = &mut self.channels[channel.index()];
        if !output.is_active() {
            output.forget();
        }
    }
}

/// SET_FMT and the start of T31 2b.5: input, scaler, crop, strides, then frame-rate control, format, arbitration and
/// coefficients.
fn setup(
    channel: ChannelId,
    layout: &FrameLayout,
    input: Size,
    placement: &Placement,
    arbitration: u32,
) -> [Operation; 16] {
    let at = |register: Channel, value| write(register.of(channel), value);
    let Placement { scaled: size, crop } = *placement;
    let step = |from: u32, to: u32| from * 512 / to.max(1);
    let coefficients = if averages(size, input) {
        [0x4_0080; 4]
    } else {
        [0x200, 0, 0x200, 0]
    };
    [
        write(Msca::InputPosition.address(), 0),
        write(Msca::InputSize.address(), input.to_register()),
        at(Channel::OutputSize, size.to_register()),
        at(
            Channel::Step,
            step(input.width, size.width) << 16 | step(input.height, size.height),
        ),
        at(Channel::CropSize, crop.size.to_register()),
        at(Channel::CropPosition, crop.position_to_register()),
        at(Channel::YStride, layout.y_stride),
        at(Channel::UvStride, layout.uv_stride),
        at(Channel::RateLoop, 0),
        at(Channel::RateMask, 1),
        at(Channel::OutputFormat, layout.format.out_fmt()),
        write(Msca::DmaArbitration.address(), arbitration),
        at(Channel::Coefficient0, coefficients[0]),
        at(Channel::Coefficient1, coefficients[1]),
        at(Channel::Coefficient2, coefficients[2]),
        at(Channel::Coefficient3, coefficients[3]),
    ]
}

/// Whether the scaler averages: where less than half of the pixels or lines remain (T31 2b.5).
const fn averages(scaled: Size, input: Size) -> bool {
    scaled.width * 2 < input.width || scaled.height * 2 < input.height
}

pub(crate) fn clear_fifos(channel: ChannelId) -> [Operation; 4] {
    [
        Channel::YAddressClear,
        Channel::UvAddressClear,
        Channel::YLastClear,
        Channel::UvLastClear,
    ]
    .map(|register| write(register.of(channel), 1))
}

/// CH_EN's bits for a channel (T31 2b.5): enable, average where much goes, and the strobes that take its settings
/// over.
fn enable_bits(channel: ChannelId, placement: &Placement, input: Size) -> u32 {
    let average = if averages(placement.scaled, input) {
        scale_bits(channel)
    } else {
        0
    };
    channel.bit() | STROBES | average
}

/// The bits of [`enable_bits`] that belong to one channel alone.
pub(crate) const fn all_enable_bits(channel: ChannelId) -> u32 {
    channel.bit() | scale_bits(channel)
}

const fn scale_bits(channel: ChannelId) -> u32 {
    channel.bit() << 8 | channel.bit() << 11
}
