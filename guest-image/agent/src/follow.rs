// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs a program of the guest and tells what it says as it says it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guest_protocol::message::{Failure, RunEnd, RunRequest};
use nix::poll::PollTimeout;
use nix::unistd::pipe;

use crate::failure::{At, failure};
use crate::run::{TICK_MS, is_ready, kill, run_end};

/// The most bytes in one message.
const PART: usize = 32 << 10;

/// Takes bytes of a program's standard error (`true`) or standard output.
pub type Listener<'a> = &'a mut dyn FnMut(bool, Vec<u8>) -> Result<(), Failure>;

/// Runs a program to its end, or kills it with all it started when its time is over. With `merged` both
/// of its outputs are one pipe, so that what it says stays in order; else each is read as soon as there
/// is something, and only what comes within the same moment may change places.
pub fn follow(
    request: &RunRequest,
    merged: bool,
    listener: Listener<'_>,
) -> Result<RunEnd, Failure> {
    let Some((program, arguments)) = request.argv.split_first() else {
        return Err(failure("run", "no program was named"));
    };
    let step = format!("run {program}");
    let (output, writer) = pipe().at(&step)?;
    let (errors, stderr): (Option<OwnedFd>, OwnedFd) = if merged {
        (None, writer.try_clone().at(&step)?)
    } else {
        let (reader, writer) = pipe().at(&step)?;
        (Some(reader), writer)
    };
    // The command holds the pipes' other ends, and is gone before the first read.
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .at(&step)?;
    let mut pipes = [Some(File::from(output)), errors.map(File::from)];
    let end = Instant::now() + Duration::from_millis(request.deadline_ms.into());
    loop {
        let ended = child.try_wait().at(&step)?;
        // What it said last is read after its end was seen, so nothing is missed.
        let heard = read_some(&mut pipes, listener)?;
        if let Some(status) = ended.filter(|_| !heard) {
            return Ok(run_end(status));
        }
        if Instant::now() > end {
            return Ok(kill(&mut child, ended).map_or(RunEnd::Deadline, run_end));
        }
    }
}

/// Passes on what is there; waits a little if there is nothing.
fn read_some(pipes: &mut [Option<File>; 2], listener: Listener<'_>) -> Result<bool, Failure> {
    let mut heard = false;
    for (error, slot) in [false, true].into_iter().zip(pipes.iter_mut()) {
        let Some(pipe) = slot else { continue };
        if !is_ready(Some(&*pipe), PollTimeout::ZERO)? {
            continue;
        }
        heard = true;
        let mut bytes = vec![0; PART];
        let count = pipe.read(&mut bytes).at("reading a program's output")?;
        bytes.truncate(count);
        match count {
            0 => *slot = None,
            _ => listener(error, bytes)?,
        }
    }
    if !heard {
        std::thread::sleep(Duration::from_millis(TICK_MS.into()));
    }
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, merged: bool, deadline_ms: u32) -> (RunEnd, Vec<(bool, String)>) {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let mut said: Vec<(bool, String)> = Vec::new();
        let end = follow(
            &RunRequest { argv, deadline_ms },
            merged,
            &mut |error, bytes| {
                let text = String::from_utf8(bytes).unwrap();
                match said.last_mut() {
                    Some(last) if last.0 == error => last.1.push_str(&text),
                    _ => said.push((error, text)),
                }
                Ok(())
            },
        );
        (end.unwrap(), said)
    }

    #[test]
    fn merged_outputs_keep_their_order() {
        let script = "for i in 1 2 3 4 5; do echo $i; echo e$i >&2; done; exit 7";
        let (end, said) = sh(script, true, 60_000);
        assert_eq!(end, RunEnd::Exit(7));
        let all = "1\ne1\n2\ne2\n3\ne3\n4\ne4\n5\ne5\n";
        assert_eq!(said, [(false, all.to_owned())]);
    }

    #[test]
    fn outputs_are_told_apart_while_the_program_runs() {
        let (end, said) = sh(
            "echo a; sleep 0.2; echo b >&2; sleep 0.2; echo c",
            false,
            60_000,
        );
        assert_eq!(end, RunEnd::Exit(0));
        let said: Vec<_> = said.iter().map(|(e, text)| (*e, text.as_str())).collect();
        assert_eq!(said, [(false, "a\n"), (true, "b\n"), (false, "c\n")]);
    }

    #[test]
    fn all_of_a_long_output_arrives() {
        let (_, said) = sh("head -c 3000000 /dev/zero", false, 60_000);
        assert_eq!(said[0].1.len(), 3_000_000);
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let (end, said) = sh("echo begun; exec sleep 600", true, 300);
        assert_eq!(end, RunEnd::Deadline);
        assert_eq!(said, [(false, "begun\n".to_owned())]);
    }
}
