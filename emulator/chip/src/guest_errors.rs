// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a driver did wrong: each kind of protocol error with its count, its first occurrence, and
//! the register accesses before that.

use super::access_log::{AccessLog, LoggedAccess};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tx_isp_abi::PhysAddr;

/// How bad a mistake is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not documented, but harmless.
    Note,
    /// Probably not what was meant.
    Suspect,
    /// Wrong: on the chip it would lose frames or write to memory that is not the driver's.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Suspect => "suspect",
            Self::Error => "error",
        })
    }
}

/// Declares the kinds once: the name under which reports show one, and a line on what is right with
/// the section of the reference.
macro_rules! guest_error_kinds {
    ($( $(#[doc = $doc:literal])+ $kind:ident = $id:literal, $severity:ident, $help:literal; )+) => {
        /// A kind of protocol error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum GuestErrorKind {
            $( $(#[doc = $doc])+ $kind, )+
        }

        impl GuestErrorKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$( Self::$kind, )+];

            /// The name under which reports show it.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $( Self::$kind => $id, )+
                }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $( Self::$kind => Severity::$severity, )+
                }
            }

            /// One line on what is right, with the section of the reference.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self {
                    $( Self::$kind => $help, )+
                }
            }
        }
    };
}

guest_error_kinds! {
    /// An access to an address where no register is defined.
    UndefinedRegister = "undefined-register", Note,
        "no register is known at this address; reads give 0, writes are lost (T31 2)";
    /// A write to a register that cannot be written.
    WriteToReadOnly = "write-to-read-only", Suspect,
        "the register only reports; the write is lost (T31 2)";
    /// A buffer address pushed into a full FIFO: it is lost.
    AddressFifoOverflow = "address-fifo-overflow", Error,
        "push only while the FIFO's state register counts fewer than 5 entries; the address was lost (T31 2a.1)";
    /// A done FIFO read although it was empty.
    DoneFifoUnderflow = "done-fifo-underflow", Error,
        "read a done FIFO only while bit 0 of its state register is 0 (T31 2.3)";
    /// A finished frame found the done FIFO full: the driver does not drain it.
    DoneFifoOverflow = "done-fifo-overflow", Suspect,
        "drain the done FIFOs at each interrupt; a finished frame was lost (T31 2.3)";
    /// A done entry thrown away, or still there when its channel starts again.
    DoneEntryUnread = "done-entry-unread", Note,
        "drain the done FIFOs at stream-off before clearing them; their frames were finished (T31 2.3, 2.5)";
    /// A Y address without its UV address.
    LumaWithoutChroma = "luma-without-chroma", Suspect,
        "push the Y and the UV address of a buffer before the next frame begins; the frame was skipped (T31 2a.1)";
    /// A UV address without its Y address.
    ChromaWithoutLuma = "chroma-without-luma", Suspect,
        "each UV address belongs to a Y address of the same buffer (T31 2.4)";
    /// A channel was enabled without a usable size or format.
    ChannelNotConfigured = "channel-not-configured", Error,
        "set size, format and strides before CH_EN (T31 2.5)";
    /// A stride that is shorter than a line, or not a multiple of 8 bytes.
    BadStride = "bad-stride", Error,
        "a stride has at least the bytes of a line and is a multiple of 8 (T31 6.3; 8 is an assumption)";
    /// An interrupt acknowledged that was not raised.
    AcknowledgeNotRaised = "acknowledge-not-raised", Suspect,
        "write back the status that was read, no other bits (T31 2.3)";
    /// A buffer that does not lie in the guest's memory.
    DmaOutsideMemory = "dma-outside-memory", Error,
        "the buffer must lie in RAM as a whole; nothing was written (T31 8, row 31)";
    /// A buffer that does not lie in the carve-out.
    DmaOutsideCarveOut = "dma-outside-carve-out", Error,
        "the buffer must lie in the carve-out (rmem) as a whole, else DMA overwrites Linux (T31 8, row 31)";
    /// A buffer queued again while it waits or is being written.
    BufferQueuedTwice = "buffer-queued-twice", Error,
        "push an address again only after it came out of the done FIFO (T31 3.3, 8 row 17)";
    /// The input FIFO was emptied while a frame was being written.
    BufferTakenBack = "buffer-taken-back", Error,
        "after CH_EN, wait until CH_STAT's bit is 0 before clearing FIFOs and reusing buffers (T31 2.5, 9.2)";
    /// A value that the register's field does not define.
    UndefinedValue = "undefined-value", Suspect,
        "the value is not one that the register defines (T31 2)";
    /// RSZ_STEP is not what input and output size ask for.
    ScalerStepMismatch = "scaler-step-mismatch", Suspect,
        "write input * 512 / output to RSZ_STEP, else the picture is slanted (T31 2.4; 8, row 19)";
    /// A crop that does not lie in its picture.
    CropOutsidePicture = "crop-outside-picture", Error,
        "the input crop must lie in the sensor's picture, the other in the scaler's output (T31 2.4)";
    /// Two channels are to write RGB.
    SecondRgbChannel = "second-rgb-channel", Error,
        "only one channel at a time may write RGB; the other writes nothing (T31 2.4)";
    /// Raw capture is on without a usable size or stride, or with too few banks.
    MdmaNotConfigured = "mdma-not-configured", Error,
        "set the banks, their number, size and stride before MDMA_ENABLE (T31 2.7, 2b.9)";
    /// An access to a block whose clock is stopped.
    ClockGated = "clock-gated", Error,
        "clear the ISP's bits of CLKGR0 and CLKGR1 first; reads give 0, writes are lost (T31 1.3)";
    /// VIC or CSI host were set up for another sensor.
    SensorMismatch = "sensor-mismatch", Suspect,
        "before the VIC starts, give it the sensor's interface, data type and words of a line, and the CSI host its lanes (T31 2.7, 2.8)";
    /// VIC or core were told of another picture size than the sensor's.
    FrameSizeMismatch = "frame-size-mismatch", Error,
        "write the sensor's size to the VIC's RESOLUTION and the core's FRAME_SIZE (T31 2.6, 2.7)";
    /// The ISP was put into reset before it had stopped its bus traffic.
    ResetWithoutHandshake = "reset-without-handshake", Error,
        "set bit 21 of SRBC and wait for bit 20 before setting bit 22 (T31 1.3)";
    /// A channel was enabled without the strobe that its settings need to take effect.
    SettingsNotLatched = "settings-not-latched", Suspect,
        "write CH_EN with bits 19:16 set after changing size, step, crop or stride (T31 2.5, 2b.11)";
    /// A byte for an I2C controller that is off.
    TransferWhileDisabled = "transfer-while-disabled", Error,
        "write 1 to ENB and wait until ENSTA is 1 before DC (T31 2d)";
    /// An access to a block that is held in reset.
    AccessInReset = "access-in-reset", Error,
        "clear bit 22 of SRBC first; reads give 0, writes are lost (T31 1.3)";
}

/// A text that is no kind's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no guest error; they are {list}", list = kinds())]
pub struct ParseKindError(String);

fn kinds() -> String {
    let names: Vec<&str> = GuestErrorKind::ALL.iter().map(|kind| kind.id()).collect();
    names.join(", ")
}

impl FromStr for GuestErrorKind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut kinds = Self::ALL.iter().copied();
        kinds
            .find(|kind| kind.id() == text)
            .ok_or_else(|| ParseKindError(text.to_owned()))
    }
}

/// A text that is no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no severity; use error, suspect or note")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Note, Self::Suspect, Self::Error]
            .into_iter()
            .find(|severity| severity.to_string() == text)
            .ok_or_else(|| ParseSeverityError(text.to_owned()))
    }
}

/// Which mistakes end a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strictness {
    least: Severity,
    allowed: Vec<GuestErrorKind>,
}

impl Default for Strictness {
    /// Errors do.
    fn default() -> Self {
        Self::new(Severity::Error)
    }
}

impl Strictness {
    /// Mistakes as bad as `least` do.
    #[must_use]
    pub const fn new(least: Severity) -> Self {
        Self {
            least,
            allowed: Vec::new(),
        }
    }

    /// This one does not.
    pub fn allow(&mut self, kind: GuestErrorKind) {
        self.allowed.push(kind);
    }

    /// Whether a mistake ends the run.
    #[must_use]
    pub fn stops_at(&self, kind: GuestErrorKind) -> bool {
        kind.severity() >= self.least && !self.allowed.contains(&kind)
    }
}

/// All occurrences of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestError {
    /// What went wrong.
    pub kind: GuestErrorKind,
    /// How often.
    pub count: u64,
    /// What happened the first time.
    pub first: String,
    /// The register accesses before the first time, oldest first.
    pub before: Vec<LoggedAccess>,
}

/// The guest errors of a run.
#[derive(Clone, Debug, Default)]
pub struct GuestErrors {
    by_kind: BTreeMap<GuestErrorKind, GuestError>,
    access_log: AccessLog,
}

impl GuestErrors {
    /// Counts an occurrence; `detail` is called for the first of its kind only.
    pub fn report(&mut self, kind: GuestErrorKind, detail: impl FnOnce() -> String) {
        let access_log = &self.access_log;
        self.by_kind
            .entry(kind)
            .or_insert_with(|| GuestError {
                kind,
                count: 0,
                first: detail(),
                before: access_log.oldest_first(),
            })
            .count += 1;
    }

    /// Notes a read for the guest errors that come after it.
    pub(super) fn note_read(&mut self, address: PhysAddr, value: u32) {
        self.access_log.note(false, address, value);
    }

    /// Notes a write for the guest errors that come after it.
    pub(super) fn note_write(&mut self, address: PhysAddr, value: u32) {
        self.access_log.note(true, address, value);
    }

    /// The kinds that occurred.
    pub fn entries(&self) -> impl Iterator<Item = &GuestError> {
        self.by_kind.values()
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_name_of_its_own_and_names_its_source() {
        let mut names: Vec<&str> = GuestErrorKind::ALL.iter().map(|kind| kind.id()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), GuestErrorKind::ALL.len());
        for kind in GuestErrorKind::ALL {
            assert!(kind.help().contains("(T31 "), "{}", kind.id());
        }
    }

    #[test]
    fn a_guest_error_keeps_the_accesses_before_its_first_occurrence() {
        let mut guest_errors = GuestErrors::default();
        guest_errors.note_write(PhysAddr(0x1330_9804), 1);
        guest_errors.report(GuestErrorKind::UndefinedValue, || "first".to_owned());
        guest_errors.note_write(PhysAddr(0x1330_9804), 2);
        guest_errors.report(GuestErrorKind::UndefinedValue, || "second".to_owned());
        let error = guest_errors.entries().next().unwrap();
        assert_eq!((error.count, error.first.as_str()), (2, "first"));
        assert_eq!(error.before.len(), 1);
        assert_eq!(error.before[0].value, 1);
    }
}
