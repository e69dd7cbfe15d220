// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How long the whole of `cargo lab stream` takes, as a user runs it.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::base::Bench;
use super::base::prepare_quietly;
use super::figures::{Row, Spread, Unit};
use crate::options::GuestOptions;
use clap::ValueEnum;
use guest_image::KernelChoice;
use testbed::prepare::cargo;
use testbed::process;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(300);

/// The second one and those after it. The first one cannot be measured on a machine that has
/// already built the lab.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut preparation = Spread::default();
    let mut whole = Spread::default();
    bench.rounds(|| {
        let begin = Instant::now();
        prepare_quietly(bench, bench.repository, &bench.options.guest.kernel)?;
        preparation.push(begin.elapsed().as_secs_f64());
        whole.push(stream(bench)?.as_secs_f64());
        Ok(())
    })?;
    Ok(vec![
        Row::missing(
            "the first, on a machine with nothing",
            Unit::Seconds,
            "this machine has everything already. On a new one, run `time cargo lab stream`; the \
             nearest to it here, host packages aside, is `time \
             TX_ISP_CACHE=$(mktemp -d) CARGO_TARGET_DIR=$(mktemp -d) cargo lab stream`",
        ),
        Row::new("a later one, to its end", Unit::Seconds, whole)
            .note("100 frames at 25 fps: 4 s of it are the sensor's time"),
        Row::new("of it, until QEMU can start", Unit::Seconds, preparation),
    ])
}

fn stream(bench: &Bench<'_>) -> Result<Duration> {
    let out = tempfile::tempdir().context("creating a folder for pictures")?;
    let mut command = cargo();
    command
        .current_dir(bench.repository)
        .args(["lab", "stream", "--out"])
        .arg(out.path())
        .args(words(&bench.options.guest));
    let mut said = Vec::new();
    let begin = Instant::now();
    let status = process::run(&mut command, LIMIT, |line| {
        said.push(line.text().to_owned());
    })
    .context("running `cargo lab stream`")?;
    let time = begin.elapsed();
    if !status.success() {
        bail!(
            "`cargo lab stream` ended with {status}:\n{}",
            said.join("\n")
        );
    }
    Ok(time)
}

/// The same guest again.
fn words(guest: &GuestOptions) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["--kernel".into()];
    words.push(match &guest.kernel {
        KernelChoice::Path(path) => path.into(),
        named => named.name().unwrap_or_default().into(),
    });
    words.push(format!("--memory={}M", guest.memory.total_mib()).into());
    if let Some(value) = guest.attach.to_possible_value() {
        words.push(format!("--attach={}", value.get_name()).into());
    }
    if let Some(qemu) = &guest.qemu {
        words.extend(["--qemu".into(), qemu.into()]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::parse;

    fn guest(words: impl IntoIterator<Item = OsString>) -> GuestOptions {
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        parse(&words).unwrap()
    }

    #[test]
    fn the_same_guest_is_asked_for() {
        let typed = "--kernel fast --memory 192M --attach gpio --qemu /opt/qemu";
        let first = guest(typed.split(' ').map(OsString::from));
        let second = guest(words(&first));
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
    }
}
