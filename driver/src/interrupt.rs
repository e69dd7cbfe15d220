// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 OR MIT
//! The interrupt handler: one batch acknowledges and drains, then buffers are reported and the
//! FIFOs refilled (T31 2.3).

use crate::List;
use crate::bring_up::{acknowledge, write};
use crate::bus::{Bus, BusError};
use crate::error::Error;
use crate::isp::Isp;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::channel::{ADDRESS_FIFO_DEPTH, ChannelId};
use tx_isp_abi::operation::Operation;
use tx_isp_abi::registers::{Channel, Core, Vic};

/// Reads of one entry of a channel's done FIFOs: UV first, then Y, address before number (T31 2.4).
const ENTRY: [Channel; 4] = [
    Channel::UvLastAddress,
    Channel::UvLastSequence,
    Channel::YLastAddress,
    Channel::YLastSequence,
];
/// The same as a drain's operand.
const ENTRY_READS: u8 = 4;
/// The last of them, for RGB, which has no UV.
const RGB_ENTRY_READS: u8 = 2;
/// The most entries taken at once: a FIFO holds no more.
const ENTRIES: u8 = 5;
const _: () =
    assert!(ENTRY.len() == ENTRY_READS as usize && ADDRESS_FIFO_DEPTH == ENTRIES as usize);

const STATUS_WORDS: usize = 3;
const CHANNEL_WORDS: usize = 1 + ENTRIES as usize * ENTRY.len();
const RESULT_WORDS: usize = STATUS_WORDS + ChannelId::COUNT * CHANNEL_WORDS;
const OPERATIONS: usize = STATUS_WORDS + ChannelId::COUNT * (1 + ENTRY.len());
/// The most buffers that one interrupt can finish.
pub const MAX_COMPLETED: usize = ChannelId::COUNT * ENTRIES as usize;

/// The core's status at a normal start, once: not an error (T31 2.2).
const START_TRANSIENT: u32 = Core::IRQ_OVERFLOW_0.mask() | Core::IRQ_START_TRANSIENT.mask();
const CORE_ERRORS: u32 =
    Core::IRQ_ERROR_GROUP.mask() | Core::IRQ_OVERFLOW_0.mask() | Core::IRQ_OVERFLOW_1.mask();

/// A buffer that the chip has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The channel that filled it.
    pub channel: ChannelId,
    /// The caller's number for the buffer.
    pub index: u32,
    /// The frame's number, counted from 0 at stream-on; a gap tells of lost frames.
    pub sequence: u32,
    /// Whether Y and UV are of the same frame and buffer (RGB has one plane), and no error was told
    /// that may have damaged them.
    pub intact: bool,
}

/// What an interrupt brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterruptReport {
    /// Buffers that were filled, oldest first within a channel.
    pub completed: List<Completed, MAX_COMPLETED>,
    /// Done entries with an address that the chip was not given.
    pub unmatched: u32,
    /// The core's error bits, the transient of a normal start left out.
    pub core_errors: u32,
    /// The core's word of detail, where it has errors; what its bits say is not known (T31 2f).
    pub core_detail: u32,
    /// The VIC's error bits: status 0, status 1.
    pub vic_errors: [u32; 2],
    /// The VIC was reset because of them.
    pub vic_recovered: bool,
    /// They came without end and are masked from now on.
    pub silenced: bool,
}

impl Default for InterruptReport {
    fn default() -> Self {
        Self {
            completed: List::new(Completed {
                channel: ChannelId::ALL[0],
                index: 0,
                sequence: 0,
                intact: false,
            }),
            unmatched: 0,
            core_errors: 0,
            core_detail: 0,
            vic_errors: [0; 2],
            vic_recovered: false,
            silenced: false,
        }
    }
}

impl<B: Bus> Isp<B> {
    /// Handles an interrupt of either line in one round trip over the bus. A bus that fails behind
    /// that, or an answer that makes no sense, is the next [`Isp::check`]'s business; what was
    /// completed until then is reported all the same.
    ///
    /// # Errors
    /// [`Error::Bus`]: no buffer has changed hands, and the next [`Isp::check`] resets the chip.
    pub fn handle_interrupt(&mut self) -> Result<InterruptReport, Error> {
        // One that was on its way when the ISP was stopped or reset has nothing to say any more.
        if self.needs_recovery || !self.running {
            return Ok(InterruptReport::default());
        }
        let mut words = [0; RESULT_WORDS];
        let answered = self
            .bus
            .execute(self.interrupt_batch().as_slice(), &mut words)
            .inspect_err(|_| self.needs_recovery = true)?;
        let mut report = InterruptReport::default();
        let words = words.get(..answered).unwrap_or_default();
        if self.file(words, &mut report).is_err() {
            self.needs_recovery = true;
        }
        self.health.unmatched += report.unmatched;
        Ok(report)
    }

    /// Files what the batch of an interrupt has read, and does what it asks for.
    fn file(&mut self, words: &[u32], report: &mut InterruptReport) -> Result<(), Error> {
        let [core, vic_0, vic_1, entries @ ..] = words else {
            return Err(BusError::Protocol.into());
        };
        report.core_errors = self.core_errors(*core);
        report.vic_errors = [vic_0 & !Vic::VIC_FRAME_DONE.mask(), *vic_1];
        let damaged = report.core_errors != 0 || report.vic_errors != [0; 2];
        if (*core, *vic_0, *vic_1) == (0, 0, 0) && entries.iter().all(|count| *count == 0) {
            self.empty_interrupts = self.empty_interrupts.wrapping_add(1);
        }
        let mut rest = entries;
        for channel in self.streaming_channels().as_slice() {
            let [count, entries @ ..] = rest else {
                return Err(BusError::Protocol.into());
            };
            let length = usize::try_from(*count)
                .unwrap_or(usize::MAX)
                .saturating_mul(self.entry_reads(*channel).into());
            let (entries, behind) = entries.split_at_checked(length).ok_or(BusError::Protocol)?;
            rest = behind;
            self.channels[channel.index()].suspect |= damaged;
            self.complete(*channel, entries, damaged, report);
            self.refill(*channel);
        }
        if report.core_errors != 0 {
            report.core_detail = self.bus.read(Core::ErrorDetail.address())?;
        }
        self.finish_first_frame(*core)?;
        self.deal_with_errors(report)
    }

    fn streaming_channels(&self) -> List<ChannelId, { ChannelId::COUNT }> {
        let mut streaming = List::new(ChannelId::ALL[0]);
        for channel in ChannelId::ALL {
            if self.is_streaming(channel) {
                let _fits = streaming.push(channel);
            }
        }
        streaming
    }

    fn interrupt_batch(&self) -> List<Operation, OPERATIONS> {
        let mut batch = List::new(Operation::Read(PhysAddr(0)));
        let mut append = |operation| append(&mut batch, operation);
        append(acknowledge(
            Core::IrqStatus.address(),
            Core::IrqClear.address(),
        ));
        append(acknowledge(
            Vic::IrqStatus0.address(),
            Vic::IrqClear0.address(),
        ));
        append(acknowledge(
            Vic::IrqStatus1.address(),
            Vic::IrqClear1.address(),
        ));
        for channel in self.streaming_channels().as_slice() {
            append_drain(&mut batch, *channel, self.entry_reads(*channel));
        }
        batch
    }

    /// Takes what a channel has finished and nobody has heard of, so that no done entry is thrown away
    /// unread; the client gets those buffers back with all others.
    pub(crate) fn drain_unread(&mut self, channel: ChannelId) -> Result<(), BusError> {
        let mut batch = List::new(Operation::Read(PhysAddr(0)));
        append_drain(&mut batch, channel, self.entry_reads(channel));
        self.bus
            .execute(batch.as_slice(), &mut [0; CHANNEL_WORDS])?;
        Ok(())
    }

    /// How many reads make up an entry of a channel's done FIFOs.
    const fn entry_reads(&self, channel: ChannelId) -> u8 {
        if self.layout(channel).format.is_rgb() {
            RGB_ENTRY_READS
        } else {
            ENTRY_READS
        }
    }

    /// Files a channel's done entries. With an error in the same interrupt all of them may be
    /// `damaged`; with one in an interrupt before, the first.
    fn complete(
        &mut self,
        channel: ChannelId,
        entries: &[u32],
        damaged: bool,
        report: &mut InterruptReport,
    ) {
        for entry in entries.chunks_exact(self.entry_reads(channel).into()) {
            let (chroma, y_address, y_frame) = match *entry {
                [uv_address, uv_frame, y_address, y_frame] => {
                    (Some((PhysAddr(uv_address), uv_frame)), y_address, y_frame)
                }
                [y_address, y_frame] => (None, y_address, y_frame),
                _ => continue,
            };
            let output = &mut self.channels[channel.index()];
            while let Some(skipped) = output.take_skipped(PhysAddr(y_address)) {
                self.health.dropped_buffers += 1;
                let pushed = report.completed.push(Completed {
                    channel,
                    index: skipped.index,
                    sequence: y_frame,
                    intact: false,
                });
                debug_assert!(
                    pushed,
                    "a channel has fewer buffers in hardware than entries"
                );
            }
            let Some(finished) = output.take_finished(PhysAddr(y_address), y_frame) else {
                report.unmatched += 1;
                continue;
            };
            let suspect = output.suspect;
            // An error that came together with frames may also be of the one that is being written.
            output.suspect &= damaged;
            let matches = chroma.is_none_or(|chroma| chroma == (finished.chroma, y_frame));
            let intact = matches && !damaged && !suspect;
            self.health.dropped_buffers += finished.dropped;
            self.health.damaged_frames += u32::from(!intact);
            self.watchdog.frames = self.watchdog.frames.wrapping_add(1);
            self.watchdog.intact = self.watchdog.intact.wrapping_add(u32::from(intact));
            let fits = report.completed.push(Completed {
                channel,
                index: finished.buffer.index,
                sequence: finished.sequence,
                intact,
            });
            debug_assert!(fits, "MAX_COMPLETED counts every entry");
        }
    }

    fn core_errors(&self, status: u32) -> u32 {
        let errors = status & CORE_ERRORS;
        if !self.first_frame_seen && status & START_TRANSIENT == START_TRANSIENT {
            errors & !START_TRANSIENT
        } else {
            errors
        }
    }

    /// At the first frame after a start the vendor's handler sets the Bayer order again and latches
    /// the top select (T31 2.3, step 7).
    fn finish_first_frame(&mut self, status: u32) -> Result<(), Error> {
        if self.first_frame_seen || status == 0 || !self.running {
            return Ok(());
        }
        self.first_frame_seen = true;
        let bypass = self.bus.read(Core::TopBypass.address())?;
        self.bus.post(&[
            write(Core::Bayer.address(), self.sensor.bayer as u32),
            write(Core::TopBypass.address(), bypass | Core::TOP_SELECT.mask()),
        ])?;
        Ok(())
    }
}

fn append<const N: usize>(batch: &mut List<Operation, N>, operation: Operation) {
    let pushed = batch.push(operation);
    debug_assert!(pushed, "OPERATIONS counts every operation");
}

/// Appends the drain of a channel's done FIFOs, `reads` registers an entry.
fn append_drain(batch: &mut List<Operation, OPERATIONS>, channel: ChannelId, reads: u8) {
    append(
        batch,
        Operation::Drain {
            status: Channel::YLastState.of(channel),
            empty: Channel::FIFO_EMPTY.mask(),
            reads,
            limit: ENTRIES,
        },
    );
    let skipped = ENTRY_READS - reads;
    for register in &ENTRY[usize::from(skipped)..] {
        append(batch, Operation::Read(register.of(channel)));
    }
}
