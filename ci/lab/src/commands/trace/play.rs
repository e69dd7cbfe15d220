// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo lab trace play`: a trace on the chip model, without a guest.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use tx_isp_abi::sensor::{SENSORS, Sensor};
use tx_isp_chip::behaviour::{Behaviour, Behaviours};
use tx_isp_chip::carve_out::CarveOut;
use tx_isp_chip::faults::Fault;
use tx_isp_chip::{Chip, GuestErrorKind, Severity, Strictness};
use tx_isp_emulator::trace::play::Script;
use tx_isp_emulator::trace::played::Played;

use crate::output::{self, say_text};

/// What to play, and on what.
#[derive(Debug, Clone, Args)]
pub struct PlayOptions {
    /// The trace: W ADDRESS VALUE, R ADDRESS VALUE or *, F FRAMES, U MICROSECONDS
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// End at the first error, with =suspect also at what is probably one
    #[arg(long, value_name = "SEVERITY", num_args = 0..=1, require_equals = true, default_missing_value = "error")]
    pub strict: Option<Severity>,
    /// A mistake that does not end a --strict run; repeatable
    #[arg(long, value_name = "ID")]
    pub allow: Vec<GuestErrorKind>,
    /// Also write what happened to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The sensor that is connected
    #[arg(long, value_name = "NAME", default_value = "gc2053", value_parser = parse_sensor)]
    pub sensor: &'static Sensor,
    /// How the chip behaves where that is open, for example empty-fifo=last-address; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub behaviour: Vec<Behaviour>,
    /// A fault of the hardware, as the emulator takes it: vic-error:frame=3,bits=0x200; repeatable
    #[arg(long, value_name = "KIND[:KEY=VALUE,…]")]
    pub fault: Vec<Fault>,
    /// The only memory that frames may be written to
    #[arg(long, value_name = "SIZE@BASE")]
    pub carve_out: Option<CarveOut>,
}

fn parse_sensor(name: &str) -> Result<&'static Sensor> {
    let known = || SENSORS.iter().map(|sensor| sensor.name).collect::<Vec<_>>();
    let sensor = SENSORS.iter().find(|sensor| sensor.name == name);
    sensor.ok_or_else(|| anyhow!("there is no sensor {name:?}; use {}", known().join(", ")))
}

/// Plays a trace: whether it is clean.
///
/// # Errors
/// If a file cannot be read or written; a malformed line is told with its number.
pub fn play(options: &PlayOptions) -> Result<bool> {
    // What is no text is told with its line, as anything else that is no access.
    let bytes = fs::read(&options.file)
        .with_context(|| format!("cannot read {}", options.file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let script = Script::parse(&text).with_context(|| options.file.display().to_string())?;
    let mut behaviours = Behaviours::default();
    for behaviour in &options.behaviour {
        behaviours.choose(*behaviour);
    }
    let mut chip = Chip::new(*options.sensor);
    chip.set_behaviours(behaviours);
    chip.set_carve_out(options.carve_out);
    for fault in &options.fault {
        chip.faults_mut().add(*fault);
    }
    let strictness = options.strict.map(|severity| {
        let mut strictness = Strictness::new(severity);
        options
            .allow
            .iter()
            .for_each(|kind| strictness.allow(*kind));
        strictness
    });
    let played = script.play(&mut chip, strictness.as_ref());
    if let Some(path) = &options.json {
        output::write_json(path, &played)?;
    }
    say_text!("{}", report(&played, behaviours));
    let allowed = |id: &str| options.allow.iter().any(|kind| kind.id() == id);
    Ok(played.is_clean_but(allowed))
}

/// What happened, for people.
fn report(played: &Played, behaviours: Behaviours) -> String {
    let mut text = format!(
        "{} accesses, {} frames{}\nbehaviour: {}\n",
        played.accesses,
        played.frames.len(),
        others(played),
        behaviours.all().map(|value| value.to_string()).join(", ")
    );
    for read in &played.mismatched_reads {
        text += &format!(
            "line {}: {:#010x} ({}) gave {:#010x}, the trace has {:#010x}\n",
            read.line,
            read.address,
            tx_isp_chip::register_name(tx_isp_abi::PhysAddr(read.address)),
            read.got,
            read.expected,
        );
    }
    for error in &played.guest_errors {
        text += &format!(
            "{}: {} ({} times): {}\n",
            error.severity, error.id, error.count, error.first
        );
    }
    if let Some(line) = played.stopped_at {
        text += &format!("stopped at line {line}\n");
    }
    text
}

/// What was written beside pictures, if anything was.
fn others(played: &Played) -> String {
    let counts = [
        (played.raw_frames.len(), "raw pictures"),
        (played.statistics.len(), "banks of statistics"),
        (played.noise_planes.len(), "planes of the noise filter"),
    ];
    let written = counts.iter().filter(|(count, _)| *count > 0);
    written
        .map(|(count, what)| format!(", {count} {what}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_differs() {
        let script = Script::parse("R 0x13300008 0x2\nW 0x13300000 0x0\n").unwrap();
        let played = script.play(&mut Chip::new(*parse_sensor("gc2053").unwrap()), None);
        assert_eq!(
            report(&played, Behaviours::default()),
            "2 accesses, 0 frames\n\
             behaviour: empty-fifo=skip, sixth-push=lost, small-crop=refuse, start-transient=off, \
             fifo-clear=go-on, live-words=move, flip-bayer=keep\n\
             line 1: 0x13300008 (ISP_CORE.BAYER) gave 0x00000001, the trace has 0x00000002\n\
             suspect: write-to-read-only (1 times): write of 0x00000000 to ID at 0x13300000\n"
        );
        let error = parse_sensor("imx").unwrap_err().to_string();
        assert!(error.contains("gc2053"), "{error}");
    }
}
