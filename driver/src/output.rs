// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The driver's account of one channel: its layout, which buffers wait, which are with the chip, and
//! the numbers of its frames.

use crate::List;
use crate::bring_up::write;
use crate::buffer::{Buffer, IN_HARDWARE, MAX_BUFFERS, NO_BUFFER, overlap};
use crate::placement::Placement;
use crate::revocation::Phase;
use tx_isp_abi::channel::{ChannelId, MIN_SIZE};
use tx_isp_abi::format::{ChromaStart, FrameLayout, PixelFormat, nearest_size};
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::Channel;
use tx_isp_abi::{PhysAddr, Rectangle, Size};

/// A buffer that has come back from the chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) buffer: Buffer,
    pub(crate) sequence: u32,
    /// Where its UV plane starts.
    pub(crate) chroma: PhysAddr,
    /// Buffers that the chip has dropped before it.
    pub(crate) dropped: u32,
}

/// The driver's state of one channel.
#[derive(Clone, Debug)]
pub struct OutputChannel {
    pub(crate) id: ChannelId,
    pub(crate) layout: FrameLayout,
    /// Where the chroma plane of its layouts begins.
    pub(crate) chroma: ChromaStart,
    /// The part of the sensor's picture that is shown.
    pub(crate) source: Rectangle,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Buffers that the address FIFO has no room for yet.
    pub(crate) waiting: List<Buffer, { MAX_BUFFERS + IN_HARDWARE }>,
    /// Buffers whose addresses were pushed, in that order.
    pub(crate) in_hardware: List<Buffer, IN_HARDWARE>,
    /// Buffers that the client has queued, whether or not the channel has started.
    pub(crate) prepared: List<Buffer, MAX_BUFFERS>,
    /// The chip's number of the first frame since stream-on or the last restart.
    first_frame: Option<u32>,
    /// The sequence number of that frame.
    first_sequence: u32,
    /// The sequence number of the frame that came last.
    last_sequence: Option<u32>,
    /// Buffers that the chip passed over go back to the client, as the vendor's driver does it (T31
    /// 2a.2); otherwise they are queued again.
    pub(crate) returns_skipped: bool,
    /// An error was told of; the next frame may be the one that it damaged.
    pub(crate) suspect: bool,
}

impl OutputChannel {
    /// A channel whose sensor is not known yet. It is constant, so that it takes no room on the stack.
    pub(crate) const fn without_sensor(id: ChannelId) -> Self {
        Self {
            id,
            layout: FrameLayout::new(PixelFormat::Nv12, MIN_SIZE),
            chroma: ChromaStart::Adjoining,
            source: Rectangle::whole(MIN_SIZE),
            phase: Phase::Stopped,
            waiting: List::new(NO_BUFFER),
            in_hardware: List::new(NO_BUFFER),
            prepared: List::new(NO_BUFFER),
            first_frame: None,
            first_sequence: 0,
            last_sequence: None,
            returns_skipped: false,
            suspect: false,
        }
    }

    /// A sensor is connected: the channel is as after power-up, and shows all of the sensor's picture.
    pub(crate) fn reset(&mut self, sensor: Size) {
        let size = nearest_size(self.id, sensor, sensor);
        *self = Self::without_sensor(self.id);
        self.layout = FrameLayout::new(PixelFormat::Nv12, size);
        self.source = Rectangle::whole(sensor);
    }

    /// How the channel's source comes into its picture.
    pub(crate) const fn placement(&self, sensor: Size) -> Placement {
        Placement::new(sensor, self.source, self.layout_size())
    }

    pub(crate) const fn is_streaming(&self) -> bool {
        matches!(self.phase, Phase::Streaming)
    }

    /// Whether the hardware may have buffers of it.
    pub(crate) const fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Stopped)
    }

    /// Whether the chip was given addresses that no stop or reset has taken from it.
    pub(crate) const fn has_buffers_in_hardware(&self) -> bool {
        !self.in_hardware.is_empty()
    }

    /// Whether the chip was given a buffer that shares a byte with this range.
    pub(crate) fn gave_to_hardware(&self, address: PhysAddr, bytes: u32) -> bool {
        let mut given = self.in_hardware.as_slice().iter();
        given.any(|buffer| overlap((buffer.address, self.layout.sizeimage), (address, bytes)))
    }

    /// Size of the pictures in pixels.
    pub(crate) const fn layout_size(&self) -> Size {
        self.layout.size
    }

    /// Whether the chip owes it a frame.
    pub(crate) const fn waits_for_frame(&self) -> bool {
        self.is_streaming() && !self.in_hardware.is_empty()
    }

    /// The chip was reset: what it held waits to be pushed again, and numbers go on behind a gap of at
    /// least one frame. A stop is over by that.
    pub(crate) fn take_from_hardware(&mut self) {
        if self.is_streaming() {
            self.recycle(self.in_hardware.len());
        } else {
            self.take_back_from_hardware();
        }
        self.first_frame = None;
        self.first_sequence = self.last_sequence.map_or(0, |last| last.wrapping_add(2));
    }

    /// Puts the oldest `count` buffers of the hardware back to the front of those that wait.
    pub(crate) fn recycle(&mut self, count: usize) {
        for index in 0..count {
            if let Some(buffer) = self.in_hardware.remove(0) {
                let fits = self.waiting.insert(index, buffer);
                debug_assert!(fits, "there is room for all that is in hardware");
            }
        }
    }

    /// Starts counting frames at 0.
    pub(crate) fn reset_sequence(&mut self) {
        self.first_frame = None;
        self.first_sequence = 0;
        self.last_sequence = None;
        self.suspect = false;
    }

    /// The channel has stopped: what the chip held waits for the next start.
    pub(crate) fn take_back_from_hardware(&mut self) {
        self.recycle(self.in_hardware.len());
        self.phase = Phase::Stopped;
    }

    /// All buffers are the caller's again. None is in hardware: it was stopped or reset.
    pub(crate) fn forget(&mut self) {
        debug_assert!(self.in_hardware.is_empty(), "the hardware may write them");
        self.phase = Phase::Stopped;
        self.waiting.clear();
    }

    /// The buffer that the chip says it has filled, the frame's number counted from stream-on, and
    /// how many buffers the chip has dropped before: it takes addresses in the order in which they
    /// were pushed, so those before the one that is done will not come (T31 2.4). `None` if the chip names an address that it was not given (T31 8, row 6).
    pub(crate) fn take_finished(&mut self, address: PhysAddr, frame: u32) -> Option<Finished> {
        let found = self
            .in_hardware
            .as_slice()
            .iter()
            .position(|buffer| buffer.address == address)?;
        self.recycle(found);
        let buffer = self.in_hardware.remove(0)?;
        let first = *self.first_frame.get_or_insert(frame);
        let sequence = self.first_sequence.wrapping_add(frame.wrapping_sub(first));
        self.last_sequence = Some(sequence);
        Some(Finished {
            buffer,
            sequence,
            chroma: PhysAddr(buffer.address.0.wrapping_add(self.layout.uv_offset)),
            dropped: u32::try_from(found).unwrap_or(u32::MAX),
        })
    }

    /// The oldest buffer that the chip has passed over, if `address` is done and the client is to
    /// have those that were.
    pub(crate) fn take_skipped(&mut self, address: PhysAddr) -> Option<Buffer> {
        let held = self.in_hardware.as_slice();
        let position = held.iter().position(|buffer| buffer.address == address)?;
        if self.returns_skipped && position > 0 {
            self.in_hardware.remove(0)
        } else {
            None
        }
    }

    pub(crate) fn holds(&self, buffer: Buffer) -> bool {
        let lists = [self.waiting.as_slice(), self.in_hardware.as_slice()];
        lists
            .iter()
            .any(|list| list.iter().any(|held| held.index == buffer.index))
    }

    /// The pushes that fill the address FIFO up: Y first, then UV; RGB has no UV (T31 2a.1).
    pub(crate) fn feed(&mut self) -> List<Operation, { 2 * IN_HARDWARE }> {
        let mut pushes = List::new(write(PhysAddr(0), 0));
        while !self.in_hardware.is_full() {
            let Some(buffer) = self.waiting.remove(0) else {
                break;
            };
            let uv = buffer.address.0 + self.layout.uv_offset;
            let pushed = pushes.push(write(Channel::YAddress.of(self.id), buffer.address.0))
                && (self.layout.format.is_rgb()
                    || pushes.push(write(Channel::UvAddress.of(self.id), uv)))
                && self.in_hardware.push(buffer);
            debug_assert!(pushed, "the lists are as long as the FIFO is filled");
        }
        pushes
    }
}
