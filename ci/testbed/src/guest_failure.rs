// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a running guest can end other than well.

use std::process::ExitStatus;
use std::time::Duration;

use guest_protocol::message::Failure;
use guest_protocol::wire::WireError;

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum GuestFailure {
    /// The user ended the lab.
    #[error("interrupted")]
    Interrupted,
    /// An answer did not come.
    #[error("{what} did not come within {seconds} s{}", lines("the console's last lines", console), seconds = limit.as_secs())]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The end of the guest's console.
        console: Vec<String>,
    },
    /// The guest's kernel panicked.
    #[error("the guest's kernel panicked{}", lines("its last lines", console))]
    Panic {
        /// The console from the first sign of it on.
        console: Vec<String>,
    },
    /// QEMU ended.
    #[error(
        "QEMU ended ({status}){}{}",
        lines("it said", said),
        lines("the guest's console", console)
    )]
    QemuEnded {
        /// How.
        status: ExitStatus,
        /// What it said.
        said: Vec<String>,
        /// The end of the guest's console.
        console: Vec<String>,
    },
    /// The emulator ended.
    #[error("the emulator ended ({status}){}{}", in_guest(guest.as_ref()), lines("it said", said))]
    EmulatorEnded {
        /// How.
        status: ExitStatus,
        /// What the guest's client got, if it was streaming.
        guest: Option<Failure>,
        /// What it said.
        said: Vec<String>,
    },
    /// The guest could not do what it was asked for.
    #[error("in the guest: {0}")]
    Guest(#[from] Failure),
    /// The messages broke.
    #[error("the connection to the guest broke")]
    Wire(#[from] WireError),
    /// The guest answered something else than what was asked.
    #[error("the guest's agent answered {0}, which was not asked for")]
    Unexpected(String),
}

/// Lines under a headline; nothing at all if there are none.
fn lines(headline: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!("; {headline}:\n    {}", lines.join("\n    "))
}

fn in_guest(failure: Option<&Failure>) -> String {
    failure.map_or_else(String::new, |failure| {
        format!("; the guest's client got {failure}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_panic_shows_the_console() {
        let failure = GuestFailure::Panic {
            console: vec!["Kernel panic - not syncing".into(), "Rebooting".into()],
        };
        assert_eq!(
            failure.to_string(),
            "the guest's kernel panicked; its last lines:\n    Kernel panic - not syncing\n    Rebooting"
        );
    }

    #[test]
    fn a_dead_emulator_shows_what_the_guest_made_of_it() {
        let failure = GuestFailure::EmulatorEnded {
            status: ExitStatus::from_raw(9),
            guest: Some(Failure {
                step: "VIDIOC_DQBUF".into(),
                errno: Some(5),
                message: "EIO: I/O error".into(),
            }),
            said: Vec::new(),
        };
        assert_eq!(
            failure.to_string(),
            "the emulator ended (signal: 9 (SIGKILL)); the guest's client got VIDIOC_DQBUF: EIO: I/O error"
        );
    }
}
