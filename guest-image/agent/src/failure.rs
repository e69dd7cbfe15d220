// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Turns errors of the system into what the lab is told.

use guest_protocol::message::Failure;
use nix::errno::Errno;

/// A failure that no system call reported.
pub fn failure(step: &str, message: impl Into<String>) -> Failure {
    Failure {
        step: step.to_owned(),
        errno: None,
        message: message.into(),
    }
}

/// Adds what was being done to a system's error.
pub trait At<T> {
    /// Names the step.
    fn at(self, step: &str) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: &str) -> Result<T, Failure> {
        self.map_err(|errno| Failure {
            step: step.to_owned(),
            errno: Some(errno as i32),
            message: errno.to_string(),
        })
    }
}

impl<T> At<T> for Result<T, std::io::Error> {
    fn at(self, step: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            step: step.to_owned(),
            errno: error.raw_os_error(),
            message: error.to_string(),
        })
    }
}
