// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing a trace while a driver runs.

use super::Access;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;
use tx_isp_abi::PhysAddr;
use tx_isp_abi::operation::RegisterFile;
use tx_isp_chip::register_name;

/// A trace that is being written.
pub struct Recorder {
    out: Box<dyn Write + Send>,
    started: Instant,
    /// Names of the registers so far: to find one takes longer than to write it.
    names: HashMap<PhysAddr, String>,
    accesses: u64,
    failed: bool,
}

impl Recorder {
    /// Records to a file, which is replaced; times count from `started`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, started: Instant) -> io::Result<Self> {
        let file = File::create(path)?;
        Self::new(Box::new(BufWriter::with_capacity(1 << 16, file)), started)
    }

    /// Records to `out`.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn new(mut out: Box<dyn Write + Send>, started: Instant) -> io::Result<Self> {
        writeln!(
            out,
            "# tx-isp register trace: R|W ADDRESS VALUE @SECONDS # BLOCK.REGISTER"
        )?;
        Ok(Self {
            out,
            started,
            names: HashMap::new(),
            accesses: 0,
            failed: false,
        })
    }

    /// How many accesses were recorded.
    #[must_use]
    pub const fn accesses(&self) -> u64 {
        self.accesses
    }

    fn record(&mut self, write: bool, address: PhysAddr, value: u32) {
        let at_ns = u64::try_from(self.started.elapsed().as_nanos()).ok();
        let access = Access {
            at_ns,
            write,
            address,
            value,
        };
        let name = self.names.entry(address);
        let name = name.or_insert_with(|| register_name(address));
        let written = writeln!(self.out, "{access} # {name}");
        self.accesses += 1;
        self.check(written);
    }

    /// Everything recorded so far is in the file.
    pub fn flush(&mut self) {
        let flushed = self.out.flush();
        self.check(flushed);
    }

    /// The first failure is told; a full disk must not end the run.
    fn check(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && !std::mem::replace(&mut self.failed, true)
        {
            log::error!("the trace cannot be written: {error}");
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Registers whose accesses are recorded.
pub struct Traced<'a, R> {
    /// The registers.
    pub registers: &'a mut R,
    /// Where the accesses go.
    pub recorder: &'a mut Recorder,
}

impl<R: RegisterFile> RegisterFile for Traced<'_, R> {
    fn read(&mut self, address: PhysAddr) -> u32 {
        let value = self.registers.read(address);
        self.recorder.record(false, address, value);
        value
    }

    fn write(&mut self, address: PhysAddr, value: u32) {
        self.registers.write(address, value);
        self.recorder.record(true, address, value);
    }
}
