// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can go wrong with the hardware.

use std::fmt;

/// What a fault waits for: each time it comes is an occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A frame of the sensor.
    Frame,
    /// A channel is switched off.
    Stop,
    /// The soft reset is requested.
    Reset,
    /// The sensor's link or the VIC is started.
    Start,
    /// A byte goes over the sensor's I2C bus.
    Transfer,
}

/// Declares the kinds once: name, occasion, the keys it understands beside those of all, and what
/// happens.
macro_rules! fault_kinds {
    ($( $kind:ident = $id:literal at $occasion:ident, keys [$($key:literal),*], $doc:literal; )+) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultKind {
            $( #[doc = $doc] $kind, )+
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$( Self::$kind, )+];

            /// The name that users type.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $( Self::$kind => $id, )+ }
            }

            /// What the fault waits for.
            #[must_use]
            pub const fn occasion(self) -> Occasion {
                match self { $( Self::$kind => Occasion::$occasion, )+ }
            }

            /// The keys that only some kinds understand.
            #[must_use]
            pub const fn keys(self) -> &'static [&'static str] {
                match self { $( Self::$kind => &[$($key),*], )+ }
            }

            /// What happens, in a sentence.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $( Self::$kind => $doc, )+ }
            }
        }
    };
}

fault_kinds! {
    LostFrame = "lost-frame" at Frame, keys [],
        "The sensor's frame never arrives; its number is counted (assumption).";
    LateFrame = "late-frame" at Frame, keys ["ms"],
        "DMA takes `ms` milliseconds longer (200).";
    CoreError = "core-error" at Frame, keys ["bits"],
        "The core raises the error bits `bits` (0x300) when the frame begins, and the picture is damaged (T31 2.2, 9.3).";
    VicError = "vic-error" at Frame, keys ["bits"],
        "The VIC raises `bits` (0x200; bits 9 to 12 call for recovery) and passes no frame on until it is reset (T31 2.7, 9.3; the halt is an assumption).";
    DmaOverflow = "dma-overflow" at Frame, keys ["channel"],
        "The frame's DMA overflows: its address is used up, no done entry comes, the VIC's bit 20 and IRQ_STAT's bit 8 rise (T31 2.4, 2.7; assumption).";
    CorruptedPicture = "corrupted-picture" at Frame, keys ["channel"],
        "One byte in memory differs from what the frame log says, and nothing tells.";
    AlienDone = "alien-done" at Frame, keys ["channel"],
        "A done entry with an address that was never queued comes before the frame's own (T31 9.3).";
    CoalescedFrames = "coalesced-frames" at Frame, keys [],
        "The frame's end raises nothing: the next frame's interrupt is for both (T31 9.3).";
    LostInterrupt = "lost-interrupt" at Frame, keys [],
        "The interrupt at the frame's end never reaches the guest; the line stays high.";
    InterruptStorm = "interrupt-storm" at Frame, keys ["bits", "times"],
        "The core's error bits `bits` (0x200) rise again after each of the next `times` (100000) acknowledges (T31 8, row 11).";
    StaleAddress = "stale-address" at Stop, keys ["channel"],
        "An address stays in the input FIFO although it was cleared, even over a reset; the next clear takes it (T31 8, row 6).";
    StuckChannel = "stuck-channel" at Stop, keys ["channel", "times"],
        "The channel goes on although CH_EN's bit is cleared, for `times` (1000000) reads of CH_STAT; the driver waits 3001 (T31 2.5, 9.3). A reset ends it.";
    DeadReset = "dead-reset" at Reset, keys [],
        "The soft reset's acknowledge never comes (T31 1.3).";
    DeadSensor = "dead-sensor" at Start, keys [],
        "The sensor does not answer: PHY_STATE stays at idle and no frame comes (T31 2.8).";
    DeafSensor = "deaf-sensor" at Transfer, keys [],
        "The sensor does not acknowledge a transfer on its I2C bus.";
    SilentSensor = "silent-sensor" at Start, keys [],
        "The link comes up but no frame ever arrives.";
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
