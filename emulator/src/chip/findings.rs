// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a driver did wrong: each kind of protocol error with its count and first occurrence.

use std::collections::BTreeMap;

/// A kind of protocol error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// An access to an address where no register is defined.
    UndefinedRegister,
    /// A write to a register that cannot be written.
    WriteToReadOnly,
    /// A buffer address pushed into a full FIFO: it is lost.
    AddressFifoOverflow,
    /// A done FIFO read although it was empty.
    DoneFifoUnderflow,
    /// A finished frame found the done FIFO full: the driver does not drain it.
    DoneFifoOverflow,
    /// A Y address without its UV address.
    LumaWithoutChroma,
    /// A channel was enabled without a usable size, stride or format.
    ChannelNotConfigured,
    /// An interrupt acknowledged that was not raised.
    AcknowledgeNotRaised,
    /// A buffer that does not lie in the guest's memory.
    DmaOutsideMemory,
    /// A value that the register's field does not define.
    UndefinedValue,
}

impl FindingKind {
    /// The name under which reports show it.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::UndefinedRegister => "undefined-register",
            Self::WriteToReadOnly => "write-to-read-only",
            Self::AddressFifoOverflow => "address-fifo-overflow",
            Self::DoneFifoUnderflow => "done-fifo-underflow",
            Self::DoneFifoOverflow => "done-fifo-overflow",
            Self::LumaWithoutChroma => "luma-without-chroma",
            Self::ChannelNotConfigured => "channel-not-configured",
            Self::AcknowledgeNotRaised => "acknowledge-not-raised",
            Self::DmaOutsideMemory => "dma-outside-memory",
            Self::UndefinedValue => "undefined-value",
        }
    }

    /// One line on what is right, with the section of the reference.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::UndefinedRegister => {
                "no register is known at this address; reads give 0, writes are lost (facts 2)"
            }
            Self::WriteToReadOnly => "the register only reports; the write is lost (facts 2)",
            Self::AddressFifoOverflow => {
                "push only while bit 1 of the FIFO's state register is 0 (facts 2.4)"
            }
            Self::DoneFifoUnderflow => {
                "read a done FIFO only while bit 0 of its state register is 0 (facts 2.3)"
            }
            Self::DoneFifoOverflow => {
                "drain the done FIFOs at each interrupt; a finished frame was lost (facts 2.3)"
            }
            Self::LumaWithoutChroma => {
                "push the UV address first, then the Y address of the same buffer (facts 2.4)"
            }
            Self::ChannelNotConfigured => "set size, format and strides before CH_EN (facts 2.5)",
            Self::AcknowledgeNotRaised => {
                "write back the status that was read, no other bits (facts 2.3)"
            }
            Self::DmaOutsideMemory => {
                "the buffer must lie in RAM as a whole; nothing was written (facts 8, row 31)"
            }
            Self::UndefinedValue => "the value is not one that the register defines (facts 2)",
        }
    }
}

/// All occurrences of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What went wrong.
    pub kind: FindingKind,
    /// How often.
    pub count: u64,
    /// What happened the first time.
    pub first: String,
}

/// The findings of a run.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    by_kind: BTreeMap<FindingKind, Finding>,
}

impl Findings {
    /// Counts an occurrence; `detail` is called for the first of its kind only.
    pub fn report(&mut self, kind: FindingKind, detail: impl FnOnce() -> String) {
        self.by_kind
            .entry(kind)
            .or_insert_with(|| Finding {
                kind,
                count: 0,
                first: detail(),
            })
            .count += 1;
    }

    /// The kinds that occurred.
    pub fn entries(&self) -> impl Iterator<Item = &Finding> {
        self.by_kind.values()
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }
}
