// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One output channel of the multi-scaler: the buffers that wait, the frame that is being written,
//! the frames that are done (T31 2.4, 9.2, 9.3).

use super::behaviour::{EmptyFifo, SixthPush};
use super::fifo::Fifo;
use super::frame::DmaJob;
use super::guest_errors::{GuestErrorKind, GuestErrors};
use super::scaler::Scaler;
use super::storage::Storage;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::format::PixelFormat;
use tx_isp_abi::registers::Channel;

/// What a channel has done since the chip was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelCounters {
    /// Whether CH_EN has the channel's bit.
    pub enabled: bool,
    /// How often the channel was enabled.
    pub session: u32,
    /// Frames written to memory.
    pub written: u64,
    /// Frames skipped because no buffer was queued.
    pub starved: u64,
    /// Frames skipped by the frame-rate control.
    pub skipped: u64,
    /// Buffers that wait in the address FIFO.
    pub queued: usize,
}

#[derive(Clone, Copy, Debug)]
struct Done {
    address: PhysAddr,
    sequence: u32,
}

/// A done FIFO and the sequence number of the entry taken last: the number's register is read after
/// the address's, which takes the entry (T31 2.4).
#[derive(Clone, Debug)]
struct DoneFifo {
    entries: Fifo<Done>,
    taken_sequence: u32,
}

impl DoneFifo {
    fn new() -> Self {
        Self {
            entries: Fifo::new(),
            taken_sequence: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct OutputChannel {
    id: ChannelId,
    luma: Fifo<PhysAddr>,
    chroma: Fifo<PhysAddr>,
    luma_done: DoneFifo,
    chroma_done: DoneFifo,
    /// A frame of this channel is being written.
    busy: bool,
    /// The addresses that were taken last.
    last: Option<(PhysAddr, PhysAddr)>,
    /// Frames since the channel was enabled, for the frame-rate control.
    frames_seen: u32,
    counters: ChannelCounters,
}

impl OutputChannel {
    pub(super) fn new(id: ChannelId) -> Self {
        Self {
            id,
            luma: Fifo::new(),
            chroma: Fifo::new(),
            luma_done: DoneFifo::new(),
            chroma_done: DoneFifo::new(),
            busy: false,
            last: None,
            frames_seen: 0,
            counters: ChannelCounters::default(),
        }
    }

    /// Back to the state after a reset; what was counted stays counted.
    pub(super) fn reset(&mut self) {
        let counters = ChannelCounters {
            enabled: false,
            ..self.counters
        };
        *self = Self {
            counters,
            ..Self::new(self.id)
        };
    }

    pub(super) fn counters(&self) -> ChannelCounters {
        ChannelCounters {
            queued: self.luma.len(),
            ..self.counters
        }
    }

    /// CH_STAT's bit: enabled, or still writing the frame in which it was disabled.
    pub(super) fn is_busy(&self) -> bool {
        self.busy || self.counters.enabled
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.counters.enabled
    }

    /// Whether the next frame finds the addresses of all its planes.
    pub(super) fn has_buffer(&self, scaler: &Scaler<'_>) -> bool {
        let one_plane = scaler.format().is_some_and(PixelFormat::is_rgb);
        self.luma.len() > 0 && (one_plane || self.chroma.len() > 0)
    }

    /// Whether an address waits in the input FIFO.
    pub(super) fn has_queued(&self, y: PhysAddr) -> bool {
        self.luma.contains(&y)
    }

    /// UV addresses in the input FIFO without a Y address.
    pub(super) const fn lone_chroma(&self) -> usize {
        self.chroma.len().saturating_sub(self.luma.len())
    }

    /// The addresses that were pushed last.
    pub(super) fn newest_pair(&self) -> Option<(PhysAddr, Option<PhysAddr>)> {
        Some((*self.luma.newest()?, self.chroma.newest().copied()))
    }

    /// Addresses that a fault leaves in the input FIFOs.
    pub(super) fn put_back(&mut self, y: Option<PhysAddr>, uv: Option<PhysAddr>) {
        // FIFOs that were just emptied have room.
        let _ = y.map(|y| self.luma.push(y));
        let _ = uv.map(|uv| self.chroma.push(uv));
    }

    /// A done entry that belongs to no frame; lost where there is no room.
    pub(super) fn report_done(&mut self, address: PhysAddr, with_chroma: bool, sequence: u32) {
        let _ = self.luma_done.entries.push(Done { address, sequence });
        if with_chroma {
            let _ = self.chroma_done.entries.push(Done { address, sequence });
        }
    }

    /// Finished frames that the driver has not taken.
    pub(super) fn unread(&self) -> usize {
        self.luma_done.entries.len()
    }

    pub(super) fn set_enabled(&mut self, enabled: bool) {
        if enabled && !self.counters.enabled {
            self.counters.session += 1;
            self.frames_seen = 0;
        }
        self.counters.enabled = enabled;
    }

    /// The value of a register that is more than storage.
    pub(super) fn read(
        &mut self,
        register: Channel,
        guest_errors: &mut GuestErrors,
    ) -> Option<u32> {
        Some(match register {
            Channel::YAddressState => self.luma.state(),
            Channel::UvAddressState => self.chroma.state(),
            Channel::YLastState => self.luma_done.entries.state(),
            Channel::UvLastState => self.chroma_done.entries.state(),
            Channel::YLastAddress => take_done(&mut self.luma_done, self.id, "Y", guest_errors),
            Channel::UvLastAddress => take_done(&mut self.chroma_done, self.id, "UV", guest_errors),
            Channel::YLastSequence => self.luma_done.taken_sequence,
            Channel::UvLastSequence => self.chroma_done.taken_sequence,
            _ => return None,
        })
    }

    /// Carries out a write to a register that is more than storage; false for plain storage.
    pub(super) fn write(
        &mut self,
        register: Channel,
        value: u32,
        sixth: SixthPush,
        guest_errors: &mut GuestErrors,
    ) -> bool {
        let id = self.id;
        match register {
            Channel::YAddress => push(&mut self.luma, value, sixth, id, "Y", guest_errors),
            Channel::UvAddress => push(&mut self.chroma, value, sixth, id, "UV", guest_errors),
            Channel::YAddressClear if value & 1 != 0 => self.luma.clear(),
            Channel::UvAddressClear if value & 1 != 0 => self.chroma.clear(),
            Channel::YLastClear if value & 1 != 0 => self.luma_done.entries.clear(),
            Channel::UvLastClear if value & 1 != 0 => self.chroma_done.entries.clear(),
            _ => return false,
        }
        true
    }

    /// The frame's job for this channel, if it is enabled, keeps the frame and has a buffer. `rgb` is
    /// the channel that may write RGB (T31 2.4).
    pub(super) fn start_frame(
        &mut self,
        scaler: &Scaler<'_>,
        rgb: Option<ChannelId>,
        empty: EmptyFifo,
        guest_errors: &mut GuestErrors,
    ) -> Option<DmaJob> {
        if !self.counters.enabled {
            return None;
        }
        if !self.rate_control_keeps(scaler.storage) {
            self.counters.skipped += 1;
            return None;
        }
        let job = self.next_job(scaler, rgb, empty, guest_errors);
        if job.is_none() {
            self.counters.starved += 1;
        }
        self.busy = job.is_some();
        job
    }

    /// The addresses of the next frame's planes; 0 for the chroma of RGB, which has none.
    fn next_addresses(
        &mut self,
        scaler: &Scaler<'_>,
        empty: EmptyFifo,
        guest_errors: &mut GuestErrors,
    ) -> Option<(PhysAddr, PhysAddr)> {
        if !self.has_buffer(scaler) {
            if self.luma.len() > 0 {
                // The pair may still become complete: Y or UV may come first.
                guest_errors.report(GuestErrorKind::LumaWithoutChroma, || {
                    format!("channel {}: a frame found a Y address without UV", self.id)
                });
            }
            return self.last.filter(|_| empty == EmptyFifo::LastAddress);
        }
        let one_plane = scaler.format().is_some_and(PixelFormat::is_rgb);
        let y = self.luma.pop()?;
        let uv = if one_plane {
            PhysAddr(0)
        } else {
            self.chroma.pop()?
        };
        self.last = Some((y, uv));
        self.last
    }

    fn next_job(
        &mut self,
        scaler: &Scaler<'_>,
        rgb: Option<ChannelId>,
        empty: EmptyFifo,
        guest_errors: &mut GuestErrors,
    ) -> Option<DmaJob> {
        let (y, uv) = self.next_addresses(scaler, empty, guest_errors)?;
        let one_plane = scaler.format().is_some_and(PixelFormat::is_rgb);
        let setup = scaler.setup(guest_errors)?;
        if let Some(rgb) = rgb.filter(|rgb| one_plane && *rgb != self.id) {
            guest_errors.report(GuestErrorKind::SecondRgbChannel, || {
                format!(
                    "channel {} is to write RGB while channel {rgb} does",
                    self.id
                )
            });
            return None;
        }
        Some(DmaJob {
            channel: self.id,
            session: self.counters.session,
            format: setup.format,
            size: setup.size,
            window: setup.window,
            masks: if scaler.masked {
                scaler.masks()
            } else {
                [None; 4]
            },
            y,
            uv,
            y_stride: setup.y_stride,
            uv_stride: setup.uv_stride,
            last_line: setup.last_line,
        })
    }

    /// The frame that is being written is dropped.
    pub(super) fn drop_frame(&mut self) {
        self.busy = false;
    }

    /// The job of [`OutputChannel::start_frame`] is over.
    pub(super) fn end_frame(
        &mut self,
        job: &DmaJob,
        sequence: u32,
        written: bool,
        guest_errors: &mut GuestErrors,
    ) {
        self.busy = false;
        if !written {
            return;
        }
        self.counters.written += 1;
        let luma = self.luma_done.entries.push(Done {
            address: job.y,
            sequence,
        });
        let chroma = if job.format.is_rgb() {
            Ok(())
        } else {
            let address = job.uv;
            self.chroma_done.entries.push(Done { address, sequence })
        };
        if luma.is_err() || chroma.is_err() {
            guest_errors.report(GuestErrorKind::DoneFifoOverflow, || {
                format!(
                    "channel {}: frame {sequence} at {} was not reported",
                    self.id, job.y
                )
            });
        }
    }

    fn rate_control_keeps(&mut self, storage: &Storage) -> bool {
        let period = Channel::RATE_PERIOD.get(storage.get(Channel::RateLoop.of(self.id))) + 1;
        let keep = storage.get(Channel::RateMask.of(self.id));
        let position = self.frames_seen % period;
        self.frames_seen = self.frames_seen.wrapping_add(1);
        keep >> position & 1 != 0
    }
}

fn push(
    fifo: &mut Fifo<PhysAddr>,
    value: u32,
    sixth: SixthPush,
    id: ChannelId,
    plane: &str,
    guest_errors: &mut GuestErrors,
) {
    if fifo.push(PhysAddr(value)).is_err() {
        if sixth == SixthPush::Oldest {
            fifo.push_over(PhysAddr(value));
        }
        guest_errors.report(GuestErrorKind::AddressFifoOverflow, || {
            format!(
                "channel {id}: {plane} address {} found no room",
                PhysAddr(value)
            )
        });
    }
}

fn take_done(
    fifo: &mut DoneFifo,
    id: ChannelId,
    plane: &str,
    guest_errors: &mut GuestErrors,
) -> u32 {
    if let Some(done) = fifo.entries.pop() {
        fifo.taken_sequence = done.sequence;
        return done.address.0;
    }
    guest_errors.report(GuestErrorKind::DoneFifoUnderflow, || {
        format!("channel {id}: the {plane} done FIFO is empty")
    });
    0
}
