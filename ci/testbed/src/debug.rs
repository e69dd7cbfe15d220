// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options of a stream that look at what the driver does, or make the hardware fail.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use tx_isp_chip::behaviour::Behaviour;
use tx_isp_chip::faults::Fault;
use tx_isp_chip::{GuestErrorKind, Severity};

use crate::clock::{self, ClockSample};
use crate::config::Io;
use crate::guest::Guest;
use crate::memory_layout::MemoryLayout;
use crate::timeline::Timeline;
use crate::verify::Verifier;

/// What to look at, and what is to fail.
#[derive(Debug, Clone, Default)]
pub struct DebugConfig {
    /// End at the first mistake of the driver that is as bad as this; buffers outside of the carve-out are
    /// an error, unless the client brings ordinary memory (--io userptr)
    pub strict: Option<Severity>,
    /// Mistakes at which it does not
    pub allow: Vec<GuestErrorKind>,
    /// How the chip behaves where its behaviour is open
    pub behaviour: Vec<Behaviour>,
    /// Record each register access to this file, for `cargo lab trace`
    pub trace: Option<PathBuf>,
    /// Write sensor tick, DMA, interrupt and dequeuing of each frame to this file, which Perfetto opens
    pub timeline: Option<PathBuf>,
    /// A fault of the hardware, for example lost-frame:frame=10; repeatable (`cargo lab faults --list`)
    pub fault: Vec<Fault>,
    /// Faults from a TOML file: seed = 1, faults = ["lost-frame:p=0.01"]
    pub faults: Option<PathBuf>,
    /// Where the random numbers of random faults start
    pub seed: Option<u64>,
}

impl DebugConfig {
    /// The files that will be written.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        self.trace.iter().chain(&self.timeline)
    }

    /// What the emulator is told, if buffers of that kind are streamed into.
    pub fn emulator_options(&self, memory: MemoryLayout, io: Io) -> Vec<OsString> {
        let mut words = Vec::new();
        if let Some(severity) = self.strict {
            words.push(format!("--strict={severity}").into());
        }
        // Ordinary memory in one piece is as good as the carve-out.
        if self.strict.is_some() && io != Io::Userptr {
            words.push(format!("--carve-out={}", memory.carve_out()).into());
        }
        let mut pair = |option: &str, value: OsString| {
            words.extend([OsString::from(option), value]);
        };
        for kind in &self.allow {
            pair("--allow", kind.id().into());
        }
        for behaviour in &self.behaviour {
            pair("--behaviour", behaviour.to_string().into());
        }
        if let Some(path) = &self.trace {
            pair("--trace", path.into());
        }
        if let Some(path) = &self.faults {
            pair("--faults", path.into());
        }
        if let Some(seed) = self.seed {
            pair("--seed", seed.to_string().into());
        }
        for fault in &self.fault {
            pair("--fault", fault.to_string().into());
        }
        words
    }

    /// Before the stream: both clocks, if they will be needed.
    ///
    /// # Errors
    /// If guest or emulator does not answer.
    pub fn begin(&self, guest: &mut Guest) -> Result<Option<ClockSample>> {
        let wanted = self.timeline.is_some();
        wanted.then(|| clock::sample(guest)).transpose()
    }

    /// After the stream, while guest and emulator still answer. `first` is what [`Self::begin`] gave,
    /// `verified` have verified the frames.
    ///
    /// # Errors
    /// If they do not answer, or a file cannot be written.
    pub fn finish<'a>(
        &self,
        guest: &mut Guest,
        first: Option<ClockSample>,
        verified: impl IntoIterator<Item = &'a Verifier>,
    ) -> Result<()> {
        let Some((path, first)) = self.timeline.as_ref().zip(first) else {
            return Ok(());
        };
        let last = clock::sample(guest)?;
        let dequeues = verified
            .into_iter()
            .flat_map(|verifier| verifier.dequeues.iter().copied());
        let monitor = &mut guest.emulator.monitor;
        Timeline::collect(monitor, [first, last], dequeues.collect())?.write(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use tx_isp_emulator::config::Config;

    #[test]
    fn the_emulator_understands_what_it_is_told() {
        let debug = DebugConfig {
            strict: Some(Severity::Error),
            allow: vec![GuestErrorKind::UndefinedRegister],
            behaviour: vec!["empty-fifo=last-address".parse().unwrap()],
            trace: Some("/tmp/trace.txt".into()),
            timeline: None,
            fault: vec!["lost-frame:frame=10".parse().unwrap()],
            faults: Some("/tmp/faults.toml".into()),
            seed: Some(7),
        };
        let words = debug.emulator_options("128M".parse().unwrap(), Io::Mmap);
        let scattered = debug.emulator_options("128M".parse().unwrap(), Io::Userptr);
        assert_eq!(scattered[0], "--strict=error");
        let names = |word: &OsString| word.to_string_lossy().starts_with("--carve-out");
        assert!(!scattered.iter().any(names));
        let program = ["tx-isp-emulator", "--socket", "/run/isp"].map(OsString::from);
        let config = Config::try_parse_from(program.into_iter().chain(words)).unwrap();
        assert_eq!(config.strict, Some(Severity::Error));
        let carve_out = config.carve_out.unwrap();
        assert_eq!((carve_out.base.0, carve_out.bytes), (0x0630_0000, 29 << 20));
        assert_eq!(config.fault, debug.fault);
        assert_eq!(config.allow, debug.allow);
        assert_eq!(config.behaviour, debug.behaviour);
        assert_eq!(
            (config.trace, config.faults, config.seed),
            (debug.trace, debug.faults, Some(7))
        );
        assert!(
            DebugConfig::default()
                .emulator_options("128M".parse().unwrap(), Io::Mmap)
                .is_empty()
        );
    }
}
