// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words that samples of hardware show moving while frames come in, and of which nobody knows what they count:
//! behaviour `live-words` (T31 2a.5).
//!
//! | kind | model (inferred) |
//! |---|---|
//! | state words | walk through the values that were sampled, in the samples' order, once a frame; rest between frames |
//! | counters | count lines, pixels or frames of the input or of a channel; they only grow, until a reset |
//!
//! All follow from the time in the frame alone, so that the same read at the same time gives the same value.

use super::Chip;
use super::behaviour::LiveWords;
use tx_isp_abi::channel::ChannelId;
use tx_isp_abi::registers::{Core, CsiPhy, Msca, RegisterId, Vic};

/// COUNTER_A8 and COUNTER_AC while a frame comes in.
const CORE_STATES: [u32; 4] = [0x5809_0000, 0x5881_0000, 0x5901_0000, 0x9804_0100];
/// VIC COUNTER_8C while a frame comes in, and between frames.
const VIC_STATES: [u32; 2] = [8, 0x10];
const VIC_BETWEEN: u32 = 1;
/// PHY LIVE_1D0 and LIVE_250 while a frame comes in, and between frames.
const PHY_1D0: [u32; 2] = [0x2b, 1];
const PHY_250: [u32; 2] = [0x60, 0];
/// MSCA WORD_7C: the bits that are always set, and the lowest of those that say which channel writes.
const WORD_7C_REST: u32 = 0xc000_0000;
const WORD_7C_WRITING: u32 = 28;
const WORD_7C_CHANNELS: u32 = 0b11;

impl Chip {
    /// What a word gives that moves; `None` for one that does not, or rests.
    #[inline]
    pub(super) fn live_word(&self, id: RegisterId) -> Option<u32> {
        if self.behaviours.live_words == LiveWords::Rest {
            return None;
        }
        match id {
            RegisterId::Core(register) => match register {
                Core::CounterA8 | Core::CounterAc => self.state(&CORE_STATES),
                Core::LineCounter0
                | Core::LineCounter1
                | Core::LineCounter2
                | Core::LineCounter3 => Some(self.progress().0),
                _ => None,
            },
            RegisterId::Vic(register) => match register {
                Vic::Counter8c => self
                    .state(&VIC_STATES)
                    .or_else(|| self.is_streaming().then_some(VIC_BETWEEN)),
                Vic::Counter90 => Some(truncated(self.lines_so_far())),
                Vic::CounterA0 => Some(truncated(self.pixels_so_far())),
                Vic::CounterB0 => Some(self.frame_number),
                _ => None,
            },
            RegisterId::CsiPhy(register) => {
                let [in_frame, between] = match register {
                    CsiPhy::Live1d0 => PHY_1D0,
                    CsiPhy::Live250 => PHY_250,
                    _ => return None,
                };
                self.is_streaming().then_some(if self.is_in_frame() {
                    in_frame
                } else {
                    between
                })
            }
            RegisterId::Msca(register) => match register {
                Msca::Word7c => self.word_7c(),
                Msca::LiveB0 => Some(self.channel_pixels(0)),
                Msca::LiveB4 => Some(self.channel_pixels(1)),
                Msca::LiveB8 => Some(self.channel_pixels(2)),
                Msca::LiveE4 => Some(self.channel_lines(0)),
                Msca::LiveE8 => Some(self.channel_lines(1)),
                Msca::LiveEc => Some(self.channel_lines(2)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The one of `states` whose part of the frame it is; `None` between frames.
    fn state(&self, states: &[u32]) -> Option<u32> {
        let (line, _) = self.is_in_frame().then(|| self.progress())?;
        let height = self.sensor.size.height.max(1) as usize;
        let place = line as usize * states.len() / height;
        states.get(place).or(states.last()).copied()
    }

    /// Lines of the input since the last reset, of all frames that the frame number counts.
    fn lines_so_far(&self) -> u64 {
        let height = u64::from(self.sensor.size.height);
        let frames = u64::from(self.frame_number);
        if self.is_in_frame() {
            frames.saturating_sub(1) * height + u64::from(self.progress().0)
        } else {
            frames * height
        }
    }

    fn pixels_so_far(&self) -> u64 {
        let pixel = u64::from(self.progress().1);
        self.lines_so_far() * u64::from(self.sensor.size.width) + pixel
    }

    /// Bits 29:28 say whether channels 1 and 0 write, the rest is how many pixels of the frame have come.
    fn word_7c(&self) -> Option<u32> {
        let open = self.frame_clock.open.as_ref()?;
        let ends = open.channel_ends.iter().zip(ChannelId::ALL);
        let writing = ends
            .filter(|(end, _)| end.is_some())
            .fold(0, |bits, (_, id)| bits | id.bit());
        let (line, pixel) = self.progress();
        let pixels = line
            .wrapping_mul(self.sensor.size.width)
            .wrapping_add(pixel);
        let counted = pixels & ((1 << WORD_7C_WRITING) - 1);
        Some(WORD_7C_REST | (writing & WORD_7C_CHANNELS) << WORD_7C_WRITING | counted)
    }

    /// Pixels of its picture that a channel has written of this frame, or of the last one.
    fn channel_pixels(&self, index: usize) -> u32 {
        if !self.channels[index].is_enabled() {
            return 0;
        }
        let (line, pixel) = self.channel_progress(index);
        let width = self.scaler(ChannelId::ALL[index]).scaled().width;
        line.wrapping_mul(width).wrapping_add(pixel)
    }

    /// Lines of its picture that a channel has written of this frame, or of the last one.
    fn channel_lines(&self, index: usize) -> u32 {
        if self.channels[index].is_enabled() {
            self.channel_progress(index).0
        } else {
            0
        }
    }
}

/// The word that a counter of 32 bits holds.
fn truncated(count: u64) -> u32 {
    u32::try_from(count % (1 << 32)).unwrap_or_default()
}
