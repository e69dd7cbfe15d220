// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Serves the lab's requests, one at a time, until it goes away.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use guest_protocol::VERSION;
use guest_protocol::message::{
    Failure, Guest, Reply, Request, RunResult, StreamEvent, VideoDevice,
};
use guest_protocol::wire::{self, WireError};
use nix::time::{ClockId, clock_gettime};

use crate::device::Camera;
use crate::failure::{At, failure};
use crate::port::Port;
use crate::stream::Sink;
use crate::{camera_client, clock, follow, modules, run, stream};

/// The argument with which init starts itself again to serve requests.
pub const WORD: &str = "serve";

/// Where the kernel lists video devices.
const VIDEO: &str = "/sys/class/video4linux";

/// The program of the working process. The guest ends with it.
pub fn main() -> ExitCode {
    match Port::open().and_then(|mut port| serve(&mut port)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers requests until the lab asks for the guest's end or goes away.
fn serve(port: &mut (impl Read + Write)) -> Result<(), Failure> {
    while let Some(request) = wire::receive(port).map_err(broken)? {
        let last = matches!(request, Request::Poweroff);
        let reply = answer(request, port).unwrap_or_else(|failure| {
            eprintln!("agent: {failure}");
            Some(Reply::Failed(failure))
        });
        if let Some(reply) = reply {
            wire::send(port, &reply).map_err(broken)?;
        }
        if last {
            break;
        }
    }
    Ok(())
}

/// Does what was asked; `None` if the answers were sent already.
fn answer(request: Request, port: &mut impl Write) -> Result<Option<Reply>, Failure> {
    let reply = match request {
        Request::Hello { version } => {
            if version != VERSION {
                eprintln!("agent: the lab speaks version {version}, this is {VERSION}");
            }
            Reply::Hello(guest()?)
        }
        Request::Stream(request) => {
            stream::stream(&request, &mut ToPort(port))?;
            return Ok(None);
        }
        Request::Camera(request) => {
            camera_client::run(&request, &mut |event| {
                wire::send(port, &Reply::Camera(event)).map_err(broken)
            })?;
            return Ok(None);
        }
        Request::Run(request) => Reply::Ran(run::run(&request)?),
        Request::Follow { run, merged } => {
            let end = follow::follow(&run, merged, &mut |error, bytes| {
                wire::send(port, &Reply::Output { error, bytes }).map_err(broken)
            })?;
            Reply::Ran(RunResult {
                end,
                stdout: Vec::new(),
                stderr: Vec::new(),
            })
        }
        Request::ReadFile { path } => {
            let content = fs::read(&path).at(&format!("reading {path}"))?;
            if content.len() >= wire::MAX_MESSAGE - 16 {
                let text = format!("{path} has {} bytes, too many for a message", content.len());
                return Err(failure("read file", text));
            }
            Reply::Content(content)
        }
        Request::WriteFile {
            path,
            mode,
            content,
        } => {
            let step = format!("writing {path}");
            fs::write(&path, content).at(&step)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).at(&step)?;
            Reply::Ok
        }
        Request::LoadModule { path, parameters } => {
            let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
            let parameters = modules::with_carve_out(&path, &parameters, &command_line);
            modules::load(&path, &parameters)?;
            Reply::Ok
        }
        Request::UnloadModule { name } => {
            modules::unload(&name)?;
            Reply::Ok
        }
        Request::Clock => Reply::Clock {
            monotonic_ns: clock::monotonic_ns()?,
        },
        Request::Poweroff => Reply::Ok,
        Request::Panic => {
            wire::send(port, &Reply::Ok).map_err(broken)?;
            // The answer is on its way to the lab's side of the port; panics come at once.
            std::thread::sleep(Duration::from_millis(50));
            fs::write("/proc/sysrq-trigger", "c").at("writing /proc/sysrq-trigger")?;
            return Ok(None);
        }
    };
    Ok(Some(reply))
}

struct ToPort<'a, W>(&'a mut W);

impl<W: Write> Sink for ToPort<'_, W> {
    fn event(&mut self, event: StreamEvent) -> Result<(), Failure> {
        wire::send(self.0, &Reply::Stream(event)).map_err(broken)
    }
}

fn broken(error: WireError) -> Failure {
    use std::error::Error;
    let cause = error.source().map(|cause| format!(": {cause}"));
    failure(
        "talking to the lab",
        format!("{error}{}", cause.unwrap_or_default()),
    )
}

/// The guest as it is now.
fn guest() -> Result<Guest, Failure> {
    let uptime = clock_gettime(ClockId::CLOCK_BOOTTIME).at("reading the clock")?;
    let names = nix::sys::utsname::uname().at("uname")?;
    let report = std::env::var(modules::REPORT).unwrap_or_default();
    Ok(Guest {
        version: VERSION,
        kernel_release: names.release().to_string_lossy().into_owned(),
        uptime_ns: u64::try_from(Duration::from(uptime).as_nanos()).unwrap_or(u64::MAX),
        modules: modules::from_report(&report),
        video: video_devices(Path::new(VIDEO)),
    })
}

/// The capture devices that answer, by their number.
fn video_devices(class: &Path) -> Vec<VideoDevice> {
    let mut names: Vec<String> = fs::read_dir(class)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("video"))
        .collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    names
        .into_iter()
        .filter_map(|name| {
            let path = format!("/dev/{name}");
            let identity = Camera::open(&path).and_then(|camera| camera.identify());
            let identity = identity.ok()?;
            Some(VideoDevice {
                path,
                driver: identity.driver,
                card: identity.card,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_protocol::message::RunRequest;
    use std::collections::VecDeque;

    /// The lab's side: requests to be read, answers as they were written.
    #[derive(Default)]
    struct Lab {
        requests: VecDeque<u8>,
        answers: Vec<u8>,
    }

    impl Read for Lab {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.requests.read(buffer)
        }
    }

    impl Write for Lab {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            self.answers.write(buffer)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn ask(requests: &[Request]) -> Vec<Reply> {
        let mut lab = Lab::default();
        for request in requests {
            wire::send(&mut lab.requests, request).unwrap();
        }
        serve(&mut lab).unwrap();
        let mut answers = &lab.answers[..];
        std::iter::from_fn(|| wire::receive(&mut answers).unwrap()).collect()
    }

    #[test]
    fn every_request_has_its_answer_and_poweroff_is_the_last() {
        let argv = vec!["echo".to_owned(), "hi".to_owned()];
        let run = RunRequest {
            argv,
            deadline_ms: 60_000,
        };
        let replies = ask(&[
            Request::Hello { version: VERSION },
            Request::Run(run.clone()),
            Request::Poweroff,
            Request::Run(run),
        ]);
        assert_eq!(replies.len(), 3, "{replies:?}");
        assert!(
            matches!(&replies[0], Reply::Hello(guest) if guest.version == VERSION
            && guest.uptime_ns > 0 && !guest.kernel_release.is_empty())
        );
        assert!(matches!(&replies[1], Reply::Ran(result) if result.stdout == b"hi\n"));
        assert_eq!(replies[2], Reply::Ok);
    }

    #[test]
    fn files_go_both_ways() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tool").to_string_lossy().into_owned();
        let replies = ask(&[
            Request::WriteFile {
                path: path.clone(),
                mode: 0o755,
                content: b"#!/bin/sh\n".to_vec(),
            },
            Request::ReadFile { path: path.clone() },
            Request::ReadFile {
                path: format!("{path}.not"),
            },
        ]);
        assert_eq!(
            replies[..2],
            [Reply::Ok, Reply::Content(b"#!/bin/sh\n".to_vec())]
        );
        assert!(
            matches!(&replies[2], Reply::Failed(failure) if failure.errno == Some(libc::ENOENT))
        );
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn a_failed_request_does_not_end_the_service() {
        let unload = Request::UnloadModule {
            name: "no_such\0".into(),
        };
        let replies = ask(&[unload, Request::Poweroff]);
        assert!(matches!(&replies[0], Reply::Failed(_)));
        assert_eq!(replies[1], Reply::Ok);
    }
}
