// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the lab, and says now and then how far it is: a build that is silent for minutes looks like one
//! that hangs.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use host_setup::process::{self, Line};

/// A first build with all dependencies, on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// How often it speaks.
const EVERY: Duration = Duration::from_secs(12);
/// What in one of cargo's messages about a crate stands before its program's path.
const PROGRAM: &str = "\"executable\":\"";

/// Has `cargo` (with its subcommand `build`) build; gives the program that comes of it.
///
/// # Errors
/// With the compiler's words.
pub fn build(mut cargo: Command) -> Result<PathBuf, String> {
    cargo.arg("--message-format=json-render-diagnostics");
    let (heartbeat, beats) = Heartbeat::start();
    let mut program = None;
    let mut said = String::new();
    let result = process::run(&mut cargo, BUILD_LIMIT, |line| match line {
        Line::Out(message) => {
            if let Some(name) = crate_name(&message) {
                // It ends only with this function.
                let _ = beats.send(name.to_owned());
            }
            program = executable(&message).or(program.take());
        }
        Line::Err(text) => said.extend([text.as_str(), "\n"]),
    });
    drop(beats);
    heartbeat.end();
    let status = result.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "cargo could not be started".to_owned(),
        _ => format!("building the lab: {error}"),
    })?;
    match program {
        Some(program) if status.success() => Ok(program),
        _ => Err(format!("the lab could not be built ({status}):\n{said}")),
    }
}

/// Whether cargo's own progress is to be seen instead.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Speaks while a build is under way.
struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    /// It hears the name of each crate that is there.
    fn start() -> (Self, Sender<String>) {
        let (sender, names) = channel::<String>();
        let begin = Instant::now();
        let thread = thread::spawn(move || {
            let mut crates = 0u32;
            let mut last = String::from("none yet");
            let mut next = begin + EVERY;
            loop {
                match names.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(name) => {
                        crates += 1;
                        last = name;
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        next += EVERY;
                        eprintln!("{}", progress(crates, &last, begin.elapsed()));
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        (Self(thread), sender)
    }

    fn end(self) {
        // It has nothing to say about its end.
        let _ = self.0.join();
    }
}

fn progress(crates: u32, last: &str, time: Duration) -> String {
    format!(
        "  building the lab: {crates} crates are there, the last one {last}, {} s",
        time.as_secs()
    )
}

/// The crate that one of cargo's messages says is built.
fn crate_name(message: &str) -> Option<&str> {
    const NAME: &str = "\"target\":{";
    if !message.starts_with("{\"reason\":\"compiler-artifact\"") {
        return None;
    }
    let target = message.split_once(NAME)?.1;
    text_behind(target, "\"name\":\"")
}

/// The program in one of cargo's messages.
fn executable(message: &str) -> Option<PathBuf> {
    text_behind(message, PROGRAM).map(|path| path.replace("\\\\", "\\").into())
}

fn text_behind<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = text.split_once(mark)?.1;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/ci/lab#0.1.0","target":{"kind":["bin"],"crate_types":["bin"],"name":"lab","src_path":"/w/ci/lab/src/main.rs"},"executable":"/w/target/release/lab","fresh":true}"#;

    #[test]
    fn cargos_messages_are_read() {
        assert_eq!(crate_name(MESSAGE), Some("lab"));
        assert_eq!(executable(MESSAGE), Some("/w/target/release/lab".into()));
        let library = MESSAGE.replace("\"/w/target/release/lab\"", "null");
        assert_eq!(executable(&library), None);
        assert_eq!(
            crate_name(r#"{"reason":"build-finished","success":true}"#),
            None
        );
    }

    #[test]
    fn progress_names_what_is_there() {
        assert_eq!(
            progress(7, "clap", Duration::from_secs(24)),
            "  building the lab: 7 crates are there, the last one clap, 24 s"
        );
    }

    #[test]
    fn a_failed_build_is_told_with_its_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken >&2; exit 3", "sh"]);
        let error = build(command).unwrap_err();
        assert!(error.contains("broken") && error.contains('3'), "{error}");
    }
}
