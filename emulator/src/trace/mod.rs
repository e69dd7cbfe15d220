// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Register traces: what a driver read and wrote, in order.
//!
//! One plain text format, for our own records and for traces from real hardware:
//!
//! ```text
//! # a comment
//! W 0x13309804 0x000f0001 @1.204519000  # MSCA.CH_EN
//! [    1.204602] R 0xb3309808 0x1
//! ```
//!
//! `R` or `W`, the register's address, the value, all hexadecimal (the 0x may be left out). A time in
//! seconds may stand behind an `@` at the end or in brackets at the front. Addresses of MIPS's KSEG0
//! and KSEG1 are taken as the physical ones behind them (T31 1.1).
//!
//! What is written to be played may also read any value (`R ADDRESS *`) and let frames (`F COUNT`) or
//! microseconds (`U COUNT`, decimal) pass.

mod coverage;
mod decode;
mod diff;
mod filter;
mod foreign;
mod numbers;
pub mod play;
pub mod played;
mod record;
mod text;

pub use coverage::{BlockCoverage, Coverage, SEQUENCES};
pub use decode::decode;
pub use diff::{Change, Ignore, diff};
pub use filter::{Filter, NoSuchRegister};
pub use record::{Recorder, Traced};
pub use text::{ParseTraceError, Step, parse, parse_steps};

use std::fmt;
use tx_isp_abi::PhysAddr;

/// One access to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// When, in nanoseconds of whatever clock recorded it.
    pub at_ns: Option<u64>,
    /// Whether it was a write.
    pub write: bool,
    /// The register's physical address.
    pub address: PhysAddr,
    /// The value read or written.
    pub value: u32,
}

impl fmt::Display for Access {
    /// As [`parse`] reads it, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.write { 'W' } else { 'R' };
        write!(f, "{kind} {} {:#010x}", self.address, self.value)?;
        if let Some(at) = self.at_ns {
            write!(f, " @{}.{:09}", at / 1_000_000_000, at % 1_000_000_000)?;
        }
        Ok(())
    }
}
